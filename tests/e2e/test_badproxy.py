# SPDX-License-Identifier: MIT
"""What a user meets when the proxy, or a setting, is bad: the documented errno in time, and one line
that says what to do."""

import base64
import os
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "clients"
TIMES = 3  # connections of one process
TIMEOUT = 1  # seconds, as HFPROXY_TIMEOUT
PATIENCE = 30  # seconds, for what should take TIMES * TIMEOUT at most
SECRET = "Sesame9open"

CLIENTS = {
    "blocking": ["/usr/bin/python3", HERE / "connect.py", "blocking"],
    "timeout": ["/usr/bin/python3", HERE / "connect.py", "timeout"],
    "node": ["node", HERE / "connect.mjs"],
}

# What the proxy does -> what connect() says, and what the user is told.
BAD = {
    "refuse": ("ECONNREFUSED", r"cannot be reached \(ECONNREFUSED\): is the proxy running"),
    "blackhole": ("ETIMEDOUT", r"does not answer, \d+ ms were given: is its address right"),
    "close-now": ("ECONNRESET", r"closes the connection instead of answering"),
    # The reset may be there before the library looks for the first time.
    "reset-now": ("ECONNRESET", r"closes the connection instead of answering|cannot be reached \(ECONNRESET\)"),
    "close": ("ECONNRESET", r"closes the connection instead of answering"),
    "reset": ("ECONNRESET", r"closes the connection instead of answering"),
    "half": ("ECONNRESET", r"closes the connection instead of answering"),
    "hang": ("ETIMEDOUT", r"gave no answer for files.test:443 in \d+ ms \(HFPROXY_TIMEOUT\)"),
    "trickle,403": ("EACCES", r"files.test:443 \(403\): its rules forbid that host"),
    "403": ("EACCES", r"files.test:443 \(403\): its rules forbid that host"),
    "407-basic": ("EACCES", r"refuses the name and password of its URL \(407\)"),
    "407-ntlm": ("EACCES", r"407\) by NTLM: .* run px or cntlm"),
    "407-negotiate": ("EACCES", r"407\) by Negotiate, NTLM: .* run px or cntlm"),
    "407-digest": ("EACCES", r"407\) by Digest: .* run px or cntlm"),
    "407-bare": ("EACCES", r"refuses the name and password of its URL \(407\)"),
    "400": ("EACCES", r"answers CONNECT files.test:443 with 400: is it an HTTP proxy"),
    "502": ("EHOSTUNREACH", r"cannot reach files.test:443 \(502\): it is the proxy that looks"),
    "503": ("EHOSTUNREACH", r"cannot reach files.test:443 \(503\)"),
    "504": ("ETIMEDOUT", r"cannot reach files.test:443 \(504\)"),
    "garbage": ("ECONNREFUSED", r"does not answer as an HTTP proxy does: is that port SOCKS, or TLS"),
    "ssh": ("ECONNREFUSED", r"does not answer as an HTTP proxy does"),
    "too-big": ("ECONNREFUSED", r"does not answer as an HTTP proxy does"),
}
ODD_BUT_GOOD = ["echo", "trickle,echo", "no-reason", "204", "big-ok", f"needs user:{SECRET}"]


def secrets():
    return SECRET, base64.b64encode(f"user:{SECRET}".encode()).decode().rstrip("=")


def attempt(run, client, proxy, times=TIMES, host="files.test", port=443, login=f"user:{SECRET}@", how="hfwrap"):
    """Only connect() can get through: the variables are there too, but nothing reads them."""
    argv = [*CLIENTS[client], host, port, times]
    env = {"HFPROXY_TIMEOUT": TIMEOUT, "https_proxy": f"http://{login}127.0.0.1:{proxy.port}"}
    return run(argv, env, how, ["--no-check"], timeout=PATIENCE)


def told(result):
    """The library's lines, of which each begins like this whoever writes it."""
    lines = result.stderr.splitlines()
    assert all(line.startswith("hfproxy: ") for line in lines), result.stderr
    return lines


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("script", BAD)
def test_bad_proxy(script, client, run, bad):
    errno, line = BAD[script]
    result = attempt(run, client, bad(script))
    assert (result.status, result.stdout.split()) == (0, [errno] * TIMES), result.stderr
    (said,) = told(result)
    assert re.search(line, said), said
    assert "http://127.0.0.1:" in said
    assert not any(secret in result.stdout + result.stderr for secret in secrets())
    if script in ("hang", "blackhole"):
        assert result.seconds >= TIMES * TIMEOUT * 0.95


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("script", ODD_BUT_GOOD)
def test_odd_but_good_proxy(script, client, run, bad):
    result = attempt(run, client, bad(script))
    assert (result.status, result.stdout.split(), result.stderr) == (0, ["ping"] * TIMES, "")


def test_a_password_is_asked_for(run, bad):
    result = attempt(run, "blocking", bad("407-basic"), login="")
    (said,) = told(result)
    assert "wants a name and a password (407): write them into the proxy's URL" in said


