# SPDX-License-Identifier: MIT
"""What sends lines to a daemon under test: plain sockets, and other people's programs."""

import glob
import os
import shutil
import socket
import subprocess
import threading
import time

PEERS = os.environ.get("LOGBOOM_PEERS", "")


def tcp(port, lines, host="127.0.0.1", end=b"\n"):
    """Sends the lines over one connection, closes it, and returns the port it came from."""
    with socket.create_connection((host, port)) as connection:
        connection.sendall(b"".join(line + end for line in lines))
        return connection.getsockname()[1]


def udp(port, lines, host="127.0.0.1"):
    """Sends each line as a datagram; returns the port they came from."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.connect((host, port))
        for line in lines:
            sender.send(line)
        return sender.getsockname()[1]


def numbered(first, n, app="flood", padding=40):
    """n RFC 5424 lines whose messages start with their number."""
    head = f"<134>1 2026-11-24T11:00:00Z web01 {app} 1 - - ".encode()
    tail = b" " + b"x" * padding
    return [head + b"%09d" % i + tail for i in range(first, first + n)]


def number_of(row):
    """The number of a row whose line was made by numbered()."""
    return int(row["message"][:9])


def flood(connection, app="flood", n=None, chunk=2000):
    """Sends n numbered lines (None: no end) as fast as they are taken, until the peer is gone.

    Returns how many went out whole.
    """
    sent = 0
    try:
        while n is None or sent < n:
            lines = numbered(sent, chunk if n is None else min(chunk, n - sent), app)
            connection.sendall(b"\n".join(lines) + b"\n")
            sent += len(lines)
    except OSError:
        pass
    return sent


def logger(*arguments):
    """util-linux's logger, in UTC: RFC 3164 knows no zones."""
    subprocess.run(["logger", "-n", "127.0.0.1", *arguments], check=True, timeout=60,
                   env={**os.environ, "TZ": "UTC"})


def find_peer(name):
    """(path, environment) of rsyslogd or loggen, installed or unpacked below LOGBOOM_PEERS; or None."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if path:
        return path, dict(os.environ)
    for folder in ("usr/sbin", "usr/bin"):
        path = os.path.join(PEERS, folder, name)
        if PEERS and os.access(path, os.X_OK):
            libraries = [f"{PEERS}/usr/lib/syslog-ng", *glob.glob(f"{PEERS}/usr/lib/*-linux-gnu"),
                         *glob.glob(f"{PEERS}/lib/*-linux-gnu")]
            return path, {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries),
                          "SYSLOGNG_PREFIX": f"{PEERS}/usr"}
    return None


def rsyslogd(configuration, directory):
    """Starts an rsyslogd of the test's own, or returns None where there is none."""
    found = find_peer("rsyslogd")
    if not found:
        return None
    path, environment = found
    file = os.path.join(directory, "rsyslog.conf")
    with open(file, "w", encoding="utf-8") as out:
        out.write(configuration)
    modules = glob.glob(f"{PEERS}/usr/lib/*/rsyslog") if PEERS and path.startswith(PEERS) else []
    options = ["-M", modules[0]] if modules else []
    return subprocess.Popen([path, "-n", "-f", file, "-iNONE", *options], env=environment,
                            stdin=subprocess.DEVNULL, cwd=directory)


def connect_when_listening(port, process, limit_s=30):
    """A connection to a program that was just started, as soon as it listens."""
    deadline = time.monotonic() + limit_s
    pause = threading.Event()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            pause.wait(0.02)
