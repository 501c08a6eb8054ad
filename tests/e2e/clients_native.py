# SPDX-License-Identifier: MIT
"""Clients that are compiled, and those that come with a distribution."""

from client import Client, plain
from hub_files import BIG, README, File


def wget(venv, program, hub):
    return ["wget", "-nv", "--tries=1", f"--ca-certificate={hub.ca}", "-P", "out", "https://files.test/big.bin"]


CLIENTS = [
    plain("curl", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", "https://files.test/big.bin"),
    plain("curl-http", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", "http://files.test/big.bin"),
    Client("wget", wget, {"big.bin": BIG}),
    plain(
        "git",
        *("git", "clone", "--quiet", "https://files.test/repo.git", "out"),
        files=[("README", File("README", README.encode()))],
    ),
]
