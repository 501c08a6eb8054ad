# SPDX-License-Identifier: MIT
"""Nothing else changes: without a proxy a program does, call by call, what it does without us, and reads
the same environment."""

import contextlib
import difflib
import functools
import os
import re
import shutil
import socket
import threading
from collections import Counter

import pytest

BODY = b"hello from here\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY


class Server:
    """Answers every request on a port of its own, always in one piece."""

    def __init__(self, address="127.0.0.1", family=socket.AF_INET):
        both = address == "::"
        self.sock = socket.create_server((address, 0), family=family, backlog=64, dualstack_ipv6=both)
        self.port = self.sock.getsockname()[1]
        self.requests = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self.sock.accept()
                with contextlib.suppress(OSError), connection:
                    self.answer(connection)

    def answer(self, connection):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            data = connection.recv(65536)
            if not data:
                return
            request += data
        self.requests += 1
        connection.sendall(ANSWER)
        connection.recv(1)  # until the client has closed: it must not meet a reset

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@pytest.fixture
def serve():
    started = []

    def start(*address):
        started.append(Server(*address))
        return started[-1]

    yield start
    for one in started:
        one.close()


# The system calls

PYTHON = """
import os, subprocess, sys, urllib.request
print(sorted(k for k in os.environ if "PROXY" in k.upper() or k.startswith("HF")))
print(urllib.request.urlopen(sys.argv[1]).read())
print(subprocess.check_output(["/bin/echo", "a child"]))
os.environ["SOME_VARIABLE"] = "x"
try:
    urllib.request.urlopen("http://127.0.0.1:1/")
except OSError as error:
    print(error)
"""
NODE = """
const http = require("http");
console.log(Object.keys(process.env).filter(k => /proxy/i.test(k)));
http.get(process.argv[1], r => r.on("data", d => process.stdout.write(d)));
"""
PROGRAMS = {
    "python": ["/usr/bin/python3", "-c", PYTHON],
    "curl": ["/usr/bin/curl", "-sS", "--no-progress-meter"],
    "node": [shutil.which("node"), "-e", NODE],
}

# What depends on timing or on the machine's mood, whoever runs: waiting, the scheduler, the clock. The
# heap's own calls too (below), as its layout depends on hashes of addresses.
MOODS = "poll ppoll select pselect6 epoll_wait epoll_pwait futex restart_syscall sched_yield sysinfo".split()
MOODS += "clock_gettime clock_nanosleep nanosleep getrusage times rt_sigtimedwait wait4 getrandom".split()
# In a program with many threads also what each has of its own, and memory: which of them takes a
# task, and so allocates, is chance.
THREADS = "mmap munmap mprotect madvise brk mremap clone clone3 set_robust_list rseq prctl exit".split()
THREADS += "rt_sigprocmask sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler gettid".split()
THREADS += "getpid set_tid_address sigaltstack rt_sigaction tgkill".split()
THREADS += "read write".split()  # of eventfds by which they wake each other, of /proc/self/maps
THREADS += ["close"]  # some end with the process before they come to it
PIDS = "getpid getppid gettid set_tid_address fork vfork clone clone3".split()  # what these return
CREATION = re.compile(r"(?:vfork|fork|clone3?)\(.* = (\d+)$")
LINE = re.compile(r"([a-z0-9_]+)\((.*)\) += (.*)")


def traced(run, lib, argv, directory):
    """The program's result, and for each of its processes and threads, in order of creation, the
    lines that strace wrote. LIB is None for a plain run."""
    directory.mkdir()
    preload = ["-E", f"LD_PRELOAD={lib}"] if lib else []
    words = ["strace", "-ff", "-e", "signal=none", "-o", directory / "of", *preload, *argv]
    result = run(words, cwd=directory.parent / "empty")
    lines = {path.suffix[1:]: path.read_text().splitlines() for path in directory.iterdir()}
    made = {pid: [m[1] for m in map(CREATION.match, lines[pid]) if m] for pid in lines}
    (first,) = set(lines) - {child for children in made.values() for child in children}
    order = [first]
    for pid in order:  # which grows; the numbers tell no order, as they begin anew at some point
        order += made[pid]
    return result, [lines[pid] for pid in order]


def without_loading(lines):
    """The dynamic loader's calls, each time that a program is started, become a list of the files that
    it opened; what the library itself makes it load is left out."""
    kept, loads = [], None
    for line in lines:
        if line.startswith("execve("):
            loads = []
            kept.append(re.sub(r", 0x[0-9a-f]+ /\* \d+ vars \*/", "", line))
        elif loads is None:
            kept.append(line)
        elif line.startswith("munmap("):  # of ld.so.cache: the last one
            kept.append(f"loads {sorted(loads)}")
            loads = None
        elif line.startswith("openat(") and not re.search(r"/(libhfproxy\.so|libdl\.so\.2)\"", line):
            loads.append(line.split('"')[1])
    return kept


