# SPDX-License-Identifier: MIT
"""download.py LIBRARY OUT URL...: all of them at once, into files in the directory OUT.

By the plain API of one event loop: no proxy variable is read. A 302 leads to the same URL.
"""

import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

TLS = ssl.create_default_context()


def split(url):
    """(host, port, TLS context or None, the request)."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    request = f"GET {parts.path} HTTP/1.0\r\nHost: {parts.hostname}\r\n\r\n"
    return parts.hostname, parts.port or (443 if secure else 80), TLS if secure else None, request.encode()


def body(answer):
    """None: ask again."""
    head, _, content = answer.partition(b"\r\n\r\n")
    status = head.split()[1]
    if status not in (b"200", b"302"):
        raise RuntimeError(head)
    return content if status == b"200" else None


def save(url, content):
    (out / url.rpartition("/")[2]).write_bytes(content)


def by_asyncio(urls, exchange=None, run=None):
    import asyncio

    async def by_streams(host, port, tls, request):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    async def get(url):
        while (content := body(await (exchange or by_streams)(*split(url)))) is None:
            pass
        save(url, content)

    async def get_all():
        await asyncio.gather(*map(get, urls))

    (run or asyncio.run)(get_all())


def by_asyncio_sock(urls):
    import asyncio
    import socket

    async def exchange(host, port, tls, request):
        assert not tls
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
            await loop.sock_sendall(sock, request)
            answer = b""
            while data := await loop.sock_recv(sock, 65536):
                answer += data
            return answer

    by_asyncio(urls, exchange)


def by_uvloop(urls):
    import uvloop

    by_asyncio(urls, run=uvloop.run)


def by_trio(urls):
    import trio

    async def exchange(host, port, tls, request):
        stream = await trio.open_tcp_stream(host, port)
        if tls:
            stream = trio.SSLStream(stream, tls, server_hostname=host, https_compatible=True)
        async with stream:
            await stream.send_all(request)
            return b"".join([data async for data in stream])

    async def get(url):
        while (content := body(await exchange(*split(url)))) is None:
            pass
        save(url, content)

    async def get_all():
        async with trio.open_nursery() as nursery:
            for url in urls:
                nursery.start_soon(get, url)

    trio.run(get_all)


def by_gevent(urls):
    import gevent
    import gevent.socket
    import gevent.ssl

    def exchange(host, port, tls, request):
        with gevent.socket.create_connection((host, port)) as sock:
            if tls:
                sock = gevent.ssl.create_default_context().wrap_socket(sock, server_hostname=host)
            sock.sendall(request)
            answer = b""
            while data := sock.recv(65536):
                answer += data
            return answer

    def get(url):
        while (content := body(exchange(*split(url)))) is None:
            pass
        save(url, content)

    gevent.joinall([gevent.spawn(get, url) for url in urls], raise_error=True)


def by_aiohttp(urls):
    import asyncio

    import aiohttp

    async def get(session, url):
        async with session.get(url) as response:
            save(url, await response.read())

    async def get_all():
        async with aiohttp.ClientSession(trust_env=False, raise_for_status=True) as session:
            await asyncio.gather(*(get(session, url) for url in urls))

    asyncio.run(get_all())


library, out, *urls = sys.argv[1:]
out = Path(out)
globals()[f"by_{library.replace('-', '_')}"](urls)
