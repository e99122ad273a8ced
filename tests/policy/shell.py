# SPDX-License-Identifier: MIT
"""Every shell script passes shellcheck. 77: there is no shellcheck."""

import os
import shutil
import subprocess
import sys

import policy


def is_shell(name):
    with open(os.path.join(policy.ROOT, name), "rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash", b"dash"))


def main():
    if not shutil.which("shellcheck"):
        sys.exit(77)
    scripts = [name for name in policy.files() if is_shell(name)]
    done = subprocess.run(["shellcheck", "--format=gcc", *scripts], cwd=policy.ROOT, check=False)
    sys.exit(done.returncode if scripts else 1)


if __name__ == "__main__":
    main()
