# SPDX-License-Identifier: MIT
"""hf_xet, which is tokio, on two threads, in two processes at once: its connections to the storage
overlap beyond the number of threads, and what they bring home is right. It waits in epoll_wait."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from downloaders import LOOPS
from holding import OUTGOING
from hub_content import MODEL
from test_loops import SECONDS

FILE = "model.safetensors"
OUTS = ("out1", "out2")
PARTS = 10  # of FILE, and hf_xet fetches all of them at once
SETTINGS = {"TOKIO_WORKER_THREADS": "2", "HF_XET_HIGH_PERFORMANCE": "1", "HFPROXY_TIMEOUT": "300"}
HOSTS = {"hub.test", "cas.test", "transfer.test"}


@pytest.fixture
def download(run, venv):
    """download(VARIABLES, how): FILE into each of OUTS, as run() has it."""
    argv = [venv("hub-2.4") / "python", LOOPS / "xet.py", MODEL.name, FILE, *OUTS]
    return lambda env, how, prefix=(): run([*prefix, *argv], SETTINGS | env, how)


@pytest.fixture
def check(hub, tmp_path):
    def check(result, from_proxy=True):
        assert result.status == 0, result.stderr[-4000:]
        for out in OUTS:
            found = hashlib.sha256((tmp_path / out / FILE).read_bytes()).hexdigest()
            assert found == MODEL.file(FILE).sha256
        requests = hub.requests()
        assert {request["host"] for request in requests} == HOSTS
        came_from = {request["client"].partition(":")[0] for request in requests}
        assert came_from == {OUTGOING} if from_proxy else OUTGOING not in came_from

    return check


def test_two_threads_have_ten_connections_under_way(download, holding, check):
    proxy = holding(free=HOSTS - {"transfer.test"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(download, {"HFPROXY_URL": proxy.url}, "preload")
        running.add_done_callback(proxy.give_up)
        try:
            proxy.wait_until_held(PARTS * len(OUTS), SECONDS)
        except AssertionError as error:
            proxy.close()
            error.add_note(str(running.result()))
            raise
        proxy.release()
        check(running.result())


@pytest.mark.parametrize("kind, how", [("tinyproxy", "hfwrap"), ("squid", "preload")])
def test_through_a_real_proxy(kind, how, download, proxy, check):
    server = proxy(kind)
    check(download({"HFPROXY_URL": server.url}, how))
    seen = server.seen()
    assert {(s.method, s.host, s.port, s.status) for s in seen} == {("CONNECT", host, 443, 200) for host in HOSTS}


def test_control_without_us_it_goes_directly(download, holding, check, with_hosts):
    proxy = holding(free=HOSTS)
    check(download({"https_proxy": proxy.url}, "plain", with_hosts), from_proxy=False)
    assert proxy.targets == []
