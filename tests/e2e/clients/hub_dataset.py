# SPDX-License-Identifier: MIT
"""hub_dataset.py REPO: each split, row by row as it was stored, into out/data/SPLIT.jsonl."""

import json
import os
import sys

import datasets

os.makedirs("out/data")
for name, rows in datasets.load_dataset(sys.argv[1]).items():
    with open(f"out/data/{name}.jsonl", "w") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
