# SPDX-License-Identifier: MIT
"""Clients that are compiled, and those that come with a distribution."""

from client import HERE, Client, compiled, plain
from hub_files import BIG, README, File

HTTP, HTTPS = "http://files.test/big.bin", "https://files.test/big.bin"


def wget(venv, program, hub):
    return ["wget", "-nv", "--tries=1", f"--ca-certificate={hub.ca}", "-P", "out", HTTPS]


def aria2(*words):
    """Once: it would try five times."""

    def argv(venv, program, hub):
        once = ["--max-tries=1", "--console-log-level=warn", "--summary-interval=0"]
        return ["aria2c", *words, *once, f"--ca-certificate={hub.ca}", "--dir=out", HTTPS]

    return argv


CLIENTS = [
    plain("curl", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", HTTPS),
    plain("curl-http", "curl", "-sSf", "--create-dirs", "-o", "out/big.bin", HTTP),
    compiled("curl-multi", "curl", "multi", "epoll", "out", HTTPS),  # told to use no proxy
    Client("wget", wget, {"big.bin": BIG}),
    Client("aria2", aria2("--async-dns=false"), {"big.bin": BIG}),
    # As it comes: c-ares connects to port 53. Where loopback is the only interface aria2 does not even ask it,
    # which comes to the same but for names in /etc/hosts.
    Client("aria2-cares", aria2(), {"big.bin": BIG}),
    plain(
        "git",
        *("git", "clone", "--quiet", "https://files.test/repo.git", "out"),
        files=[("README", File("README", README.encode()))],
    ),
    compiled("reqwest", "rust", "get", "env", HTTPS, "out/big.bin"),
    compiled("reqwest-with-socks", "rust", "get-socks", "env", HTTPS, "out/big.bin"),
    compiled("reqwest-no-proxy", "rust", "get-socks", "no-proxy", HTTPS, "out/big.bin"),
    compiled("httplib", "httplib", "get", "https://files.test", "/big.bin", "out/big.bin"),
    compiled("musl", "musl", "get", "files.test", "/big.bin", "out/big.bin"),
    plain("ruby", "ruby", HERE / "get.rb", "net-http", HTTPS, "out/big.bin"),
    plain("ruby-open-uri", "ruby", HERE / "get.rb", "open-uri", HTTPS, "out/big.bin"),
    plain("perl", "perl", HERE / "get.pl", HTTP, "out/big.bin"),  # Debian's Perl has no TLS
]
