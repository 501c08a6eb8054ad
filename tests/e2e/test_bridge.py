# SPDX-License-Identifier: MIT
"""SOCKS in the environment and clients that do not speak it: Clash and GNOME set an HTTP proxy for the
web and a SOCKS one for the rest, and clients fail on the latter although they need only the former.

The SOCKS port refuses here: what went to it would fail.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

import clients
from test_clients import FEW_RETRIES, check

PROGRAMS = Path(__file__).resolve().parent / "programs"
P, S5 = "http://p.test:3128", "socks5://s.test:1080"


def clash(url, socks):
    return {"http_proxy": url, "https_proxy": url, "all_proxy": f"socks5://{socks}"}


def clash_upper(url, socks):
    return {name.upper(): value for name, value in clash(url, socks).items()}


def gnome(url, socks):
    """With the slashes, and without the upper case that some desktops add."""
    web = dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy"), f"{url}/")
    return web | {"all_proxy": f"socks://{socks}/", "no_proxy": "localhost,127.0.0.0/8,::1"}


SET_UPS = {"clash": clash, "clash-upper": clash_upper, "gnome": gnome}
CLIENTS = ["hub-0.31", "hub-1.33", "hub-2.4", "requests", "httpx", "urllib", "aiohttp", "curl", "wget", "git", "node"]
CELLS = [
    (name, how, set_up)
    for i, name in enumerate(CLIENTS)
    for j, set_up in enumerate(SET_UPS)
    for how in (("preload", "hfwrap")[(i + j) % 2],)
]

# What these say without us.
CONTROLS = {
    ("httpx", "clash"): "socksio",
    ("httpx", "gnome"): "Unknown scheme for proxy URL",
    ("hub-1.33", "clash"): "socksio",
    ("hub-2.4", "gnome"): "Unknown scheme for proxy URL",
}


@pytest.fixture
def socks():
    """An address that refuses: bound, so nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("name, how, set_up", CELLS, ids=lambda value: value)
def test_the_web_goes_through_the_http_proxy(name, how, set_up, run, venv, program, hub, proxy, socks, out):
    client, server = clients.BY_NAME[name], proxy()
    env = SET_UPS[set_up](f"http://{server.address}:{server.port}", socks)
    result = run(client.argv(venv, program, hub), env, how, ["--no-check"] if how == "hfwrap" else [])
    check(client, result, out, hub, server)


@pytest.mark.parametrize("name, set_up", CONTROLS, ids=lambda value: value)
def test_plainly_it_fails(name, set_up, run, venv, program, hub, proxy, socks, out):
    client, server = clients.BY_NAME[name], proxy()
    env = SET_UPS[set_up](f"http://{server.address}:{server.port}", socks)
    result = run(client.argv(venv, program, hub), FEW_RETRIES | env)
    assert result.status, "it works without us"
    assert re.search(CONTROLS[name, set_up], result.stdout + result.stderr), result.stderr[-4000:]


@pytest.mark.parametrize("name", ["requests", "httpx", "aiohttp", "curl", "wget", "node"])
def test_with_a_list_they_need_no_variable(name, run, venv, program, hub, proxy, out):
    client, server = clients.BY_NAME[name], proxy()
    env = {"https_proxy": f"http://{server.address}:{server.port}", "HFPROXY_ONLY": "files.test"}
    result = run(client.argv(venv, program, hub), env, "preload")
    check(client, result, out, hub, server)


# How it is hidden.

SHOW = "import os; print(*sorted(n for n in os.environ if n.lower() in ('http_proxy', 'all_proxy')))"

ALL = "import os; print(*sorted(n for n in os.environ if n.lower() == 'all_proxy'))"

def test_the_initial_stack_keeps_it(run, tmp_path):
    """A Go runtime in the process reads it there. Below a shell nothing needs to be added to `environ`,
    so it is still the kernel's own array when something is taken away."""
    subprocess.run(["cc", "-o", tmp_path / "show", PROGRAMS / "showstack.c"], check=True)
    words = ["sh", "-c", '"$@"; :', "sh", tmp_path / "show", "all_proxy", "ALL_PROXY"]
    result = run(words, {"all_proxy": S5, "http_proxy": P, "https_proxy": P}, "preload")
    assert result.stdout == f"all_proxy={S5}\nALL_PROXY={S5}\n"


