# SPDX-License-Identifier: MIT
"""A gRPC server, on every address: to each call of /test.Echo/Hello it says "hello" and what it was sent.
Prints its port, and serves until the pipe on its standard input closes."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

call = grpc.unary_unary_rpc_method_handler(lambda request, _: b"hello " + request + b"\n")
server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", {"Hello": call})])
print(server.add_insecure_port("[::]:0"), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
