# SPDX-License-Identifier: MIT
"""A logboomd for a test: started, asked, ended, and its evidence shown when the test fails.

    class Tcp(harness.TestCase):
        def test_line_is_stored(self):
            daemon = self.start()                     # waits for READY=1, not for a while
            senders.tcp(daemon.port, [b"<13>hello"])
            daemon.wait_stored(1)                     # asks /status until it is so
            [row] = daemon.query()                    # through logboomctl, as a person would

What a test waits for is always a fact (a notification, a counter, an exit) and never a time; each wait
has a limit, and says what it saw when the limit passes.

From the environment: LOGBOOM_BUILD, the build folder (tests/integration/meson.build sets it); LOGBOOM_PEERS, a
tree with unpacked other senders (tests/run sets it; optional).
"""

import copy
import http.client
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get("LOGBOOM_BUILD", "build")
LOGBOOMD = os.path.join(BUILD, "daemon", "logboomd")
LOGBOOMCTL = os.path.join(BUILD, "ctl", "logboomctl")

LIMIT_S = 60  # of every wait: generous, since only a failing test ever uses it up
SKIP = 77     # meson's exit code for a skipped test
SANITIZER = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")


class DaemonError(Exception):
    """The daemon did not do what the harness itself relies on."""


def is_sanitized():
    """Does the daemon under test run with a sanitizer, which takes memory of its own?"""
    libraries = subprocess.run(["ldd", LOGBOOMD], capture_output=True, text=True, check=False).stdout
    with open(LOGBOOMD, "rb") as file:
        return "san.so" in libraries or b"__tsan_init" in file.read()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port():
    """A port that is free for UDP and TCP, on both families.

    It lies below the range the kernel takes the ports of outgoing connections from, so that between
    here and the daemon's bind() none of the test's own connections can come to sit on it.
    """
    families = [(socket.AF_INET, "127.0.0.1")]
    if has_ipv6():
        families.append((socket.AF_INET6, "::1"))
    for _ in range(200):
        port = random.randrange(15000, 32000)
        try:
            for family, host in families:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(family, kind) as probe:
                        probe.bind((host, port))
            return port
        except OSError:
            continue
    raise DaemonError("no free port between 15000 and 32000")


