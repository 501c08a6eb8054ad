# SPDX-License-Identifier: MIT
"""Xet storage: the token, reconstructions (where a file's chunks lie) and xorb data.

The token and the data URLs must be right, as on the real hosts: a client that mixes them up
fails here too.
"""

import time

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub_content import TERMS, XORBS
from hub_http import base_url, parse_range, ranged


def read_token(secret):
    async def endpoint(request, repo):
        cas, expires = base_url(request, "cas.test"), int(time.time()) + 3600
        token = "xet-" + secret
        return JSONResponse(
            {"casUrl": cas, "exp": expires, "accessToken": token},
            # Read by huggingface_hub before 1.19, which fetches the token itself.
            headers={
                "X-Xet-Cas-Url": cas,
                "X-Xet-Access-Token": token,
                "X-Xet-Token-Expiration": str(expires),
            },
        )

    return endpoint


def wanted_terms(request):
    """The terms that hold the bytes asked for, and how many bytes of the first to skip."""
    terms = TERMS[request.path_params["file"]]
    wanted = parse_range(request.headers.get("range"), terms[-1].start + terms[-1].length)
    if wanted is None:
        return terms, 0
    first, last = wanted
    chosen = [t for t in terms if t.start <= last and first < t.start + t.length]
    return chosen, first - chosen[0].start


def describe(terms, skip):
    return {
        "offset_into_first_range": skip,
        "terms": [
            {
                "hash": t.xorb,
                "unpacked_length": t.length,
                "range": {"start": t.first, "end": t.end},
            }
            for t in terms
        ],
    }


def version1(terms, url):
    fetch = {}
    for t in terms:
        first, last = t.bytes_in_xorb()
        entry = {
            "range": {"start": t.first, "end": t.end},
            # hf_xet 1.1 takes ranges with the same URL for the same data.
            "url": f"{url(t.xorb)}&range={first}-{last}",
            "url_range": {"start": first, "end": last},
        }
        fetch.setdefault(t.xorb, []).append(entry)
    return {"fetch_info": fetch}


def version2(terms, url):
    xorbs = {}
    for t in terms:
        first, last = t.bytes_in_xorb()
        entry = {
            "chunks": {"start": t.first, "end": t.end},
            "bytes": {"start": first, "end": last},
        }
        xorbs.setdefault(t.xorb, []).append(entry)
    return {"xorbs": {x: [{"url": url(x), "ranges": ranges}] for x, ranges in xorbs.items()}}


def reconstruction(secret, where):
    async def endpoint(request):
        if request.headers.get("authorization") != f"Bearer xet-{secret}":
            return PlainTextResponse("wrong token\n", 401)
        if request.path_params["file"] not in TERMS:
            return Response(status_code=404)
        try:
            terms, skip = wanted_terms(request)
        except ValueError:
            return Response(status_code=416)
        transfer = base_url(request, "transfer.test")
        places = where(terms, lambda xorb: f"{transfer}/xorbs/{xorb}?signature={secret}")
        return JSONResponse(describe(terms, skip) | places)

    return endpoint


async def telemetry(request):
    return Response(status_code=204)


def cas_routes(secret):
    return [
        Route("/reconstruction/{file}", reconstruction(secret, version1)),  # hf_xet until 1.1.5
        Route("/reconstructions/{file}", reconstruction(secret, version1)),  # hf_xet 1.1.10
        Route("/v1/reconstructions/{file}", reconstruction(secret, version1)),
        Route("/v2/reconstructions/{file}", reconstruction(secret, version2)),
        Route("/v1/telemetry", telemetry, methods=["POST"]),
    ]


def transfer_routes(secret):
    async def xorb(request):
        data = XORBS.get(request.path_params["xorb"])
        if request.query_params.get("signature") != secret:
            return PlainTextResponse("not signed\n", 403)
        if "authorization" in request.headers:
            return PlainTextResponse("credentials sent to a signed URL\n", 400)
        return ranged(request, data) if data else Response(status_code=404)

    return [Route("/xorbs/{xorb}", xorb)]
