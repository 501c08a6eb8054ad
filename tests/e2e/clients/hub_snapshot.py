# SPDX-License-Identifier: MIT
"""hub_snapshot.py REPO: all of its files into the directory out."""

import sys

from huggingface_hub import snapshot_download

snapshot_download(sys.argv[1], local_dir="out")
