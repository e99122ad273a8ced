# SPDX-License-Identifier: MIT
"""What hostile, broken and unlucky senders do: counted, and nothing else is harmed."""

import random
import signal
import socket
import threading

import harness
import senders

LONG = 10 << 20


class BadInput(harness.TestCase):
    def connect(self, daemon):
        connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=harness.LIMIT_S)
        self.addCleanup(connection.close)
        return connection

    def assert_still_works(self, daemon, before):
        """One more line goes through; returns the status after it, with the ledger closed."""
        senders.tcp(daemon.port, [b"<13>1 - - good - - - still here"])
        status = daemon.wait_stored(before + 1)
        self.assertEqual(daemon.query("app=good")[-1]["message"], "still here")
        status = daemon.wait_settled()
        self.assert_ledger_closed(status)
        self.assertLessEqual(status["memory"]["high_water"], status["memory"]["budget"])
        return status

    def limits(self, on_oversize):
        return {"inputs": {"net": {"max_line": "8K", "on_oversize": on_oversize, "on_full": "block"}}}

    def test_line_of_10_mib_is_cut(self):
        for counted in (False, True):
            with self.subTest(counted=counted):
                daemon = self.start(self.limits("cut"))
                line = b"<13>1 - - long - - - " + b"y" * LONG
                stream = b"%d %s" % (len(line), line) if counted else line + b"\n"
                senders.tcp(daemon.port, [stream], end=b"")
                daemon.wait_stored(1)
                self.assert_still_works(daemon, 1)
                [row] = daemon.query("app=long")
                self.assertEqual(row["message"].strip("y"), "")
                self.assertLessEqual(len(row["message"]), 8192)
                self.assertGreater(len(row["message"]), 8000)

    def test_line_of_10_mib_is_refused(self):
        daemon = self.start(self.limits("drop"))
        senders.tcp(daemon.port, [b"<13>1 - - long - - - " + b"y" * LONG])
        daemon.wait_for(lambda s: harness.drops(s).get("oversize") == 1, "counted as oversize")
        status = self.assert_still_works(daemon, 0)
        self.assertEqual(status["ledger"]["dropped"], 1)

    def test_line_after_a_long_one_on_the_same_connection(self):
        daemon = self.start(self.limits("drop"))
        senders.tcp(daemon.port, [b"<13>" + b"y" * 20_000, b"<13>1 - - next - - - after"])
        daemon.wait_stored(1)
        self.assertEqual(daemon.query("app=next")[0]["message"], "after")
        self.assertEqual(harness.drops(daemon.status())["oversize"], 1)

    def test_silent_connection_harms_nobody(self):
        daemon = self.start()
        self.connect(daemon)
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 1, "connected")
        self.assert_still_works(daemon, 0)

    def test_idle_connection_is_closed(self):
        daemon = self.start({"inputs": {"net": {"idle_timeout": "1s"}}})
        connection = self.connect(daemon)
        connection.sendall(b"<13>1 - - idle - - - and then nothing\n")
        self.assertEqual(connection.recv(1), b"")
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 0, "gone")
        self.assertEqual(len(daemon.query("app=idle")), 1)

    def test_lines_that_wait_for_a_halted_daemon_are_no_idleness(self):
        daemon = self.start({"inputs": {"net": {"idle_timeout": "300ms"}}})
        connection = self.connect(daemon)
        connection.sendall(b"<13>1 - - idle - - - before\n")
        daemon.wait_stored(1)
        daemon.signal(signal.SIGSTOP)
        connection.sendall(b"<13>1 - - idle - - - meanwhile\n")
        threading.Event().wait(0.4)  # what is tested is time itself: the idle_timeout passes
        daemon.signal(signal.SIGCONT)
        daemon.wait_stored(2)

    def test_half_a_frame_at_close_is_kept(self):
        for stream in (b"100 <13>1 - - half - - - never whole", b"<13>1 - - half - - - never whole"):
            with self.subTest(stream):
                daemon = self.start()
                senders.tcp(daemon.port, [stream], end=b"")
                daemon.wait_stored(1)
                [row] = daemon.query()
                self.assert_fields(row, app="half", message="never whole")

    def test_connection_that_is_reset(self):
        daemon = self.start()
        connection = self.connect(daemon)
        connection.sendall(b"<13>1 - - reset - - - whole\n<13>half")
        daemon.wait_stored(1)
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close() resets
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 0, "gone")
        self.assertEqual(len(daemon.query("app=reset")), 1)
        self.assert_still_works(daemon, daemon.wait_settled()["ledger"]["stored"])

    def test_byte_by_byte(self):
        daemon = self.start()
        connection = self.connect(daemon)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = b"27 <13>1 - - slow - - - counted<13>1 - - slow - - - line\r\n"
        line = line.replace(b"27 ", b"%d " % len(b"<13>1 - - slow - - - counted"))
        for i in range(len(line)):
            connection.sendall(line[i:i + 1])
        daemon.wait_stored(2)
        self.assertEqual([row["message"] for row in daemon.query("app=slow")], ["counted", "line"])

    def test_nul_bytes(self):
        daemon = self.start()
        senders.tcp(daemon.port, [b"\0\0\0<13>1 - - nul - - - kept\0\0\0"], end=b"")
        daemon.wait_stored(1)
        self.assertEqual([row["message"] for row in daemon.query("app=nul")], ["kept"])
        self.assert_still_works(daemon, 1)

    def test_empty_datagrams_and_lines(self):
        daemon = self.start()
        senders.udp(daemon.port, [b""] * 5 + [b"\n"] * 5)
        senders.tcp(daemon.port, [b"\n" * 5 + b"<13>1 - - full - - - one\n\n\n"], end=b"")
        daemon.wait_stored(1)
        status = self.assert_still_works(daemon, 1)
        ledger = status["ledger"]
        self.assertEqual(ledger["stored"], 2)
        self.assertEqual(harness.drops(status).get("empty", 0), ledger["received"] - 2)

    def test_garbage(self):
        daemon = self.start({"inputs": {"net": {"on_full": "block"}}})
        generator = random.Random(20261124)
        datagrams = [generator.randbytes(n) for n in range(8, 200)]
        senders.udp(daemon.port, datagrams)
        received = len(datagrams)
        daemon.wait_for(lambda s: s["inputs"]["net"]["received"] == received, "all datagrams are in")
        for _ in range(20):
            senders.tcp(daemon.port, [generator.randbytes(generator.randrange(100, 30_000))])
            status = daemon.wait_for(lambda s, before=received: s["ledger"]["received"] > before
                                     and s["inputs"]["net"]["connections"] == 0
                                     and s["ledger"]["in_flight"] == 0, "the stream is through")
            received = status["ledger"]["received"]
        status = self.assert_still_works(daemon, status["ledger"]["stored"])
        self.assertEqual(len(daemon.query()), status["ledger"]["stored"])

    def test_absurd_octet_counts(self):
        daemon = self.start()
        for count in (b"0", b"99999999999999999999", b"007", b"12x", b"-5"):
            senders.tcp(daemon.port, [count + b" <13>1 - - count - - - line"])
        daemon.wait_stored(5)
        status = self.assert_still_works(daemon, 5)
        self.assertEqual(status["ledger"]["dropped"], 0)

    def test_limit_of_connections(self):
        daemon = self.start({"inputs": {"net": {"max_connections": 2}}})
        first, second = self.connect(daemon), self.connect(daemon)
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 2, "both are in")
        third = self.connect(daemon)
        try:
            self.assertEqual(third.recv(1), b"")
        except ConnectionResetError:
            pass
        second.sendall(b"<13>1 - - second - - - still served\n")
        daemon.wait_stored(1)
        first.close()
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 1, "one has gone")
        self.assert_still_works(daemon, 1)


if __name__ == "__main__":
    harness.main()