def normal(lines, port, left_out):
    """Without what differs from one run to the next of the same program."""
    found = []
    for line in lines:
        match = LINE.match(line)
        if not match:  # "loads", "+++ exited"
            found.append(line)
            continue
        name, args, result = match.groups()
        is_traffic = "GET /" in args or "HTTP/1.1" in args
        # curl does it each time round its loop
        is_mood = name in left_out or (name == "rt_sigaction" and args.startswith("SIGPIPE"))
        is_heap = name in ("brk", "munmap") or (name == "mmap" and "MAP_ANONYMOUS" in args)
        if is_heap or "EAGAIN" in result or (is_mood and not is_traffic):
            continue
        text = f"{name}({args}) = {'PID' if name in PIDS else result}"
        text = re.sub(r"0x[0-9a-f]+", "ADDRESS", text)
        text = re.sub(r"htons\((\d+)\)", lambda m: m[0] if m[1] in (port, "1") else "htons(ANY)", text)
        text = re.sub(r"(?<=pid=)\d+|(?<=tid=\[)\d+", "PID", text)
        found.append(text)
    return found


def calls(run, lib, program, url, directory):
    """(output, calls): the calls of one thread in their order, those of several as a multiset."""
    result, threads = traced(run, lib, [*PROGRAMS[program], url], directory)
    port = url.rpartition(":")[2].strip("/")
    if program != "node":
        found = [normal(without_loading(lines), port, MOODS) for lines in threads]
    else:
        every = [line for lines in threads for line in without_loading(lines)]
        found = Counter(normal(every, port, MOODS + THREADS))
    return (result.status, result.stdout, result.stderr), found


def difference(plain, preloaded):
    if isinstance(plain, Counter):
        lost, gained = plain - preloaded, preloaded - plain
        return [f"-{line}" for line in lost.elements()] + [f"+{line}" for line in gained.elements()]
    assert len(plain) == len(preloaded)  # processes and threads
    pairs = zip(plain, preloaded, strict=True)
    return [line for pair in pairs for line in difflib.unified_diff(*pair, lineterm="")]


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_a_proxy_every_call_is_the_same(program, run, lib, serve, tmp_path):
    url = f"http://127.0.0.1:{serve().port}/"
    (tmp_path / "empty").mkdir()
    plain, plain_calls = calls(run, None, program, url, tmp_path / "plain")
    preloaded, preloaded_calls = calls(run, lib, program, url, tmp_path / "preloaded")
    assert (plain[0], plain[2]) == (0, "") and BODY.decode().strip() in plain[1]
    assert preloaded == plain
    changed = difference(plain_calls, preloaded_calls)
    assert not changed, "\n".join(changed)


def test_the_difference_would_show(run, lib, serve, tmp_path):
    """With a proxy configured the library does more, and that is seen: the comparison is not blind."""
    url = f"http://127.0.0.1:{serve().port}/"
    (tmp_path / "empty").mkdir()
    _, plain = calls(run, None, "curl", url, tmp_path / "plain")
    with_proxy = functools.partial(run, env={"https_proxy": "http://127.0.0.1:9"})
    _, other = calls(with_proxy, lib, "curl", url, tmp_path / "proxy")
    assert any("AF_NETLINK" in line for line in difference(plain, other) if line.startswith("+"))


# The environment

WITHOUT_A_PROXY = {
    "EMPTY": "",
    "HTTP_PROXY_PORT": "3128",
    "all_proxies": "none",
    "BYTES": "\udcff\udcc3",
    "NO_COLOR": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LAST": "a=b",
}
ENTRIES = {
    "python": ["/usr/bin/python3", "-c", "import os; print([*os.environb.items()])"],
    "sh": ["/bin/sh", "-c", "exec env"],
    "bash": ["/bin/bash", "-c", "exec env"],
    "node": ["node", "-e", "console.log(Object.entries(process.env))"],
}


@pytest.mark.parametrize("log", [None, "log"])
@pytest.mark.parametrize("program", ENTRIES)
def test_without_a_proxy_the_environment_is_the_same(program, log, run, lib, tmp_path):
    """In the same order, too; where the library is told to write down what it does, it does nothing."""
    env = WITHOUT_A_PROXY | {"LD_PRELOAD": "libm.so.6", "HFPROXY_LOG": log and tmp_path / log}
    plain = run(ENTRIES[program], env)
    preloaded = run(ENTRIES[program], env | {"LD_PRELOAD": lib})
    assert (plain.status, plain.stderr) == (preloaded.status, preloaded.stderr) == (0, "")
    assert "LAST" in plain.stdout
    assert preloaded.stdout == plain.stdout.replace("libm.so.6", str(lib))
    assert not (tmp_path / "log").exists()


def test_with_a_proxy_it_is_not(run, lib, tmp_path):
    """The control."""
    env = {"https_proxy": "http://127.0.0.1:9", "HFPROXY_LOG": tmp_path / "log"}
    words = ["/usr/bin/python3", "-c", "import socket; socket.socket().connect(('203.0.113.5', 443))"]
    plain, preloaded = run(ENTRIES["sh"], env), run(ENTRIES["sh"], env, "preload")
    assert set(preloaded.stdout.split()) - set(plain.stdout.split()) - {f"LD_PRELOAD={lib}"}
    run(words, env, "preload")
    assert (tmp_path / "log").read_text()
