# SPDX-License-Identifier: MIT
"""url_dataset.py URL FILE [streaming]: a dataset that lies on any web server, row by row as it was stored."""

import json
import sys

import datasets

url, path, *streaming = sys.argv[1:]
rows = datasets.load_dataset("json", data_files=url, split="train", streaming=bool(streaming))
with open(path, "w") as out:
    out.writelines(json.dumps(row) + "\n" for row in rows)
