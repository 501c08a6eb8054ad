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
    """Listens at ADDRESS (HOST:PORT) when it returns. CERTIFICATE is a PEM file with key and chain.
    LOG is called with each call's entry for the access log before its answer leaves; the name that
    the client came by is not to be had, so it is HOST."""

    async def get(request, context):
        file = FILES.get(request.decode())
        code = grpc.StatusCode.OK if file else grpc.StatusCode.NOT_FOUND
        entry = {"host": host, "scheme": "grpcs", "path": METHOD, "status": code.name}
        log(entry | {"client": peer_address(context)})
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
