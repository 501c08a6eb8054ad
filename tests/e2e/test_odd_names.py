# SPDX-License-Identifier: MIT
"""What no host name has never reaches a proxy: whatever call looks such a name up, and whatever protocol the
proxy speaks, the bytes that come there are those of a good name alone."""

import contextlib

import pytest
from recording import Recording

# Every way to look a name up; then to each address that comes of it, on ports with a proxy. A C string ends
# at a NUL, so what stands before one is a name of its own, and Python lets none through.
ASK = """
import ctypes, errno, socket, sys
libc = ctypes.CDLL(None)
class Hostent(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("aliases", ctypes.c_void_p), ("family", ctypes.c_int),
                ("length", ctypes.c_int), ("addresses", ctypes.POINTER(ctypes.c_void_p))]
for name in ("gethostbyname", "gethostbyname2"):
    getattr(libc, name).restype = ctypes.POINTER(Hostent)
def entry(found):
    if found and found[0].addresses[0]:
        yield found[0].family, ctypes.string_at(found[0].addresses[0], found[0].length)
def ways(node):
    for family in (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6):
        for service in (443, None):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try:
                    for info in socket.getaddrinfo(node, service, family, kind):
                        yield info[0], socket.inet_pton(info[0], info[4][0])
                except OSError:
                    pass
    yield from entry(libc.gethostbyname(node))
    for family in (socket.AF_INET, socket.AF_INET6):
        yield from entry(libc.gethostbyname2(node, int(family)))
    try:
        for address in socket.gethostbyname_ex(node)[2]:
            yield socket.AF_INET, socket.inet_aton(address)
    except OSError:
        pass
def ask(node):
    for family, address in sorted(set(ways(node))):
        for port in (80, 443):
            with socket.socket(family) as sock:
                sock.settimeout(60)
                sock.connect((socket.inet_ntop(family, address), port))
                print(node, port)
NAMES = %r
for node in NAMES:
    ask(node)
ask(b"files.test")
"""
ODD_BYTES = [byte for byte in range(1, 256) if not (chr(byte).isascii() and chr(byte).isalnum() or byte in b"-._")]
NAMES = [name % byte for byte in ODD_BYTES for name in (b"a%cb.test", b"%cab.test", b"ab.test%c")]
NAMES += [
    b"cas.test\r\nHost: other.test",
    b"cas.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
    b"cas.test HTTP/1.1\r\n\r\nGET http://other.test/",
    b"cas.test\r",
    b"cas.test\n",
    b"\r\n",
    b" ",
    b"user:password@cas.test",
    b"http://cas.test",
    b"cas.test:443",
    b"cas..test",
    b".cas.test",
    b"cas.test..",
    b"x" * 64 + b".test",
    b".".join([b"x" * 49] * 6),  # 299 bytes
    b".".join([b"x" * 49] * 6) + b".x",
    b"x." * 32_768 + b"test",
]
WANTED = {
    "http": {b"CONNECT files.test:%d HTTP/1.1\r\nHost: files.test:%d\r\n\r\n" % (port, port) for port in (80, 443)},
    "socks5h": {b"\x05\x01\x00\x03\x0afiles.test" + port.to_bytes(2, "big") for port in (80, 443)},
    "socks4a": {b"\x04\x01" + port.to_bytes(2, "big") + b"\0\0\0\x01files.test\0" for port in (80, 443)},
}


@pytest.mark.parametrize("scheme", WANTED)
def test_what_no_host_name_has_never_reaches_a_proxy(scheme, run):
    with contextlib.closing(Recording()) as server:
        env = {"all_proxy": f"{scheme}://127.0.0.1:{server.port}", "HF_ENDPOINT": None}
        result = run(["/usr/bin/python3", "-S", "-c", ASK % NAMES], env, "preload")
        assert result.status == 0, result.stderr[-4000:]
        assert set(result.stdout.splitlines()) == {"b'files.test' 80", "b'files.test' 443"}
        assert set(server.requests) == WANTED[scheme]
