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
GO_1_19 = "Go before 1.23 does not know socks5h://, and Go has what the user wrote (HFPROXY_URL or all_proxy will do)"
STATIC_WGET = "busybox's wget does not speak SOCKS, and nothing can be preloaded into a static program"
OWN_DNS = (
    "the proxy is hidden from it, and aria2 asks a name server by itself (c-ares), which knows nothing of names "
    "that only the proxy can resolve; with --async-dns=false it works"
)
NO_RESOLVER = "gRPC asks name servers by itself (c-ares) where it sees no HTTP proxy; GRPC_DNS_RESOLVER=native helps"
IMPOSSIBLE: dict = {
    ("go-1.19", "socks5h"): GO_1_19,
    ("go-1.19-cgo", "socks5h"): GO_1_19,
    ("busybox-wget", "socks5h"): STATIC_WGET,
    ("busybox-wget", "all-socks"): STATIC_WGET,
    ("busybox-wget", "socks-url"): STATIC_WGET,
    ("busybox-wget", "socks-password"): STATIC_WGET,
    **{("aria2-cares", name): OWN_DNS for name in ("only", "socks5h", "all-socks", "socks-url", "socks-password")},
    ("aria2-cares", "short-name"): "where loopback is the only interface, as in scripts/netns, its own resolver "
    "looks nothing up; elsewhere it reads /etc/hosts and this works",
    ("ruby-open-uri", "odd-password"): "open-uri sends the password percent-encoded, as it stands in the variable; "
    "net/http decodes it",
    **{("grpc", name): NO_RESOLVER for name in ("only", "socks5h", "all-socks", "socks-url", "socks-password")},
}
