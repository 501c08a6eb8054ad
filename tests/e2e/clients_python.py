# SPDX-License-Identifier: MIT
"""Clients in Python, and what they have compiled in (hf_xet, gRPC)."""

from client import Client, files, python
from hub_content import DATASET, MODEL
from hub_files import BIG, ROWS
from hub_grpc import METHOD
from hub_index import INSTALLED, NAME

XET, PLAIN = "model.safetensors", "onnx/decoder.bin"
XET_HOSTS = frozenset({"hub.test", "cas.test", "transfer.test"})
INDEX_HOSTS = frozenset({"pypi.test", "pythonhosted.test"})
INDEX = "https://pypi.test/simple/"
# For clients that speak SOCKS by themselves: nothing is hidden from them.
SOCKS_BY_THEMSELVES = {"HFPROXY_SOCKS": "env"}


def hub_download(environment, name=None, **env):
    argv = python(environment, "hub_download.py", MODEL.name, XET, PLAIN)
    return Client(name or environment, argv, files(MODEL, XET, PLAIN), XET_HOSTS, env=lambda hub: env)


def hf_download(name, environment):
    def argv(venv, program, hub):
        return [venv(environment) / "hf", "download", MODEL.name, "--local-dir", "out"]

    return Client(name, argv, files(MODEL), XET_HOSTS)


def fetch(name, library=None, environment="hub-2.4", **env):
    argv = python(environment, "fetch.py", library or name, "https://files.test/big.bin", "out/big.bin")
    return Client(name, argv, {"big.bin": BIG}, env=lambda hub: env)


def url_dataset(name, *words):
    argv = python("hub-2.4", "url_dataset.py", "https://files.test/rows.jsonl", "out/rows.jsonl", *words)
    return Client(name, argv, {"rows.jsonl": ROWS}, may_ask=frozenset({"s3.amazonaws.com"}))


def installer(name, words, env):
    """Into out/, of a package that lies on another host than its index."""

    def argv(venv, program, hub):
        directory = venv("installers")
        return [directory / name, *words(directory), "--target", "out", NAME]

    return Client(name, argv, {file.path: file for file in INSTALLED}, INDEX_HOSTS, env=env)


def grpc_call(name, **env):
    argv = python("grpc", "grpc_call.py", "grpc.test:443", METHOD, BIG.path, "out/big.bin")
    trust = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
    return Client(name, argv, {"big.bin": BIG}, frozenset({"grpc.test"}), env=lambda hub: {trust: hub.ca} | env)


CLIENTS = [
    hub_download("hub-0.31"),  # requests, hf_xet 1.1.10
    hub_download("hub-0.36"),  # requests, hf_xet 1.1.10
    hub_download("hub-1.33"),  # httpx, hf_xet 1.8.0
    hub_download("hub-2.4"),  # httpx2, hf_xet 1.8.0
    hub_download("xet-1.1.3"),  # requests
    hub_download("xet-1.1.5"),  # requests
    hub_download("xet-1.2.0"),  # httpx
    hub_download("socks", "hub-socksio"),  # as hub-2.4
    hub_download("socks", "hub-socksio-env", **SOCKS_BY_THEMSELVES),
    hf_download("hf-download", "hub-2.4"),
    hf_download("hf-download-0.36", "hub-0.36"),
    Client("snapshot", python("hub-2.4", "hub_snapshot.py", MODEL.name), files(MODEL), XET_HOSTS),
    Client(
        "load-dataset",
        python("hub-2.4", "hub_dataset.py", DATASET.name),
        files(DATASET, "data/train.jsonl", "data/test.jsonl"),
        XET_HOSTS,
        frozenset({"datasets-server.hub.test", "s3.amazonaws.com"}),
    ),
    url_dataset("dataset-url"),
    url_dataset("dataset-stream", "streaming"),
    fetch("requests"),
    fetch("requests-pysocks", "requests", "socks"),
    fetch("requests-pysocks-env", "requests", "socks", **SOCKS_BY_THEMSELVES),
    fetch("httpx"),
    fetch("aiohttp"),
    fetch("aiohttp-trust-env"),
    fetch("urllib"),
    fetch("urllib3"),
    installer(
        "pip",
        lambda directory: ["install", "--no-deps"],
        lambda hub: {"PIP_INDEX_URL": INDEX, "PIP_CERT": hub.ca, "PIP_DISABLE_PIP_VERSION_CHECK": 1},
    ),
    installer(
        "uv",
        lambda directory: ["pip", "install", "--python", directory / "python"],
        lambda hub: {"UV_DEFAULT_INDEX": INDEX},
    ),
    grpc_call("grpc"),
    grpc_call("grpc-native", GRPC_DNS_RESOLVER="native"),
]
