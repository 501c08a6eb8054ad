// SPDX-License-Identifier: MIT
// node connects.js COUNT: so many connects at once to the far end, on Node's own event loop. Prints
// the seconds from the first connect() to the last 'connect' event (by hand: to the last reply).
// BENCH_BY_HAND and BENCH_EXPECTED as in client.c.
"use strict";
const net = require("net");

const count = Number(process.argv[2]);
const { BENCH_BY_HAND: port, BENCH_EXPECTED: expected } = process.env;
const far = { host: "203.0.113.10", port: 443 };
const request = `CONNECT ${far.host}:${far.port} HTTP/1.1\r\nHost: ${far.host}:${far.port}\r\n\r\n`;
const sockets = [];
let left = count;
let start;

function fail(what) {
    console.error(`connects.js: ${what}`);
    process.exit(1);
}

function check() {
    const last = sockets[sockets.length - 1];
    last.once("data", (answer) => {
        if (answer.toString() !== expected) fail(`reached another way: ${answer}`);
        process.exit(0);
    });
    last.write("who\n");
}

function connected() {
    if (--left > 0) return;
    console.log(((performance.now() - start) / 1000).toFixed(9));
    check();
}

function connectByHand() {
    const socket = net.connect({ host: "127.0.0.1", port: Number(port) });
    let reply = "";
    socket.on("connect", () => socket.write(request));
    socket.on("data", function take(bytes) {
        reply += bytes;
        if (!reply.includes("\r\n\r\n")) return;
        if (!reply.startsWith("HTTP/1.1 200")) fail("the proxy refused");
        socket.off("data", take);
        connected();
    });
    return socket;
}

setTimeout(() => fail("too slow"), 120000).unref();
start = performance.now();
for (let i = 0; i < count; i++) {
    const socket = port ? connectByHand() : net.connect(far, connected);
    socket.on("error", (error) => fail(error.message));
    sockets.push(socket);
}
