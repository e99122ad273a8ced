# SPDX-License-Identifier: MIT
"""More than it can take: with block nothing is lost and the order is kept, with drop all is counted."""

import signal
import socket
import threading

import harness
import senders

TINY = {"queue": 1, "workers_min": 1, "workers_max": 1}
TINY_STAGES = {"parse": TINY, "enrich": TINY, "store": TINY}
SEVERAL = {"queue": 4, "workers_min": 2, "workers_max": 3}


class Tcp(harness.TestCase):
    def flood(self, n_lines, n_connections, config):
        """Floods over several connections at once, and checks that every line is there in its order."""
        daemon = self.start(config)

        def send(app):
            with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
                senders.flood(connection, app, n_lines)

        threads = [threading.Thread(target=send, args=(f"sender{i}",)) for i in range(n_connections)]
        for thread in threads:
            thread.start()
        total = n_lines * n_connections
        try:
            status = daemon.wait_for(lambda s: self.assert_ledger_closed(s)
                                     or s["ledger"]["stored"] >= total, "all stored", 240)
        except BaseException:
            daemon.kill()  # so that no sender waits for it
            raise
        finally:
            for thread in threads:
                thread.join()
        self.assertEqual(status["ledger"]["received"], total)
        self.assertEqual(status["ledger"]["dropped"], 0)
        self.assertLessEqual(status["memory"]["high_water"], status["memory"]["budget"])
        last = {}
        for row in daemon.query():
            self.assertEqual(senders.number_of(row), last.get(row["app"], -1) + 1, row)
            last[row["app"]] = senders.number_of(row)
        self.assertEqual(last, {f"sender{i}": n_lines - 1 for i in range(n_connections)})
        self.assertEqual(daemon.terminate(), 0)

    def test_one_connection(self):
        self.flood(200_000, 1, {"inputs": {"net": {"on_full": "block"}}})

    def test_tiny_queues(self):
        self.flood(50_000, 1, {"inputs": {"net": {"on_full": "block"}}, "stages": TINY_STAGES})

    def test_many_connections_receivers_and_workers(self):
        self.flood(15_000, 6, {
            "workers": 2, "memory": "128M", "inputs": {"net": {"on_full": "block"}},
            "stages": {"parse": SEVERAL, "enrich": SEVERAL, "store": SEVERAL}})


class Udp(harness.TestCase):
    def test_every_datagram_is_accounted_for(self):
        daemon = self.start({"inputs": {"net": {"on_full": "drop", "receive_buffer": "64K"}},
                             "stages": TINY_STAGES})
        line = senders.numbered(0, 1, padding=200)[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", daemon.port))
            sent = 0

            def send(n=1):
                nonlocal sent
                for _ in range(n):
                    sender.send(line)
                sent += n

            # A stopped daemon makes the kernel drop for certain; a running one makes the queues fill.
            daemon.signal(signal.SIGSTOP)
            send(5000)
            daemon.signal(signal.SIGCONT)
            send(100_000)

            def accounted(status):
                net = status["inputs"]["net"]
                self.assertEqual(status["ledger"]["residual"], 0, status["ledger"])
                return net["received"] + net["kernel_dropped"] == sent

            # The kernel tells of its drops along with the next datagram that it hands over.
            status = daemon.wait_for(accounted, f"sent = kernel_dropped + received; sent: {sent} at "
                                     "first", between=send)
        self.assertGreater(status["inputs"]["net"]["kernel_dropped"], 0)
        status = daemon.wait_settled()
        self.assert_ledger_closed(status)
        ledger = status["ledger"]
        self.assertEqual(ledger["received"], ledger["stored"] + ledger["dropped"])
        self.assertEqual(len(daemon.query()), ledger["stored"])
        self.assertEqual(daemon.terminate(), 0)


if __name__ == "__main__":
    harness.main()
