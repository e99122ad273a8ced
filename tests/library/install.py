# SPDX-License-Identifier: MIT
"""install.py SOURCE_ROOT: libboom as others get it.

Builds libboom without the daemon, installs it into a folder of its own, and compiles programs there that
know nothing of this tree but what `pkg-config --cflags --libs boom` says: C11 and C++17, shared and static,
also under ThreadSanitizer. Each must compile without a warning, and exit 0.
"""

import glob
import itertools
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# ThreadSanitizer wants its shadow where random placement may have put something else.
FIXED_PLACES = ["setarch", "-R"]
RACES = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}


def run(*command, **options):
    print("$", *command, flush=True)
    return subprocess.run(command, check=True, text=True, stdin=subprocess.DEVNULL, **options)


def output(*command, **options):
    return run(*command, stdout=subprocess.PIPE, **options).stdout


class Installed:
    """What `meson install` put under prefix, and how a program is built with it."""

    def __init__(self, root, folder):
        self.folder = folder
        self.prefix = os.path.join(folder, "usr")
        plain = {k: v for k, v in os.environ.items() if k not in ("DESTDIR", "CFLAGS", "LDFLAGS")}
        build = os.path.join(folder, "build")
        run("meson", "setup", build, root, "--prefix", self.prefix, "--libdir", "lib", "-Ddaemon=disabled",
            "-Dtests=disabled", "-Dwerror=true", env=plain, stdout=subprocess.DEVNULL)
        run("ninja", "-C", build, "-j", "1", stdout=subprocess.DEVNULL)
        run("meson", "install", "-C", build, "--no-rebuild", env=plain, stdout=subprocess.DEVNULL)
        shutil.rmtree(build)  # nothing may be found there
        self.env = dict(os.environ, PKG_CONFIG_PATH=self.path("lib", "pkgconfig"),
                        LD_LIBRARY_PATH=self.path("lib"), **RACES)
        self.cflags = self.pkg_config("--cflags")

    def path(self, *names):
        return os.path.join(self.prefix, *names)

    def pkg_config(self, *options):
        return output("pkg-config", *options, "boom", env=self.env).split()

    def build(self, compiler, language, source, link, sanitize):
        program = os.path.join(self.folder, "program")
        flags = ["-g", "-fsanitize=thread"] if sanitize else ["-O2"]
        run(*compiler, *WARNINGS, *flags, *self.cflags, "-x", language, source, "-x", "none",
            *link, "-pthread", "-o", program, cwd=self.folder)
        return program

    def try_program(self, compiler, language, source, link, sanitize=False):
        program = self.build(compiler, language, source, link, sanitize)
        fixed = FIXED_PLACES if sanitize and can_fix_places() else []
        run(*fixed, program, env=self.env, cwd=self.folder, timeout=120)


def can_fix_places():
    return shutil.which("setarch") and subprocess.run([*FIXED_PLACES, "true"], check=False,
                                                      capture_output=True).returncode == 0


def check_files(installed, root):
    with open(os.path.join(root, "meson.build"), encoding="utf-8") as file:
        version = file.read().split("version: '")[1].split("'")[0]
    assert installed.pkg_config("--modversion") == [version]
    real = os.path.realpath(installed.path("lib", "libboom.so"))
    assert os.path.basename(real) == f"libboom.so.{version}", real
    assert "Library soname: [libboom.so.0]" in output("readelf", "-d", real)
    symbols = output("nm", "-D", "--defined-only", real).splitlines()
    names = [line.split()[2] for line in symbols if line.split()[1] != "A"]
    assert names and all(n.startswith("boom_") and "@@BOOM_0." in n for n in names), names
    if shutil.which("scdoc"):
        lacking = [n for n in names if not os.path.exists(installed.path("share", "man", "man3", n.split("@")[0] + ".3"))]
        assert not lacking, f"no manual page for {lacking}"
    found = set(os.listdir(installed.path()))
    assert found <= {"include", "lib", "share"}, f"libboom alone installs {found}"


def check_headers(installed, compilers):
    """Each header alone, as the strictest of users compiles it; also with the other compiler, where it is there."""
    headers = sorted(glob.glob(installed.path("include", "boom", "*.h")))
    assert headers
    others = [(["clang", "-std=c11"], "c"), (["clang++", "-std=c++17"], "c++")]
    compilers = compilers + [other for other in others if shutil.which(other[0][0])]
    for (compiler, language), header in itertools.product(compilers, headers):
        run(*compiler, *WARNINGS, "-Wpedantic", "-Wshadow", "-Wconversion", "-fsyntax-only", *installed.cflags,
            "-x", language, "-include", f"boom/{os.path.basename(header)}", "/dev/null")


def main(root):
    compilers = [(["cc", "-std=c11"], "c")]
    if shutil.which("c++"):
        compilers.append((["c++", "-std=c++17"], "c++"))
    else:
        print("no C++ compiler here: C only")
    with tempfile.TemporaryDirectory() as folder:
        installed = Installed(root, folder)
        check_files(installed, root)
        check_headers(installed, compilers)
        shared = installed.pkg_config("--libs")
        static = [installed.path("lib", "libboom.a")]
        for name in ("outside.c", "outside-tools.c"):
            source = shutil.copy(os.path.join(HERE, name), folder)
            for compiler, language in compilers:
                installed.try_program(compiler, language, source, shared)
                installed.try_program(compiler, language, source, shared, sanitize=True)
            installed.try_program(*compilers[0], source, static)
            print(f"{name}: OK")


if __name__ == "__main__":
    main(sys.argv[1])
