# SPDX-License-Identifier: MIT
"""Start, stop, crash, start again: what was counted as stored is there, and nothing is silent."""

import re
import signal
import socket
import threading
import time

import harness
import senders

BLOCK = {"inputs": {"net": {"on_full": "block"}}}


class Flood:
    """Sends numbered lines over one connection until the peer is gone."""

    def __init__(self, port, app="flood"):
        self.app = app
        self.sent = 0  # lines that went out whole, once it has ended
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        with self.connection:
            self.sent = senders.flood(self.connection, self.app)

    def join(self):
        self.thread.join(harness.LIMIT_S)


def final_ledger(log):
    """received, stored, dropped of the last log line that has all three."""
    for line in reversed(log.splitlines()):
        found = {}
        for name in ("received", "stored", "dropped"):
            match = re.search(rf"\b{name}[ =:]+(\d+)|(\d+) {name}\b", line)
            if match:
                found[name] = int(match[1] or match[2])
        if len(found) == 3:
            return found
    return None


class LifeCycle(harness.TestCase):
    def flooded(self, daemon, n=20_000, app="flood"):
        """A flood that is on, and a status in the middle of it."""
        flood = Flood(daemon.port, app)
        self.addCleanup(flood.join)
        self.addCleanup(daemon.close)  # runs first: ends the flood
        before = daemon.status()["ledger"]["stored"]
        status = daemon.wait_for(lambda s: s["ledger"]["stored"] >= before + n, "the flood is on")
        return flood, status

    def assert_prefix(self, daemon, app, at_least, at_most=None):
        """What is stored of a flood is its beginning, in order, without a hole; returns how much.

        The very last line may be one that the end of the connection cut, before or in its number.
        """
        rows = daemon.query(f"app={app}")
        if rows and not re.match(r"\d{9} x{40}$", rows[-1]["message"]):
            rows.pop()
        self.assertEqual([senders.number_of(row) for row in rows], list(range(len(rows))))
        self.assertGreaterEqual(len(rows) + 1, at_least)
        if at_most is not None:
            self.assertLessEqual(len(rows), at_most)
        return len(rows)

    def test_idle_daemon_ends_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start()
            daemon.signal(number)
            self.assertEqual(daemon.wait_exit(), 0)

    def test_sigterm_in_a_flood(self):
        daemon = self.start(BLOCK)
        flood, _ = self.flooded(daemon)
        started = time.monotonic()
        self.assertEqual(daemon.terminate(), 0)
        self.assertLess(time.monotonic() - started, 25, "shutdown_timeout is 20 s")
        flood.join()
        ledger = final_ledger(daemon.log())
        self.assertIsNotNone(ledger, daemon.log())
        self.assertEqual(ledger["received"], ledger["stored"] + ledger["dropped"])
        self.assertEqual(ledger["stored"], daemon.store_info()["records"])
        self.assert_prefix(daemon, "flood", ledger["stored"], flood.sent + 2000)

    def test_second_signal_ends_at_once(self):
        daemon = self.start({**BLOCK, "shutdown_timeout": "10m"})
        flood, _ = self.flooded(daemon)
        daemon.signal(signal.SIGSTOP)  # so that both are there when it goes on
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGINT)
        daemon.signal(signal.SIGCONT)
        code = daemon.wait_exit(30)
        flood.join()
        self.assertIn(code, (0, 1), daemon.log())
        ledger = final_ledger(daemon.log())
        self.assertIsNotNone(ledger, daemon.log())
        self.assertEqual(ledger["received"], ledger["stored"] + ledger["dropped"])
        self.assertEqual(ledger["stored"], daemon.store_info()["records"])

    def test_shutdown_that_is_cut_off_closes_the_ledger(self):
        tiny = {"queue": 1, "workers_min": 1, "workers_max": 1}
        for on_full in ("block", "drop"):
            with self.subTest(on_full):
                daemon = self.start({"workers": 2, "shutdown_timeout": "0s", "memory": "32M",
                                     "inputs": {"net": {"on_full": on_full}},
                                     "stages": {"parse": tiny, "enrich": tiny, "store": tiny}})
                floods = [Flood(daemon.port, f"other{i}") for i in range(3)]
                floods.append(self.flooded(daemon)[0])
                self.assertEqual(daemon.terminate(), 0)
                for flood in floods:
                    flood.join()
                ledger = final_ledger(daemon.log())
                self.assertEqual(ledger["received"], ledger["stored"] + ledger["dropped"])
                self.assertEqual(ledger["stored"], daemon.store_info()["records"])
                self.assertIn("residual 0", daemon.log())

    def test_sigkill_loses_nothing_that_was_counted_as_stored(self):
        daemon = self.start(BLOCK)
        total = 0
        for round_ in ("first", "second", "third"):
            flood, status = self.flooded(daemon, app=round_)
            counted = status["ledger"]["stored"]
            daemon.kill()
            flood.join()
            daemon.start()
            total += self.assert_prefix(daemon, round_, counted)
            self.assertGreaterEqual(daemon.status()["store"]["records"], total)
            self.assertEqual(daemon.status()["store"]["quarantined"], 0)
        ids = [row["id"] for row in daemon.query()]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(daemon.terminate(), 0)

    def test_sigkill_right_after_the_last_line_was_counted(self):
        daemon = self.start()
        total = 0
        for n in (1, 5000, 3):
            senders.tcp(daemon.port, senders.numbered(total, n))
            daemon.wait_stored(n)
            daemon.kill()
            total += n
            daemon.start()
            self.assertEqual(self.assert_prefix(daemon, "flood", total), total)

    def test_restart_goes_on(self):
        daemon = self.start()
        for i in range(3):
            senders.tcp(daemon.port, senders.numbered(i * 10, 10))
            daemon.wait_stored(10)
            self.assertEqual(daemon.status()["store"]["records"], (i + 1) * 10)
            self.assertEqual(daemon.terminate(), 0)
            daemon.start()
        rows = daemon.query()
        self.assertEqual([senders.number_of(row) for row in rows], list(range(30)))
        self.assertEqual([row["id"] for row in rows], sorted(row["id"] for row in rows))

    def test_lines_in_the_socket_buffer_are_drained(self):
        daemon = self.start()
        daemon.signal(signal.SIGSTOP)
        senders.udp(daemon.port, senders.numbered(0, 50))
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGCONT)
        self.assertEqual(daemon.wait_exit(), 0)
        self.assertEqual(daemon.store_info()["records"], 50)

    def test_sigquit_tells_what_the_workers_do(self):
        daemon = self.start()
        daemon.signal(signal.SIGQUIT)
        daemon.wait_for(lambda _: re.search(r"SIGQUIT: store 0: \w+ for ", daemon.log()), "told")
        self.assertRegex(daemon.log(), r"SIGQUIT: parse 0: ")
        self.assertEqual(daemon.terminate(), 0)

    def test_two_daemons_on_one_store(self):
        first = self.start()
        second = self.daemon({"store": {"path": first.store}})
        done = second.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(first.store, done.stderr)
        self.assertTrue(first.running())
        senders.tcp(first.port, [b"<13>still here"])
        first.wait_stored(1)

    def test_port_in_use(self):
        for kind, scheme in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
            with self.subTest(scheme), socket.socket(socket.AF_INET, kind) as holder:
                holder.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    holder.listen()
                port = holder.getsockname()[1]
                daemon = self.daemon({"inputs": {"net": {
                    "listen": [f"{scheme}://127.0.0.1:{port}"]}}})
                done = daemon.run()
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(f"127.0.0.1:{port}", done.stderr)

    def test_second_daemon_on_the_ports_of_the_first(self):
        first = self.start()
        second = self.daemon({"inputs": {"net": {"listen": [f"tcp://127.0.0.1:{first.port}"]}}})
        done = second.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(first.port), done.stderr)
        senders.tcp(first.port, [b"<13>still here"])
        first.wait_stored(1)


if __name__ == "__main__":
    harness.main()
