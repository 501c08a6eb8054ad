# SPDX-License-Identifier: MIT
"""connect.py blocking|timeout HOST PORT TIMES: connects again and again, a line each: the errno's name,
or what came back of a "ping". Reads no proxy variable."""

import errno
import socket
import sys

mode, host, port, times = sys.argv[1:]
for _ in range(int(times)):
    try:
        with socket.create_connection((host, int(port)), 60 if mode == "timeout" else None) as sock:
            sock.sendall(b"ping")
            print(sock.recv(4, socket.MSG_WAITALL).decode())
    except OSError as error:
        print(errno.errorcode.get(error.errno, error))
