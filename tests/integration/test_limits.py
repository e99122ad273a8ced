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
        daemon = self.start({"workers": 4, "memory": "24M", "inputs": inputs})
        for round_ in range(1, 41):
            for port in ports:
                senders.udp(port, [b"<13>1 - - quiet - - - line"])
                senders.tcp(port, [b"<13>1 - - quiet - - - line"])
            daemon.wait_for(lambda s, n=16 * round_: s["ledger"]["received"] == n, "all received")
        status = daemon.wait_settled()
        self.assert_ledger_closed(status)
        self.assertEqual(status["ledger"]["stored"], 40 * 16, status["inputs"])
        self.assertEqual(status["memory"]["used"], 0)


if __name__ == "__main__":
    harness.main()
