# SPDX-License-Identifier: MIT
"""grpc_call.py HOST:PORT METHOD REQUEST FILE: one call over TLS; the answer's bytes go to FILE."""

import sys
from pathlib import Path

import grpc

target, method, request, path = sys.argv[1:]
with grpc.secure_channel(target, grpc.ssl_channel_credentials()) as channel:
    Path(path).write_bytes(channel.unary_unary(method)(request.encode(), timeout=60))
