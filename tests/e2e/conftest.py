# SPDX-License-Identifier: MIT
"""Fixtures for tests with real clients, real proxies and the stand-in Hub.

Run as  scripts/netns $(scripts/deps venv tools)/bin/pytest tests/e2e  (with -n 2, if you like:
every xdist worker has a Hub at an address of its own, all in the one namespace).

  hub     the stand-in Hub on ports 443 and 80: .ca, .hosts, .requests() of this test,
          gRPC calls among them
  proxy   proxy("tinyproxy"|"squid", user=, password=): started afresh; .url, .port, .seen()
  bad     bad(SCRIPT..., inside=WORDS): tests/lib/badproxy.py; .url, .port, .record()
  holding holding(FREE): an HTTP proxy of tests/lib/holding.py, which answers when the test says so
  beats   a page of tests/lib/holding.py, for an event loop to show that it turns
  run     run(ARGV, {VARIABLE: VALUE}, how="plain"|"preload"|"hfwrap"): in a clean environment
  venv    venv("hub-2.4"): the directory with that environment's programs
  program program("netty"): the directory with what tests/e2e/loops/netty/build made
"""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "tests" / "lib"
BUILD = ROOT / os.environ.get("HFPROXY_BUILD", "build")
sys.path.insert(0, str(LIB))

import holding as holding_servers  # noqa: E402
import proxies  # noqa: E402

RUN_SECONDS = 120  # the slowest client takes ten


def pytest_configure(config):
    config.option.reportchars += "s"  # a skip must say why


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(3 * RUN_SECONDS))


class Hub:
    """The server process, and of its access log what came since mark()."""

    url = "https://hub.test"

    def __init__(self, directory, address, grpc_address):
        self.directory, self.address = directory, address
        self.addresses = {address, grpc_address}
        self.ca, self.hosts = directory / "ca.pem", directory / "hosts"
        self.process = subprocess.Popen(
            [sys.executable, LIB / "hub.py", directory, f"--address={address}"]
            + [f"--grpc-address={grpc_address}", "--https-port=443", "--http-port=80"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "443 80\n", "the stand-in Hub did not start"
        self.mark()

    def mark(self):
        self.start = (self.directory / "access.jsonl").stat().st_size

    def requests(self):
        with open(self.directory / "access.jsonl") as log:
            log.seek(self.start)
            return [json.loads(line) for line in log]

    def hosts_asked(self):
        return {request["host"] for request in self.requests()}

    @functools.cached_property
    def truststore(self):
        """Java reads no PEM file. Password: changeit."""
        store = self.directory / "trust.p12"
        subprocess.run(
            ["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", self.ca]
            + ["-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit"],
            check=True,
            capture_output=True,
        )
        return store


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory):
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    address, grpc_address = f"203.0.113.{10 + worker}", f"203.0.113.{110 + worker}"
    try:
        with socket.socket() as sock:
            sock.bind((address, 0))
    except OSError:
        pytest.fail("needs a network namespace of its own: scripts/netns pytest ...")
    server = Hub(tmp_path_factory.mktemp("hub"), address, grpc_address)
    yield server
    server.process.communicate()


@pytest.fixture
def hub(hub_server):
    hub_server.mark()
    return hub_server


@pytest.fixture
def proxy(hub):
    started = []

    def start(kind="tinyproxy", **options):
        started.append(proxies.KINDS[kind](hub.hosts, **options))
        return started[-1]

    yield start
    for one in started:
        one.remove()


class BadProxy:
    """A badproxy.py that runs until its pipe is closed."""

    def __init__(self, path, scripts, inside=()):
        self.path = path
        self.process = subprocess.Popen(
            [*inside, "/usr/bin/python3", LIB / "badproxy.py", "--record", path, *scripts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def record(self, event="request"):
        """What it received, one bytes object for each event of that kind so far."""
        entries = map(json.loads, self.path.read_text().splitlines())
        return [e["bytes"].encode("latin-1") for e in entries if e["event"] == event]

    def stop(self):
        self.process.communicate()


@pytest.fixture
def bad(tmp_path):
    started = []

    def start(*scripts, inside=()):
        started.append(BadProxy(tmp_path / f"bad{len(started)}.jsonl", scripts, inside))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def holding(hub):
    lines = [line.split() for line in hub.hosts.read_text().splitlines()]
    addresses = {name: address for address, name in lines}
    with contextlib.ExitStack() as started:

        def start(free=()):
            server = holding_servers.Holding(addresses, free)
            return started.enter_context(contextlib.closing(server))

        yield start


@pytest.fixture
def beats():
    with contextlib.closing(holding_servers.Beats()) as server:
        yield server


@functools.cache
def make(kind, name):
    command = [ROOT / "scripts" / "deps", kind, name]
    return Path(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    )


@pytest.fixture(scope="session")
def venv():
    return lambda name: make("venv", name) / "bin"


@pytest.fixture(scope="session")
def program():
    return lambda name: make("program", name)


def built(name):
    path = BUILD / name
    assert path.exists(), f"not built: {path} (meson setup build && ninja -C build)"
    return path


@pytest.fixture(scope="session")
def lib():
    return built("src/libhfproxy.so")


@pytest.fixture(scope="session")
def hfwrap():
    return built("scripts/hfwrap")


@dataclass(frozen=True)
class Result:
    status: int | None  # None: it took too long and was killed
    stdout: str
    stderr: str
    seconds: float


def all_proxies(url):
    """What a careful user would set: every variable in both spellings."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {n: url for n in names} | {n.upper(): url for n in names}


@pytest.fixture
def clean_env(hub, tmp_path):
    """All that a client gets, whatever the machine's environment holds: nothing from it."""
    ca_names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
    return dict.fromkeys((*ca_names, "NODE_EXTRA_CA_CERTS"), str(hub.ca)) | {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",  # the hf command would ask PyPI
    }


# As /etc/hosts, in a mount namespace of its own: the names are known, as where no proxy is needed.
WITH_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"'


@pytest.fixture
def with_hosts(hub):
    """Words to be put before a command that is to find the Hub by itself."""
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "-rm"]
    return [*namespace, "sh", "-c", WITH_HOSTS, hub.hosts]


@pytest.fixture
def run(request, clean_env, tmp_path):
    def start(argv, env=(), how="plain", options=(), timeout=RUN_SECONDS, stdin="", cwd=tmp_path):
        """OPTIONS are hfwrap's. A variable whose value is None is taken out."""
        argv, env = [str(a) for a in argv], clean_env | dict(env)
        env = {name: str(value) for name, value in env.items() if value is not None}
        if how == "preload":
            env["LD_PRELOAD"] = str(request.getfixturevalue("lib"))
        elif how == "hfwrap":
            argv = [str(request.getfixturevalue("hfwrap")), *options, "--", *argv]
        begin = time.monotonic()
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(stdin, timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            status = None
        return Result(status, stdout, stderr, time.monotonic() - begin)

    return start
