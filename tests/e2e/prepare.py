# SPDX-License-Identifier: MIT
"""What people run before they train: fetch a model, a dataset and a page of the Hub's API.

An ordinary program with the published clients; it knows nothing of proxies. One line a part;
exit status 1 if a part failed.
"""

import asyncio
import hashlib
import os
import time
from importlib.metadata import version
from pathlib import Path

import aiohttp
import huggingface_hub


def small_files():
    folder = huggingface_hub.snapshot_download("org/model", allow_patterns=["*.md", "*.json"])
    return f"{len(os.listdir(folder))} files"


def weights():
    path = Path(huggingface_hub.hf_hub_download("org/model", "model.safetensors"))
    return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def dataset():
    import datasets

    splits = datasets.load_dataset("org/data")
    return ", ".join(f"{name} {rows.num_rows} rows" for name, rows in sorted(splits.items()))


async def fetch(url):
    """Without trust_env=True aiohttp reads no proxy variable: most programs do not set it."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        async with session.get(url) as response:
            return (await response.json())["sha"]


def api():
    url = huggingface_hub.constants.ENDPOINT + "/api/models/org/model"
    return f"revision {asyncio.run(fetch(url))}"


def reason(error):
    """The beginning: the clients wrap errors in errors, and put whole URLs into them."""
    return (str(error) or type(error).__name__).splitlines()[0].partition(" for url")[0][:110]


def main():
    packages = ("huggingface_hub", "hf_xet", "datasets", "aiohttp")
    print("  with", ", ".join(f"{name} {version(name)}" for name in packages), flush=True)
    failed = False
    for name, part in (
        ("small files, by huggingface_hub", small_files),
        ("weights, by hf_xet", weights),
        ("dataset, by datasets and hf_xet", dataset),
        ("API, by aiohttp", api),
    ):
        start = time.monotonic()
        try:
            mark, outcome = "ok    ", part()
        except Exception as error:  # whatever a client raises, the other parts are tried
            mark, outcome, failed = "FAILED", reason(error), True
        print(f"  {mark} {name}: {outcome} ({time.monotonic() - start:.1f} s)", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
