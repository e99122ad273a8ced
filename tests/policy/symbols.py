# SPDX-License-Identifier: MIT
"""symbols.py NM LIBRARY…: lib/ keeps no mutable state at file scope, and libboom exports boom_ only.

Looks at what the compiler made: a variable that can be written lies in .data, .bss, or their
thread-local kin; constants with addresses in them lie in .data.rel.ro, and are fine.
"""

import re
import subprocess
import sys

import policy

MUTABLE = re.compile(r"^(\.s?data(?!\.rel\.ro)|\.s?bss|\.tdata|\.tbss|\*COM\*)")


def symbols(nm, library):
    """(object file, name, class, section) of each symbol that the library defines."""
    out = subprocess.run([nm, "--format=sysv", "--defined-only", library], check=True, text=True,
                         capture_output=True).stdout
    member = library
    for line in out.splitlines():
        if match := re.match(r"Symbols from .*\[(.*)\]:", line):
            member = match[1]
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7:
            yield member, columns[0], columns[2], columns[6]


def main(nm, *libraries):
    breaches = policy.Breaches()
    for library in libraries:
        for member, name, kind, section in symbols(nm, library):
            breaches.looked_at += 1
            if MUTABLE.match(section):
                breaches.add(member, 1, f"{name}: no mutable state at file scope ({section})")
            if library.endswith("libboom.a") and kind.isupper() and not name.startswith("boom_"):
                breaches.add(member, 1, f"{name}: names that libboom exports begin with boom_")
    breaches.exit()


if __name__ == "__main__":
    main(*sys.argv[1:])
