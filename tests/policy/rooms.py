# SPDX-License-Identifier: MIT
"""The law of the rooms, from the includes themselves: which room may include which, and what of others.

Not to be extended to make an include legal that the design forbids: the picture in docs/architecture.md
comes first. A room may always include itself.
"""

import os
import re

import policy

THREADS = {"pthread.h", "threads.h", "semaphore.h", "stdatomic.h"}
FILES = {"fcntl.h", "unistd.h", "dirent.h", "sys/stat.h", "sys/mman.h", "sys/uio.h", "sys/file.h"}
SOCKETS = {"sys/socket.h", "netdb.h", "sys/un.h"}

# room: (rooms it may include, other people's headers by prefix, headers of the C library it may not)
LAW = {
    # read, write and close: of the descriptors that event loops wait on
    "lib/boom": (set(), (), SOCKETS | FILES - {"unistd.h"}),
    "lib/record": ({"lib/boom"}, (), SOCKETS | FILES),
    "lib/syslog": ({"lib/record"}, (), SOCKETS | FILES | THREADS),
    "lib/geo": ({"lib/record"}, ("maxminddb.h",), SOCKETS),
    "lib/store": ({"lib/boom", "lib/record"}, ("zstd.h", "zdict.h", "xxhash.h", "pcre2.h"), SOCKETS),
    "daemon": ({"lib/boom", "lib/record", "lib/syslog", "lib/geo", "lib/store"},
               ("event2/", "jansson.h", "yaml.h", "systemd/", "openssl/"), set()),
    "ctl": ({"lib/record", "lib/store"}, ("jansson.h",), set()),
}

# The C library's and the compiler's own. A header that is neither here nor in the law is a new
# dependency, and the law must say who may use it.
LIBC = re.compile(r"""^(?:
    (?:sys|linux|net|netinet|arpa|asm)/[\w/-]+\.h
  | (?:aio|alloca|assert|byteswap|complex|cpuid|ctype|dirent|dlfcn|endian|err|errno|error|fcntl|fenv
     |float|fnmatch|getopt|glob|grp|ifaddrs|immintrin|inttypes|langinfo|libgen|limits|locale|malloc|math
     |netdb|poll|printf|pthread|pwd|regex|sched|search|semaphore|setjmp|signal|spawn|stdalign
     |stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|sysexits|syslog
     |termios|threads|time|uchar|unistd|wchar|wctype)\.h)$""", re.X)

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def room_of(path):
    for room in LAW:
        if path.startswith(room + "/"):
            return room
    return None


def resolve(name, includer):
    """The project's file that this include means, or None."""
    for folder in (os.path.dirname(includer), "lib", "lib/boom/include", ""):
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(policy.ROOT, path)):
            return path
    return None


def verdict(room, includer, bracket, name):
    """Why this include breaks the law, or None."""
    rooms, headers, forbidden = LAW[room]
    target = resolve(name, includer) if bracket == '"' or name.startswith("boom/") else None
    if target:
        other = room_of(target)
        if other == room or other in rooms:
            return None
        return f"{room} may not include {other or os.path.dirname(target)} ({name})"
    if name.startswith(headers or ("\0",)):
        return None
    if name in forbidden:
        return f"{room} may not use <{name}>"
    if bracket == "<" and LIBC.match(name):
        return None
    owners = [r for r, law in LAW.items() if name.startswith(law[1] or ("\0",))]
    if owners:
        return f"{room} may not include <{name}>: that is for {', '.join(owners)}"
    return f"{name} is neither the project's nor known: who may use it must be written into the law"


def main():
    breaches = policy.Breaches()
    for path in policy.files("lib/", "daemon/", "ctl/", suffixes=(".c", ".h")):
        room = room_of(path)
        if room is None:
            breaches.add(path, 1, "lies in no room")
            continue
        breaches.looked_at += 1
        for number, line in policy.lines(path):
            if match := INCLUDE.match(line):
                if why := verdict(room, path, *match.groups()):
                    breaches.add(path, number, why)
    breaches.exit()


if __name__ == "__main__":
    main()
