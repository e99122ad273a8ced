# SPDX-License-Identifier: MIT
"""symbols.py LIBRARY…: lib/ keeps no mutable state at file scope, and libboom exports boom_ only.

Looks at what the compiler made: a variable that can be written lies in .data, .bss, or their
thread-local kin; constants with addresses in them lie in .data.rel.ro, and are fine. What libboom's
files share among themselves has hidden visibility, or the prefix as well.
"""

import re
import subprocess
import sys

import policy

MUTABLE = re.compile(r"^(\.s?data(?!\.rel\.ro)|\.s?bss|\.tdata|\.tbss|\*COM\*)")


def output(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.splitlines()


def source_of(member):
    """chan.c of lib/boom/libboom.a.p/chan.c.o, as meson names it."""
    return re.sub(r"(?:.*/)?([^/]+)\.o$", r"\1", member)


def placed(library):
    """(object file, name, section) of each symbol that the library defines."""
    member = library
    for line in output("nm", "--format=sysv", "--defined-only", library):
        if match := re.match(r"Symbols from .*\[(.*)\]:", line):
            member = source_of(match[1])
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7:
            yield member, columns[0], columns[6]


def exported(library):
    """(object file, name) of each symbol that others can link to."""
    member = library
    for line in output("readelf", "--syms", "--wide", library):
        if match := re.match(r"File: .*[\[(](.*)[\])]", line):
            member = source_of(match[1])
        columns = line.split()
        if len(columns) == 8 and columns[4] in ("GLOBAL", "WEAK"):
            if columns[5] in ("DEFAULT", "PROTECTED") and columns[6] != "UND":
                yield member, columns[7]


def main(*libraries):
    breaches = policy.Breaches()
    for library in libraries:
        for member, name, section in placed(library):
            breaches.looked_at += 1
            if MUTABLE.match(section):
                breaches.add(member, 1, f"{name}: no mutable state at file scope ({section})")
        if library.endswith("libboom.a"):
            for member, name in exported(library):
                if not name.startswith("boom_"):
                    breaches.add(member, 1, f"{name}: what libboom exports begins with boom_; what its "
                                            "files share is hidden (GCC visibility pragma)")
    breaches.exit()


if __name__ == "__main__":
    main(*sys.argv[1:])
