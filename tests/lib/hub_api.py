# SPDX-License-Identifier: MIT
"""The Hub's API: repository information, listings, and /resolve/."""

from urllib.parse import parse_qs

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

import hub_xet
from hub_content import REPOS
from hub_http import base_url, ranged

DATE = "2026-01-01T00:00:00.000Z"
XET_INFO = "application/vnd.xet-fileinfo+json"


def not_found(code):
    """The header is what tells huggingface_hub which exception to raise."""
    return JSONResponse({"error": code}, 404, headers={"X-Error-Code": code})


def find_repo(request):
    params = request.path_params
    repo = REPOS.get((params.get("kind", "models"), f"{params['org']}/{params['name']}"))
    if repo and params.get("revision", "main") in ("main", repo.commit):
        return repo
    return None


def with_repo(answer):
    async def endpoint(request):
        repo = find_repo(request)
        if not repo:
            return not_found("RepoNotFound")
        return await answer(request, repo)

    return endpoint


def describe(file):
    entry = {"type": "file", "path": file.path, "size": len(file.data), "oid": file.blob_id}
    if file.xet:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 132}
        entry["xetHash"] = file.xet_hash
    return entry


def folders(repo):
    return sorted({f.path.rpartition("/")[0] for f in repo.files} - {""})


def describe_folder(path):
    return {
        "type": "directory",
        "path": path,
        "size": 0,
        "oid": path.encode().hex().ljust(40, "0")[:40],
    }


@with_repo
async def info(request, repo):
    return JSONResponse(
        {
            "_id": repo.commit[:24],
            "id": repo.name,
            "author": repo.name.partition("/")[0],
            "sha": repo.commit,
            "lastModified": DATE,
            "createdAt": DATE,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": f.path} for f in repo.files],
        }
    )


@with_repo
async def tree(request, repo):
    below = request.path_params.get("path", "").strip("/")
    prefix = below + "/" if below else ""
    recursive = request.query_params.get("recursive", "").lower() in ("true", "1")
    if below and below not in folders(repo):
        return not_found("EntryNotFound")

    def listed(path):
        return path.startswith(prefix) and (recursive or "/" not in path[len(prefix) :])

    found = [describe_folder(path) for path in folders(repo) if listed(path)]
    return JSONResponse(found + [describe(f) for f in repo.files if listed(f.path)])


@with_repo
async def paths_info(request, repo):
    if request.headers.get("content-type", "").startswith("application/json"):
        wanted = (await request.json())["paths"]
    else:
        form = parse_qs((await request.body()).decode())
        wanted = form.get("paths", [])
    found = [describe(f) for f in repo.files if f.path in wanted]
    return JSONResponse(found + [describe_folder(path) for path in folders(repo) if path in wanted])


def resolve(secret):
    @with_repo
    async def endpoint(request, repo):
        file = repo.file(request.path_params["path"])
        if not file:
            return not_found("EntryNotFound")
        headers = {"X-Repo-Commit": repo.commit, "Accept-Ranges": "bytes"}
        if not file.xet:
            return ranged(request, file.data, headers | {"ETag": f'"{file.etag}"'})
        api = f"{base_url(request, 'hub.test')}/api/{repo.kind}s/{repo.name}"
        token_url = f"{api}/xet-read-token/{repo.commit}"
        reconstruction = f"{base_url(request, 'cas.test')}/v1/reconstructions/{file.xet_hash}"
        headers |= {
            "X-Linked-Etag": f'"{file.etag}"',
            "X-Linked-Size": str(len(file.data)),
            "X-Xet-Hash": file.xet_hash,
            "X-Xet-Refresh-Route": token_url,
            "Link": f'<{token_url}>; rel="xet-auth", <{reconstruction}>; rel="xet-reconstruction-info"',
        }
        if XET_INFO in request.headers.get("accept", ""):  # @huggingface/hub, which reads the headers
            return JSONResponse({"hash": file.xet_hash}, headers=headers, media_type=XET_INFO)
        bridge = f"{base_url(request, 'cas-bridge.test')}/{file.xet_hash}?signature={secret}"
        return RedirectResponse(bridge, 302, headers=headers)

    return endpoint


def bridge_routes(secret):
    """Whole files for clients without Xet, behind a signed URL as on the real bridge."""
    by_hash = {f.xet_hash: f for repo in REPOS.values() for f in repo.files if f.xet}

    async def endpoint(request):
        file = by_hash.get(request.path_params["hash"])
        if request.query_params.get("signature") != secret:
            return PlainTextResponse("not signed\n", 403)
        if not file:
            return Response(status_code=404)
        return ranged(request, file.data, {"ETag": f'"{file.etag}"'})

    return [Route("/{hash}", endpoint)]


def routes(secret):
    repo = "{org}/{name}"
    api = "/api/{kind}/" + repo
    file = repo + "/resolve/{revision}/{path:path}"
    return [
        Route(api, info),
        Route(api + "/revision/{revision}", info),
        Route(api + "/tree/{revision}", tree),
        Route(api + "/tree/{revision}/{path:path}", tree),
        Route(api + "/paths-info/{revision}", paths_info, methods=["POST"]),
        Route(api + "/xet-read-token/{revision}", with_repo(hub_xet.read_token(secret))),
        Route("/{kind}/" + file, resolve(secret)),
        Route("/" + file, resolve(secret)),
    ]
