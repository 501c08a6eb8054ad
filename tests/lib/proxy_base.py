# SPDX-License-Identifier: MIT
"""What the real proxies of proxies.py have in common: a process that is started on a free port,
watched, stopped, and whose log is read. Standard library only."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

NOBODY = 65534
START_SECONDS = 30


@dataclass(frozen=True)
class Seen:
    """One request as the proxy logged it. STATUS is what the proxy answered; tinyproxy logs
    none, so there it is 200 where a connection to HOST came about, else None."""

    method: str
    host: str
    port: int
    status: int | None
    client: str


def as_user():
    """What to put before a proxy's command line so that it runs without root's rights (squid
    refuses to have them) and dies with us; and which user its files must belong to."""
    setpriv = ["setpriv", "--pdeathsig=KILL"]
    if os.geteuid() != 0:
        return setpriv, None
    with open("/proc/self/uid_map") as uid_map:
        everyone_is_mapped = int(uid_map.read().split()[2]) > NOBODY
    if everyone_is_mapped:
        return [*setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"], NOBODY
    return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", *setpriv], None


def free_port(address):
    with socket.socket() as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


def wait_for(condition, seconds):
    """Whether CONDITION came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def split_target(method, target):
    """(host, port) of a request line's target: authority for CONNECT, else an absolute URL."""
    scheme = ""
    if method != "CONNECT":
        scheme, _, target = target.partition("://")
        target = target.partition("/")[0]
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit():
        host, port = target, 443 if scheme == "https" else 80
    return host.strip("[]"), int(port)


class Proxy:
    """A proxy that runs from __init__ to stop(). HOSTS is a file as /etc/hosts, the only names
    it can resolve where there is no DNS. With USER it demands Basic authentication."""

    def __init__(self, hosts, user=None, password=None, address="127.0.0.1", port=None):
        self.hosts, self.user, self.password, self.address = hosts, user, password, address
        # Not pytest's tmp_path, which only its owner can enter. Removed at exit at the latest.
        self.temporary = tempfile.TemporaryDirectory(prefix=f"hfproxy-{self.name}-")
        self.directory = Path(self.temporary.name)
        self.log = self.directory / "log"
        self.log.touch()
        shutil.copy(hosts, self.directory / "hosts")
        for _ in range(5):  # another process may take the port that was free
            self.port = port or free_port(address)
            self.start()
            if self.is_ready():
                return
        output = self.output()
        self.remove()
        raise RuntimeError(f"{self.name} did not start:\n{output}")

    def start(self):
        command = self.prepare()
        prefix, owner = as_user()
        if owner is not None:
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, owner, owner)
        with open(self.directory / "output", "ab") as output:
            self.process = subprocess.Popen(
                prefix + command,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self):
        login = f"{quote(self.user)}:{quote(self.password, safe='')}@" if self.user else ""
        return f"http://{login}{self.address}:{self.port}"

    def output(self):
        return (self.directory / "output").read_text() + self.log.read_text()

    def is_ready(self):
        """False if it does not run: a wrong setting, or somebody else took the port."""
        wait_for(lambda: not self.runs() or self.listens(), START_SECONDS)
        return self.runs() and self.listens()

    def runs(self):
        return self.process.poll() is None

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
            return True
        return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def seen(self):
        """Stops the proxy and returns the list of everything that it was asked for. (While it
        runs, squid's log is not complete: it logs a tunnel at its end.)"""
        self.stop()
        return self.parse(self.log.read_text())

    def remove(self):
        self.stop()
        self.temporary.cleanup()

    def environment(self):
        return {}

    def hashed(self, method):
        """The password as a file of users has it; METHOD is an option of `openssl passwd`."""
        command = ["openssl", "passwd", method, "-stdin"]
        done = subprocess.run(
            command, input=self.password, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.strip()
