# SPDX-License-Identifier: MIT
"""service.py UNIT: the unit as it is installed, and its user, as systemd reads them: valid, and with at most so
much exposure. 77: there is no systemd-analyze.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import policy

UNIT = "systemd/logboom.service.in"  # breaches are told of the source
USERS = "systemd/logboom.sysusers"
EXPOSURE = 20  # tenths of systemd-analyze's 0.0 (safe) to 10.0 (unsafe)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def commands_of(unit):
    """The programs that the unit runs."""
    with open(unit, encoding="utf-8") as file:
        return re.findall(r"^Exec\w+=[-@:+!]*(\S+)", file.read(), re.M)


def tree_with(unit, root):
    """An installed system in miniature: the unit, and something executable where it says."""
    folder = os.path.join(root, "usr/lib/systemd/system")
    os.makedirs(folder)
    shutil.copy(unit, folder)
    for command in commands_of(unit):
        path = os.path.join(root, command.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0o755)
    return "/usr/lib/systemd/system/" + os.path.basename(unit)


def check_unit(unit, breaches):
    with tempfile.TemporaryDirectory() as root:
        path = tree_with(unit, root)
        verified = run("systemd-analyze", "verify", f"--root={root}", "--recursive-errors=no", "--man=no", path)
        if verified.returncode != 0 or "logboom" in verified.stderr:
            breaches.add(UNIT, 1, "systemd-analyze verify:\n" + verified.stderr)
    rated = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager",
                unit)
    if rated.returncode != 0:
        breaches.add(UNIT, 1, f"its exposure is above {EXPOSURE / 10}:\n" + rated.stdout + rated.stderr)
    breaches.looked_at += 1


def check_users(breaches):
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "etc"))
        made = run("systemd-sysusers", f"--root={root}", os.path.join(policy.ROOT, USERS))
        passwd = os.path.join(root, "etc/passwd")
        if made.returncode != 0 or not os.path.exists(passwd):
            breaches.add(USERS, 1, "systemd-sysusers:\n" + made.stderr)
    breaches.looked_at += 1


def main(unit):
    if not shutil.which("systemd-analyze"):
        sys.exit(77)
    breaches = policy.Breaches()
    check_unit(unit, breaches)
    check_users(breaches)
    breaches.exit()


if __name__ == "__main__":
    main(*sys.argv[1:])
