# SPDX-License-Identifier: MIT
"""Runs clients in situations, by default all of them, and prints the table (three minutes).

    scripts/matrix --client hub-2.4,curl --situation upper-dead,desktop --proxy squid
    scripts/matrix --how plain     without us: what the table is to be compared with

The cells are those of tests/e2e/test_clients.py, which runs a selection. Needs a built tree.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "lib"))

import clients  # noqa: E402
import situations  # noqa: E402

CHOICES = {
    "client": list(clients.BY_NAME),
    "situation": list(situations.BY_NAME),
    "proxy": [*situations.HTTP, *situations.SOCKS, *situations.BOTH],
    "how": ["preload", "hfwrap", "plain"],
}
DEFAULTS = CHOICES | {"how": ["preload", "hfwrap"]}  # they take turns


def names(choices):
    def parse(text):
        found = text.split(",")
        if unknown := set(found) - set(choices):
            raise argparse.ArgumentTypeError(f"no such name: {', '.join(unknown)}; there are {', '.join(choices)}")
        return found

    return parse


def run_cells(wanted, jobs):
    """What became of each cell: {(client, situation): {"proxy-how": reason, "" if it worked}}."""
    with tempfile.NamedTemporaryFile() as report:
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "--tb=short"]
        command += ["-p", "no:cacheprovider", f"--junit-xml={report.name}", "-k", "test_client["]
        command += [HERE / "test_clients.py"]
        environment = os.environ | {"HFPROXY_CELLS": json.dumps(wanted)}
        subprocess.run(command, env=environment, stdout=sys.stderr)
        cases = list(xml.parse(report.name).iter("testcase"))
    # Looked up and not taken apart: java-url-squid-preload is java in the situation url.
    parts = itertools.product(CHOICES["client"], CHOICES["situation"], CHOICES["proxy"], CHOICES["how"])
    cells = {"-".join(part): (*part[:2], "-".join(part[2:])) for part in parts}
    results = defaultdict(dict)
    for case in cases:
        name = case.get("name").partition("[")[2].rstrip("]")
        failure = next((case.find(tag) for tag in ("failure", "error") if case.find(tag) is not None), None)
        client, situation, way = cells[name]
        results[client, situation][way] = "" if failure is None else reason(failure)
    return results


def reason(failure):
    """The client's last word: test_clients.py puts what it said before pytest's own "assert ..."."""
    lines = [line[1:].strip() for line in failure.text.splitlines() if line.startswith("E ")]
    said = list(itertools.takewhile(lambda line: not line.startswith("assert "), lines))
    said = [line for line in said if re.search(r"^(?!(at|\.\.\.|Node\.js) ).*\w", line)]
    return (said or lines or ["no reason given"])[-1].removeprefix("AssertionError: ")[:160]


def print_table(wanted, results):
    columns = {name: str(i + 1) for i, name in enumerate(wanted["situation"])}
    print("".join(f"\n  {number:>2} {name}" for name, number in columns.items()))
    width = max(map(len, wanted["client"]))
    print(f"\n{'':{width}}" + "".join(f"{number:>6}" for number in columns.values()))
    for client in wanted["client"]:
        row = [word(client, s, results.get((client, s))) for s in columns]
        print(f"{client:{width}}" + "".join(f"{cell:>6}" for cell in row))


def word(client, situation, ways):
    if not ways:
        return "-"
    if any(ways.values()):
        return "FAIL"
    return "no" if (client, situation) in situations.IMPOSSIBLE else "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for key, choices in CHOICES.items():
        parser.add_argument(
            f"--{key}", type=names(choices), default=DEFAULTS[key], metavar="NAME,...", help=", ".join(choices)
        )
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="at a time")
    args = parser.parse_args()
    wanted = {key: getattr(args, key) for key in CHOICES}
    results = run_cells(wanted, args.jobs)
    print_table(wanted, results)

    for (client, situation), why in situations.IMPOSSIBLE.items():
        if (client, situation) in results:
            print(f"\n{client}, {situation}: cannot work: {why}", end="")
    ways = [(*key, way, why) for key, cell in results.items() for way, why in cell.items()]
    failed = [one for one in ways if one[-1]]
    for client, situation, way, why in failed:
        print(f"\n{client}, {situation}, {way}: {why}", end="")
    print(f"\n\n{len(ways) - len(failed)} of {len(ways)} cells are as the table says")
    return int(bool(failed) or not ways)


if __name__ == "__main__":
    sys.exit(main())
