# SPDX-License-Identifier: MIT
"""What the users and passwords of test_secrets*.py consist of, and how it is found wherever it went."""

import base64
import re

USER, BEGIN, MIDDLE, END = "M4llory", "Ses4me", "7hirteen", "0pen9"
MARKS = (USER, BEGIN, MIDDLE, END)  # whatever encoding a secret is in, these are to be found in it


def encoded(mark):
    """What is found in Base64 of any text with MARK in it, by where in a group of three it begins."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + mark).decode()
        yield digits[(before * 4 + 2) // 3 : (before + len(mark)) * 4 // 3]


TRACES = [trace.encode() for mark in MARKS for trace in (mark, *encoded(mark.encode()))]
TRACE = re.compile(b"|".join(map(re.escape, TRACES)), re.IGNORECASE)


def trace_in(data):
    """With its surroundings, for whoever has to find out where it comes from."""
    found = TRACE.search(data)
    return found and data[max(0, found.start() - 60) : found.end() + 20]