def test_other_ports_than_443_are_often_forbidden(run, bad):
    proxy = bad("403")
    argv = [*CLIENTS["blocking"], "files.test", 22, 1]
    result = run(argv, {"ALL_PROXY": proxy.url}, "hfwrap")
    (said,) = told(result)
    assert re.search(r"files.test:22 \(403\): many proxies refuse CONNECT to ports other than 443", said)


def test_each_kind_of_refusal_is_told_once(run, bad):
    result = attempt(run, "blocking", bad("403", "502", "407-ntlm", "403", "502", "403"), times=6)
    assert result.stdout.split() == ["EACCES", "EHOSTUNREACH", "EACCES", "EACCES", "EHOSTUNREACH", "EACCES"]
    assert [re.search(r"\((\d+)\)", line)[1] for line in told(result)] == ["403", "502", "407"]


def test_a_proxy_that_recovers_is_used(run, bad):
    result = attempt(run, "blocking", bad("reset", "garbage", "echo"))
    assert result.stdout.split() == ["ECONNRESET", "ECONNREFUSED", "ping"]


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("script", ["407-basic", "hang", "echo", "refuse"])
def test_the_log_file_has_a_line_for_each_connection_and_no_password(script, level, run, bad, tmp_path):
    path = tmp_path / "log"
    argv = [*CLIENTS["blocking"], "files.test", 443, TIMES]
    env = {"HFPROXY_URL": f"http://user:{SECRET}@127.0.0.1:{bad(script).port}", "HFPROXY_LOG": path}
    result = run(argv, env | {"HFPROXY_LOG_LEVEL": level, "HFPROXY_TIMEOUT": TIMEOUT}, "preload")
    assert (result.status, result.stderr) == (0, "")
    text = path.read_text()
    outcome = r"connected|failed"
    lines = re.findall(rf"python3\[\d+\]: files.test:443 via http://127.0.0.1:\d+: (?:{outcome}) in \d+ ms", text)
    assert len(lines) == TIMES
    assert not any(secret in text for secret in secrets())


# Settings

LONG = "x" * (100 * 1024)
NOT_UTF_8 = os.fsdecode(b"\xff\xfe\x80")
# What is wrong for each; a number of lines below, where it is not the same for all.
MALFORMED = {
    "HFPROXY_URL": f"http://user:{SECRET}@[::1",
    "HFPROXY_PREFER": "left",
    "HFPROXY_TUNNEL": "perhaps",
    "HFPROXY_TIMEOUT": "-1",
    "HFPROXY_LOG_LEVEL": "loud",
    "HFPROXY_DISABLE_XET": "maybe",
    "HFPROXY_CA_BUNDLE": "/nowhere/ca.pem",
    "http_proxy": f"ftp://user:{SECRET}@p.test",
    "HTTPS_PROXY": f"http://user:{SECRET}@p.test:99999",
    "all_proxy": "http://",
}
KINDS = {"malformed": None, "long": LONG, "not-utf-8": NOT_UTF_8, "empty": ""}
RAN = ["/usr/bin/python3", "-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9)); print('ran')"]


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MALFORMED)
def test_a_bad_setting_is_one_line(name, kind, how, run):
    value = MALFORMED[name] if kind == "malformed" else KINDS[kind]
    env = {name: value} | ({"HFPROXY_LOG": "-"} if how == "preload" else {})
    result = run(RAN, env, how, ["--no-check"])
    assert (result.status, result.stdout) == (0, "ran\n"), result.stderr
    lines = told(result)
    assert len(lines) == (0 if kind == "empty" else 1), lines
    assert all(name in line and len(line) <= 1024 for line in lines)
    assert SECRET not in result.stderr


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
@pytest.mark.parametrize("value", ["/nowhere/log", "/", "relative/nowhere", LONG, NOT_UTF_8, ""])
def test_a_log_that_cannot_be_written_stops_nothing(value, how, run, bad):
    env = {"HFPROXY_LOG": value, "https_proxy": bad("403").url}
    result = run([*CLIENTS["blocking"], "files.test", 443, 1], env, how, ["--no-check"])
    assert (result.status, result.stdout, result.stderr) == (0, "EACCES\n", "")


@pytest.mark.parametrize("value", ["", "x", LONG, NOT_UTF_8, "1;#0", "1;" * 1000, "9" * 40])
@pytest.mark.parametrize("how", ["preload", "hfwrap"])
def test_a_damaged_state_counts_as_none(value, how, run, bad):
    env = {"HFPROXY_STATE": value, "HTTPS_PROXY": bad("echo").url}
    show = "import os; print(os.environ['https_proxy'] == os.environ['HTTPS_PROXY'])"
    result = run(["/usr/bin/python3", "-c", show], env, how, ["--no-check"])
    assert (result.status, result.stdout, result.stderr) == (0, "True\n", "")
