# SPDX-License-Identifier: MIT
"""User names and passwords of proxies: the proxy gets them to the byte, and nobody else gets anything of
them. No log line, error, argument list, or environment that did not have them."""

import base64
import contextlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from recording import Recording
from secret_marks import BEGIN, END, MIDDLE, TRACE, USER, trace_in

HERE = Path(__file__).resolve().parent / "clients"
TIMEOUT = 1  # seconds, as HFPROXY_TIMEOUT, where a proxy does not answer
HAVE_IT = {"http_proxy", "https_proxy", "all_proxy", "hfproxy_url", "hfproxy_state"}  # in either case


def test_the_marks_are_found():
    """Else nothing below would mean anything."""
    for shift in range(3):
        text = f"{'x' * shift}{USER}:{BEGIN}"
        assert len(TRACE.findall(base64.b64encode(text.encode()))) == 2
    assert not TRACE.search(b"http_proxy=http://127.0.0.1:3128")


@dataclass(frozen=True)
class Secret:
    user: str = USER
    password: str | None = BEGIN + END  # as the URL has it
    sent: str | None = None  # what the proxy gets, where it is not just that
    behind: str = ""  # the URL

    def url(self, scheme, port):
        login = self.user if self.password is None else f"{self.user}:{self.password}"
        return f"{scheme}://{login}@127.0.0.1:{port}{self.behind}"

    @property
    def bytes(self):
        return os.fsencode(self.sent or f"{self.user}:{self.password or ''}")

    @property
    def fits_socks(self):
        return max(len(os.fsencode(self.user)), len(os.fsencode(self.password or ""))) <= 255


def odd(between):
    return Secret(password=f"{BEGIN}{between}{END}")


