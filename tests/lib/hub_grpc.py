# SPDX-License-Identifier: MIT
"""A gRPC server: /hfproxy.Files/Get takes the name of one of FILES and answers with what is in it.

No .proto: requests and answers are bytes, which is what a message is before anybody reads it.
"""

import grpc

from hub_files import FILES

METHOD = "/hfproxy.Files/Get"


def peer_address(context):
    """HOST:PORT of ipv4:HOST:PORT."""
    return context.peer().partition(":")[2]


async def start(address, certificate, host, log):
    """Listens at ADDRESS (HOST:PORT) when it returns. LOG is called with each call's line for the access log, before
    its answer leaves; HOST is the only name that CERTIFICATE (a PEM file, the key first) lets a client come by."""

    async def get(request, context):
        file = FILES.get(request.decode())
        code = grpc.StatusCode.OK if file else grpc.StatusCode.NOT_FOUND
        log({"host": host, "scheme": "grpcs", "path": METHOD, "status": code.name, "client": peer_address(context)})
        if not file:
            await context.abort(code, "no such file")
        return file.data

    service, method = METHOD.strip("/").split("/")
    server = grpc.aio.server()
    handlers = {method: grpc.unary_unary_rpc_method_handler(get)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    pem = certificate.read_bytes()
    server.add_secure_port(address, grpc.ssl_server_credentials([(pem, pem)]))
    await server.start()
    return server
