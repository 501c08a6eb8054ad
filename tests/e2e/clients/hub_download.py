# SPDX-License-Identifier: MIT
"""hub_download.py REPO FILE...: into the directory out, as any program with huggingface_hub does."""

import sys

from huggingface_hub import hf_hub_download

repo, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repo, name, local_dir="out")
