# SPDX-License-Identifier: MIT
"""What is local stays local, however a proxy is set: on a machine of a cluster (tests/lib/machine.py),
with a proxy that closes every connection and counts them.

A server's answer names it as its client did, so what a client prints shows what it reached.

    HFPROXY_LOCAL=all   every client in every situation; else a selection with each of them
"""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

import machine as cluster
import situations
from conftest import LIB

HERE = Path(__file__).resolve().parent / "local"


class Machine:
    def __init__(self, directory):
        self.directory, self.processes, self.inside = directory, [], []
        as_root = [] if os.getuid() == 0 else ["unshare", "-rm", "--net"]
        words = [*as_root, "/usr/bin/python3", LIB / "machine.py", directory, "ndots:5"]
        found = json.loads(self.start(words))
        self.port = found["port"]
        user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
        self.inside = ["nsenter", *user, "-m", "-n", "-t", str(found["pid"])]

    def start(self, words):
        """A server that goes on until its pipe is closed; what it says first."""
        words, pipe = [*self.inside, *words], subprocess.PIPE
        self.processes.append(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True))
        return self.processes[-1].stdout.readline()

    def stop(self):
        for process in reversed(self.processes):
            process.communicate()

    def asked(self):
        """The names that the name server was asked for, in order."""
        return (self.directory / "asked").read_text().split()


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    it = Machine(tmp_path_factory.mktemp("machine"))
    yield it
    it.stop()


@pytest.fixture(scope="module")
def grpc_port(machine, venv):
    return int(machine.start([venv("grpc") / "python", HERE / "serve_grpc.py"]))


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("classes")
    subprocess.run(["javac", "-d", directory, HERE / "Get.java"], check=True)
    return directory


def python(environment, library):
    return lambda venv, classes: [venv(environment) / "python", HERE / "get.py", library]


def system_python(library):
    return lambda *_: ["/usr/bin/python3", HERE / "get.py", library]


# By what they read.
NOTHING = {
    "aiohttp": python("hub-2.4", "aiohttp"),
    "curl-noproxy": lambda *_: ["curl", "-sS", "--noproxy", "*"],
    "node": lambda *_: ["node", HERE / "get.mjs"],
    "java": lambda venv, classes: ["java", "-XX:TieredStopAtLevel=1", "-cp", classes, "Get"],
    "socket": system_python("socket"),
    "gethostbyname": system_python("gethostbyname"),
}
NO_PROXY = {
    "urllib": system_python("urllib"),
    "aiohttp-env": python("hub-2.4", "aiohttp_env"),
    "requests": python("hub-2.4", "requests"),
    "httpx": python("hub-2.4", "httpx"),
    "curl": lambda *_: ["curl", "-sS"],
    "wget": lambda *_: ["wget", "-q", "-O-", "--tries=1"],
}
NO_GRPC_PROXY = {"grpc": python("grpc", "grpc")}
CLIENTS = NOTHING | NO_PROXY | NO_GRPC_PROXY


@pytest.fixture
def get(machine, lib, run, bad, venv, classes):
    """get(CLIENT, VARIABLES, PLACES): what it printed, a set of lines, and how many connections the
    proxy had. VARIABLES is made of situations.Urls."""

    def start(client, variables, places, preload=True):
        proxy = bad("close-now", inside=machine.inside)
        urls = situations.Urls(proxy.url, f"socks5h://127.0.0.1:{proxy.port}", "")
        preloaded = ["env", f"LD_PRELOAD={lib}"] if preload else []
        words = [*machine.inside, *preloaded, *CLIENTS[client](venv, classes)]
        result = run([*words, *(f"http://{place}/" for place in places)], variables(urls))
        return set(result.stdout.splitlines()), len(proxy.record("open"))

    return start


def hello(places):
    return {f"hello {place}" for place in places}


# Servers on this machine

HOSTS = ["127.0.0.1", "localhost", "0.0.0.0", socket.gethostname(), cluster.OWN, cluster.OWN_PUBLIC]
HOSTS_6 = ["[::1]", f"[{cluster.OWN_6}]"]
# No list of names and addresses says this to all of those who read no_proxy: CIDR is none that they all
# take. (And urllib compares an IPv6 address with its brackets, which httpx takes for an error.)
ANY_LOOPBACK = ["127.1.2.3"]

SETUPS = {name: situations.BY_NAME[name].env for name in ("upper", "lower", "clash", "url")}
SETUPS["socks"] = lambda of: {"ALL_PROXY": of.socks}
HIDDEN = {"socks"}  # the clients see no proxy, and go by no list
MADE = {"upper", "url"}  # the lower-case variable is ours, and with it no_grpc_proxy


