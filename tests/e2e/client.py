# SPDX-License-Identifier: MIT
"""What a client in the tables is, and the words that several of them share. The tables are clients_*.py,
one a language; clients.py has them all.

Every client works in an empty directory and leaves its files below out/. They are unmodified, with
their defaults: nothing here tells one of them of a proxy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub_files import BIG

HERE = Path(__file__).resolve().parent / "clients"


@dataclass(frozen=True)
class Client:
    name: str
    argv: Callable  # (venv, program, hub) -> its words; they are those of conftest.py
    files: dict  # name below out/ -> File
    hosts: frozenset = frozenset({"files.test"})  # that it must reach; no other than `may_ask` besides
    may_ask: frozenset = frozenset()
    env: Callable = lambda hub: {}  # what it needs to be told: its certificates, its server
    how: tuple = ("preload", "hfwrap")  # hfwrap alone for what no preload reaches

    @property
    def is_reached(self):
        """By the library itself: others have only the environment, and obey it as they see fit."""
        return "preload" in self.how


def files(repo, *paths):
    return {path: repo.file(path) for path in paths or [file.path for file in repo.files]}


def python(environment, script, *words):
    return lambda venv, program, hub: [venv(environment) / "python", HERE / script, *words]


def plain(name, *words, files=(("big.bin", BIG),), **more):
    """A program that is on the machine, with words that need nothing looked up."""
    return Client(name, lambda venv, program, hub: words, dict(files), **more)


def compiled(name, program_name, *words, files=(("big.bin", BIG),), **more):
    """One that clients/PROGRAM_NAME/build or loops/PROGRAM_NAME/build made; the first word is in its directory."""

    def argv(venv, program, hub):
        return [program(program_name) / words[0], *words[1:]]

    return Client(name, argv, dict(files), **more)