def long(size):
    filler = size - len(BEGIN + MIDDLE + END)
    return Secret(password=BEGIN + "x" * (filler // 2) + MIDDLE + "x" * (filler - filler // 2) + END)


ODD = ":@%#/\\?! \"'&=+;,[]{}^`|<>$()*~ä密"
SECRETS = {
    "plain": Secret(),
    "colon": odd(":"),
    "at sign": odd("@"),
    "percent": odd("%"),
    "percent and one digit": odd("%4-"),
    "escape": Secret(password=f"{BEGIN}%41{END}", sent=f"{USER}:{BEGIN}A{END}"),
    "hash": odd("#"),
    "slash": odd("/"),
    "slashes": odd("://"),
    "backslash": odd("\\"),
    "question mark": odd("?"),
    "blank": odd(" "),
    "comma": odd(",1,"),
    "double quote": odd('"'),
    "single quote": odd("'"),
    "latin": odd("pässwörd"),
    "chinese": odd("密码"),
    "no UTF-8": odd(os.fsdecode(b"\xff\xfe\x80")),
    "escapes": Secret(password=f"{BEGIN}%40%3A%2F%e5%AF%86%25{END}", sent=f"{USER}:{BEGIN}@:/密%{END}"),
    "escapes of escapes": Secret(password=f"{BEGIN}%2541{END}", sent=f"{USER}:{BEGIN}%41{END}"),
    "all at once": odd(ODD),
    "carriage return behind": Secret(behind="\r"),
    "domain": Secret(user=f"CORP\\{USER}"),
    "escaped domain": Secret(user=f"CORP%5C{USER}", sent=f"CORP\\{USER}:{BEGIN}{END}"),
    "user at a domain": Secret(user=f"{USER}@corp.test"),
    "user alone": Secret(password=None),
    "empty password": Secret(password=""),
    "255 bytes": long(255),
    "256 bytes": long(256),
    "60,000 bytes": long(60_000),
    "64 KiB": long(64 * 1024),
    "70,000 bytes": long(70_000),
    "60,000 bytes to be escaped": Secret(password=BEGIN + "#" * 60_000 + END),
}


@dataclass(frozen=True)
class Way:
    """How a proxy's URL reaches the program."""

    variable: str | None  # None: hfwrap's -p
    scheme: str = "http"
    how: str = "preload"
    port: int = 443
    log: str = "log"  # a file, or "-"
    others: str = ""  # proxies before it, in a list


OTHER = f"http://{USER}:{MIDDLE}@127.0.0.1:{{dead}},"
WAYS = {
    "HTTP_PROXY": Way("HTTP_PROXY", port=80),
    "https_proxy": Way("https_proxy", log="-"),
    "HTTPS_PROXY, hfwrap": Way("HTTPS_PROXY", how="hfwrap"),
    "ALL_PROXY, socks": Way("ALL_PROXY", "socks5h"),
    "HFPROXY_URL": Way("HFPROXY_URL", log="-"),
    "list": Way("HFPROXY_URL", others=OTHER),
    "-p": Way(None, how="hfwrap", log="-"),
    "-p, socks": Way(None, "socks5h", how="hfwrap"),
}


def check_strings(data, clean=False):
    """What is in a file of /proc: a trace may be in the variables that had it, and in no argument."""
    for string in data.split(b"\0"):
        name = string.partition(b"=")[0].decode("latin-1").lower()
        if clean or name not in HAVE_IT:
            assert not trace_in(string), trace_in(string)


def check_views(directory):
    views = sorted(directory.glob("view-*"))
    assert len(views) == 7
    for path in views:
        assert path.read_bytes(), path
        check_strings(path.read_bytes(), clean="clean" in path.name)


def said(result, tmp_path):
    """All that the library and hfwrap wrote."""
    log = tmp_path / "log"
    return os.fsencode(result.stderr) + (log.read_bytes() if log.exists() else b"")


@pytest.fixture
def recording():
    with contextlib.ExitStack() as started:
        yield lambda mode="accept": started.enter_context(contextlib.closing(Recording(mode)))


@pytest.fixture
def dead(recording):
    """A port of 127.0.0.1 that refuses: bound, so nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def reveal(run, tmp_path, dead):
    """reveal(URL, WAY, before=[]): the result, everything but what the proxy got being checked."""

    def start(url, way, before=()):
        url = way.others.format(dead=dead) + url
        env = {"HFPROXY_LOG": way.log, "HFPROXY_LOG_LEVEL": "debug", "HFPROXY_TIMEOUT": TIMEOUT}
        env["HF_ENDPOINT"] = None
        if way.log != "-":
            env["HFPROXY_LOG"] = tmp_path / way.log
        options = ["-v"] if way.log == "-" else []
        if way.variable:
            env[way.variable] = url
        else:
            options += ["-p", url]
        argv = ["/usr/bin/python3", "-S", HERE / "reveal.py", "files.test", way.port]
        result = run(argv, env, way.how, options)
        assert result.status == 0, result.stderr[-4000:]
        text = said(result, tmp_path)
        assert b"hfproxy: " in text
        assert not trace_in(text), trace_in(text)
        assert not trace_in(os.fsencode(result.stdout))
        check_views(tmp_path)
        return result

    return start


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SECRETS)
def test_the_proxy_gets_it_and_nobody_else(name, way, reveal, recording, tmp_path):
    secret, way, server = SECRETS[name], WAYS[way], recording()
    result = reveal(secret.url(way.scheme, server.port), way)
    if way.scheme == "http" or secret.fits_socks:
        assert result.stdout == "connected\n"
        assert server.logins == [secret.bytes]
    else:
        assert "Permission denied" in result.stdout
        assert server.logins == []
        assert b"SOCKS has no room for a name or a password of over 255 bytes" in said(result, tmp_path)


# What the proxy does; "dead" is nobody there, "tls" a URL that says https://.
OUTCOMES = ["refuse", "echo", "garbage", "stall", "other", "dead", "tls"]
BAD = [
    (name, outcome, way)
    for name in ("all at once", "255 bytes", "70,000 bytes")
    for outcome in OUTCOMES
    for way in WAYS
    if WAYS[way].scheme == "http" or (outcome != "tls" and SECRETS[name].fits_socks)
]


@pytest.mark.parametrize("name, outcome, way", BAD, ids=lambda value: value)
def test_a_bad_proxy_makes_nobody_tell(name, outcome, way, reveal, recording, dead):
    secret, way = SECRETS[name], WAYS[way]
    server = recording(outcome if outcome not in ("dead", "tls") else "accept")
    port = dead if outcome == "dead" else server.port
    scheme = "https" if outcome == "tls" else way.scheme
    result = reveal(secret.url(scheme, port), way)
    assert result.stdout != "connected\n"
    # Who does not speak SOCKS is not told.
    heard = outcome in ("refuse", "echo") or (way.scheme == "http" and outcome not in ("dead", "tls"))
    assert server.logins == ([secret.bytes] if heard else [])


def test_socks4_is_not_told_the_password(reveal, recording):
    server = recording()
    assert reveal(SECRETS["plain"].url("socks4a", server.port), WAYS["ALL_PROXY, socks"]).stdout == "connected\n"
    assert server.logins == [USER.encode()]


CONTROLS = {"nul": "%00", "newline": "%0a", "delete": "%7F"}


@pytest.mark.parametrize("way", [way for way in WAYS if WAYS[way].variable])
@pytest.mark.parametrize("name", CONTROLS)
def test_control_characters_are_for_socks_alone(name, way, reveal, recording, tmp_path):
    """RFC 7617 has none in Basic credentials, nor has curl; nothing is cut off at one."""
    way, server = WAYS[way], recording()
    result = reveal(odd(CONTROLS[name]).url(way.scheme, server.port), way)
    if way.scheme == "http":
        assert server.logins == []
        assert result.stdout != "connected\n"
        text = b"HFPROXY_URL is ignored|HFPROXY_URL ignored|counts as unset: it does not read as a proxy URL"
        assert re.search(text, said(result, tmp_path))
    else:
        byte = bytes([int(CONTROLS[name][1:], 16)])
        assert server.logins == [f"{USER}:{BEGIN}".encode() + byte + END.encode()]


# hfwrap's own processes, and every other that is started: strace sees what /proc would show of each.


def executed(path):
    """(arguments, environment) of each program that was started, in its order."""
    for call in re.findall(r'execve\("[^"]*", \[(.*?)\], \[(.*?)\]\) = 0', path.read_text()):
        yield [
            [bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r'"([^"]*)"', strings)]
            for strings in call
        ]


@pytest.mark.parametrize("way", [way for way in WAYS if WAYS[way].how == "hfwrap"])
def test_no_process_of_hfwrap_has_it_in_its_arguments(way, run, hfwrap, recording, tmp_path):
    way, server = WAYS[way], recording()
    url = SECRETS["all at once"].url(way.scheme, server.port)
    # A name that no shell hands on: hfwrap brings it to COMMAND in a way of its own.
    env = {"odd%name": f"{USER} {BEGIN}", "HFPROXY_LOG": "-"} | ({way.variable: url} if way.variable else {})
    trace = ["strace", "-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=execve", "-v", "-xx", "-s", "1000000"]
    argv = ["/usr/bin/python3", "-S", HERE / "reveal.py", "files.test", way.port]
    words = [hfwrap, "-v", *([] if way.variable else ["-p", url]), "--", *argv]
    result = run([*trace, *words], env)
    assert result.stdout == "connected\n", result.stderr[-4000:]

    programs = list(executed(tmp_path / "trace"))
    # hfwrap, its helper twice, COMMAND, what COMMAND starts
    names = [os.path.basename(arguments[0]) for arguments, _ in programs]
    assert names[0] == b"hfwrap" and names.count(b"hfproxy-launch") == 2
    assert names.count(b"cat") == 6
    for i, (arguments, environment) in enumerate(programs):
        if i > 0:
            check_strings(b"\0".join(arguments))
        for string in environment:
            if string.partition(b"=")[0] not in (b"odd%name", b"hfwrap_given"):
                check_strings(string)
    assert not any(string.startswith(b"hfwrap_") for _, environment in programs[4:] for string in environment)
