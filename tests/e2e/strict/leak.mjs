// SPDX-License-Identifier: MIT
// Tries what a Node program can try, and prints what came of it.
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";

const done = (what) => (error, value) => console.log(what, error ? error.code : value);
const tcp = (host, port) =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 2000 });
    const end = (what) => () => resolve(console.log("tcp", host, what), socket.destroy());
    socket.on("connect", end("connected")).on("timeout", end("timeout"));
    socket.on("error", (error) => end(error.code)());
  });

for (const [host, port] of [["10.1.2.3", 443], ["203.0.113.5", 9000], ["x.test", 9000]]) await tcp(host, port);
const socket = dgram.createSocket("udp4");
await new Promise((resolve) => socket.send("x", 53, "203.0.113.5", (error) => resolve(done("udp")(error, "sent"))));
socket.close();
const resolver = new dns.promises.Resolver({ timeout: 300, tries: 1 });
for (const what of ["resolve4", "resolveTxt"])
  await resolver[what]("x.test").then((found) => done(what)(null, found), done(what));
