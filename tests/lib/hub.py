# SPDX-License-Identifier: MIT
"""A stand-in for the Hugging Face Hub and its Xet storage, a git server, a package index, a gRPC
server and a file server.

One process serves every host name, over HTTPS with a private CA and over plain HTTP:

  hub.test           the Hub's API and /resolve/, as hf_hub_download, snapshot_download,
                     `hf download` and datasets.load_dataset use them
  cas.test           Xet reconstructions, versions 1 and 2
  transfer.test      xorb data
  cas-bridge.test    whole files, for clients that have Xet switched off
  files.test         /hello.txt, /big.bin, /rows.jsonl, /noise/ANY.bin, and /repo.git by git's
                     smart protocol; /lfs.git, whose one file is in git LFS
  lfs.test           that file
  pypi.test          a package index: /simple/, as pip and uv use it
  pythonhosted.test  the packages themselves
  datasets-server.hub.test, s3.amazonaws.com
                     asked by datasets.load_dataset, which is content with "not found"

With --grpc-address, a gRPC server (hub_grpc.py) for another name has that address to itself:

  grpc.test          at the port for HTTPS; its calls are in the access log like requests

None of these names resolves here; DIRECTORY/hosts has them for a proxy, as /etc/hosts would.
Prints the ports for HTTPS and HTTP when both listen; serves until SIGTERM or until the pipe on
its standard input closes.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import socket
from pathlib import Path

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Router

import hub_api
import hub_files
import hub_grpc
import hub_index
import hub_lfs
import hub_xet
from serving import end_of_input

HOSTS = (
    "hub.test",
    "cas.test",
    "transfer.test",
    "cas-bridge.test",
    "files.test",
    "lfs.test",
    "pypi.test",
    "pythonhosted.test",
    "datasets-server.hub.test",
    "s3.amazonaws.com",
)
GRPC_HOST = "grpc.test"


class AccessLog:
    """ASGI middleware: one JSON line a request, written before its answer begins to leave,
    so that whoever has read an answer finds the line."""

    def __init__(self, app, write_line, delay):
        self.app, self.write_line, self.delay = app, write_line, delay

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {k.decode(): v.decode("latin-1") for k, v in scope["headers"]}

        async def log_and_send(message):
            if message["type"] == "http.response.start":
                self.write(scope, headers, message["status"])
            await send(message)

        await asyncio.sleep(self.delay)
        await self.app(scope, receive, log_and_send)

    def write(self, scope, headers, status):
        entry = {
            "host": headers.get("host", "").partition(":")[0],
            "scheme": scope["scheme"],
            "method": scope["method"],
            "path": scope["path"],
            "range": headers.get("range"),
            "status": status,
            "agent": headers.get("user-agent"),
            "client": "%s:%d" % tuple(scope["client"]),
        }
        self.write_line(entry)


def access_log(path):
    path.touch()

    def write_line(entry):
        with open(path, "a") as log:
            log.write(json.dumps(entry) + "\n")

    return write_line


def application(directory, write_line, delay):
    secret = secrets.token_hex(16)
    routes = {
        "hub.test": hub_api.routes(secret),
        "cas.test": hub_xet.cas_routes(secret),
        "transfer.test": hub_xet.transfer_routes(secret),
        "cas-bridge.test": hub_api.bridge_routes(secret),
        "files.test": hub_files.routes(directory),
        "lfs.test": hub_lfs.storage_routes(),
        "pypi.test": hub_index.index_routes(),
        "pythonhosted.test": hub_index.package_routes(),
    }
    return Starlette(
        routes=[Host(name, Router(routes.get(name, []))) for name in HOSTS],
        middleware=[Middleware(AccessLog, write_line=write_line, delay=delay)],
    )


class Server(uvicorn.Server):
    """One of two in this process: SIGTERM and Ctrl-C keep their plain meaning."""

    def capture_signals(self):
        return contextlib.nullcontext()


def listen(address, port):
    """Already listening: from here on a client waits instead of being refused."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(128)
    return sock


def make_certificate(directory):
    """The CA's certificate goes to ca.pem, its key nowhere."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(directory / "ca.pem")
    path = directory / "server.pem"
    ca.issue_cert(*HOSTS, GRPC_HOST).private_key_and_cert_chain_pem.write_to_path(path)
    return path


async def serve(args):
    directory = args.directory
    write_line = access_log(directory / "access.jsonl")
    certificate = make_certificate(directory)
    app = application(directory, write_line, args.delay)
    common = {"log_level": "warning", "access_log": False, "lifespan": "off", "http": "h11"}
    https, http = listen(args.address, args.https_port), listen(args.address, args.http_port)
    addresses = dict.fromkeys(HOSTS, args.address)
    if args.grpc_address:
        address = f"{args.grpc_address}:{https.getsockname()[1]}"
        grpc_server = await hub_grpc.start(address, certificate, GRPC_HOST, write_line)
        addresses[GRPC_HOST] = args.grpc_address
    (directory / "hosts").write_text("".join(f"{at} {name}\n" for name, at in addresses.items()))
    print(https.getsockname()[1], http.getsockname()[1], flush=True)
    secure = Server(uvicorn.Config(app, ssl_certfile=certificate, **common))
    plain = Server(uvicorn.Config(app, **common))
    everything = [secure.serve([https]), plain.serve([http]), end_of_input()]
    await asyncio.wait(map(asyncio.create_task, everything), return_when=asyncio.FIRST_COMPLETED)
    if args.grpc_address:
        await grpc_server.stop(None)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "directory",
        type=Path,
        help="an existing, empty directory for ca.pem, hosts and access.jsonl (one line a request)",
    )
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument(
        "--https-port", type=int, default=0, help="0, the default, picks a free one"
    )
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument(
        "--grpc-address", help="another address, for the gRPC server; without it there is none"
    )
    parser.add_argument("--delay", type=float, default=0, help="seconds before every answer")
    args = parser.parse_args()
    asyncio.run(serve(args))


if __name__ == "__main__":
    main()
