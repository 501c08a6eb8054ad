# SPDX-License-Identifier: MIT
"""Programs with an event loop, thirty downloads at once: they overlap, nothing in the program stands
still meanwhile, and what they bring home is right.

Time is not measured. A proxy that answers nobody before all thirty have asked tells overlap from one
after the other; a page that the program has to ask for again and again meanwhile shows that its loop
turns. tinyproxy and squid take turns here; scripts/loops runs every program through both.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import all_proxies
from downloaders import DOWNLOADERS
from holding import OUTGOING, Beats
from hub_files import noise_file

COUNT = 30
SECONDS = float(os.environ.get("HFPROXY_LOOPS_SECONDS", "100"))  # three are enough on an idle machine
NAMES = [f"{i}.bin" for i in range(COUNT)]
each = pytest.mark.parametrize("one", DOWNLOADERS, ids=lambda one: one.name)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def download(run, venv, program, hub, out, beats):
    """download(DOWNLOADER, VARIABLES, how): all NAMES and the beats, as run() has it."""

    def start(one, env, how, prefix=()):
        urls = [f"{one.scheme}://{one.host(hub)}/noise/{name}" for name in NAMES]
        argv = [*prefix, *one.argv(venv, program, hub), "out", *urls, beats.url]
        variables = {"HFPROXY_TIMEOUT": "300", "HAPROXY_HOST": "files.test"}
        return run(argv, variables | env, how)

    return start


def check(result, out, hub, from_proxy=True):
    assert result.status == 0, result.stdout[-2000:] + result.stderr[-4000:]
    for name in NAMES:
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == noise_file(name).sha256, name
    assert (out / "beat").read_bytes() == Beats.STOP
    requests = [request for request in hub.requests() if request["path"].startswith("/noise/")]
    assert sorted(request["path"] for request in requests) == sorted(f"/noise/{name}" for name in NAMES)
    came_from = {request["client"].partition(":")[0] for request in requests}
    assert came_from == {OUTGOING} if from_proxy else OUTGOING not in came_from


@each
def test_all_overlap_and_the_loop_turns(one, download, hub, holding, beats, out):
    proxy = holding()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(download, one, all_proxies(proxy.url), "preload")
        for server in (proxy, beats):
            running.add_done_callback(server.give_up)
        try:
            proxy.wait_until_held(COUNT, SECONDS)
            beats.beat(SECONDS)
            beats.beat(SECONDS)
            proxy.send_half()
            beats.beat(SECONDS)
            beats.beat(SECONDS)  # Java follows five redirections and no more
        except AssertionError as error:
            proxy.close()
            beats.close()
            error.add_note(f"{one.name} waits in {one.waits}: {running.result()}")
            raise
        beats.stop()
        proxy.release()
        check(running.result(), out, hub)
    assert proxy.targets == [f"{one.host(hub)}:{one.port}"] * COUNT


WAYS = [(proxy, how) for proxy in ("tinyproxy", "squid") for how in ("preload", "hfwrap")]


def cells():
    """HFPROXY_LOOPS=all is scripts/loops's."""
    if os.environ.get("HFPROXY_LOOPS") == "all":
        chosen = [(one, way) for one in DOWNLOADERS for way in WAYS]
    else:
        chosen = [(one, WAYS[i % len(WAYS)]) for i, one in enumerate(DOWNLOADERS)]
    return [pytest.param(one, *way, id="-".join((one.name, *way))) for one, way in chosen]


@pytest.mark.parametrize("one, kind, how", cells())
def test_through_a_real_proxy(one, kind, how, download, hub, proxy, beats, out):
    server = proxy(kind)
    beats.stop()
    check(download(one, all_proxies(server.url), how), out, hub)
    seen = [(s.method, s.host, s.port, s.status) for s in server.seen()]
    assert seen == [("CONNECT", one.host(hub), one.port, 200)] * COUNT


@each
def test_control_without_us_it_goes_directly(one, download, hub, holding, beats, out, with_hosts):
    """The same program with the same variables: it reads none of them, and does the same as above."""
    proxy = holding()
    beats.stop()
    proxy.release()
    check(download(one, all_proxies(proxy.url), "plain", with_hosts), out, hub, from_proxy=False)
    assert proxy.targets == []
