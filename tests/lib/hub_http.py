# SPDX-License-Identifier: MIT
"""What every part of the stand-in Hub needs: byte ranges and URLs."""

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


def several(ranges, data, headers):
    """RFC 9110 14.6: what @huggingface/hub wants of a xorb that it needs more than one part of."""
    parts = []
    for first, last in ranges:
        head = f"--part\r\nContent-Type: {OCTETS}\r\nContent-Range: bytes {first}-{last}/{len(data)}\r\n\r\n"
        parts.append(head.encode() + data[first : last + 1] + b"\r\n")
    body = b"".join(parts) + b"--part--\r\n"
    return Response(body, 206, headers, "multipart/byteranges; boundary=part")


def ranged(request, data, headers=()):
    """DATA, or the part or parts of it that were asked for."""
    headers, header = dict(headers), request.headers.get("range")
    try:
        if header and "," in header:
            texts = header.removeprefix("bytes=").split(",")
            return several([parse_range(f"bytes={text.strip()}", len(data)) for text in texts], data, headers)
        wanted = parse_range(header, len(data))
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
    if wanted is None:
        return Response(data, headers=headers, media_type=OCTETS)
    first, last = wanted
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, OCTETS)
