# SPDX-License-Identifier: MIT
"""fetch.py LIBRARY URL FILE: one GET with that library's defaults."""

import asyncio
import functools
import sys
from pathlib import Path


def by_urllib(url):
    import urllib.request

    with urllib.request.urlopen(url) as response:
        return response.read()


def by_requests(url):
    import requests

    response = requests.get(url)
    response.raise_for_status()
    return response.content


def by_httpx(url):
    import httpx

    return httpx.get(url).raise_for_status().content


def by_urllib3(url):
    """No ProxyManager: it reads no proxy variable."""
    import urllib3

    response = urllib3.PoolManager().request("GET", url)
    if response.status != 200:
        raise SystemExit(f"HTTP status {response.status}")
    return response.data


def by_aiohttp(url, trust_env=False):
    """No trust_env=True: like most programs, it reads no proxy variable."""
    import aiohttp

    async def get():
        async with aiohttp.ClientSession(raise_for_status=True, trust_env=trust_env) as session:
            async with session.get(url) as response:
                return await response.read()

    return asyncio.run(get())


BY = {
    "urllib": by_urllib,
    "urllib3": by_urllib3,
    "requests": by_requests,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "aiohttp-trust-env": functools.partial(by_aiohttp, trust_env=True),
}
library, url, path = sys.argv[1:]
Path(path).write_bytes(BY[library](url))