def merge(base, change):
    """base with change laid over it, mapping by mapping."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """One logboomd and the folder it lives in: configuration, store, sockets, log.

    config: laid over the defaults below; or the whole configuration as YAML text.
    The folder outlives the process, so that start() after terminate() or kill() is a restart.
    """

    def __init__(self, config=None, directory=None):
        self.directory = directory or tempfile.mkdtemp(prefix="logboom-")
        self.owns_directory = directory is None
        self.port = free_port()
        self.socket = os.path.join(self.directory, "status.sock")
        self.store = os.path.join(self.directory, "store")
        self.config_path = os.path.join(self.directory, "logboom.yaml")
        self.log_path = os.path.join(self.directory, "log")
        self.process = None
        self.write_config(config or {})

    def defaults(self):
        hosts = ["127.0.0.1"] + (["[::1]"] if has_ipv6() else [])
        listen = [f"{scheme}://{host}:{self.port}" for scheme in ("udp", "tcp") for host in hosts]
        return {
            "workers": 1,
            "memory": "64M",
            "shutdown_timeout": "20s",
            "inputs": {"net": {"listen": listen, "time_zone": "UTC"}},
            "geoip": {"databases": []},
            "store": {"path": self.store, "min_free": 0},
            "status": {"socket": self.socket},
        }

    def write_config(self, config):
        # JSON is YAML in its flow style, so no emitter is needed.
        text = config if isinstance(config, str) else json.dumps(merge(self.defaults(), config),
                                                                 indent=2)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def command(self, *options):
        return [LOGBOOMD, "--config", self.config_path, *options]

    def start(self):
        """Starts it and waits for READY=1. DaemonError when it ends before, or takes too long."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = os.path.join(self.directory, "notify")
            if os.path.exists(path):
                os.unlink(path)
            notify.bind(path)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(self.command(), stderr=log, stdout=log,
                                                stdin=subprocess.DEVNULL,
                                                env={**os.environ, "NOTIFY_SOCKET": path})
            self._wait_ready(notify)
        return self

    def _wait_ready(self, notify):
        deadline = time.monotonic() + LIMIT_S
        ended = os.pidfd_open(self.process.pid)
        try:
            while (left := deadline - time.monotonic()) > 0:
                readable, _, _ = select.select([notify, ended], [], [], left)
                if notify in readable:
                    if b"READY=1" in notify.recv(65536).split(b"\n"):
                        return
                elif ended in readable:
                    code = self.process.wait()
                    raise DaemonError(f"logboomd ended with {code} before it was ready:\n{self.log()}")
        finally:
            os.close(ended)
        raise DaemonError(f"logboomd was not ready within {LIMIT_S} s:\n{self.log()}")

    def run(self, *options):
        """Runs it to its end, for --check and for starts that must fail."""
        return subprocess.run(self.command(*options), capture_output=True, text=True,
                              timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # -- what it says of itself

    def get(self, path):
        """(status code, content type, body) of a GET on the status socket."""
        connection = UnixConnection(self.socket, LIMIT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
        finally:
            connection.close()

    def status(self):
        code, _, body = self.get("/status")
        if code != 200:
            raise DaemonError(f"GET /status: {code} {body}")
        return json.loads(body)

    def wait_for(self, predicate, what, limit=LIMIT_S, between=None):
        """Asks /status until predicate(status) holds, and returns that status.

        between is called before each further question: to send something that makes counters move.
        """
        deadline = time.monotonic() + limit
        pause = threading.Event()
        while not predicate(status := self.status()):
            if time.monotonic() > deadline:
                raise DaemonError(f"after {limit} s still not: {what}\n"
                                  f"{json.dumps(status, indent=1)}")
            if between:
                between()
            pause.wait(0.01)
        return status

    def wait_stored(self, n, limit=LIMIT_S):
        return self.wait_for(lambda s: s["ledger"]["stored"] >= n, f"{n} lines stored", limit)

    def wait_settled(self, limit=LIMIT_S):
        return self.wait_for(lambda s: s["ledger"]["in_flight"] == 0, "nothing in flight", limit)

    # -- what it stored

    def ctl(self, *arguments, check=True):
        done = subprocess.run([LOGBOOMCTL, *arguments], capture_output=True, timeout=5 * LIMIT_S,
                              check=False, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise DaemonError(f"logboomctl {' '.join(arguments)}: exit {done.returncode}\n"
                              f"{done.stderr.decode(errors='replace')}")
        return done

    def query(self, expression="", *options):
        done = self.ctl("--store", self.store, "query", "-o", "json", *options, expression)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def store_info(self):
        return json.loads(self.ctl("--store", self.store, "store", "info", "-o", "json").stdout)

    # -- how it ends

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, limit=LIMIT_S):
        return self.process.wait(limit)

    def terminate(self, limit=LIMIT_S):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(limit)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait_exit()

    def close(self):
        """Ends what still runs and removes the folder. DaemonError when a sanitizer had spoken."""
        if self.running():
            self.kill()
        complaint = SANITIZER.search(self.log())
        text = self.log()[complaint.start():][:8000] if complaint else ""
        if self.owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        if complaint:
            raise DaemonError("a sanitizer spoke:\n" + text)

    def evidence(self):
        parts = []
        if self.running():
            try:
                parts.append("status: " + json.dumps(self.status()))
            except (OSError, DaemonError, ValueError, http.client.HTTPException) as error:
                parts.append(f"status: {error}")
        with open(self.config_path, encoding="utf-8") as file:
            parts.append("configuration:\n" + file.read())
        parts.append("log (its end):\n" + self.log()[-8000:])
        return "\n".join(parts)


class TestCase(unittest.TestCase):
    """Keeps the daemons of a test, ends them, and shows what they said when the test fails."""

    maxDiff = None

    def setUp(self):
        self.daemons = []

    def daemon(self, config=None, directory=None):
        daemon = Daemon(config, directory)
        self.daemons.append(daemon)
        self.addCleanup(daemon.close)
        return daemon

    def start(self, config=None, directory=None):
        return self.daemon(config, directory).start()

    def assert_fields(self, row, **expected):
        """Every field given has this value in the row; None: the row does not have it."""
        actual = {name: row.get(name) for name in expected}
        self.assertEqual(actual, expected, f"in {row}")

    def assert_ledger_closed(self, status):
        """received = stored + dropped + in flight, and each drop has a reason.

        With nothing in flight, each stage closes too: what went in came out or was dropped.
        """
        ledger = status["ledger"]
        self.assertEqual(ledger["residual"], 0, ledger)
        self.assertEqual(ledger["received"],
                         ledger["stored"] + ledger["dropped"] + ledger["in_flight"], ledger)
        self.assertEqual(ledger["dropped"], sum(drops(status).values()), status)
        if ledger["in_flight"] == 0:
            for name, stage in status["stages"].items():
                self.assertEqual(stage["in"], stage["out"] + sum(stage["dropped"].values()), name)


def drops(status):
    """Lines dropped by reason. Each is counted once: at its input, or at the stage that dropped it."""
    total = {}
    for place in [*status["inputs"].values(), *status["stages"].values()]:
        for reason, n in place["dropped"].items():
            total[reason] = total.get(reason, 0) + n
    return total


class _Result(unittest.TextTestResult):
    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._show(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._show(test)

    def _show(self, test):
        for daemon in getattr(test, "daemons", []):
            if os.path.exists(daemon.config_path):
                self.stream.writeln(f"\n--- {test.id()}\n{daemon.evidence()}\n---")


def main():
    """Runs the tests of the calling script: 0 all passed, 1 some failed, 77 all were skipped."""
    program = unittest.main(exit=False, verbosity=2,
                            testRunner=unittest.TextTestRunner(verbosity=2, resultclass=_Result))
    result = program.result
    if not result.wasSuccessful() or result.testsRun + len(result.skipped) == 0:
        sys.exit(1)
    sys.exit(SKIP if len(result.skipped) >= result.testsRun else 0)
