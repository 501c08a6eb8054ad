// SPDX-License-Identifier: MIT
// connect.mjs HOST PORT TIMES: as connect.py, by Node.
import { connect } from "node:net";

const [host, port, times] = process.argv.slice(2);
for (let i = 0; i < Number(times); i++) {
    const answer = await new Promise((resolve) => {
        const socket = connect({ host, port }, () => socket.write("ping"));
        socket.on("data", (data) => { socket.destroy(); resolve(data.toString()); });
        socket.on("error", (error) => resolve(error.code));
    });
    console.log(answer);
}
