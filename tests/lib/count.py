# SPDX-License-Identifier: MIT
"""count.py REPORT...: adds up JUnit reports, names what failed or was skipped, and ends in the
count. Fails if anything did, or if nothing ran."""

import sys
import xml.etree.ElementTree as xml

passed = failed = skipped = 0
for path in sys.argv[1:]:
    try:
        cases = list(xml.parse(path).iter("testcase"))
    except (OSError, xml.ParseError) as error:
        print(f"no report: {path}: {error}")
        failed += 1
        continue
    if not cases:
        print(f"no test in {path}")
        failed += 1
    for case in cases:
        name = f"{case.get('classname')}: {case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            print(f"FAILED {name}")
            failed += 1
        elif skip is not None:
            print(f"SKIPPED {name}: {skip.get('message') or skip.text or 'no reason given'}")
            skipped += 1
        else:
            passed += 1

print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
