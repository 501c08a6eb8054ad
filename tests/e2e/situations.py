# SPDX-License-Identifier: MIT
"""The table of situations: how a user may have written down the proxy that there is, or the two of them.

Each turns the proxies' URLs, as Proxy.url has them but with user and password raw, into variables.
"""

from collections.abc import Callable
from dataclasses import dataclass

# As GNOME, KDE and hand-written rc files have it; each part is too much for some client.
DESKTOP = "localhost,127.0.0.0/8,::1;[::1];fd00::/8;*.corp.test"

HTTP = ("tinyproxy", "squid")
SOCKS = ("microsocks", "dante")
BOTH = ("tinyproxy+microsocks", "squid+dante")  # Clash, v2ray and GNOME have a port for each


@dataclass(frozen=True)
class Urls:
    """Of the proxies of one cell."""

    http: str | None
    socks: str | None  # with socks5h://
    dead: str  # a port that refuses, as HTTP

    @property
    def socks_at(self):
        """HOST:PORT."""
        return self.socks.partition("://")[2]


@dataclass(frozen=True)
class Situation:
    name: str
    env: Callable  # Urls -> variables
    proxies: tuple = HTTP  # each is run with every one of them
    login: tuple = ()  # user and password that the proxy demands


def upper(value):
    return {"HTTP_PROXY": value, "HTTPS_PROXY": value}


def lower(value):
    return {"http_proxy": value, "https_proxy": value}


def everything(value):
    return upper(value) | lower(value) | {"ALL_PROXY": value, "all_proxy": value}


SITUATIONS = [
    Situation("upper", lambda of: upper(of.http)),
    Situation("lower", lambda of: lower(of.http)),
    Situation("upper-dead", lambda of: upper(of.dead) | lower(of.http)),
    Situation("lower-dead", lambda of: upper(of.http) | lower(of.dead)),
    Situation("upper-empty", lambda of: upper("") | lower(of.http)),
    Situation("lower-empty", lambda of: upper(of.http) | lower("")),
    Situation("quoted", lambda of: upper(f'"{of.http}"')),
    Situation("trailing-cr", lambda of: lower(f"{of.http}\r")),
    Situation("no-scheme", lambda of: upper(of.http.removeprefix("http://"))),
    Situation("desktop", lambda of: lower(of.http) | {"no_proxy": DESKTOP}),
    Situation("all", lambda of: {"ALL_PROXY": of.http}),
    Situation("url", lambda of: {"HFPROXY_URL": of.http}),
    Situation("only", lambda of: lower(of.http) | {"HFPROXY_ONLY": ".test"}),
    Situation("password", lambda of: upper(of.http), login=("user", "Sesame9")),
    Situation(
        "odd-password",
        lambda of: lower(of.http),
        ("squid",),  # tinyproxy's configuration cannot express it
        ("me@corp.test", "p@ss#w/r\\d%:"),
    ),
    Situation("socks5h", lambda of: everything(of.socks), SOCKS),
    Situation("all-socks", lambda of: {"ALL_PROXY": f"socks://{of.socks_at}"}, SOCKS),
    Situation("socks-url", lambda of: {"HFPROXY_URL": of.socks}, SOCKS),
    Situation("socks-password", lambda of: {"all_proxy": of.socks}, SOCKS, ("user", "Sesame9")),
    Situation("clash", lambda of: lower(of.http) | {"all_proxy": f"socks5://{of.socks_at}"}, BOTH),
    Situation("clash-socks", lambda of: upper(of.http) | {"ALL_PROXY": f"socks://{of.socks_at}"}, BOTH),
    Situation(
        "gnome",
        lambda of: lower(f"{of.http}/")
        | {"ftp_proxy": f"{of.http}/", "all_proxy": f"socks://{of.socks_at}/"}
        | {"no_proxy": "localhost,127.0.0.0/8,::1"},
        BOTH,
    ),
    # scripts/netns knows the name. (hf_xet 1.1.5 asks for it with a dot behind.)
    Situation("short-name", lambda of: lower(of.http.replace("127.0.0.1", "proxy"))),
]
BY_NAME = {situation.name: situation for situation in SITUATIONS}

# (client, situation) -> why it cannot work: run all the same, and a surprise if it does.
NO_RESOLVER = "gRPC asks name servers by itself (c-ares) where it sees no HTTP proxy; GRPC_DNS_RESOLVER=native helps"
IMPOSSIBLE: dict = {
    ("grpc", "only"): NO_RESOLVER,
    ("grpc", "socks5h"): NO_RESOLVER,
    ("grpc", "all-socks"): NO_RESOLVER,
    ("grpc", "socks-url"): NO_RESOLVER,
    ("grpc", "socks-password"): NO_RESOLVER,
}
