# SPDX-License-Identifier: MIT
"""One library for glibc and musl, and an installation that a bare LD_PRELOAD finds."""

import os
import subprocess

import pytest

from conftest import ROOT

PROGRAMS = ROOT / "tests" / "e2e" / "programs"


@pytest.fixture(scope="module", params=["cc", "musl-gcc"])
def get(request, tmp_path_factory):
    """programs/get.c, which takes a page from a web server, with this libc."""
    program = tmp_path_factory.mktemp("get") / "get"
    subprocess.run([request.param, "-o", program, PROGRAMS / "get.c"], check=True)
    return program


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
def test_one_library_tunnels_glibc_and_musl(how, get, hub, proxy, run):
    server = proxy()
    result = run([get, "files.test", "80", "/hello.txt"], {"http_proxy": server.url}, how)
    assert result.stdout.endswith("hello through the proxy\n"), result
    assert [(s.method, s.host, s.port) for s in server.seen()] == [("CONNECT", "files.test", 80)]


def test_the_same_program_fails_without_us(get, hub, proxy, run):
    server = proxy()
    assert run([get, "files.test", "80", "/hello.txt"], {"http_proxy": server.url}).status == 1
    assert server.seen() == []


# In a mount namespace of its own: /opt is empty, /etc a copy, and both vanish with it.
INSTALL = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/etc" "$1/opt"
cp -a /etc/. "$1/etc" 2>/dev/null || :    # what a normal user cannot read, ld.so does not need
echo /opt/hfproxy/lib >"$1/etc/ld.so.conf.d/hfproxy.conf"
mount --bind "$1/etc" /etc
mount --bind "$1/opt" /opt
meson install -C "$2" >"$1/log"
LD_PRELOAD=libhfproxy.so https_proxy=http://p:1 env
HTTPS_PROXY=p:2 /opt/hfproxy/bin/hfwrap -q --no-check -- sh -c 'echo WRAPPED $https_proxy'
ls /opt/hfproxy/share/man/man1/hfwrap.1 /opt/hfproxy/share/man/man7/libhfproxy.7
"""


def test_an_installed_library_is_found_by_its_bare_name(tmp_path, run):
    build, scratch = tmp_path / "build", tmp_path / "scratch"
    scratch.mkdir()
    setup = ["meson", "setup", "--prefix=/opt/hfproxy", "--libdir=lib", build, ROOT]
    subprocess.run(setup, check=True, capture_output=True)
    subprocess.run(["ninja", "-C", build], check=True, capture_output=True)
    privileged = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "-rm"]
    done = run([*privileged, "sh", "-c", INSTALL, "sh", scratch, build], {"PATH": os.environ["PATH"]})
    assert done.status == 0, done
    assert "HTTPS_PROXY=http://p:1\n" in done.stdout, done
    assert "ERROR: ld.so" not in done.stderr
    assert "WRAPPED http://p:2\n" in done.stdout, done