@pytest.mark.parametrize("program", ["sh", "-sh"])
def test_a_shell_sees_it_whatever_it_is_called(program, run):
    words = ["-c", 'echo "$all_proxy" "$https_proxy"; unset all_proxy ALL_PROXY; "$@"', "sh"]
    argv = ["bash", "-c", f'exec -a "{program}" bash "$@"', "sh", *words]
    result = run([*argv, "/usr/bin/python3", "-c", SHOW], {"all_proxy": S5, "http_proxy": P}, "preload")
    assert result.stdout == f"{S5} {S5}\nHTTP_PROXY http_proxy\n"


def test_a_program_that_is_called_like_a_shell_does_not(run, tmp_path):
    (tmp_path / "sh").symlink_to("/usr/bin/python3")
    result = run([tmp_path / "sh", "-c", SHOW], {"all_proxy": S5}, "preload")
    assert result.stdout == "\n"


@pytest.mark.parametrize("called, seen", [("sh", "ALL_PROXY all_proxy"), ("wget", "")])
def test_a_busybox_is_a_shell_or_a_client(called, seen, run, tmp_path):
    shutil.copy("/usr/bin/python3", tmp_path / "busybox")
    (tmp_path / called).symlink_to("busybox")
    result = run([tmp_path / called, "-c", ALL], {"all_proxy": S5}, "preload")
    assert result.stdout == f"{seen}\n"


def test_nothing_is_hidden_from_go(run, tmp_path):
    """It connects by system calls of its own, which nobody would tunnel."""
    build = os.environ | {"CGO_ENABLED": "1", "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", tmp_path / "show", PROGRAMS / "showcgo.go"], check=True, env=build)
    result = run([tmp_path / "show", "all_proxy", "HTTPS_PROXY"], {"ALL_PROXY": S5}, "preload")
    assert result.stdout == f"all_proxy={S5}\nHTTPS_PROXY={S5}\n"


def test_a_client_hides_it_again_from_its_children(run):
    """The state carries it: what this child sets in its place wins, and the child below knows it."""
    child = f"import os, subprocess, sys; {SHOW}; sys.stdout.flush(); subprocess.run(['sh', '-c', sys.argv[1]])"
    grandchild = 'echo "$ALL_PROXY"'
    result = run(["/usr/bin/python3", "-c", child, grandchild], {"all_proxy": S5}, "preload")
    assert result.stdout == f"\n{S5}\n"


def test_what_is_set_late_is_hidden_from_getenv_and_handed_on(run):
    """os.environ shows the program its own word; C code does not see it; children get it."""
    script = f"""if True:
        import ctypes, os, subprocess
        os.environ["ALL_PROXY"] = "{S5}"
        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_char_p
        print(os.environ["ALL_PROXY"], getenv(b"ALL_PROXY"), getenv(b"all_proxy"), flush=True)
        subprocess.run(["sh", "-c", 'echo "$all_proxy" "$ALL_PROXY"'])
    """
    result = run(["/usr/bin/python3", "-c", script], {"http_proxy": P}, "preload")
    assert result.stdout == f"{S5} None None\n{S5} {S5}\n"


@pytest.mark.parametrize(
    "env, said",
    [
        ({"all_proxy": S5, "http_proxy": P}, "all_proxy: hidden from programs"),
        ({"http_proxy": S5, "HTTPS_PROXY": S5}, "http_proxy and https_proxy: hidden from programs"),
        ({"https_proxy": P, "HFPROXY_ONLY": "hf"}, "https_proxy: hidden from programs"),
    ],
    ids=["all", "two", "only"],
)
def test_the_log_says_so_once(env, said, run, tmp_path):
    env = env | {"HFPROXY_LOG": tmp_path / "log"}
    words = ["sh", "-c", '"$@"; "$@"', "sh", "/usr/bin/python3", "-c", SHOW]
    assert run(words, env, "preload").status == 0
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert f": {said}" in line
    assert ("HFPROXY_ONLY" in line) == ("HFPROXY_ONLY" in env)


def test_the_log_says_nothing_where_nothing_is_hidden(run, tmp_path):
    env = {"all_proxy": S5, "HFPROXY_SOCKS": "env", "HFPROXY_LOG": tmp_path / "log"}
    assert run(["/usr/bin/python3", "-c", SHOW], env, "preload").stdout == "ALL_PROXY all_proxy\n"
    assert not os.path.exists(tmp_path / "log")
