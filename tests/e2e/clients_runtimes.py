# SPDX-License-Identifier: MIT
"""Clients in JavaScript and Java, whose runtimes read no proxy variable."""

import functools
import subprocess

from client import HERE, Client, plain
from hub_files import BIG


@functools.cache
def java_classes(directory):
    subprocess.run(["javac", "-d", directory, HERE / "Fetch.java"], check=True)
    return directory


def java(venv, program, hub):
    trust = f"-Djavax.net.ssl.trustStore={hub.truststore}"
    password = "-Djavax.net.ssl.trustStorePassword=changeit"
    words = ["-cp", java_classes(hub.directory), "Fetch"]
    return ["java", trust, password, *words, "https://files.test/big.bin", "out/big.bin"]


CLIENTS = [
    plain("node", "node", HERE / "fetch.mjs", "https://files.test/big.bin", "out/big.bin"),
    Client("java", java, {"big.bin": BIG}),
]
