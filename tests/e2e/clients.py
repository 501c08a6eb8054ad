# SPDX-License-Identifier: MIT
"""The table of clients: how each is run, which hosts it must reach, what it must bring home.

Every client works in an empty directory and leaves its files below out/. They are unmodified, with
their defaults: nothing here tells one of them of a proxy.
"""

import functools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub_content import DATASET, MODEL, File
from hub_files import BIG, README

HERE = Path(__file__).resolve().parent / "clients"
XET, PLAIN = "model.safetensors", "onnx/decoder.bin"
XET_HOSTS = {"hub.test", "cas.test", "transfer.test"}


@dataclass(frozen=True)
class Client:
    name: str
    argv: Callable  # (venv, hub) -> its words; they are those of conftest.py
    files: dict  # name below out/ -> File
    hosts: frozenset = frozenset({"files.test"})  # that it must reach; no other than `may_ask` besides
    may_ask: frozenset = frozenset()


def files(repo, *paths):
    return {path: repo.file(path) for path in paths or [file.path for file in repo.files]}


def python(environment, script, *words):
    return lambda venv, hub: [venv(environment) / "python", HERE / script, *words]


def hub_download(version):
    return Client(
        f"hub-{version}",
        python(f"hub-{version}", "hub_download.py", MODEL.name, XET, PLAIN),
        files(MODEL, XET, PLAIN),
        frozenset(XET_HOSTS),
    )


def fetch(library):
    argv = python("hub-2.4", "fetch.py", library, "https://files.test/big.bin", "out/big.bin")
    return Client(library, argv, {"big.bin": BIG})


@functools.cache
def java_classes(directory):
    subprocess.run(["javac", "-d", directory, HERE / "Fetch.java"], check=True)
    return directory


def java(venv, hub):
    trust = f"-Djavax.net.ssl.trustStore={hub.truststore}"
    password = "-Djavax.net.ssl.trustStorePassword=changeit"
    words = ["-cp", java_classes(hub.directory), "Fetch"]
    return ["java", trust, password, *words, "https://files.test/big.bin", "out/big.bin"]


def program(name, *words, files=(("big.bin", BIG),)):
    return Client(name, lambda venv, hub: words, dict(files))


def wget(venv, hub):
    return ["wget", "-nv", "--tries=1", f"--ca-certificate={hub.ca}", "-P", "out", "https://files.test/big.bin"]


CLIENTS = [
    hub_download("0.31"),  # requests, hf_xet 1.1.10
    hub_download("0.36"),  # requests, hf_xet 1.1.10
    hub_download("1.33"),  # httpx, hf_xet 1.8.0
    hub_download("2.4"),  # httpx2, hf_xet 1.8.0
    Client(
        "hf-download",
        lambda venv, hub: [venv("hub-2.4") / "hf", "download", MODEL.name, "--local-dir", "out"],
        files(MODEL),
        frozenset(XET_HOSTS),
    ),
    Client(
        "snapshot",
        python("hub-2.4", "hub_snapshot.py", MODEL.name),
        files(MODEL),
        frozenset(XET_HOSTS),
    ),
    Client(
        "load-dataset",
        python("hub-2.4", "hub_dataset.py", DATASET.name),
        files(DATASET, "data/train.jsonl", "data/test.jsonl"),
        frozenset(XET_HOSTS),
        frozenset({"datasets-server.hub.test", "s3.amazonaws.com"}),
    ),
    fetch("requests"),
    fetch("httpx"),
    fetch("aiohttp"),
    fetch("urllib"),
    program("curl", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", "https://files.test/big.bin"),
    program("curl-http", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", "http://files.test/big.bin"),
    Client("wget", wget, {"big.bin": BIG}),
    program(
        "git",
        *("git", "clone", "--quiet", "https://files.test/repo.git", "out"),
        files=[("README", File("README", README.encode()))],
    ),
    program("node", "node", HERE / "fetch.mjs", "https://files.test/big.bin", "out/big.bin"),
    Client("java", java, {"big.bin": BIG}),
]
BY_NAME = {client.name: client for client in CLIENTS}
