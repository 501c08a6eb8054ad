# SPDX-License-Identifier: MIT
"""What every part of the stand-in Hub needs: byte ranges (one a request) and URLs."""

import re

from starlette.responses import Response

OCTETS = "application/octet-stream"


def base_url(request, name):
    """The same port under another name: in the demo, no port is known beforehand."""
    _, colon, port = request.headers["host"].partition(":")
    return f"{request.url.scheme}://{name}{colon}{port}"


def parse_range(header, size):
    """(first, last) of `bytes=F-L`, clipped to SIZE; None without a header; ValueError if the
    range holds no byte."""
    if header is None:
        return None
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", header)
    if not match:
        raise ValueError(header)
    first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first > last:
        raise ValueError(header)
    return first, last


def ranged(request, data, headers=()):
    """DATA, or the part of it that was asked for."""
    headers = dict(headers)
    try:
        wanted = parse_range(request.headers.get("range"), len(data))
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
    if wanted is None:
        return Response(data, headers=headers, media_type=OCTETS)
    first, last = wanted
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, OCTETS)
