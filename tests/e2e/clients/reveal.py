# SPDX-License-Identifier: MIT
"""reveal.py HOST PORT: connects, reading no proxy variable, and prints what came of it. Meanwhile files in
the working directory get what anybody sees in /proc of this process and of children of several kinds:
command line and environment, a NUL behind each string."""

import os
import socket
import subprocess
import sys

host, port = sys.argv[1:]
SHOW = ["/bin/cat", "/proc/self/cmdline", "/proc/self/environ"]


def view(name, *words, **options):
    with open(name, "wb") as out:
        subprocess.run([*words, *SHOW], stdout=out, check=True, **options)


with open("view-own", "wb") as out:
    for name in ("cmdline", "environ"):
        with open(f"/proc/self/{name}", "rb") as file:
            out.write(file.read())
view("view-child")
view("view-below-a-shell", "sh", "-c", '"$@"; :', "sh")
view("view-forked", preexec_fn=lambda: None)
view("view-clean-env", "/usr/bin/env", "-i")
view("view-clean-dict", env={})
view("view-clean-preloaded", env={"LD_PRELOAD": os.environ["LD_PRELOAD"]})

try:
    socket.create_connection((host, int(port))).close()
    print("connected")
except OSError as error:
    print(repr(error))
