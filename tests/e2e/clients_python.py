# SPDX-License-Identifier: MIT
"""Clients in Python, and what they have compiled in (hf_xet, gRPC)."""

from client import Client, files, python
from hub_content import DATASET, MODEL
from hub_files import BIG

XET, PLAIN = "model.safetensors", "onnx/decoder.bin"
XET_HOSTS = frozenset({"hub.test", "cas.test", "transfer.test"})


def hub_download(version):
    argv = python(f"hub-{version}", "hub_download.py", MODEL.name, XET, PLAIN)
    return Client(f"hub-{version}", argv, files(MODEL, XET, PLAIN), XET_HOSTS)


def fetch(library):
    argv = python("hub-2.4", "fetch.py", library, "https://files.test/big.bin", "out/big.bin")
    return Client(library, argv, {"big.bin": BIG})


CLIENTS = [
    hub_download("0.31"),  # requests, hf_xet 1.1.10
    hub_download("0.36"),  # requests, hf_xet 1.1.10
    hub_download("1.33"),  # httpx, hf_xet 1.8.0
    hub_download("2.4"),  # httpx2, hf_xet 1.8.0
    Client(
        "hf-download",
        lambda venv, program, hub: [venv("hub-2.4") / "hf", "download", MODEL.name, "--local-dir", "out"],
        files(MODEL),
        XET_HOSTS,
    ),
    Client("snapshot", python("hub-2.4", "hub_snapshot.py", MODEL.name), files(MODEL), XET_HOSTS),
    Client(
        "load-dataset",
        python("hub-2.4", "hub_dataset.py", DATASET.name),
        files(DATASET, "data/train.jsonl", "data/test.jsonl"),
        XET_HOSTS,
        frozenset({"datasets-server.hub.test", "s3.amazonaws.com"}),
    ),
    fetch("requests"),
    fetch("httpx"),
    fetch("aiohttp"),
    fetch("urllib"),
]
