# SPDX-License-Identifier: MIT
"""summary.py LOGS: sums over the test logs of meson (TREE.json, one object a line) and the steps that failed.

Names what failed and what was skipped; the last line is "N passed, N failed", ", N skipped" where some
were. Exit 0 only when none failed and some passed.
"""

import glob
import json
import os
import sys

PASSED = {"OK", "EXPECTEDFAIL"}


def read(path):
    """(tree, test, result) of each test of one log."""
    tree = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding="utf-8") as file:
        for line in file:
            test = json.loads(line)
            yield tree, test["name"], test["result"]


def main(logs):
    passed, failed, skipped = [], [], []
    for path in sorted(glob.glob(os.path.join(logs, "*.json"))):
        for tree, name, result in read(path):
            to = passed if result in PASSED else skipped if result == "SKIP" else failed
            to.append(f"{tree}: {name} ({result})")
    steps = os.path.join(logs, "failed-steps")
    if os.path.exists(steps):
        with open(steps, encoding="utf-8") as file:
            failed += [line.strip() for line in file]
    for line in skipped:
        print("skipped:", line)
    for line in failed:
        print("failed:", line)
    total = f"{len(passed)} passed, {len(failed)} failed"
    print(total + (f", {len(skipped)} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
