# SPDX-License-Identifier: MIT
"""A package index by PEP 503, with metadata apart (PEP 658) and its packages on another host, as
PyPI has them."""

import hashlib
import io
import zipfile
from functools import cache

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from hub_content import File, noise
from hub_http import base_url, ranged

NAME, VERSION = "sample", "1.0"
# What is in it when it is installed.
INSTALLED = (
    File(f"{NAME}/__init__.py", b'"""A package to install."""\n'),
    File(f"{NAME}/weights.bin", noise("wheel", 600_000)),
)
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n".encode()
TAGS = b"Wheel-Version: 1.0\nGenerator: hub\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@cache
def wheel():
    info = f"{NAME}-{VERSION}.dist-info"
    content = {file.path: file.data for file in INSTALLED}
    content |= {f"{info}/METADATA": METADATA, f"{info}/WHEEL": TAGS}
    record = f"{info}/RECORD"
    content[record] = "".join(f"{path},,\n" for path in [*content, record]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return File(f"{NAME}-{VERSION}-py3-none-any.whl", out.getvalue())


async def links(request):
    if request.path_params["name"] != NAME:
        return PlainTextResponse("no such package\n", 404)
    file, metadata = wheel(), hashlib.sha256(METADATA).hexdigest()
    url = f"{base_url(request, 'pythonhosted.test')}/{file.path}#sha256={file.sha256}"
    return HTMLResponse(f'<a href="{url}" data-core-metadata="sha256={metadata}">{file.path}</a>\n')


async def package(request):
    data = {wheel().path: wheel().data, f"{wheel().path}.metadata": METADATA}.get(
        request.path_params["name"]
    )
    return ranged(request, data) if data else PlainTextResponse("no such file\n", 404)


def index_routes():
    return [Route("/simple/{name}/", links)]


def package_routes():
    return [Route("/{name}", package)]
