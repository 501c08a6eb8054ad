# SPDX-License-Identifier: MIT
"""A Go program that is linked with libc has the library loaded, looks names up by libc if it is told to,
and connects by system calls of its own: a placeholder would be a dead end for it. (The table of clients
has the rest.)"""

import pytest

from clients_go import FILE, URL
from test_clients import dead, out  # noqa: F401 (fixtures)

# The library in COMMAND alone, as where a program without it starts COMMAND.
PRELOADED = ("sh", "-c", 'LD_PRELOAD="$0" exec "$@"')


@pytest.mark.parametrize("which", ["cgo", "cgo-1.19"])
def test_what_goes_direct_without_us_finds_the_names(which, run, program, lib, hub, with_hosts, dead, out):  # noqa: F811
    """Go does not know all_proxy."""
    words = [*with_hosts, *PRELOADED, lib, program("go") / which, URL, FILE]
    result = run(words, {"all_proxy": dead, "GODEBUG": "netdns=cgo"})
    assert (result.status, result.stderr) == (0, "")
    assert hub.hosts_asked() == {"files.test"}
