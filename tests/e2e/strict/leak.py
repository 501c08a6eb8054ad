# SPDX-License-Identifier: MIT
"""Tries what a Python program can try, and prints what came of it."""

import ctypes
import socket
import struct


def attempt(what, call, *words):
    try:
        print(what, call(*words))
    except OSError as error:
        print(what, type(error).__name__, error)


def udp(family, address, connected):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        if not connected:
            return sock.sendto(b"x", address)
        sock.connect(address)
        return sock.send(b"x")


def message(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return sock.sendmsg([b"x"], [], 0, address)


def ping(address):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        return sock.sendto(struct.pack("!BBHHH", 8, 0, 0xF7FF, 0, 0), (address, 0))


def query(name):
    answer = ctypes.create_string_buffer(512)
    function = getattr(ctypes.CDLL(None), name, None)
    return function and function(b"x.test", 1, 1, answer, 512)


for address in (("10.1.2.3", 443), ("203.0.113.5", 9000), ("192.0.2.77", 443), ("2001:db8::5", 9000)):
    attempt("tcp", socket.create_connection, address, 2)
for connected in (False, True):
    attempt("udp", udp, socket.AF_INET, ("203.0.113.5", 53), connected)
    attempt("udp", udp, socket.AF_INET, ("192.0.2.77", 53), connected)
    attempt("udp", udp, socket.AF_INET6, ("2001:db8::5", 53), connected)
attempt("message", message, ("203.0.113.5", 53))
attempt("ping", ping, "203.0.113.5")
attempt("name", socket.getaddrinfo, "x.test", 9000)
attempt("name of a datagram", socket.getaddrinfo, "x.test", 53, 0, socket.SOCK_DGRAM)
attempt("dotless name", socket.getaddrinfo, "nobox", 9000)
for name in ("res_query", "res_search", "__res_query", "__res_search"):
    attempt(name, query, name)
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print("loopback works")
