# SPDX-License-Identifier: MIT
"""Clients in Go, which reads the initial stack and connects by system calls of its own, and static ones.

The library is in none of the static ones and reaches none of the others: what they have is the environment
that the program which started them handed on. LD_PRELOAD alone does nothing for one that is started
directly. (A dynamic one sees a value that was replaced where it stood, and none that was added.)
"""

from client import Client, compiled, plain
from hub_files import BIG
from hub_lfs import LFS_FILE

URL, FILE = "https://files.test/big.bin", "out/big.bin"
RUN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
CLONE = "git lfs install --skip-repo >/dev/null && git clone --quiet https://files.test/lfs.git out"


def go(name, which, **more):
    """As a program of that kind, which the user starts."""
    return compiled(name, "go", which, URL, FILE, how=("hfwrap",), **more)


def below(name, *starter):
    """kubectl and gh in a script, say: static Go, started by a program that has the library."""

    def argv(venv, program, hub):
        return [*starter, program("go") / "static", URL, FILE]

    return Client(name, argv, {"big.bin": BIG})


def busybox(venv, program, hub):
    wget = program("busybox-static") / "busybox"
    return ["sh", "-c", '"$@"; exit $?', "sh", wget, "wget", "-q", "-O", FILE, "http://files.test/big.bin"]


CLIENTS = [
    go("go-static", "static"),  # Go 1.27
    go("go-cgo", "cgo"),  # linked with libc, so the library is loaded
    go("go-1.19", "static-1.19"),  # does not know socks5h://, as every Go before 1.23
    go("go-1.19-cgo", "cgo-1.19"),
    below("sh-go", "sh", "-c", '"$@"; exit $?', "sh"),
    below("python-go", "/usr/bin/python3", "-c", RUN),
    plain(
        "git-lfs",  # Go 1.19 with libc, started by git
        *("sh", "-c", CLONE),
        files=[(LFS_FILE.path, LFS_FILE)],
        hosts=frozenset({"files.test", "lfs.test"}),
    ),
    Client("busybox-wget", busybox, {"big.bin": BIG}),
]
