#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A machine of a cluster, in namespaces of its own: for programs to find what must stay as it is.

    machine.py DIRECTORY RESOLV_OPTION...      (as root, or within `unshare -rm --net`)

It has an interface with addresses (OWN, OWN_PUBLIC), a name server on 127.0.0.1, a search list as in
Kubernetes, and whoever is asked is itself: every address of the table below, on every port of PORTS and
one more, answers `GET` with a line "hello HOST", HOST being what the client called it. (Those addresses
are on no interface: to the library they are other machines.) RESOLV_OPTION is for resolv.conf.

It prints a JSON object, {"pid": for nsenter, "port": the one more}, and goes on until the pipe on its
standard input closes. DIRECTORY/asked gets a line for each name that the name server was asked for.
Standard library only.
"""

import contextlib
import ctypes
import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

NEWNET, NEWNS = 0x40000000, 0x00020000
OWN, OWN_PUBLIC, OWN_6 = "10.77.0.9", "198.51.100.9", "2001:db8:77::9"
SEARCH = "ns.svc.cluster.local svc.cluster.local cluster.local"
PORTS = (22, 80, 443, 8443)

NAMES = {
    "metadata.google.internal": "169.254.169.254",
    "api.ns.svc.cluster.local": "10.96.0.20",
    "node2.corp.test": "10.99.0.21",  # /etc/hosts has node1.corp.test
    "node3.ns.svc.cluster.local": "10.99.0.22",
    "files.test": "203.0.113.80",  # as on the Internet
}
OTHERS = [
    *NAMES.values(),
    *("10.99.0.20", "172.20.0.20", "192.168.77.20", "100.64.0.20", "fd00:99::20"),
    *("10.77.0.20", "198.51.100.20", "2001:db8:77::20"),  # of the networks that it is attached to
]
HOSTS = f"""\
127.0.0.1 localhost
::1 localhost
{OWN} {socket.gethostname()}
10.99.0.20 node1.corp.test
"""


def ip(*words):
    path = {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
    subprocess.run(["ip", *words], check=True, env=path)


def bring_up(directory, options):
    if ctypes.CDLL(None, use_errno=True).unshare(NEWNET | NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    resolv = f"nameserver 127.0.0.1\nsearch {SEARCH}\n" + "".join(f"options {one}\n" for one in options)
    for name, text in (("hosts", HOSTS), ("resolv.conf", resolv)):
        (directory / name).write_text(text)
        subprocess.run(["mount", "--bind", directory / name, f"/etc/{name}"], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "add", "own", "type", "veth", "peer", "name", "switch")
    ip("addr", "add", f"{OWN}/24", "dev", "own")
    ip("addr", "add", f"{OWN_PUBLIC}/24", "dev", "own")
    ip("-6", "addr", "add", f"{OWN_6}/64", "dev", "own", "nodad")
    ip("link", "set", "own", "up")
    ip("link", "set", "switch", "up")
    for address in OTHERS:
        ip("-6" if ":" in address else "-4", "route", "add", "local", address, "dev", "lo")


def question(query):
    """(name, type, where the question ends) of a DNS query."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0], at + 5


def answer(query, name, kind, end):
    """The address, or that there is none of that kind, or no such name."""
    found = name in NAMES and kind == 1
    code = 0 if name in NAMES else 3
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, found, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(NAMES[name]) if found else b""
    return head + query[12:end] + record


def serve_names(sock, path):
    with open(path, "a") as asked:
        while True:
            query, client = sock.recvfrom(4096)
            name, kind, end = question(query)
            print(name, file=asked, flush=True)
            sock.sendto(answer(query, name, kind, end), client)


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello {self.headers['Host']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)  # (HTTPServer would look its own name up)
        self.server_address = self.socket.getsockname()

    def handle_error(self, *_):  # a client went away
        pass


def main(directory, *options):
    directory = Path(directory)
    bring_up(directory, options)
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_names, args=[names, directory / "asked"], daemon=True).start()
    servers = [Server(("::", port), Hello) for port in (0, *PORTS)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"pid": os.getpid(), "port": servers[0].server_address[1]}), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
