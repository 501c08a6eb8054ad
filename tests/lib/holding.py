# SPDX-License-Identifier: MIT
"""What shows that a program's connections overlap and that its event loop never stands still,
whatever the machine's speed. Nothing here sleeps: whoever waits, waits for an event.

  Holding   an HTTP proxy that answers no CONNECT before the test says so
  Beats     a web server at a loopback address, to be asked by the same event loop meanwhile

Both run in a thread of the test. Standard library only.
"""

import asyncio
import contextlib
import threading

OUTGOING = "127.0.0.2"  # as the proxies of proxies.py have it
REPLY = b"HTTP/1.1 200 Connection established\r\n\r\n"
HALF = len(REPLY) // 2


class Server:
    """A server on a free port of 127.0.0.1, with an event loop and a thread of its own, and a
    condition by which that thread tells the test what has come about."""

    def __init__(self):
        self.changed = threading.Condition()
        self.client_is_gone = False
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        starting = asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=1024)
        self.server = asyncio.run_coroutine_threadsafe(starting, self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def accept(self, reader, writer):
        # A client that goes away early is not our failure: the test sees what it brought home.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                await self.serve(head, reader, writer)
            finally:
                writer.close()

    def count(self, name):
        with self.changed:
            setattr(self, name, getattr(self, name) + 1)
            self.changed.notify_all()

    def give_up(self, *_):
        """There is no use in waiting any longer."""
        with self.changed:
            self.client_is_gone = True
            self.changed.notify_all()

    def wait(self, condition, seconds):
        with self.changed:
            self.changed.wait_for(lambda: condition() or self.client_is_gone, seconds)
            return condition()

    def close(self):
        async def end():
            self.server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        if self.thread.is_alive():
            asyncio.run_coroutine_threadsafe(end(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


class Holding(Server):
    """ADDRESSES: host name -> address. `targets` has what every CONNECT asked for; those to the
    hosts in FREE are not held."""

    def __init__(self, addresses, free=()):
        self.addresses, self.free, self.targets, self.held = addresses, free, [], 0
        self.half, self.whole = asyncio.Event(), asyncio.Event()
        super().__init__()

    async def serve(self, head, reader, writer):
        method, target = head.decode("latin-1").split()[:2]
        self.targets.append(target if method == "CONNECT" else f"{method} {target}")
        host, _, port = target.rpartition(":")
        if host not in self.free:
            self.count("held")
            await self.half.wait()
            writer.write(REPLY[:HALF])
            await self.whole.wait()
        there = self.addresses.get(host, host)
        source, sink = await asyncio.open_connection(there, int(port), local_addr=(OUTGOING, 0))
        writer.write(REPLY if host in self.free else REPLY[HALF:])
        try:
            await asyncio.gather(copy(reader, sink), copy(source, writer))
        finally:
            sink.close()

    def wait_until_held(self, count, seconds):
        together = self.wait(lambda: self.held >= count, seconds)
        assert together, f"only {self.held} of {count} connections were tried together"

    def send_half(self):
        """The first half of the reply to everyone, and to all who come later."""
        self.loop.call_soon_threadsafe(self.half.set)

    def release(self):
        """To all, whole, at once, now and later."""
        self.send_half()
        self.loop.call_soon_threadsafe(self.whole.set)


async def copy(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()


class Beats(Server):
    """Its one page answers, when the test says so, with a redirection to itself: the next request
    for it shows that the client's event loop took the answer, and made and used a new connection."""

    STOP = b"stop\n"

    def __init__(self):
        self.asked, self.answered = 0, 0
        self.permits, self.stopped = asyncio.Queue(), asyncio.Event()
        super().__init__()
        self.url += "/beat"

    async def serve(self, head, reader, writer):
        self.count("asked")
        waits = [asyncio.ensure_future(one) for one in (self.stopped.wait(), self.permits.get())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        status, body = b"302 Found\r\nLocation: /beat", b""
        if self.stopped.is_set():
            status, body = b"200 OK", self.STOP
        fields = b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 " + status + fields + body)
        await writer.drain()

    def beat(self, seconds):
        """Lets the client have one answer, and waits until it asks again."""
        assert self.wait(lambda: self.asked > self.answered, seconds), "the event loop asks nothing"
        self.answered += 1
        self.loop.call_soon_threadsafe(self.permits.put_nowait, None)
        assert self.wait(lambda: self.asked > self.answered, seconds), "the event loop stands still"

    def stop(self):
        """The page is to be had from now on."""
        self.loop.call_soon_threadsafe(self.stopped.set)
