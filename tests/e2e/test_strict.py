# SPDX-License-Identifier: MIT
"""HFPROXY_TUNNEL=strict, on a machine with one cable (tests/lib/packets.py): programs of many kinds try
many ways out, and nothing goes over the cable but to the proxy."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import LIB

HERE = Path(__file__).resolve().parent / "strict"
PROXY = "http://192.0.2.9:3128"
SOCKS = "socks5h://192.0.2.9:3128"
TO_PROXY = ["tcp", "192.0.2.9", 3128]
PAGE = "http://files.test/"


@dataclass(frozen=True)
class Program:
    name: str
    argv: tuple  # {venv}: of the environment hub-0.31
    says: str = ""  # among what it prints, under strict
    needs: str = ""  # a hook without which it cannot hold


GET = "import requests, sys; s = requests.Session(); s.trust_env = sys.argv[1] == 'env'; "
GET += f"print(s.get('{PAGE}', timeout=9).text)\n"
GET += "for url in sys.argv[2:]:\n try: s.get(url, timeout=2)\n except OSError as e: print(e)"
LEAKS = ("http://10.1.2.3/", "http://203.0.113.5:9000/", "http://x.test:9000/")
SHELL = "for to in tcp/10.1.2.3/443 udp/203.0.113.5/53; do (echo x >/dev/$to); done"

PROGRAMS = [
    Program("python", ("/usr/bin/python3", HERE / "leak.py"), "loopback works"),
    Program("requests", ("{venv}/python", "-c", GET, "", *LEAKS), "hello"),
    Program("requests-by-env", ("{venv}/python", "-c", GET, "env", PAGE), "hello"),
    Program("node", ("node", HERE / "leak.mjs")),
    Program("node-fetch", ("node", "-e", f"fetch('{PAGE}').then(r => r.text()).then(console.log)"), "hello"),
    Program("curl", ("curl", "-sS", "-m9", "--noproxy", "*", PAGE, *LEAKS), "hello"),
    Program("curl-by-env", ("curl", "-sS", "-m9", PAGE), "hello"),
    Program("curl-port", ("curl", "-sS", "-m2", "--noproxy", "*", "https://203.0.113.5:9000/")),
    Program("java", ("java", HERE / "Leak.java")),
    Program("dig", ("dig", "+tries=1", "+time=1", "x.test")),
    Program("dig-at", ("dig", "+tries=1", "+time=1", "@203.0.113.53", "x.test")),
    Program("dig-tcp", ("dig", "+tcp", "+tries=1", "+time=1", "@203.0.113.53", "x.test")),
    Program("getent-ahosts", ("getent", "ahosts", "nobox")),
    Program("getent-hosts", ("getent", "hosts", "x.test"), needs="gethostbyname2"),
    Program("perl", ("perl", HERE / "leak.pl")),
    Program("perl-name", ("perl", "-e", "gethostbyname('x.test')"), needs="gethostbyname_r"),
    Program("perl-reverse", ("perl", "-MSocket", "-e", "gethostbyaddr(inet_aton('203.0.113.5'), AF_INET)"),
            needs="gethostbyaddr_r"),
    Program("bash", ("bash", "-c", SHELL)),
]  # fmt: skip
QUIET = {"requests-by-env", "curl-by-env", "node-fetch"}  # without strict, too, there is nothing that they leak


@pytest.fixture
def on_a_cable(tmp_path, lib, clean_env, venv):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")

    def start(program, env):
        python = str(venv("hub-0.31")) if "{venv}" in str(program.argv[0]) else ""
        argv = [str(word).replace("{venv}", python) for word in program.argv]
        rooted = [] if os.getuid() == 0 else ["unshare", "-rm", "--net"]
        words = [*rooted, "/usr/bin/python3", LIB / "packets.py", hosts, *argv]
        env = clean_env | env | {"PRELOAD": str(lib)}
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    return start


def exports(lib):
    listed = subprocess.run(["nm", "-D", "--defined-only", lib], stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[-1] for line in listed.stdout.splitlines()}


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.name)
def program(request, lib):
    if request.param.needs and request.param.needs not in exports(lib):
        pytest.skip(f"{request.param.needs} is no hook of this library")
    return request.param


def test_nothing_leaves_but_to_the_proxy(program, on_a_cable):
    env = {"HFPROXY_TUNNEL": "strict", "http_proxy": PROXY, "https_proxy": PROXY}
    done = on_a_cable(program, env)
    others = [packet for packet in done["packets"] if packet != TO_PROXY]
    assert not others, done
    assert program.says in done["stdout"], done
    assert done["status"] is not None


def test_nothing_leaves_but_to_a_socks_proxy(program, on_a_cable):
    done = on_a_cable(program, {"HFPROXY_TUNNEL": "strict", "ALL_PROXY": SOCKS})
    others = [packet for packet in done["packets"] if packet != TO_PROXY]
    assert not others, done
    assert program.says in done["stdout"], done
    assert done["status"] is not None


def test_nothing_leaves_without_a_proxy(program, on_a_cable):
    done = on_a_cable(program, {"HFPROXY_TUNNEL": "strict"})
    assert not done["packets"], done


def test_without_strict_something_leaves(program, on_a_cable):
    """The control: the test would see it."""
    done = on_a_cable(program, {"http_proxy": PROXY, "https_proxy": PROXY})
    others = [packet for packet in done["packets"] if packet != TO_PROXY]
    assert bool(others) == (program.name not in QUIET), done


def test_no_proxy_opens_what_it_names(on_a_cable):
    env = {"HFPROXY_TUNNEL": "strict", "http_proxy": PROXY, "no_proxy": "203.0.113.0/24:53,10.1.2.3"}
    done = on_a_cable(PROGRAMS[0], env)
    assert {tuple(packet) for packet in done["packets"]} == {
        ("tcp", "10.1.2.3", 443),
        ("udp", "203.0.113.5", 53),
    }, done