def local_hosts(client, setup):
    hosts = list(HOSTS)
    if client == "gethostbyname":
        return hosts + ANY_LOOPBACK
    if client not in ("urllib", "aiohttp-env") or setup in HIDDEN:
        hosts += HOSTS_6
    if client in NOTHING or setup in HIDDEN or (client in NO_GRPC_PROXY and setup in MADE):
        hosts += ANY_LOOPBACK
    return hosts


def pairs(clients, setups, one_in, remainders=(0,)):
    """Of the pairs those with a number that leaves one of the remainders, in each row and column some."""
    every = os.environ.get("HFPROXY_LOCAL") == "all"
    cells = [(i + j, client, setup) for i, client in enumerate(clients) for j, setup in enumerate(setups)]
    return [(client, setup) for number, client, setup in cells if every or number % one_in in remainders]


@pytest.mark.parametrize("client, setup", pairs(CLIENTS, SETUPS, 5, (0, 2)))
def test_a_server_on_this_machine(client, setup, get, machine, grpc_port):
    port = grpc_port if client == "grpc" else machine.port
    places = [f"{host}:{port}" for host in local_hosts(client, setup)]
    assert get(client, SETUPS[setup], places) == (hello(places), 0)


@pytest.mark.parametrize("client", ["requests", "urllib", "wget", "grpc"])
def test_plainly_the_proxy_gets_it(client, get, machine, grpc_port):
    """The control, and the reason."""
    port = grpc_port if client == "grpc" else machine.port
    found, opens = get(client, SETUPS["lower"], [f"127.0.0.1:{port}"], preload=False)
    assert not any("hello" in line for line in found) and opens


# Other machines of the cluster

NODES = ["10.99.0.20", "172.20.0.20", "192.168.77.20", "100.64.0.20", "10.77.0.20", "169.254.169.254"]
NODES_6 = ["[fd00:99::20]", "[2001:db8:77::20]"]
ATTACHED = ["198.51.100.20"]  # looks public
LOCAL_NAMES = ["api.ns.svc.cluster.local", "metadata.google.internal"]
OTHER_NAMES = ["node1.corp.test", "node3", "api.ns"]  # of /etc/hosts, and below the search list
EVERY_PORT = {
    "url": SETUPS["url"],
    "socks": SETUPS["socks"],
    "all": lambda of: situations.everything(of.http),
}


@pytest.mark.parametrize("client, setup", pairs(NOTHING, EVERY_PORT, 3))
def test_another_node(client, setup, get, machine):
    """By number and by name, whatever the port; and with a name that only the name server knows, on
    any port but 80 and 443."""
    hosts = NODES + ATTACHED + LOCAL_NAMES + OTHER_NAMES
    hosts += NODES_6 if client != "gethostbyname" else []
    places = [f"{host}:{machine.port}" for host in [*hosts, "node2.corp.test"]]
    places += [f"{host}:8443" for host in hosts[::2]]
    places += [f"{host}:443" for host in hosts[1::2]] + hosts[::3]  # the latter on port 80
    assert get(client, EVERY_PORT[setup], places) == (hello(places), 0)


@pytest.mark.parametrize("setup", ["upper", "url", "socks"])
def test_another_node_by_grpc(setup, get, grpc_port):
    """It compares the text of names with no_grpc_proxy, whatever they resolve to."""
    hosts = NODES + NODES_6 + ATTACHED + LOCAL_NAMES
    hosts += OTHER_NAMES if setup in HIDDEN else []
    places = [f"{host}:{grpc_port}" for host in hosts]
    assert get("grpc", SETUPS[setup], places) == (hello(places), 0)


@pytest.mark.parametrize("client, setup", pairs(NOTHING, EVERY_PORT, 3))
def test_all_else_goes_to_the_proxy(client, setup, get, machine):
    """The control: this machine would reach them."""
    asked = len(machine.asked())
    places = ["files.test", "203.0.113.80", "files.test:8443", "node2.corp.test"]
    found, opens = get(client, EVERY_PORT[setup], places)
    assert not any("hello" in line for line in found) and opens >= len(places), found
    assert "node2.corp.test" not in machine.asked()[asked:]


# A port without a proxy

ONE_PORT = {
    "https": (lambda of: {"https_proxy": of.http}, (80, 8443, 22), 443),
    "http": (lambda of: {"HTTP_PROXY": of.http}, (443, 8443, 22), 80),
}


@pytest.mark.parametrize("client, scheme", pairs(NOTHING, ONE_PORT, 2))
def test_a_port_without_a_proxy(client, scheme, get, machine):
    variables, ports, proxied = ONE_PORT[scheme]
    places = [f"files.test:{port}".removesuffix(":80") for port in ports]
    if client == "node":
        places.pop()  # fetch() refuses it
    asked = len(machine.asked())
    assert get(client, variables, places) == (hello(places), 0)
    assert "files.test" in machine.asked()[asked:]
    found, opens = get(client, variables, [f"files.test:{proxied}"])
    assert not any("hello" in line for line in found) and opens
