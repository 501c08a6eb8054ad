#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A scripted fake proxy: does to each connection what it is told, and records what it got.

    badproxy.py [--record FILE] [--to HOST:PORT] SCRIPT [SCRIPT...]

The first connection is served by the first SCRIPT, and so on; the last one serves the rest.
It prints its port, and serves until SIGTERM or until the pipe on its standard input closes.

A SCRIPT is [MODIFIER,...]ACTION. Actions before any request is read:

  refuse      nobody listens on the port (only as the one and only SCRIPT)
  blackhole   the TCP connect itself gets no answer (likewise)
  close-now   closes at once; reset-now sends a TCP reset

Actions after a whole request (or the first 64 KiB):

  echo        accepts the tunnel, then plays a server that sends back what it gets
  early       the same, but the server speaks first, in the same segment as the reply
  tunnel      accepts, and connects to what was asked for (to --to HOST:PORT if given)
  hang        never answers; close and reset end the connection without an answer
  half        begins an answer, then closes
  garbage     what is not HTTP; ssh: what an SSH server says
  no-reason   `HTTP/1.1 200` without a reason phrase, then as echo
  204         another success, with header fields that announce a body; then as echo
  big-ok      a success with 60 KiB of header fields, then as echo
  too-big     header fields that go on for 1 MiB
  407-basic 407-ntlm 407-negotiate 407-digest 407-bare
              a password is wanted; needs USER:PASSWORD answers like that unless it came
  NNN         any status of three digits, with a short page, then closes

Modifiers: delay=SECONDS before the answer; trickle sends it a byte at a time.

FILE gets a JSON object a line, written before the answer leaves: {"conn": N, "event":
"open"|"request"|"data"|"eof"|"error", "bytes": "..."}; a character is a byte (latin-1).
Standard library only.
"""

import argparse
import asyncio
import base64
import json
import re
import signal
import socket
import struct

from serving import end_of_input

LIMIT = 64 * 1024
EARLY = b"220 early.test ready\r\n"
PAGE = b"<html>refused by badproxy</html>\n"
OK = b"HTTP/1.1 200 Connection established\r\n"
SCHEMES = {
    "basic": b'Proxy-Authenticate: Basic realm="bad"\r\n',
    "ntlm": b"Proxy-Authenticate: NTLM\r\n",
    "negotiate": b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n",
    "digest": b'Proxy-Authenticate: Digest realm="bad", nonce="1", qop="auth"\r\n',
    "bare": b"",
}


def refusal(status, fields=b""):
    line = b"HTTP/1.1 %d Badproxy says so\r\n" % status
    return line + fields + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE


def padding(size):
    line = b"X-Padding: " + b"x" * 1011 + b"\r\n"  # 1 KiB each
    return line * (size // len(line))


def answer(action, request):
    """(bytes to send, what to do then)."""
    if action.startswith("needs "):
        credentials = base64.b64encode(action[6:].encode())
        wanted = rb"(?im)^proxy-authorization: basic " + re.escape(credentials) + rb"\r$"
        action = "echo" if re.search(wanted, request) else "407-basic"
    if re.fullmatch(r"\d{3}", action) and action != "204":
        return refusal(int(action)), "close"
    if action.startswith("407-"):
        return refusal(407, SCHEMES[action[4:]]), "close"
    return {
        "echo": (OK + b"\r\n", "echo"),
        "early": (OK + b"\r\n" + EARLY, "echo"),
        "tunnel": (b"", "tunnel"),
        "hang": (b"", "hang"),
        "close": (b"", "close"),
        "reset": (b"", "reset"),
        "half": (OK[:17], "close"),
        "garbage": (b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n", "close"),
        "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "hang"),
        "no-reason": (b"HTTP/1.1 200\r\n\r\n", "echo"),
        "204": (
            b"HTTP/1.1 204 x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
            "echo",
        ),
        "big-ok": (OK + padding(60 * 1024) + b"\r\n", "echo"),
        "too-big": (OK + padding(1024 * 1024), "hang"),
    }[action]


class Connection:
    def __init__(self, proxy, number, script, reader, writer):
        self.proxy, self.number = proxy, number
        self.reader, self.writer = reader, writer
        *modifiers, self.action = script.split(",")
        settings = dict(m.partition("=")[::2] for m in modifiers)
        self.delay = float(settings.get("delay", 0))
        self.trickle = "trickle" in settings

    def record(self, event, data=b""):
        self.proxy.record({"conn": self.number, "event": event, "bytes": data.decode("latin-1")})

    def reset(self):
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def read_request(self):
        request = b""
        while b"\r\n\r\n" not in request and len(request) < LIMIT:
            data = await self.reader.read(LIMIT)
            if not data:
                break
            request += data
        return request

    async def send(self, data):
        step = 1 if self.trickle else len(data) or 1
        for i in range(0, len(data), step):
            self.writer.write(data[i : i + step])
            await self.writer.drain()

    async def serve(self):
        self.record("open")
        if self.action == "reset-now":
            return self.reset()
        if self.action == "close-now":
            return
        request = await self.read_request()
        self.record("request", request)
        await asyncio.sleep(self.delay)
        reply, then = answer(self.action, request)
        if then == "tunnel":
            return await self.tunnel(request)
        if then == "reset":
            return self.reset()
        await self.send(reply)
        while then != "close":
            data = await self.reader.read(LIMIT)
            self.record("data" if data else "eof", data)
            if not data:
                return
            if then == "echo":
                self.writer.write(data)
                await self.writer.drain()

    async def tunnel(self, request):
        target = self.proxy.to or request.split()[1].decode()
        host, _, port = target.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError:
            return await self.send(refusal(502))
        await self.send(OK + b"\r\n")

        async def copy(source, sink):
            while data := await source.read(LIMIT):
                sink.write(data)
                await sink.drain()
            sink.write_eof()

        try:
            await asyncio.gather(copy(self.reader, writer), copy(reader, self.writer))
        finally:
            writer.close()


class BadProxy:
    def __init__(self, scripts, to, path):
        self.scripts, self.to = scripts, to
        self.file = open(path, "a") if path else None
        self.connections = 0

    def record(self, entry):
        if self.file:
            print(json.dumps(entry), file=self.file, flush=True)

    async def accept(self, reader, writer):
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        connection = Connection(self, self.connections, script, reader, writer)
        self.connections += 1
        try:
            await connection.serve()
        except OSError as error:
            connection.record("error", str(error).encode())
        finally:
            writer.close()

    async def run(self):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        if self.scripts == ["blackhole"]:
            # A full queue: the kernel drops what else knocks. (0 leaves room for one.)
            sock.listen(0)
            self.queued = socket.create_connection(("127.0.0.1", port))
        elif self.scripts != ["refuse"]:
            self.server = await asyncio.start_server(
                self.accept, sock=sock, backlog=1024, limit=LIMIT
            )
        print(port, flush=True)
        await end_of_input()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", metavar="FILE", help="what was received")
    parser.add_argument("--to", metavar="HOST:PORT", help="where tunnels lead, whatever was asked")
    parser.add_argument("scripts", nargs="+", metavar="SCRIPT")
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(BadProxy(args.scripts, args.to, args.record).run())


if __name__ == "__main__":
    main()
