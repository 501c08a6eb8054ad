# SPDX-License-Identifier: MIT
"""Plain files, and git repositories by the smart protocol (git's own http-backend as CGI)."""

import asyncio
import os
import subprocess

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import hub_lfs
from hub_content import File, noise, rows
from hub_http import ranged

HELLO = File("hello.txt", b"hello through the proxy\n")
BIG = File("big.bin", noise("big", 2_000_000))
ROWS = File("rows.jsonl", rows("rows", 5_000))
FILES = {file.path: file for file in (HELLO, BIG, ROWS)}
README = "A repository to clone.\n"
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@t.test",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@t.test",
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": "/nonexistent",
    "PATH": os.environ["PATH"],
}


def make_repository(path, files):
    def git(*args, stdin=""):
        command = ["git", "--git-dir", str(path), *args]
        done = subprocess.run(
            command, input=stdin, env=GIT_ENVIRONMENT, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet", "--bare", "--initial-branch=main")
    blobs = {name: git("hash-object", "-w", "--stdin", stdin=text) for name, text in files.items()}
    tree = git("mktree", stdin="".join(f"100644 blob {blobs[name]}\t{name}\n" for name in files))
    git("update-ref", "refs/heads/main", git("commit-tree", tree, "-m", "first"))


def git_backend(directory):
    async def endpoint(request):
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.url.path,
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }
        body = await request.body()
        backend = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = await backend.communicate(body)
        head, _, content = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        return Response(content, status, headers)

    return endpoint


async def plain_file(request):
    file = FILES.get(request.path_params["name"])
    if not file:
        return PlainTextResponse("no such file\n", 404)
    return ranged(request, file.data, {"ETag": f'"{file.etag}"'})


def noise_file(name):
    """Any number of files, each with other content; every process knows it."""
    return File(name, noise(name, 60_000))


async def noise_page(request):
    """Closes the connection: so every one of them needs a connection of its own."""
    file = noise_file(request.path_params["name"])
    return ranged(request, file.data, {"Connection": "close"})


def routes(directory):
    make_repository(directory / "repo.git", {"README": README})
    make_repository(directory / "lfs.git", hub_lfs.TREE)
    return [
        Route("/lfs.git/info/lfs/objects/batch", hub_lfs.batch, methods=["POST"]),
        Route("/{repository}.git/{path:path}", git_backend(directory), methods=["GET", "POST"]),
        Route("/noise/{name}", noise_page),
        Route("/{name}", plain_file),
    ]
