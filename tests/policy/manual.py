# SPDX-License-Identifier: MIT
"""manual.py LIBRARY.so LIBRARY.a COMPILER…: the manual of libboom is whole, and true.

Every exported symbol is in the NAME line of a page. A page has all sections; its SYNOPSIS says what its header
declares; an error that the header names is among its ERRORS; its EXAMPLE compiles as C11 without a warning,
and exits 0.

    manual.py --synopsis HEADER     what belongs into the SYNOPSIS of a page
"""

import os
import re
import subprocess
import sys
import tempfile

import policy

HEADERS = "lib/boom/include/boom/"
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUE", "ERRORS", "THREAD SAFETY", "EXAMPLE", "SEE ALSO"]
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
         "-pthread", "-I", "lib/boom/include"]


class Page:
    def __init__(self, name):
        self.name = name
        self.lines = [line for _, line in policy.lines(name)]
        self.sections = {}
        for line in self.lines[1:]:
            if line.startswith("# "):
                body = self.sections[line[2:]] = []
            elif self.sections:
                body.append(line)

    def text(self, section):
        return "\n".join(self.sections.get(section, []))

    def names(self):
        before, _, _ = self.text("NAME").partition(" - ")
        return set(re.findall(r"\w+", before))

    def blocks(self, section):
        """Literal blocks, as a reader sees them."""
        found = re.findall(r"^```\n(.*?)^```$", self.text(section), re.M | re.S)
        return [re.sub(r"\\(.)", r"\1", block) for block in found]

    def headers(self):
        return re.findall(r"#include <boom/(\w+\.h)>", "".join(self.blocks("SYNOPSIS")))

    def line(self, section):
        return self.lines.index("# " + section) + 1 if section in self.sections else 1


def read(name):
    with open(os.path.join(policy.ROOT, name), encoding="utf-8") as file:
        return file.read()


def declarations(header):
    """A header without comments, preprocessor, and what is there for C++."""
    text = re.sub(r"/\*.*?\*/", "", read(HEADERS + header), flags=re.S)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*\n", "", text, flags=re.M)
    text = re.sub(r"^(static inline .*\))\n\{.*?^\}$", r"\1;", text, flags=re.M | re.S)
    text = re.sub(r'^extern "C" \{\n|^\}\n', "", text, flags=re.M)
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"(?<=[{;,])\n\n(?= )", "\n", text)).strip()


def squeeze(text):
    return re.sub(r"\s", "", text)


def exported(library):
    """Functions and variables that others link to, without their version."""
    done = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True, capture_output=True)
    columns = [line.split() for line in done.stdout.splitlines()]
    return {c[2].split("@")[0] for c in columns if c[1] != "A"}


def check_synopsis(page, breaches):
    synopsis = squeeze("".join(page.blocks("SYNOPSIS")))
    for header in page.headers():
        for declared in re.split(r"\n\n|;\n(?=\w)", declarations(header)):
            if squeeze(declared) not in synopsis:
                breaches.add(page.name, page.line("SYNOPSIS"), f"lacks, of <boom/{header}>: {declared}")


def check_errors(page, breaches):
    known = set(re.findall(r"\bE[A-Z]{3,}\b", page.text("ERRORS")))
    for header in page.headers():
        for error in sorted(set(re.findall(r"-(E[A-Z]{3,})\b", read(HEADERS + header))) - known):
            breaches.add(page.name, page.line("ERRORS"), f"lacks {error}, which <boom/{header}> names")


def check_example(page, library, compiler, folder, breaches):
    for source in page.blocks("EXAMPLE"):
        program = os.path.join(folder, "example")
        done = subprocess.run([*compiler, *FLAGS, "-x", "c", "-", "-x", "none", library, "-o", program], text=True,
                              input=source, capture_output=True, check=False, cwd=policy.ROOT)
        if done.returncode == 0:
            done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            breaches.add(page.name, page.line("EXAMPLE"), f"fails ({done.returncode}): {done.stdout}{done.stderr}")


def check_page(page, library, compiler, folder, breaches):
    missing = [section for section in SECTIONS if not page.text(section).strip()]
    if missing:
        breaches.add(page.name, 1, f"lacks {', '.join(missing)}")
    if not page.headers() or not page.blocks("EXAMPLE"):
        breaches.add(page.name, 1, "its SYNOPSIS includes a header, and its EXAMPLE is a program")
    check_synopsis(page, breaches)
    check_errors(page, breaches)
    check_example(page, library, compiler, folder, breaches)


def main(shared, static, *compiler):
    breaches = policy.Breaches()
    pages = [Page(name) for name in policy.files("docs/man/", suffixes=(".3.scd",))]
    breaches.looked_at = len(pages)
    named = set().union(*(page.names() for page in pages))
    for symbol in sorted(exported(shared) - named):
        breaches.add("docs/man", 1, f"{symbol}() is exported, and in no page's NAME")
    covered = {header for page in pages for header in page.headers()}
    for name in policy.files(HEADERS, suffixes=(".h",)):
        if os.path.basename(name) not in covered:
            breaches.add(name, 1, "no page has it in its SYNOPSIS")
    with tempfile.TemporaryDirectory() as folder:
        for page in pages:
            check_page(page, os.path.abspath(static), compiler, folder, breaches)
    breaches.exit()


if __name__ == "__main__":
    if sys.argv[1] == "--synopsis":
        print(f"#include <boom/{sys.argv[2]}>\n\n{declarations(sys.argv[2])}")
    else:
        main(*sys.argv[1:])
