# SPDX-License-Identifier: MIT
"""Published clients in the situations that users are in, through real proxies.

The names resolve only for the proxy, so whatever arrives went through it; its own log is asked all
the same. Not every cell of the table, but a selection that covers it: scripts/matrix runs the others.
"""

import hashlib
import json
import os
import re
import socket
from dataclasses import astuple, dataclass, replace

import pytest

import clients
import proxies
import situations


@dataclass(frozen=True)
class Cell:
    client: str
    situation: str
    proxy: str
    how: str

    def __str__(self):
        return "-".join(astuple(self))


def all_cells():
    """The two ways of being preloaded take turns within every row and column."""
    return [
        Cell(client.name, situation.name, proxy, client.how[(i // 2 + j + k) % len(client.how)])
        for i, client in enumerate(clients.CLIENTS)
        for j, situation in enumerate(situations.SITUATIONS)
        for k, proxy in enumerate(situation.proxies)
    ]


def covering_cells():
    """Every client in four situations, every situation with some clients, several proxies and both
    ways of being preloaded in every row; and what fails without us (CONTROLS, below)."""
    cells = []
    for cell in all_cells():
        i, j = list(clients.BY_NAME).index(cell.client), list(situations.BY_NAME).index(cell.situation)
        proxies_here = situations.BY_NAME[cell.situation].proxies
        chosen = (5 * i + 3 * j) % 11 in (0, 4) or (cell.client, cell.situation) in CONTROLS
        if chosen and cell.proxy == proxies_here[(i + j // 2) % len(proxies_here)]:
            cells.append(cell)
    return cells


# For a client that does not get through: hf_xet would go on for minutes.
FEW_RETRIES = {"HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": 1, "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms"}

# What these say without us: the reason why this project exists. Where one of them begins to work,
# the test of that name shows nothing any more.
CONTROLS = {
    ("hub-2.4", "upper-dead"): "error sending request",
    ("hub-1.33", "upper-empty"): "error sending request",
    ("requests", "lower-empty"): "NameResolutionError",
    ("requests", "trailing-cr"): "InvalidURL|InvalidProxyURL",
    ("httpx", "desktop"): "InvalidURL",
    ("httpx", "quoted"): "Unknown scheme|InvalidURL",
    ("httpx", "odd-password"): "Temporary failure in name resolution",
    ("aiohttp", "lower"): "Cannot connect to host",
    ("urllib", "all"): "Name or service not known|Temporary failure in name resolution",
    ("curl", "quoted"): "curl: \\(",
    ("curl", "odd-password"): "curl: \\(",
    ("curl-http", "upper"): "Could not resolve host",
    ("wget", "upper"): "unable to resolve host address",
    ("git", "lower-empty"): "Could not resolve host",
    ("node", "upper"): "EAI_AGAIN|ENOTFOUND",
    ("java", "lower"): "UnresolvedAddressException|ConnectException",
    ("go-static", "upper-dead"): "connection refused",
    ("go-cgo", "all"): "lookup files.test",
    ("go-1.19", "quoted"): 'lookup "http: no such host',
    ("python-go", "socks-url"): "lookup files.test",
    ("git-lfs", "upper-dead"): "proxyconnect tcp",
    ("busybox-wget", "upper"): "bad address",
    ("hfjs-24", "lower"): "EAI_AGAIN|ENOTFOUND",
    ("node-24-env", "socks5h"): "UND_ERR_INVALID_ARG",
    ("httplib", "lower"): "cpp-httplib: Connection",
    ("reqwest", "socks5h"): "TunnelUn",  # built without SOCKS it speaks HTTP to the port
    ("reqwest-with-socks", "all-socks"): "dns error",  # goes directly, in silence
    ("pip", "trailing-cr"): "Failed to parse",
    ("uv", "upper-dead"): "tcp connect error",
    ("requests-pysocks", "all-socks"): "Unable to determine SOCKS version",
    ("hub-socksio", "all-socks"): "Unknown scheme for proxy URL",
    ("urllib3", "lower"): "Failed to resolve",
    ("grpc", "upper"): "Could not contact DNS servers",
}

def wanted_cells():
    """HFPROXY_CELLS is scripts/matrix's: {"client": [names that are wanted], "proxy": [...], ...}."""
    if "HFPROXY_CELLS" not in os.environ:
        return covering_cells()
    wanted, cells = json.loads(os.environ["HFPROXY_CELLS"]), all_cells()
    if wanted["how"] == ["plain"]:
        cells = [replace(cell, how="plain") for cell in cells]
    return [cell for cell in cells if all(getattr(cell, key) in wanted[key] for key in wanted)]


@pytest.fixture
def dead():
    """The URL of a port that refuses: bound, so nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def start(proxy, kinds, situation, dead=""):
    """The proxies of a cell, and their URLs as a user would write them: nothing in a password is encoded."""
    login = dict(zip(("user", "password"), situation.login, strict=False))
    before = ":".join(situation.login) + "@" if situation.login else ""
    servers, urls = [], {"http": None, "socks": None}
    for kind in kinds.split("+"):
        server = proxy(kind, **login)
        servers.append(server)
        scheme = server.url.partition("://")[0]
        urls[scheme.removesuffix("5h")] = f"{scheme}://{before}{server.address}:{server.port}"
    return servers, situations.Urls(dead=dead, **urls)


def check(client, result, out, hub, *servers):
    assert result.status == 0, result.stderr[-4000:]
    for name, file in client.files.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == file.sha256, name
    seen, requests = [one for server in servers for one in server.seen()], hub.requests()
    asked = {request["host"] for request in requests}
    assert {request["client"].partition(":")[0] for request in requests} == {proxies.OUTGOING}
    reached = {one.host for one in seen if one.status == 200}
    if hub.addresses & reached:  # dante logs where it went, and nobody else could look up the names
        reached = reached - hub.addresses | asked
    assert client.hosts <= reached, result.stderr[-4000:]
    assert {one.host for one in seen} - hub.addresses <= client.hosts | client.may_ask
    assert asked <= reached


@pytest.mark.parametrize("cell", wanted_cells(), ids=str)
def test_client(cell, run, venv, program, hub, proxy, dead, out):
    client, situation = clients.BY_NAME[cell.client], situations.BY_NAME[cell.situation]
    servers, urls = start(proxy, cell.proxy, situation, dead)
    env, options = situation.env(urls), ["-v"] if situation.login else []
    if cell.how == "hfwrap" and "HFPROXY_URL" in env:
        options = ["-p", env.pop("HFPROXY_URL")]
    if cell.how == "plain":
        env |= FEW_RETRIES
    result = run(client.argv(venv, program, hub), client.env(hub) | env, cell.how, options)
    why = situations.IMPOSSIBLE.get((cell.client, cell.situation))
    if why and cell.how != "plain":
        assert result.status, f"it works, and was said not to: {why}"
    else:
        check(client, result, out, hub, *servers)
    said = result.stdout + result.stderr
    if why:  # a client that cannot use the URL may show it
        said = "".join(line for line in said.splitlines() if line.startswith(("hfproxy", "hfwrap")))
    for secret in situation.login[1:]:
        assert secret not in said


@pytest.mark.parametrize("name, situation", [pytest.param(*pair, id="-".join(pair)) for pair in CONTROLS])
def test_plainly_it_fails(name, situation, run, venv, program, hub, proxy, dead, out):
    client, symptom = clients.BY_NAME[name], CONTROLS[name, situation]
    situation = situations.BY_NAME[situation]
    _, urls = start(proxy, situation.proxies[-1], situation, dead)
    result = run(client.argv(venv, program, hub), FEW_RETRIES | client.env(hub) | situation.env(urls))
    assert result.status, "it works without us"
    assert re.search(symptom, result.stdout + result.stderr), result.stderr[-4000:]
