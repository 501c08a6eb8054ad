#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a command on a machine with one cable, and tells what went over it.

    packets.py HOSTS COMMAND [ARG...]      (as root, or within `unshare -rm --net`)

At the other end of the cable are a proxy, http:// and socks5h://192.0.2.9:3128, and the whole rest of the world, where
every port is closed. The name server, which does not answer either, is 198.51.100.53; HOSTS becomes
/etc/hosts. The proxy answers every request of a tunnel, and every other request, with a page "hello".
Prints a JSON object: status, stdout, stderr, and packets: each [protocol, address, port] that came, in
order, without ARP and its like. Standard library only.
"""

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

PROXY, PROXY_PORT = "192.0.2.9", 3128
NAME_SERVER = "198.51.100.53"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
NEWNET, NEWNS = 0x40000000, 0x00020000
NEIGHBOURS = {133, 134, 135, 136, 137, 143, 130, 131, 132}  # of ICMPv6
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
SECONDS = 60


def unshare(flags):
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def ip(*words):
    path = {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
    subprocess.run(["ip", *words], check=True, env=path)


def serve(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=[connection], daemon=True).start()


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = connection.recv(65536)
        if not data:
            break
        head += data
    return head


def read_exactly(connection, size):
    return connection.recv(size, socket.MSG_WAITALL)


def accept_socks5(connection):
    """RFC 1928, without a log-in, for whatever is asked."""
    read_exactly(connection, read_exactly(connection, 2)[1])
    connection.sendall(b"\5\0")
    kind = read_exactly(connection, 4)[3]
    size = {1: 4, 4: 16}.get(kind) or read_exactly(connection, 1)[0]  # an address, or a name
    read_exactly(connection, size + 2)
    connection.sendall(b"\5\0\0\1" + bytes(6))
    return read_head(connection)


def answer(connection):
    with connection:
        if connection.recv(1, socket.MSG_PEEK) == b"\5":
            if not accept_socks5(connection):
                return
        elif read_head(connection).startswith(b"CONNECT "):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            if not read_head(connection):
                return
        connection.sendall(PAGE)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def parse(packet, kind):
    """[protocol, address, port] of an IP packet; None: it is the cable's own business."""
    if kind == 0x0800:
        protocol, start = packet[9], packet[0] % 16 * 4
        address = socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif kind == 0x86DD:
        protocol, start = packet[6], 40
        address = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        if protocol == 0 or (protocol == 58 and packet[start] in NEIGHBOURS):
            return None
    else:
        return None if kind == 0x0806 else [hex(kind), "", 0]
    port = struct.unpack_from("!H", packet, start + 2)[0] if protocol in (6, 17) else 0
    return [PROTOCOLS.get(protocol, str(protocol)), address, port]


def drain(sniffer):
    """What has come so far: on a cable like this a packet has arrived when its sender goes on."""
    found = []
    while True:
        try:
            packet, (_, kind, sort, *_) = sniffer.recvfrom(65536)
        except BlockingIOError:
            return found
        if sort != socket.PACKET_OUTGOING:
            found.append(parse(packet, kind))


def run_inside(hosts, argv, ready, go):
    """In the child: the machine at the near end."""
    unshare(NEWNET | NEWNS)
    os.write(ready, b"x")
    os.read(go, 1)
    ip("link", "set", "lo", "up")
    ip("addr", "add", "192.0.2.2/24", "dev", "near")
    ip("-6", "addr", "add", "2001:db8:99::2/64", "dev", "near", "nodad")
    ip("link", "set", "near", "up")
    ip("route", "add", "default", "via", PROXY)
    ip("-6", "route", "add", "default", "via", "2001:db8:99::9")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    resolv = Path(hosts).with_suffix(".resolv")
    resolv.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
    for source, target in ((hosts, "/etc/hosts"), (resolv, "/etc/resolv.conf")):
        subprocess.run(["mount", "--bind", source, target], check=True)
    preload = os.environ.pop("PRELOAD", None)  # not into this process
    env = os.environ | ({"LD_PRELOAD": preload} if preload else {})
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL
    )
    return {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def main(hosts, *argv):
    unshare(NEWNET)
    (ready, tell_ready), (go, tell_go), (result, tell_result) = os.pipe(), os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell_go)
        with os.fdopen(tell_result, "w") as out:
            json.dump(run_inside(hosts, argv, tell_ready, go), out)
        os.read(go, 1)  # the cable goes with this process
        os._exit(0)
    os.close(go)
    os.close(tell_result)
    os.read(ready, 1)
    ip("link", "set", "lo", "up")
    ip("link", "add", "far", "type", "veth", "peer", "name", "near", "netns", str(child))
    ip("addr", "add", f"{PROXY}/24", "dev", "far")
    ip("-6", "addr", "add", "2001:db8:99::9/64", "dev", "far", "nodad")
    ip("link", "set", "far", "up")
    ip("route", "add", "local", "0.0.0.0/0", "dev", "lo")
    ip("-6", "route", "add", "local", "::/0", "dev", "lo")
    listener = socket.create_server((PROXY, PROXY_PORT), backlog=64)
    threading.Thread(target=serve, args=[listener], daemon=True).start()
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.ntohs(3))
    sniffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sniffer.bind(("far", 3))
    os.write(tell_go, b"x")
    with os.fdopen(result) as text:
        found = json.loads(text.read() or '{"status": null}')
    found["packets"] = [packet for packet in drain(sniffer) if packet]
    os.close(tell_go)
    os.waitpid(child, 0)
    print(json.dumps(found))


main(*sys.argv[1:])
