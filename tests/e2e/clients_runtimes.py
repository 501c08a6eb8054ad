# SPDX-License-Identifier: MIT
"""Clients in JavaScript and Java, whose runtimes read no proxy variable; Bun does."""

import functools
import subprocess

from client import HERE, Client, files, plain
from clients_python import PLAIN, XET, XET_HOSTS
from downloaders import node
from hub_content import MODEL
from hub_files import BIG

URL = "https://files.test/big.bin"


@functools.cache
def java_classes(directory):
    subprocess.run(["javac", "-d", directory, HERE / "Fetch.java", HERE / "Url.java"], check=True)
    return directory


def java(name, main):
    def argv(venv, program, hub):
        trust = f"-Djavax.net.ssl.trustStore={hub.truststore}"
        password = "-Djavax.net.ssl.trustStorePassword=changeit"
        return ["java", trust, password, "-cp", java_classes(hub.directory), main, URL, "out/big.bin"]

    return Client(name, argv, {"big.bin": BIG})


def script(name, runtime, file, **more):
    """RUNTIME: its path, from venv."""
    return Client(
        name, lambda venv, program, hub: [runtime(venv), HERE / file, URL, "out/big.bin"], {"big.bin": BIG}, **more
    )


def hub_js(version):
    """@huggingface/hub 2.17.5, which speaks Xet in JavaScript of its own."""

    def argv(venv, program, hub):
        return [node(f"node-{version}")(venv), program("hfjs") / "download.mjs", MODEL.name, XET, PLAIN]

    return Client(f"hfjs-{version}", argv, files(MODEL, XET, PLAIN), XET_HOSTS)


CLIENTS = [
    plain("node", "node", HERE / "fetch.mjs", URL, "out/big.bin"),
    script("node-20", node("node-20"), "fetch.mjs"),
    script("node-24", node("node-24"), "fetch.mjs"),
    script("node-24-env", node("node-24"), "fetch.mjs", env=lambda hub: {"NODE_USE_ENV_PROXY": "1"}),
    script("node-20-https", node("node-20"), "get.mjs"),
    script("node-24-https", node("node-24"), "get.mjs"),
    script("bun", lambda venv: venv("loops") / "bun", "fetch.mjs"),
    hub_js("20"),
    hub_js("24"),
    java("java", "Fetch"),
    java("java-url", "Url"),
]
