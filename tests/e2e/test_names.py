# SPDX-License-Identifier: MIT
"""Programs that look names up in other ways than getaddrinfo(), where only the proxy can resolve
them; and placeholders where no proxy can help."""

import socket
import subprocess
import threading
from pathlib import Path

import pytest

import proxies

HERE = Path(__file__).resolve().parent
HELLO = "hello through the proxy\n"

PYTHON = """
import socket
address = socket.gethostbyname("files.test")
assert socket.gethostbyname_ex("files.test")[2] == [address]
assert socket.getfqdn("files.test") == "files.test", socket.getfqdn("files.test")
assert socket.gethostbyaddr(address)[0] == "files.test"
assert socket.getnameinfo((address, 80), 0) == ("files.test", "http")
sock = socket.create_connection((address, 80))
sock.send(b"GET /hello.txt HTTP/1.0\\r\\nHost: files.test\\r\\n\\r\\n")
print(sock.makefile().read())
"""

# What Python's own connect() does with a name: a look-up as SOCK_DGRAM.
PYTHON_CONNECT = """
import socket
sock = socket.socket()
sock.connect(("files.test", 80))
sock.send(b"GET /hello.txt HTTP/1.0\\r\\nHost: files.test\\r\\n\\r\\n")
print(sock.makefile().read())
"""

PERL = """
use Socket;
my ($name, $aliases, $type, $length, @addresses) = gethostbyname("files.test") or die "no address";
die "it is called $name" if $name ne "files.test";
die "not it" if gethostbyaddr($addresses[0], AF_INET) ne "files.test";
socket(my $sock, PF_INET, SOCK_STREAM, 0) or die $!;
connect($sock, sockaddr_in(80, $addresses[0])) or die $!;
$sock->autoflush(1);
print $sock "GET /hello.txt HTTP/1.0\\r\\nHost: files.test\\r\\n\\r\\n";
print while <$sock>;
"""

RUBY = """
require "socket"
name, _, _, address = Socket.gethostbyname("files.test")
abort "it is called #{name}" if name != "files.test"
abort "not it" if Socket.gethostbyaddr(address)[0] != "files.test"
sock = TCPSocket.new(IPSocket.getaddress("files.test"), 80)
sock.write "GET /hello.txt HTTP/1.0\\r\\nHost: files.test\\r\\n\\r\\n"
print sock.read
"""


@pytest.fixture(scope="session")
def names(tmp_path_factory):
    target = tmp_path_factory.mktemp("programs") / "names"
    # libanl has getaddrinfo_a() where libc has not yet.
    subprocess.run(["cc", "-o", target, HERE / "programs" / "names.c", "-lanl"], check=True)
    return target


CLIENTS = {
    "getaddrinfo_a": lambda names: [names, "a", "files.test", "80", "/hello.txt"],
    "python": lambda names: ["/usr/bin/python3", "-c", PYTHON],
    "python-connect": lambda names: ["/usr/bin/python3", "-c", PYTHON_CONNECT],
    "perl": lambda names: ["perl", "-MIO::Handle", "-e", PERL],
    "ruby": lambda names: ["ruby", "-W0", "-e", RUBY],
    # (-Y off: it reads no proxy variable.)
    "busybox": lambda names: ["busybox", "wget", "-q", "-Y", "off", "-O", "-", "http://files.test/hello.txt"],
    "java": lambda names: ["java", HERE / "clients" / "Names.java", "files.test", "/hello.txt"],
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client(client, run, hub, proxy, names):
    server = proxy()
    result = run(CLIENTS[client](names), {"https_proxy": server.url, "http_proxy": server.url}, "preload")
    assert result.status == 0, result.stderr
    assert result.stdout.replace("\r", "").rstrip("\n").endswith(HELLO.rstrip()), result
    if client == "java":
        assert result.stdout.splitlines()[0] == "files.test files.test files.test"
    assert {(one.method, one.host, one.port) for one in server.seen()} == {("CONNECT", "files.test", 80)}
    assert {request["client"].partition(":")[0] for request in hub.requests()} == {proxies.OUTGOING}


@pytest.mark.parametrize("client", CLIENTS)
def test_plainly_it_fails(client, run, proxy, names):
    url = proxy().url
    result = run(CLIENTS[client](names), {"https_proxy": url, "http_proxy": url})
    assert HELLO not in result.stdout.replace("\r", ""), "it works without us"


# ---- what a proxy must never be asked for ----

ODD = """
import socket, sys
def ask(node):
    try:
        info = socket.getaddrinfo(node, 80, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(info[0])
        sock.settimeout(20)
        sock.connect(info[4])
        print("connected to", node, info[4])
    except OSError:
        pass
for byte in range(1, 256):
    if not (chr(byte).isascii() and chr(byte).isalnum() or byte in b"-._"):
        ask(b"a%cb.test" % byte)
ask(b"cas.test\\r\\nHost: other.test")
ask(b"cas.test HTTP/1.1\\r\\n\\r\\nGET http://other.test/")
ask(b"cas.test:443")
ask(b"x" * 64 + b".test")
ask(b".".join([b"x" * 49] * 6))
ask(b"files.test.")
"""


def test_an_odd_name_never_reaches_the_proxy(run, proxy):
    server = proxy()
    result = run(["/usr/bin/python3", "-c", ODD], {"https_proxy": server.url, "http_proxy": server.url}, "preload")
    assert result.status == 0, result.stderr
    assert result.stdout.startswith("connected to b'files.test.'") and len(result.stdout.splitlines()) == 1
    assert [(one.host, one.port) for one in server.seen()] == [("files.test", 80)]


# ---- where no proxy can help ----


@pytest.fixture
def echo(hub):
    """The port of a UDP server on the Hub's address, which answers with the client's words and its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((hub.address, 0))

        def serve():
            while True:
                words, client = sock.recvfrom(64)
                if words == b"end":
                    return
                sock.sendto(words + b" pong", client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"end", sock.getsockname())
        thread.join()


def test_a_datagram_goes_to_the_real_address(run, proxy, names, echo, with_hosts):
    server = proxy()
    result = run([*with_hosts, names, "udp", "files.test", echo], {"https_proxy": server.url}, "preload")
    assert result.status == 0, result.stderr
    address, words = result.stdout.split(" ", 1)
    assert address.startswith("240."), result.stdout
    assert words == "ping pong\n"
    assert server.seen() == []


def test_a_datagram_to_an_unknown_name_fails(run, proxy, names):
    result = run([names, "udp", "files.test", 9], {"https_proxy": proxy().url}, "preload")
    assert result.status == 1
    assert result.stderr == "sendto: No route to host\n"


# ---- HFPROXY_DNS=local ----


def test_dns_local(run, hub, proxy, with_hosts):
    server = proxy()
    env = {"http_proxy": server.url, "HFPROXY_DNS": "local"}
    result = run([*with_hosts, "/usr/bin/python3", "-c", PYTHON_CONNECT], env, "preload")
    assert result.status == 0, result.stderr
    assert HELLO in result.stdout
    assert [(one.method, one.host, one.port) for one in server.seen()] == [("CONNECT", hub.address, 80)]
