# SPDX-License-Identifier: MIT
"""The tunnel costs a program no descriptor, no thread and no change of a socket's flags: twenty
connections at once, counted by strace, through a proxy with the library and straight without."""

import contextlib
import os
import re
import socket
import threading
from collections import Counter

import pytest

# Looks public; one for each of the workers that share the network.
SERVER = f"203.0.113.{200 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}"
PORT = 443
N = 20

# Each begins all of its connections before it waits for the first.
CLIENTS = {
    "epoll": """
import os, select, socket, sys
os.access("/begin", 0)
socks, ep = {}, select.epoll()
for _ in range(%d):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("%s", %d))
    ep.register(sock, select.EPOLLOUT)
    socks[sock.fileno()] = sock
while socks:
    for fd, events in ep.poll(20) or sys.exit("nothing comes"):
        if events & select.EPOLLOUT:
            assert socks[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            socks[fd].send(b"hello")
            ep.modify(fd, select.EPOLLIN)
        else:
            assert socks[fd].recv(100) == b"hello", events
            ep.unregister(fd)
            socks.pop(fd).close()
print("done")
""",
    "poll": """
import os, select, socket, sys
os.access("/begin", 0)
socks, po = {}, select.poll()
for _ in range(%d):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("%s", %d))
    po.register(sock, select.POLLOUT)
    socks[sock.fileno()] = sock
while socks:
    for fd, events in po.poll(20000) or sys.exit("nothing comes"):
        if events & select.POLLOUT:
            socks[fd].send(b"hello")
            po.modify(fd, select.POLLIN)
        else:
            assert socks[fd].recv(100) == b"hello", events
            po.unregister(fd)
            socks.pop(fd).close()
print("done")
""",
    "asyncio": """
import asyncio, os
os.access("/begin", 0)
async def one():
    reader, writer = await asyncio.open_connection("%s", %d)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await writer.wait_closed()
async def main():
    await asyncio.gather(*(one() for _ in range(%d)))
asyncio.run(main())
print("done")
""",
    "timeouts": """
import os, socket, threading
os.access("/begin", 0)
def one():
    sock = socket.create_connection(("%s", %d), timeout=20)
    sock.sendall(b"hello")
    assert sock.recv(100) == b"hello"
    sock.close()
threads = [threading.Thread(target=one) for _ in range(%d)]
[t.start() for t in threads]
[t.join() for t in threads]
print("done")
""",
}


class Listener:
    """Echoes; as a proxy, after it has granted whatever it is asked for, when all have asked."""

    def __init__(self, address, port, proxy=False):
        self.sock = socket.create_server((address, port), backlog=64)
        self.port = self.sock.getsockname()[1]
        self.all_there = threading.Barrier(N) if proxy else None
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self.sock.accept()
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, threading.BrokenBarrierError), connection:
            if self.all_there:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(4096) or b"\r\n\r\n"
                self.requests.append(request)
                self.all_there.wait(20)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while data := connection.recv(4096):
                connection.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@pytest.fixture
def listen():
    started = []

    def start(*args, **options):
        started.append(Listener(*args, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")
COMMAND = re.compile(r"F_\w+|FIONBIO")

# What the library may do more often than the program: the handshake's own calls, all on the program's
# sockets, and looks at clocks and masks.
ITS_OWN = "getsockopt setsockopt sendmsg recvfrom poll ppoll epoll_ctl epoll_wait epoll_pwait".split()
ITS_OWN += "rt_sigprocmask clock_gettime getpid getppid connect select pselect6 recvmsg".split()
ITS_OWN += ["fcntl F_GETFL", "fcntl F_GETFD", "sched_yield", "nanosleep"]  # (between threads)
TABLES = 10  # of the library, mapped with the first connection
# What depends on timing, whoever runs.
MOODS = "futex read write restart_syscall brk munmap mprotect madvise".split()


def counted(run, lib, program, env, directory):
    """(result, how often each system call was made after the program had begun)"""
    trace = directory / ("preloaded" if lib else "plain")
    preload = ["-E", f"LD_PRELOAD={lib}"] if lib else []
    # (One arena: for another one, which threads want when they meet, malloc reads how many CPUs there are.)
    preload += ["-E", "MALLOC_ARENA_MAX=1"]
    words = ["strace", "-f", "-o", trace, *preload, "/usr/bin/python3", "-S", "-E", "-c", program]
    result = run(words, env)
    lines = trace.read_text().splitlines()
    # not what the loader and the interpreter do: that is another test's matter
    start = next(i for i, line in enumerate(lines) if '"/begin"' in line)
    counts = Counter()
    for name, args in (m.groups() for m in map(LINE.match, lines[start:]) if m):
        command = COMMAND.search(args) if name in ("fcntl", "ioctl") else None
        counts[f"{name} {command[0]}" if command else name] += 1
    return result, counts


@pytest.mark.parametrize("client", CLIENTS)
def test_a_tunnel_takes_no_descriptor(client, run, lib, listen, tmp_path):
    target = (SERVER, PORT)
    program = CLIENTS[client] % ((*target, N) if client in ("asyncio", "timeouts") else (N, *target))
    server, proxy = listen(SERVER, PORT), listen("127.0.0.1", 0, proxy=True)
    plain, plain_counts = counted(run, None, program, {}, tmp_path)
    assert (plain.status, plain.stdout) == (0, "done\n"), plain.stderr
    env = {"https_proxy": f"http://127.0.0.1:{proxy.port}"}
    result, counts = counted(run, lib, program, env, tmp_path)
    assert (result.status, result.stdout) == (0, "done\n"), result.stderr
    assert proxy.requests == [b"CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n" % ((SERVER.encode(),) * 2)] * N
    assert server.port == PORT
    changed = counts.copy()
    changed.subtract(plain_counts)
    mapped = changed.pop("mmap", 0)
    assert mapped <= TABLES or client == "timeouts"  # a heap and a stack for each thread, or not
    assert not {name: n for name, n in changed.items() if n and name not in ITS_OWN + MOODS}
    assert counts["connect"] >= N  # it is those that were counted


def test_a_descriptor_more_would_show(run, lib, listen, tmp_path):
    """The comparison is not blind."""
    env = {"https_proxy": f"http://127.0.0.1:{listen('127.0.0.1', 0, proxy=True).port}"}
    program = CLIENTS["epoll"] % (N, SERVER, PORT)
    more = program.replace("sock.connect_ex", "sock.setblocking(False); sock.dup().close(); sock.connect_ex")
    assert more != program
    _, counts = counted(run, lib, program, env, tmp_path)
    (tmp_path / "more").mkdir()
    _, other = counted(run, lib, more, env, tmp_path / "more")
    changed = {name for name in other if other[name] >= counts[name] + N}
    assert {"ioctl FIONBIO", "fcntl F_DUPFD_CLOEXEC", "close"} <= changed
