# SPDX-License-Identifier: MIT
"""At the edge of what it may use, memory and descriptors: what comes is served or counted, nothing stalls."""

import socket

import harness
import senders


class Limits(harness.TestCase):
    def connect(self, daemon):
        connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=harness.LIMIT_S)
        self.addCleanup(connection.close)
        return connection

    def test_quiet_inputs_hold_no_memory(self):
        """More inputs than batches, each with a line now and then: none is dropped for want of memory."""
        ports = [harness.free_port() for _ in range(8)]
        inputs = {f"i{i}": {"listen": [f"udp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}"]}
                  for i, port in enumerate(ports)}
        daemon = self.start({"workers": 4, "memory": "32M", "inputs": inputs})
        for round_ in range(1, 41):
            for port in ports:
                senders.udp(port, [b"<13>1 - - quiet - - - line"])
                senders.tcp(port, [b"<13>1 - - quiet - - - line"])
            daemon.wait_for(lambda s, n=16 * round_: s["ledger"]["received"] == n, "all received")
        status = daemon.wait_settled()
        self.assert_ledger_closed(status)
        self.assertEqual(status["ledger"]["stored"], 40 * 16, status["inputs"])
        self.assertEqual(status["memory"]["used"], 0)

    def test_connections_leave_descriptors_for_the_store(self):
        """With all descriptors wanted by senders, the store still opens its files and the status answers."""
        daemon = self.daemon()
        command = daemon.command
        daemon.command = lambda *options: ["prlimit", "--nofile=100:100", *command(*options)]
        daemon.start()
        connections = [self.connect(daemon) for _ in range(150)]
        net = daemon.wait_for(lambda s: (n := s["inputs"]["net"])["connections"]
                              + n["connections_refused"] == 150, "accepted or refused")["inputs"]["net"]
        self.assertGreater(net["connections"], 40)
        self.assertGreater(net["connections_refused"], 50)
        for connection in connections:
            try:
                connection.sendall(b"<13>1 - - many - - - line\n")
            except OSError:
                pass
        daemon.wait_stored(net["connections"])
        self.assertEqual(daemon.wait_settled()["ledger"]["dropped"], 0)
        self.assertIn("open files", daemon.log())
        for connection in connections:
            connection.close()
        daemon.wait_for(lambda s: s["inputs"]["net"]["connections"] == 0, "all closed")
        senders.tcp(daemon.port, [b"<13>1 - - good - - - still here"])
        daemon.wait_stored(net["connections"] + 1)

    def test_half_lines_stay_within_the_budget(self):
        """500 connections that each hold most of a line of 60 KiB: 30 MB, of a budget of 16."""
        daemon = self.start({"memory": "16M", "inputs": {"net": {"on_full": "block"}}})
        half = b"<13>1 - - half - - - " + b"z" * 60_000
        connections = [self.connect(daemon) for _ in range(500)]
        for connection in connections:
            connection.sendall(half)
        daemon.wait_for(lambda s: s["inputs"]["net"]["cut"] > 400, "unfinished lines are cut")
        for connection in connections:
            connection.sendall(b"z\n<13>1 - - next - - - line\n")
            connection.close()
        status = daemon.wait_stored(1000)
        self.assert_ledger_closed(status)
        self.assertEqual(status["ledger"]["received"], 1000)
        self.assertEqual(len(daemon.query("app=next")), 500)
        if not harness.is_sanitized():
            with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
                fields = dict(line.split(":", 1) for line in file)
            self.assertLess(int(fields["VmHWM"].split()[0]), 20 << 10, "KiB at most")

    def test_datagrams_of_all_sizes(self):
        daemon = self.start()
        sizes = (65_507, 20, 2048, 0, 2047, 2049, 40_000)
        lines = []
        for i in range(140):
            head = b"<13>1 - - size - - - %04d " % i
            lines.append((head + b"q" * 65_507)[:sizes[i % len(sizes)] or len(head) * (i % 2)])
        for line in lines:  # one at a time, so that the kernel drops none
            senders.udp(daemon.port, [line])
        status = daemon.wait_for(lambda s: s["ledger"]["received"] == len(lines), "all received")
        empty = lines.count(b"")
        self.assertEqual(harness.drops(daemon.wait_settled()), {"empty": empty})
        self.assertEqual(status["inputs"]["net"]["kernel_dropped"], 0)
        shown = [line for line in lines if len(line) >= 20]
        rows = daemon.query("app=size")
        self.assertEqual([len(row["message"]) for row in rows], [max(0, len(line) - 21) for line in shown])


if __name__ == "__main__":
    harness.main()
