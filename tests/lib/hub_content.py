# SPDX-License-Identifier: MIT
"""What the stand-in Hub holds: a model and a dataset, with their Xet form.

Everything is made from fixed seeds, so every process that imports this module knows the
same files and their SHA-256 without asking the server.
"""

import hashlib
import json
import random
from dataclasses import dataclass
from functools import cached_property

CHUNK = 64 * 1024
CHUNKS_PER_XORB = 16


def _id(*parts):
    """64 hex digits: Xet names files and xorbs by hash; its clients accept any."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class File:
    path: str
    data: bytes
    xet: bool = False

    @cached_property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def blob_id(self):
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()

    @property
    def etag(self):
        return self.sha256 if self.xet else self.blob_id

    @cached_property
    def xet_hash(self):
        return _id("file", self.sha256)


@dataclass(frozen=True)
class Repo:
    kind: str  # "model" or "dataset"
    name: str
    files: tuple

    @cached_property
    def commit(self):
        return hashlib.sha1("".join(f.sha256 for f in self.files).encode()).hexdigest()

    def file(self, path):
        return next((f for f in self.files if f.path == path), None)


@dataclass(frozen=True)
class Term:
    """A run of chunks of one xorb, and where its bytes lie in the file."""

    xorb: str
    first: int
    end: int
    start: int
    length: int

    def bytes_in_xorb(self):
        """First and last byte of these chunks in the serialised xorb."""
        offsets = XORB_OFFSETS[self.xorb]
        return offsets[self.first], offsets[self.end] - 1


XORBS = {}  # id -> serialised bytes
XORB_OFFSETS = {}  # id -> where each chunk begins, and the end
TERMS = {}  # file's Xet id -> its terms, in order


def _serialise(chunks):
    """Uncompressed xorb: each chunk behind 8 bytes: version, length u24, scheme, length u24."""
    out, offsets = bytearray(), [0]
    for chunk in chunks:
        size = len(chunk).to_bytes(3, "little")
        out += b"\0" + size + b"\0" + size + chunk
        offsets.append(len(out))
    return bytes(out), offsets


def _add_to_xet(file):
    """Several xorbs a file, and two terms a xorb, so that clients have something to assemble."""
    chunks = [file.data[i : i + CHUNK] for i in range(0, len(file.data), CHUNK)]
    terms, start = [], 0
    for base in range(0, len(chunks), CHUNKS_PER_XORB):
        part = chunks[base : base + CHUNKS_PER_XORB]
        xorb = _id("xorb", file.sha256, base)
        XORBS[xorb], XORB_OFFSETS[xorb] = _serialise(part)
        middle = (len(part) + 1) // 2
        for first, end in ((0, middle), (middle, len(part))):
            length = sum(map(len, part[first:end]))
            if length:
                terms.append(Term(xorb, first, end, start, length))
                start += length
    TERMS[file.xet_hash] = terms


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def rows(seed, count):
    """COUNT lines of JSON."""
    rng = random.Random(seed)
    objects = ({"id": i, "text": rng.randbytes(40).hex()} for i in range(count))
    return "".join(json.dumps(row) + "\n" for row in objects).encode()


MODEL = Repo(
    "model",
    "org/model",
    (
        File("README.md", b"---\nlicense: mit\n---\n# A small model\n"),
        File("config.json", b'{"model_type": "bert", "hidden_size": 8}\n'),
        File("model.safetensors", noise("weights", 4_500_000), xet=True),
        File("onnx/decoder.bin", noise("decoder", 30_000)),
    ),
)
DATASET = Repo(
    "dataset",
    "org/data",
    (
        File("README.md", b"---\nlicense: mit\n---\n# A small dataset\n"),
        File("data/test.jsonl", rows("test", 50)),
        File("data/train.jsonl", rows("train", 20_000), xet=True),
    ),
)
DATASET_ROWS = {"train": 20_000, "test": 50}
REPOS = {("models", MODEL.name): MODEL, ("datasets", DATASET.name): DATASET}

for _repo in REPOS.values():
    for _file in _repo.files:
        if _file.xet:
            _add_to_xet(_file)
