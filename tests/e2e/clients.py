# SPDX-License-Identifier: MIT
"""The table of clients, whole: a row of scripts/matrix each."""

import clients_go
import clients_native
import clients_python
import clients_runtimes

CLIENTS = [*clients_python.CLIENTS, *clients_native.CLIENTS, *clients_runtimes.CLIENTS, *clients_go.CLIENTS]
BY_NAME = {client.name: client for client in CLIENTS}
