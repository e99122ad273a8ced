# SPDX-License-Identifier: MIT
"""logboomctl query and tail as a person sees them, on a terminal; and /query and /tail of the daemon."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import harness
import senders

T = "2026-11-24T11:00:0{}Z"


def line(second, severity, host, app, message):
    return f"<{16 * 8 + severity}>1 {T.format(second)} {host} {app} 1 - - {message}".encode()


LINES = [line(0, 3, "web01", "sshd", "Failed password for root"),
         line(1, 4, "web01", "nginx", "upstream is slow latency_ms=700"),
         line(2, 6, "web02", "nginx", "GET / latency_ms=20"),
         line(3, 6, "web02", "nginx", "GET /index.html latency_ms=30"),
         line(4, 7, "db1", "postgres", "password accepted")]


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, arguments, columns=100, environment=None):
        self.output = b""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})}
        for name in ("COLUMNS", "NO_COLOR", "PAGER", "LESS"):
            if name not in (environment or {}):
                env.pop(name, None)
        self.process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.master = master

    def read_until(self, predicate):
        """Reads until predicate(output), or the program has ended and all is read."""
        deadline = time.monotonic() + harness.LIMIT_S
        while not predicate(self.output):
            readable, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError(f"not within {harness.LIMIT_S} s; so far: {self.output!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                return self
            self.output += data
        return self

    def finish(self):
        """All of its output as text, and its exit status."""
        self.read_until(lambda output: False)
        os.close(self.master)
        return self.output.decode().replace("\r\n", "\n"), self.process.wait(harness.LIMIT_S)


class Query(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sut = harness.Daemon().start()
        senders.tcp(cls.sut.port, LINES)
        cls.sut.wait_stored(len(LINES))

    @classmethod
    def tearDownClass(cls):
        cls.sut.close()

    def ctl(self, *arguments, **keywords):
        return Terminal([harness.LOGBOOMCTL, "--store", self.sut.store, *arguments], **keywords)

    def query(self, *arguments, **keywords):
        return self.ctl("query", "--no-pager", *arguments, **keywords).finish()

    def test_colours_and_highlights(self):
        text, status = self.query("failed or password")
        self.assertEqual(status, 0, text)
        first, last = text.splitlines()
        self.assertIn("\033[31merr\033[0m", first)
        self.assertIn("\033[1;30;43mFailed password\033[0m", first.replace("\033[0m\033[31m \033[0m\033[1;30;43m", " "))
        self.assertIn("\033[2mdebug\033[0m", last)
        self.assertIn("\033[1;30;43mpassword\033[0m accepted", last)

    def test_a_regular_expression_is_highlighted(self):
        text, _ = self.query(r"/latency_ms.\d{2}\b/")
        self.assertEqual(text.count("\033[1;30;43mlatency_ms="), 2, text)

    def test_no_colour_where_it_is_not_wanted(self):
        for keywords in ({"environment": {"NO_COLOR": "1"}}, {}):
            arguments = [] if keywords else ["--color", "never"]
            text, _ = self.query("password", *arguments, **keywords)
            self.assertNotIn("\033", text)
        piped = self.sut.ctl("--store", self.sut.store, "query", "password").stdout
        self.assertNotIn(b"\033", piped)

    def test_pager(self):
        mark = os.path.join(self.sut.directory, "paged")
        text, status = self.ctl("query", "GET",
                                environment={"LOGBOOM_PAGER": f"tee {mark}; echo paged"}).finish()
        self.assertEqual(status, 0, text)
        self.assertTrue(text.endswith("paged\n"), text)
        with open(mark, encoding="utf-8") as file:
            self.assertEqual(file.read().count("GET"), 2)

    def test_pager_is_left_out(self):
        for arguments, environment in ((["--no-pager"], {"PAGER": "echo paged"}), ([], {"PAGER": "cat"}),
                                       ([], {"LOGBOOM_PAGER": "", "PAGER": "echo paged"})):
            text, status = self.ctl("query", *arguments, "GET", environment=environment).finish()
            self.assertEqual((status, text.count("GET"), text.count("paged")), (0, 2, 0), text)

    def test_leaving_the_pager_is_no_failure(self):
        text, status = self.ctl("query", environment={"PAGER": "head -n 1"}).finish()
        self.assertEqual((status, len(text.splitlines())), (0, 1), text)

    def test_count_is_aligned(self):
        text, _ = self.query("| count by host, severity | sort host", "--color", "never")
        self.assertEqual(text, "host   severity  count\n"
                               "db1    debug         1\n"
                               "web01  err           1\n"
                               "web01  warning       1\n"
                               "web02  info          2\n")

    def test_top_has_bars(self):
        text, _ = self.query("| top 3 host", "--color", "never", columns=60)
        rows = text.splitlines()
        self.assertEqual(len(rows), 4, text)
        bars = [row.count("█") for row in rows[1:]]
        self.assertGreater(bars[0], 10, text)
        self.assertAlmostEqual(bars[0], 2 * bars[2], delta=1)
        self.assertLessEqual(max(len(row) for row in rows), 60)

    def test_histogram_has_bars(self):
        text, _ = self.query("| histogram 1s", "--utc", "--color", "never")
        rows = text.splitlines()
        self.assertEqual(len(rows), 6, text)
        self.assertRegex(rows[1], r"^2026-11-24 11:00:00Z +1  █+$")

    def test_bars_in_ascii(self):
        text, _ = self.query("| top 3 host", environment={"LC_ALL": "C"})
        self.assertIn("####", text)
        self.assertTrue(text.isascii(), text)

    def test_tables_for_programs(self):
        def run(*arguments):
            return self.sut.ctl("--store", self.sut.store, "query", *arguments).stdout.decode()
        rows = [json.loads(row) for row in run("| count by host | sort host", "-o", "json").splitlines()]
        self.assertEqual(rows, [{"host": "db1", "count": 1}, {"host": "web01", "count": 2},
                                {"host": "web02", "count": 2}])
        self.assertEqual(run("| count by host | sort host", "-o", "csv"),
                         "host,count\ndb1,1\nweb01,2\nweb02,2\n")
        self.assertEqual(run("GET | fields time, message | sort time", "-o", "csv"),
                         "time,message\n2026-11-24T11:00:02Z,GET / latency_ms=20\n"
                         "2026-11-24T11:00:03Z,GET /index.html latency_ms=30\n")
        self.assertEqual(run("| top 1 app", "-o", "cat"), "nginx\t3\t60\n")
        self.assertNotIn("█", run("| top 3 host"))

    def test_limit_ends_the_search_and_not_the_answer(self):
        def run(*arguments):
            return self.sut.ctl("--store", self.sut.store, "query", *arguments).stdout.decode()
        self.assertEqual(len(run("| fields time, host | limit 2").splitlines()), 3)
        self.assertEqual(len(run("| limit 2 | fields time, host").splitlines()), 3)
        self.assertEqual(run("| limit 2 | count", "-o", "json"), '{"count":2}\n')
        self.assertEqual(len(run("| limit 2").splitlines()), 2)

    def test_long(self):
        text = self.sut.ctl("--store", self.sut.store, "query", "--utc", "-o", "long", "accepted").stdout.decode()
        self.assertTrue(text.startswith("time        2026-11-24 11:00:04Z\n"), text)
        for part in ("severity    debug\n", "host        db1\n", "message     password accepted\n\n"):
            self.assertIn(part, text)

    def test_explain(self):
        text = self.sut.ctl("--store", self.sut.store, "query", "--explain", "nosuchword").stdout.decode()
        self.assertIn("blocks", text)
        self.assertIn("0 matched", text)

    def test_misuse(self):
        for arguments in (["-n", "3", "| count"], ["GET | nosuchpipe"]):
            done = self.sut.ctl("--store", self.sut.store, "query", *arguments, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
        done = self.sut.ctl("--store", self.sut.store, "tail", "| count", check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"ask query", done.stderr)

    # -- the status socket

    def test_http_query(self):
        code, kind, body = self.sut.get("/query?q=GET&n=1&reverse=1")
        self.assertEqual((code, kind), (200, "application/x-ndjson"))
        [row] = [json.loads(text) for text in body.splitlines()]
        self.assertEqual(row["message"], "GET /index.html latency_ms=30")
        _, _, body = self.sut.get("/query?q=%7C%20count%20by%20host%20%7C%20sort%20host")
        self.assertEqual(json.loads(body.splitlines()[0]), {"host": "db1", "count": 1})
        self.assertEqual(self.sut.get("/query?q=nothing")[:3], (200, "application/x-ndjson", ""))

    def test_http_mistakes(self):
        for target, part in (("/query?q=hots%3Da", "did you mean"), ("/query?n=x", "a number"),
                             ("/query?since=never", "a time"), ("/query?x=1", "parameters"),
                             ("/tail?since=1h", "q and n"), ("/tail?q=%7C%20count", "/query")):
            code, kind, body = self.sut.get(target)
            self.assertEqual((code, kind), (400, "text/plain; charset=utf-8"), target)
            self.assertIn(part, body)


class Follow(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.start()

    def test_http_tail(self):
        senders.tcp(self.sut.port, senders.numbered(0, 3))
        self.sut.wait_stored(3)
        connection = harness.UnixConnection(self.sut.socket, harness.LIMIT_S)
        connection.request("GET", "/tail?n=2")
        answer = connection.getresponse()
        numbers = [json.loads(answer.readline())["message"][:9] for _ in range(2)]
        senders.tcp(self.sut.port, senders.numbered(3, 2))
        numbers += [json.loads(answer.readline())["message"][:9] for _ in range(2)]
        self.assertEqual(numbers, [f"{n:09}" for n in (1, 2, 3, 4)])
        answer.close()
        connection.close()

    def test_hanging_up_ends_a_tail(self):
        """All places are taken by tails that say nothing; closing them frees the places."""
        tails = []
        for _ in range(16):
            tail = socket.socket(socket.AF_UNIX)
            tail.connect(self.sut.socket)
            tail.sendall(b"GET /tail?q=never HTTP/1.1\r\nHost: x\r\n\r\n")
            tails.append(tail)
        deadline = time.monotonic() + harness.LIMIT_S
        while self.sut.get("/query?n=1")[0] != 503 and time.monotonic() < deadline:
            pass
        self.assertEqual(self.sut.get("/query?n=1")[0], 503)
        self.assertEqual(self.sut.get("/status")[0], 200)
        for tail in tails:
            tail.close()
        while self.sut.get("/query?n=1")[0] == 503 and time.monotonic() < deadline:
            pass
        self.assertEqual(self.sut.get("/query?n=1")[0], 200)

    def test_a_daemon_with_tails_ends_in_time(self):
        tail = socket.socket(socket.AF_UNIX)
        self.addCleanup(tail.close)
        tail.connect(self.sut.socket)
        tail.sendall(b"GET /tail HTTP/1.1\r\nHost: x\r\n\r\n")
        senders.tcp(self.sut.port, senders.numbered(0, 1))
        self.assertIn(b" 200 ", tail.recv(4096))
        self.assertEqual(self.sut.terminate(), 0)

    def test_slow_reader_skips(self):
        """Nobody reads what tail writes while lines come for a second: then it is near the end again, and says so."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        senders.tcp(self.sut.port, senders.numbered(0, 1))
        self.sut.wait_stored(1)
        tail = subprocess.Popen([harness.LOGBOOMCTL, "--store", self.sut.store, "tail", "-o", "raw"],
                                stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.terminate)
        with os.fdopen(reader, "rb") as out:
            self.assertTrue(out.readline().startswith(b"000000000"))
            sent, enough = 1, time.monotonic() + 1
            while sent < 60000 or time.monotonic() < enough:
                senders.tcp(self.sut.port, senders.numbered(sent, 5000))
                sent += 5000
                self.sut.wait_stored(sent)
            seen = 1
            while not (text := out.readline()).startswith(f"{sent - 1:09}".encode()):
                self.assertTrue(text, "tail ended")
                seen += 1
            seen += 1
            tail.terminate()
            said = tail.stderr.read().decode()
            tail.stderr.close()
        skipped = sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) lines? skipped", said))
        self.assertEqual(seen + skipped, sent, said)
        self.assertGreater(skipped, 10000, said)

    def test_ctrl_c_ends_a_query(self):
        senders.tcp(self.sut.port, senders.numbered(0, 50000))
        self.sut.wait_stored(50000)
        terminal = Terminal([harness.LOGBOOMCTL, "--store", self.sut.store, "query", "--no-pager"])
        terminal.read_until(lambda output: output.count(b"\n") > 10)
        os.kill(terminal.process.pid, signal.SIGINT)
        text, status = terminal.finish()
        self.assertEqual(status, 130)
        self.assertIn("interrupted: not all lines were looked at", text)
        self.assertLess(text.count("\n"), 50000)


if __name__ == "__main__":
    harness.main()
