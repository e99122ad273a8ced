# SPDX-License-Identifier: MIT
"""What every file of the project keeps to: its licence line, its length, no place but this tree."""

import os
import re

import policy

LONGEST = 700
CODE = (".c", ".h", ".py", ".sh", ".pl", "meson.build", "meson_options.txt")
# Folders of one machine, and hosts of package registries: neither means anything to a reader elsewhere.
# (Brackets keep these patterns from matching themselves.)
ELSEWHERE = re.compile(r"/wor[k]/|/roo[t]/|/tm[p]/bash|registry\.npm[j]s|npmjs\.(?:org|co[m])"
                       r"|(?:deb|ftp|security)\.debian\.or[g]|snapshot\.debian|pypi\.or[g]|crates\.i[o]")

# Tests wait for facts. A wait for nothing but time has these names.
SLEEP = re.compile(r"\b(?:u|nano|clock_nano|thrd_|time\.)?sleep\s*\(|\bpoll\s*\(\s*(?:NULL|0)\s*,"
                   r"|\bselect\s*\(\s*0\s*,\s*NULL|\bselect\.select\(\[\], \[\], \[\]")
SHELL_SLEEP = re.compile(r"^\s*sleep\s+[\d.$]|[;&|]\s*sleep\s+[\d.$]|\bdo\s+sleep\b")


def is_code(name):
    return name.endswith(CODE) or is_script(name)


def is_script(name):
    with open(os.path.join(policy.ROOT, name), "rb") as file:
        return file.read(2) == b"#!"


def check_licence(name, text, breaches):
    if is_code(name) and not any("SPDX-License-Identifier: MIT" in line for _, line in text[:3]):
        breaches.add(name, 1, "one of the first lines says SPDX-License-Identifier: MIT")


def check_length(name, text, breaches):
    if is_code(name) and len(text) > LONGEST:
        breaches.add(name, LONGEST + 1, f"a file has at most {LONGEST} lines; this one has {len(text)}")


def check_places(name, text, breaches):
    for number, line in text:
        if match := ELSEWHERE.search(line):
            breaches.add(name, number, f"names a place outside of the project: {match[0]}")


def check_sleep(name, text, breaches):
    if not name.startswith("tests/"):
        return
    pattern = SHELL_SLEEP if is_script(name) and not name.endswith(".py") else SLEEP
    for number, line in text:
        if pattern.search(line):
            breaches.add(name, number, "a test waits for a fact, not for a while")


def main():
    breaches = policy.Breaches()
    for name in policy.files():
        text = list(policy.lines(name))
        breaches.looked_at += 1
        check_licence(name, text, breaches)
        check_length(name, text, breaches)
        check_places(name, text, breaches)
        check_sleep(name, text, breaches)
    breaches.exit()


if __name__ == "__main__":
    main()
