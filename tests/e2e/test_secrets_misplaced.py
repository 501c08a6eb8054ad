# SPDX-License-Identifier: MIT
"""A proxy's URL that cannot be read, or stands in the wrong place, is not quoted with its user and password."""

import os
import re

import pytest
from secret_marks import BEGIN, END, USER, trace_in

GOOD = f"http://{USER}:{BEGIN}@127.0.0.1:1"
UNREADABLE = {
    "no host": f"http://{USER}:{BEGIN}",
    "no host behind the at sign": f"http://{USER}:{BEGIN}@",
    "open bracket": f"http://{USER}:{BEGIN}@[::1",
    "scheme": f"ftp://{USER}:{BEGIN}@h.test",
    "no scheme": f"{USER}:{BEGIN}@h h",
    "port": f"http://{USER}:{BEGIN}@h.test:99999",
    "commas": f"http://{USER}:1,{BEGIN},{END}@h.test:99999",
    "control character": f"http://{USER}:{BEGIN}\x01@h.test",
    "line end": f"http://{USER}:\n{BEGIN}@h.test",
    "escaped NUL": f"http://{USER}:{BEGIN}%00{END}@h.test",
    "70,000 bytes": f"http://{USER}:{BEGIN}{'x' * 70_000}@h..test",
}
VARIABLES = ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "ftp_proxy", "HFPROXY_URL"]
SETTINGS = ["HFPROXY_PREFER", "HFPROXY_TUNNEL", "HFPROXY_SOCKS", "HFPROXY_DNS", "HFPROXY_TIMEOUT"]
SETTINGS += ["HFPROXY_IO_URING", "HFPROXY_LOG_LEVEL", "HFPROXY_DISABLE_XET", "HFPROXY_CA_BUNDLE"]
HOST = "h.test"
# Looks names up, as a client does that takes a proxy's URL apart in the wrong place.
LOOKS_UP = [
    "/usr/bin/python3",
    "-S",
    "-c",
    "import socket, sys\n"
    "for name in sys.stdin.read().split():\n"
    "    try: socket.getaddrinfo(name, 80)\n"
    "    except OSError: print('none')",
]


def quiet(result, *expected):
    """Said is what is EXPECTED, and nothing of a secret."""
    text = os.fsencode(result.stdout + result.stderr)
    assert not trace_in(text), trace_in(text)
    assert all(re.search(words, result.stderr) for words in expected), result.stderr[-4000:]


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_not_quoted(what, name, how, run):
    env = {name: UNREADABLE[what], "HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "debug"}
    result = run(["/bin/true"], env, how)
    assert result.status == 0
    quiet(result, f"{name} (counts as unset|ignored)|an entry of {name} is ignored")
    assert "http://" not in result.stderr.replace("such as http://proxy:3128", "")


@pytest.mark.parametrize("what", UNREADABLE)
def test_nor_by_hfwrap(what, run):
    result = run(["/bin/true"], {}, "hfwrap", ["-p", UNREADABLE[what]])
    assert result.status == 125
    quiet(result, "^hfwrap: -p: not a proxy's URL")


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
@pytest.mark.parametrize("value", [GOOD, f"{USER}:{BEGIN}@{HOST}", f"http://{USER}@{HOST}"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_url_in_the_wrong_setting_is_not_quoted(name, value, how, run):
    env = {name: value, "HFPROXY_LOG": "-"}
    result = run(["/bin/true"], env, how)
    assert result.status == 0
    quiet(result, rf"{name}=(127\.0\.0\.1:1|{HOST}) ignored: it takes ")


@pytest.mark.parametrize("more", ["", ",x.test" * 10_000], ids=["mended", "over 64 KiB"])
@pytest.mark.parametrize("prefer", [None, "keep"])
def test_a_url_in_no_proxy_is_not_quoted(prefer, more, run):
    env = {"no_proxy": f"{GOOD},b.test{more}", "NO_PROXY": f"c.test,{GOOD}", "HTTP_PROXY": GOOD}
    result = run(["/bin/true"], env | {"HFPROXY_PREFER": prefer, "HFPROXY_LOG": "-"}, "preload")
    quiet(result, "no_proxy and NO_PROXY differ")


@pytest.mark.parametrize("upper", ["http://127.0.0.1:2", GOOD + "0", "socks5://a:7hirteen@127.0.0.1:1"])
@pytest.mark.parametrize("lower", [GOOD, f"http://{USER}:{END}@127.0.0.1:1"])
def test_two_that_differ_are_not_quoted(lower, upper, run):
    env = {"https_proxy": lower, "HTTPS_PROXY": upper, "HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "debug"}
    quiet(run(["/bin/true"], env, "preload"), "https_proxy and HTTPS_PROXY differ.*127.0.0.1:")


MISPLACED = {
    "command": ([GOOD, "true"], 127, r"cannot run '127\.0\.0\.1:1': No such file"),
    "command without scheme": ([GOOD.removeprefix("http://")], 127, r"cannot run '127\.0\.0\.1:1': No such file"),
    "option": ([f"--proxy={GOOD}", "true"], 125, r"unknown option '127\.0\.0\.1:1'"),
    "letter": ([f"-P{GOOD}", "true"], 125, r"unknown option '127\.0\.0\.1:1'"),
    "letters": ([f"-xP{GOOD}", "true"], 125, r"unknown option '127\.0\.0\.1:1'"),
    "--ca": (["--ca", GOOD, "true"], 125, r"cannot read '127\.0\.0\.1:1'"),
    "--log": (["--log", f"{GOOD}/nowhere", "true"], 125, r"cannot write '127\.0\.0\.1:1/nowhere'"),
    "--socks": (["--socks", GOOD, "true"], 125, r"not '127\.0\.0\.1:1'"),
    "--dns": ([f"--dns={GOOD}", "true"], 125, r"not '127\.0\.0\.1:1'"),
    "--tunnel": ([f"--tunnel={GOOD}", "true"], 125, r"not '127\.0\.0\.1:1'"),
    "a file that cannot be run": (["./a:Ses4me@b"], 126, "cannot run 'b': "),
    "a file whose interpreter is gone": (["./c:Ses4me@d"], 127, "cannot run 'd': its interpreter"),
}


@pytest.mark.parametrize("what", MISPLACED)
def test_a_url_in_the_wrong_place_of_a_command_line_is_not_quoted(what, run, hfwrap, tmp_path):
    words, status, text = MISPLACED[what]
    for name, line in (("a:Ses4me@b", "\0\n"), ("c:Ses4me@d", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(line)
        (tmp_path / name).chmod(0o755)
    result = run([hfwrap, *words])
    assert result.status == status, result.stderr
    quiet(result, f"^hfwrap: .*{text}")


def test_strict_does_not_quote_what_is_no_name(run):
    env = {"HFPROXY_TUNNEL": "strict", "https_proxy": GOOD, "HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "debug"}
    result = run(LOOKS_UP, env, "preload", stdin=f"{USER}:{BEGIN}@h.test {BEGIN}@h.test")
    assert result.stdout == "none\n" * 2
    quiet(result, "no name server is asked.*The first: one that is no host's")
