# SPDX-License-Identifier: MIT
"""Clients in Go, which reads the initial stack and connects by system calls of its own."""

CLIENTS: list = []
