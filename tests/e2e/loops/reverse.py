# SPDX-License-Identifier: MIT
"""reverse.py nginx|haproxy OUT URL...: starts that server as a reverse proxy for the hosts of the
URLs, takes every path through it, all of them at once, into files in the directory OUT, and stops it.

http:// only. The server connects to its upstreams by itself; who asks it does so by a Unix socket.
"""

import asyncio
import os
import pwd
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

START_SECONDS = 30
USER = pwd.getpwuid(os.getuid()).pw_name

NGINX = """
daemon off;
user {user};
worker_processes 1;
error_log stderr;
pid nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    proxy_read_timeout 100s; proxy_connect_timeout 74s;
    server {{
        listen unix:{socket};
        {locations}
    }}
}}
"""
LOCATION = "location {path} {{ proxy_pass http://{host}:{port}; proxy_set_header Host {name}; }}"

HAPROXY = """
global
    maxconn 200
    nbthread 2
defaults
    mode http
    retries 0
    timeout connect 100s
    timeout client 100s
    timeout server 100s
frontend all
    bind unix@{socket}
    {uses}
{backends}
"""
BACKEND = """
backend {backend}
    http-request set-header Host {name}
    http-reuse never
    server one {host}:{port}
"""


def upstreams(urls):
    """{path prefix: (host, port)}, in the order of the URLs."""
    found = {}
    for parts in map(urlsplit, urls):
        found[parts.path.rpartition("/")[0] + "/"] = (parts.hostname, parts.port or 80)
    return found


def nginx(socket, urls):
    locations = [
        LOCATION.format(path=path, host=host, port=port, name=host) for path, (host, port) in upstreams(urls).items()
    ]
    Path("nginx.conf").write_text(NGINX.format(user=USER, socket=socket, locations="\n        ".join(locations)))
    return ["nginx", "-p", os.getcwd(), "-e", "stderr", "-c", "nginx.conf"]


def haproxy(socket, urls):
    """HAPROXY_HOST: what to tell upstreams whose URL has an address."""
    uses, backends = [], []
    for i, (path, (host, port)) in enumerate(upstreams(urls).items()):
        uses.append(f"use_backend b{i} if {{ path_dir {path} }}" if path != "/" else f"default_backend b{i}")
        name = os.environ["HAPROXY_HOST"] if path != "/" else host
        backends.append(BACKEND.format(backend=f"b{i}", name=name, host=host, port=port))
    config = HAPROXY.format(socket=socket, uses="\n    ".join(uses), backends="".join(backends))
    Path("haproxy.cfg").write_text(config)
    return ["haproxy", "-db", "-f", "haproxy.cfg"]


async def wait_for_server(process, socket):
    async def connect():
        while process.poll() is None:
            try:
                return await asyncio.open_unix_connection(socket)
            except OSError:
                await asyncio.sleep(0.005)
        raise RuntimeError("the server did not start")

    _, writer = await asyncio.wait_for(connect(), START_SECONDS)
    writer.close()


async def get(socket, url, file):
    status = b"302"
    while status == b"302":
        reader, writer = await asyncio.open_unix_connection(socket)
        path = urlsplit(url).path
        writer.write(f"GET {path} HTTP/1.0\r\nHost: here.test\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status = head.split()[1]
    if status != b"200":
        raise RuntimeError(f"{url}: {head}")
    file.write_bytes(body)


async def main(kind, out, urls):
    socket = os.path.abspath("socket")
    process = subprocess.Popen({"nginx": nginx, "haproxy": haproxy}[kind](socket, urls))
    try:
        await wait_for_server(process, socket)
        await asyncio.gather(*(get(socket, url, Path(out, url.rpartition("/")[2])) for url in urls))
    finally:
        process.terminate()
        process.wait()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
