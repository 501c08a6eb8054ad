# SPDX-License-Identifier: MIT
"""xet.py REPO FILE OUT...: the FILE into each directory OUT, by a process of its own each, at the same
time, with huggingface_hub and hf_xet.

hf_xet reads the proxy variables, so each process begins by taking them away: its Python and Rust know
no proxy.
"""

import multiprocessing
import os
import sys

repo, file, *outs = sys.argv[1:]


def download(out):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("HFPROXY_"):
            del os.environ[name]
    from huggingface_hub import hf_hub_download

    hf_hub_download(repo, file, local_dir=out)


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(len(outs)) as pool:
        pool.map(download, outs, chunksize=1)
