# SPDX-License-Identifier: MIT
"""The table of situations: how a user may have written down the one proxy that there is.

URL is the proxy's as Proxy.url has it, user and password raw; DEAD one that refuses connections.
"""

from collections.abc import Callable
from dataclasses import dataclass

# As GNOME, KDE and hand-written rc files have it; each part is too much for some client.
DESKTOP = "localhost,127.0.0.0/8,::1;[::1];fd00::/8;*.corp.test"


@dataclass(frozen=True)
class Situation:
    name: str
    env: Callable  # (url, dead) -> variables
    login: tuple = ()  # user and password that the proxy demands
    proxies: tuple = ("tinyproxy", "squid")


def upper(value):
    return {"HTTP_PROXY": value, "HTTPS_PROXY": value}


def lower(value):
    return {"http_proxy": value, "https_proxy": value}


SITUATIONS = [
    Situation("upper", lambda url, dead: upper(url)),
    Situation("lower", lambda url, dead: lower(url)),
    Situation("upper-dead", lambda url, dead: upper(dead) | lower(url)),
    Situation("lower-dead", lambda url, dead: upper(url) | lower(dead)),
    Situation("upper-empty", lambda url, dead: upper("") | lower(url)),
    Situation("lower-empty", lambda url, dead: upper(url) | lower("")),
    Situation("quoted", lambda url, dead: upper(f'"{url}"')),
    Situation("trailing-cr", lambda url, dead: lower(f"{url}\r")),
    Situation("no-scheme", lambda url, dead: upper(url.removeprefix("http://"))),
    Situation("desktop", lambda url, dead: lower(url) | {"no_proxy": DESKTOP}),
    Situation("all", lambda url, dead: {"ALL_PROXY": url}),
    Situation("url", lambda url, dead: {"HFPROXY_URL": url}),
    Situation("password", lambda url, dead: upper(url), ("user", "Sesame9")),
    Situation(
        "odd-password",
        lambda url, dead: lower(url),
        ("me@corp.test", "p@ss#w/r\\d%:"),
        ("squid",),  # tinyproxy's configuration cannot express it
    ),
]
BY_NAME = {situation.name: situation for situation in SITUATIONS}

# What no client can do in this version, and why.
LATER = {
    "socks5h:// in any variable": "SOCKS is not in this version",
    "https:// to a proxy that speaks TLS": "only to clients that can speak TLS to a proxy themselves",
}

# (client, situation) -> why it cannot work in this version.
IMPOSSIBLE: dict = {}
