# SPDX-License-Identifier: MIT
"""headers.py COMPILER…: every header has a guard named after it, and compiles when it comes first."""

import concurrent.futures
import os
import re
import subprocess
import sys

import policy

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-",
         "-I", "lib", "-I", ".", "-I", "lib/boom/include"]


def guard_of(name):
    """The guard's name, and the name that it must end with."""
    stem = re.sub(r"\W", "_", os.path.basename(name)).upper()
    text = "\n".join(line for _, line in policy.lines(name))
    match = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
    return (match and match[1]), stem


def compile_alone(compiler, name):
    """The compiler's first complaint about a file that includes this header twice, or None."""
    source = f'#include "{name}"\n#include "{name}"\n'
    done = subprocess.run([*compiler, *FLAGS, "-iquote", os.path.dirname(name)], input=source, text=True,
                          capture_output=True, check=False, cwd=policy.ROOT)
    return done.stderr.strip().splitlines() if done.returncode else None


def main(compiler):
    breaches = policy.Breaches()
    names = list(policy.files("lib/", "daemon/", "ctl/", suffixes=(".h",)))
    breaches.looked_at = len(names)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        complaints = pool.map(lambda name: compile_alone(compiler, name), names)
    for name, complaint in zip(names, complaints):
        guard, stem = guard_of(name)
        if guard is None:
            breaches.add(name, 1, "a header begins with #ifndef NAME_H and #define NAME_H")
        elif not guard.endswith(stem):
            breaches.add(name, 1, f"its guard is named after it: …{stem}, not {guard}")
        if complaint:
            breaches.add(name, 1, "does not compile alone:\n  " + "\n  ".join(complaint[:6]))
    breaches.exit()


if __name__ == "__main__":
    main(sys.argv[1:])
