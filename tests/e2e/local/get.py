# SPDX-License-Identifier: MIT
"""get.py LIBRARY URL...: prints what each URL holds, or why there is nothing."""

import sys
from urllib.parse import urlsplit


def by_urllib(url):
    import urllib.request

    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read().decode()


def by_requests(url):
    import requests

    response = requests.get(url, timeout=60)
    response.raise_for_status()
    return response.text


def by_httpx(url):
    import httpx

    response = httpx.get(url, timeout=60)
    response.raise_for_status()
    return response.text


def by_aiohttp(url, **more):
    import asyncio

    import aiohttp

    async def get():
        timeout = aiohttp.ClientTimeout(60)
        async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True, **more) as session:
            async with session.get(url) as response:
                return await response.text()

    return asyncio.run(get())


def by_aiohttp_env(url):
    return by_aiohttp(url, trust_env=True)


def by_socket(url, look_up=lambda name: name):
    """As torchrun's workers reach MASTER_ADDR: no HTTP client that could read a variable."""
    import socket

    to = urlsplit(url)
    with socket.create_connection((look_up(to.hostname), to.port or 80)) as sock:
        sock.sendall(f"GET / HTTP/1.0\r\nHost: {to.netloc}\r\n\r\n".encode())
        return sock.makefile().read().rpartition("\n\n")[2]


def by_gethostbyname(url):
    import socket

    return by_socket(url, socket.gethostbyname)


def by_grpc(url):
    import grpc

    place = urlsplit(url).netloc
    with grpc.insecure_channel(place) as channel:
        return channel.unary_unary("/test.Echo/Hello")(place.encode(), timeout=60).decode()


library, *urls = sys.argv[1:]
get = globals()[f"by_{library}"]
for url in urls:
    try:
        sys.stdout.write(get(url))
    except Exception as error:  # whatever a library raises, the others are tried
        print(url, type(error).__name__, str(error).replace("\n", " "))
