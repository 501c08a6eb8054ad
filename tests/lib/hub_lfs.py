# SPDX-License-Identifier: MIT
"""A file in git LFS: the pointer that the repository holds in its place, the batch API that says where
the file is, and that place, which is another host as on the real hubs.
"""

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub_content import File, noise
from hub_http import base_url, ranged

MEDIA_TYPE = "application/vnd.git-lfs+json"
LFS_FILE = File("weights.bin", noise("lfs", 1_500_000))
POINTER = f"""\
version https://git-lfs.github.com/spec/v1
oid sha256:{LFS_FILE.sha256}
size {len(LFS_FILE.data)}
"""
TREE = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", LFS_FILE.path: POINTER}


def describe(wanted, storage):
    found = {"oid": wanted["oid"], "size": wanted["size"]}
    if wanted["oid"] != LFS_FILE.sha256:
        return found | {"error": {"code": 404, "message": "no such object"}}
    return found | {"actions": {"download": {"href": f"{storage}/{wanted['oid']}"}}}


async def batch(request):
    if not request.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return Response(status_code=415)
    storage = base_url(request, "lfs.test")
    objects = [describe(wanted, storage) for wanted in (await request.json())["objects"]]
    return JSONResponse({"transfer": "basic", "objects": objects}, media_type=MEDIA_TYPE)


async def stored(request):
    if request.path_params["oid"] != LFS_FILE.sha256:
        return Response(status_code=404)
    return ranged(request, LFS_FILE.data)


def storage_routes():
    return [Route("/{oid}", stored)]
