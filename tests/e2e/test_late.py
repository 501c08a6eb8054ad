# SPDX-License-Identifier: MIT
"""What a Python program does to os.environ while it runs."""

import pytest

# A connection that reads no variable; what C code in the process is told; what a child sees.
LOOK = """
import ctypes, os, socket, subprocess
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p

def look():
    try:
        socket.create_connection(("files.test", 443), 20).close()
        way = "tunnel"
    except OSError:
        way = "direct"
    child = subprocess.run(["sh", "-c", "echo $https_proxy"], capture_output=True, text=True)
    print(way, (libc.getenv(b"https_proxy") or b"-").decode(), child.stdout.strip() or "-")

look()
"""


# The change, what the environment held before, and the three answers before and after it.
CASES = {
    "set late": ('os.environ["HTTPS_PROXY"] = "{url}"', {}, "direct - -", "tunnel {url} {url}"),
    "set late and damaged": (
        "os.environ[\"HTTPS_PROXY\"] = '\"{url}\"'",
        {},
        "direct - -",
        "tunnel {url} {url}",
    ),
    "taken away": (
        'del os.environ["HTTPS_PROXY"]',
        {"HTTPS_PROXY": "{url}"},
        "tunnel {url} {url}",
        "direct - -",
    ),
    "exempted late": (
        'os.environ["no_proxy"] = "files.test"',
        {"HTTPS_PROXY": "{url}"},
        "tunnel {url} {url}",
        "direct {url} {url}",
    ),
    "cleared, but HFPROXY_URL": (
        'path = os.environ["PATH"]; os.environ.clear(); os.environ["PATH"] = path',
        {"HFPROXY_URL": "{url}"},
        "tunnel {url} {url}",
        "tunnel - -",
    ),
    "cleared": (
        'path = os.environ["PATH"]; os.environ.clear(); os.environ["PATH"] = path',
        {"https_proxy": "{url}"},
        "tunnel {url} {url}",
        "direct - -",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_late_change(name, run, proxy):
    url = proxy().url
    change, env, before, after = CASES[name]
    env = {variable: value.format(url=url) for variable, value in env.items()}
    program = LOOK + change.format(url=url) + "\nlook()\n"
    result = run(["/usr/bin/python3", "-c", program], env, "preload")
    assert result.stdout.splitlines() == [before.format(url=url), after.format(url=url)], result
