# SPDX-License-Identifier: MIT
"""fetch.py LIBRARY URL FILE: one GET with that library's defaults."""

import asyncio
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


def by_aiohttp(url):
    """No trust_env=True: like most programs, it reads no proxy variable."""
    import aiohttp

    async def get():
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            async with session.get(url) as response:
                return await response.read()

    return asyncio.run(get())


library, url, path = sys.argv[1:]
data = {"urllib": by_urllib, "requests": by_requests, "httpx": by_httpx, "aiohttp": by_aiohttp}[library](url)
Path(path).write_bytes(data)
