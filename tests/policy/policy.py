# SPDX-License-Identifier: MIT
"""What the policy tests share: the project's files, and how a breach is told (FILE:LINE: RULE)."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(*prefixes, suffixes=()):
    """Paths, relative to the root, of the project's own text files: what git tracks or would add.

    Outside of a clone (an unpacked release) every file is the project's, but for build folders.
    """
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], capture_output=True, check=False)
    if git.returncode == 0:
        names = git.stdout.decode().split("\0")
    else:
        names = []
        for folder, folders, found in os.walk(ROOT):
            folders[:] = [f for f in folders if not f.startswith(("build", "."))]
            names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in found]
    for name in sorted(set(names)):
        if name and os.path.isfile(os.path.join(ROOT, name)):
            if name.startswith(prefixes or "") and name.endswith(tuple(suffixes) or ""):
                yield name


def lines(name):
    """(number, text) of each line; nothing for a file that is not text."""
    with open(os.path.join(ROOT, name), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return
    yield from enumerate(data.decode("utf-8", errors="replace").splitlines(), 1)


class Breaches:
    """Collects breaches; exit() says them all, and fails when there are some or nothing was looked at."""

    def __init__(self):
        self.n = 0
        self.looked_at = 0

    def add(self, name, line, rule):
        self.n += 1
        print(f"{name}:{line}: {rule}")

    def exit(self):
        print(f"{self.looked_at} looked at, {self.n} breaches")
        sys.exit(1 if self.n or not self.looked_at else 0)
