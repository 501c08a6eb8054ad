#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What curl does: for each line of standard input, a JSON list [VARIABLES, URL, HOST, PORT], it says
"proxy" or "direct". Libcurl is asked which address it would connect to; no connection is made, and
names are told to it. A proxy is known by its address, 127.0.0.9. Standard library only.
"""

import ctypes
import json
import os
import socket
import sys

PROXY = bytes([127, 0, 0, 9])
URL, OPENSOCKET, RESOLVE, NOSIGNAL = 10002, 20163, 10203, 99
RESOLVED = "192.0.2.1"


class Address(ctypes.Structure):  # struct curl_sockaddr
    _fields_ = [(name, ctypes.c_int) for name in ("family", "socktype", "protocol")]
    _fields_ += [("len", ctypes.c_uint), ("data", ctypes.c_ubyte * 28)]


curl = ctypes.CDLL("libcurl.so.4")
curl.curl_easy_init.restype = curl.curl_slist_append.restype = ctypes.c_void_p
curl.curl_slist_append.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
curl.curl_slist_free_all.argtypes = curl.curl_easy_cleanup.argtypes = [ctypes.c_void_p]
curl.curl_easy_perform.argtypes = [ctypes.c_void_p]
curl.curl_version.restype = ctypes.c_char_p
asked = []


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Address))
def open_socket(_, purpose, address):
    family, data = address.contents.family, bytes(address.contents.data)
    asked.append(family == socket.AF_INET and data[4:8] == PROXY)
    return -1  # CURL_SOCKET_BAD


def set_option(handle, option, value):
    assert curl.curl_easy_setopt(ctypes.c_void_p(handle), ctypes.c_int(option), value) == 0


def ask(variables, url, host, port):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update(variables)
    handle = curl.curl_easy_init()
    hosts = curl.curl_slist_append(None, f"{host}:{port}:{RESOLVED}".encode())
    text = ctypes.c_char_p(url.encode())
    set_option(handle, URL, text)
    set_option(handle, NOSIGNAL, ctypes.c_long(1))
    set_option(handle, OPENSOCKET, open_socket)
    if not host.startswith("["):
        set_option(handle, RESOLVE, ctypes.c_void_p(hosts))
    asked.clear()
    curl.curl_easy_perform(handle)
    curl.curl_easy_cleanup(handle)
    curl.curl_slist_free_all(hosts)
    return "none" if not asked else "proxy" if asked[0] else "direct"


print(curl.curl_version().decode(), flush=True)
for line in sys.stdin:
    print(ask(*json.loads(line)))
