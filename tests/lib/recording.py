# SPDX-License-Identifier: MIT
"""A proxy in a thread of the test that takes down what user and password it is given, byte for byte, and
does with every client what its MODE says:

  accept   the tunnel stands; nothing comes out of it
  refuse   407, or SOCKS status 1: user and password are wrong
  echo     the same, and an HTTP proxy says back whom it refuses, in every place that has room for it
  garbage  an answer that is none
  stall    no answer
  other    answers an HTTP client as SOCKS5 has it, and the other way round

HTTP, SOCKS5 and SOCKS4, told apart by the first byte that comes. Standard library only.
"""

import asyncio
import base64
import contextlib
import re

from holding import Server

SOCKS4, SOCKS5 = 4, 5
GRANTED5 = b"\x05\x00\x00\x01" + bytes(6)
GRANTED4 = b"\x00\x5a" + bytes(6)
GARBAGE = b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n"


class Recording(Server):
    """`logins`: b"user:password" of each client that got so far (SOCKS4: b"user"), None if it had none.
    `requests`: what it then asked for, to the byte; of SOCKS4 without the user."""

    def __init__(self, mode="accept"):
        self.mode, self.logins, self.requests = mode, [], []
        super().__init__()

    async def accept(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                first = await reader.readexactly(1)
                serve = {SOCKS4: self.socks4, SOCKS5: self.socks5}.get(first[0], self.http)
                await serve(first, reader, writer)
                await reader.read()  # until the client has had enough
            finally:
                writer.close()

    async def http(self, head, reader, writer):
        while b"\r\n\r\n" not in head and (more := await reader.read(65536)):
            head += more
        found = re.findall(rb"(?im)^proxy-authorization: basic (\S*)\r$", head)
        self.logins.append(base64.b64decode(found[0], validate=True) if found else None)
        self.requests.append(head)
        writer.write(self.http_answer(*found))

    def http_answer(self, encoded=b""):
        refusal = b'HTTP/1.1 407 %s\r\nProxy-Authenticate: Basic realm="%s"\r\nX-Login: %s\r\n\r\n%s'
        login = encoded + b" " + re.sub(rb"[\r\n]", b" ", self.logins[-1] or b"")
        return {
            "accept": b"HTTP/1.1 200 OK\r\n\r\n",
            "refuse": refusal % (b"No", b"r", b"", b""),
            "echo": refusal % (login, login.replace(b'"', b'\\"'), login, login),
            "garbage": GARBAGE,
            "stall": b"",
            "other": b"\x05\xff",
        }[self.mode]

    async def socks5(self, _, reader, writer):
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        answers = {"garbage": GARBAGE, "stall": b"", "other": b"HTTP/1.1 400 Bad Request\r\n\r\n"}
        if self.mode in answers:
            return writer.write(answers[self.mode])
        if 2 not in methods:
            self.logins.append(None)
            writer.write(b"\x05\x00")
        else:
            writer.write(b"\x05\x02")
            assert await reader.readexactly(1) == b"\x01"
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            self.logins.append(user + b":" + password)
            if self.mode != "accept":
                return writer.write(b"\x01\x01")
            writer.write(b"\x01\x00")
        self.requests.append(await reader.readexactly(4) + await reader.read(65536))
        writer.write(GRANTED5)

    async def socks4(self, first, reader, writer):
        head = first + await reader.readexactly(7)
        self.logins.append((await reader.readuntil(b"\0"))[:-1])
        self.requests.append(head + await reader.readuntil(b"\0"))  # of SOCKS4a: a name
        writer.write(GRANTED4)
