# SPDX-License-Identifier: MIT
"""Every command that README.md shows is run, as it stands there.

The blocks marked `sh` are what a reader types. A new command fails the first test until it has a
way to be run here."""

import fcntl
import os
import re
import shutil
import subprocess

import pytest

import clients
import hub_content
import proxies
import situations
from conftest import BUILD, ROOT

README = (ROOT / "README.md").read_text()


def commands():
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S):
        for line in block.splitlines():
            yield line.split("   #")[0].split("  #")[0].strip()


COMMANDS = list(commands())
TREE = ("scripts/demo", "meson setup build --buildtype=release", "meson install -C build")
WRAPPED = [c for c in COMMANDS if c.startswith(("hfwrap", "LD_PRELOAD"))]
# What begins the rows of a bench's table.
BENCHES = {
    "scripts/bench tunnel": ["20 epoll connects", "10 connects on Node v24", "16 MiB", "hooked calls"],
    "scripts/bench hooks": ["connect_refused", "epoll_wait", "send", "hooked calls"],
    "scripts/bench names": ["a name of /etc/hosts", "new names", "the table full", "no_proxy of 100,000"],
}


def test_every_command_is_run():
    assert len(COMMANDS) >= 8
    # scripts/test is what runs this; of scripts/matrix and the benches it runs a part.
    assert set(COMMANDS) == {*TREE, *WRAPPED, *BENCHES, "scripts/test", "scripts/matrix"}


def test_the_chapter_has_every_client():
    chapter = README.partition("## Does it work with")[2].partition("\n## ")[0]
    table = re.findall(r"^\|.*\|(.*)\|$", chapter, re.M)
    named = [name for cell in table[2:] for name in re.findall(r"`([^`]+)`", cell)]
    assert sorted(named) == sorted(clients.BY_NAME)
    excused = {name for line in re.findall(r"^- (`.*?):", chapter, re.M) for name in re.findall(r"`([^`]+)`", line)}
    assert excused == {client for client, _ in situations.IMPOSSIBLE}


def test_the_matrix_prints_its_table(tree):
    """One cell of it; the whole takes minutes. (Not in this namespace: it makes its own.)"""
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "XDG_CACHE_HOME")}
    command = ["scripts/matrix", "--client", "curl", "--situation", "upper", "--proxy", "squid"]
    environment["HFPROXY_BUILD"] = str(BUILD)
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done
    assert re.search(r"^curl +ok$", done.stdout, re.M), done
    assert re.search(r"^\d+ of \d+ cells are as the table says$", done.stdout, re.M), done


@pytest.mark.parametrize("command", BENCHES)
def test_the_benches_print_their_tables(command, tree, tmp_path):
    """A few connects a row, and nothing is judged; the whole takes minutes and a quiet machine."""
    for part in ("src", "tests"):  # the samples of the last real run stay where they are
        (tmp_path / part).symlink_to(BUILD / part)
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "XDG_CACHE_HOME")}
    environment["HFPROXY_BUILD"] = str(tmp_path)
    program, what = command.split()
    done = subprocess.run(
        [program, "--quick", what], cwd=tree, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done
    for row in BENCHES[command]:
        assert re.search(rf"^{row}.* \d+\.\d+", done.stdout, re.M), (row, done)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the sources that a reader would have: nothing built."""
    copy = tmp_path_factory.mktemp("readme") / "hfproxy"
    always = shutil.ignore_patterns(".git", "__pycache__")
    built = shutil.ignore_patterns("build*")  # in ROOT; below it, programs of tests have a script `build`

    def ignored(directory, names):
        return always(directory, names) | (built(directory, names) if directory == str(ROOT) else set())

    shutil.copytree(ROOT, copy, ignore=ignored)
    return copy


def test_builds_and_installs(tree, tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DESTDIR": str(tmp_path / "to")}
    for command in TREE[1:]:
        subprocess.run(command.split(), cwd=tree, env=environment, check=True, capture_output=True)
    installed = {p.name for p in (tmp_path / "to").rglob("*") if p.is_file()}
    assert installed == {"libhfproxy.so", "hfwrap", "hfproxy-launch", "hfwrap.1", "libhfproxy.7"}


def test_the_demo_ends_in_its_three_lines(tree):
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        ["scripts/demo"], cwd=tree, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done
    lines = done.stdout.rstrip().splitlines()[-3:]
    assert [line.split()[0] for line in lines] == ["Plainly,", "Under", "Yours:"], done


@pytest.fixture
def readers_machine(hub, hfwrap, lib, venv, tmp_path):
    """What the commands take for granted: the two proxies that they name, python and hf, a
    prepare.py, a CA file, and an installed hfproxy."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, target in {
        "hfwrap": hfwrap,
        "python": venv("hub-2.4") / "python",
        "hf": venv("hub-2.4") / "hf",
    }.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {target} "$@"\n')
        (programs / name).chmod(0o755)
    shutil.copy(ROOT / "tests/e2e/prepare.py", tmp_path)
    shutil.copy(hub.ca, tmp_path / "corp.pem")
    with open(__file__) as lock:  # the ports are fixed, and other workers may want them too
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = [proxies.Tinyproxy(hub.hosts, port=port) for port in (3128, 7890)]
        yield started
        for one in started:
            one.remove()


@pytest.mark.parametrize("command", WRAPPED)
def test_does_what_it_says(command, readers_machine, hub, lib, run, tmp_path):
    other, local = readers_machine
    environment = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "LD_LIBRARY_PATH": os.path.dirname(lib),  # stands for an installed one
        "HTTPS_PROXY": other.url,
    }
    if "--ca" in command:  # then nothing else tells the clients whom to trust
        environment |= dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        )
    result = run(["sh", "-c", command], environment)
    assert result.status == 0, result
    used, unused = (local, other) if "7890" in command else (other, local)
    hosts = {s.host for s in used.seen()}
    assert unused.seen() == []
    assert "hub.test" in hosts
    assert ("transfer.test" in hosts) != (" -x " in command), "Xet, but for -x"
    assert ("cas-bridge.test" in hosts) == (" -x " in command)
    if "hf download" in command:
        name = hub_content.MODEL.files[0].path
        assert list((tmp_path / "hf").rglob(name)), result
    else:
        assert "FAILED" not in result.stdout
    assert (" via http://" in result.stderr) == (" -v " in command)
