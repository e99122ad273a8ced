# SPDX-License-Identifier: MIT
"""The status socket: what other programs rely on is there, and true."""

import json
import re
import socket

import harness
import senders

SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]\w*="(\\.|[^"\\])*"'
                    r'(,[a-zA-Z_]\w*="(\\.|[^"\\])*")*,?\})? \S+$')


class Status(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.start()

    def test_document(self):
        senders.tcp(self.sut.port, senders.numbered(0, 100))
        status = self.sut.wait_stored(100)
        self.assert_ledger_closed(status)
        self.assertLessEqual({"version", "uptime_s", "inputs", "stages", "geoip", "store", "memory",
                              "ledger", "bottleneck"}, set(status))
        net = status["inputs"]["net"]
        self.assertLessEqual({"received", "bytes", "dropped", "kernel_dropped", "connections",
                              "paused"}, set(net))
        self.assertEqual(net["received"], 100)
        self.assertEqual(set(status["stages"]), {"parse", "enrich", "store"})
        for stage in status["stages"].values():
            self.assertEqual((stage["in"], stage["out"]), (100, 100), stage)
            self.assertLessEqual({"length", "capacity", "high_water"}, set(stage["queue"]))
            self.assertLessEqual({"current", "min", "max", "busy"}, set(stage["workers"]))
            self.assertLessEqual(stage["time"]["p50_us"], stage["time"]["p99_us"])
        store = status["store"]
        self.assertEqual((store["records"], store["quarantined"]), (100, 0))
        self.assertLessEqual({"bytes_raw", "bytes_disk", "segments", "oldest", "newest"}, set(store))
        memory = status["memory"]
        self.assertLessEqual(memory["used"], memory["high_water"])
        self.assertLessEqual(memory["high_water"], memory["budget"])
        self.assertEqual(memory["budget"], 64 << 20)
        self.assertIsInstance(status["bottleneck"], str)

    def test_store_info_agrees(self):
        senders.tcp(self.sut.port, senders.numbered(0, 100))
        status = self.sut.wait_stored(100)
        info = self.sut.store_info()
        self.assertEqual(info["records"], 100)
        for name in ("records", "bytes_raw", "segments"):
            self.assertEqual(info[name], status["store"][name], name)

    def test_metrics(self):
        senders.tcp(self.sut.port, senders.numbered(0, 10))
        self.sut.wait_stored(10)
        code, kind, text = self.sut.get("/metrics")
        self.assertEqual(code, 200)
        self.assertTrue(kind.startswith("text/plain"), kind)
        self.assertTrue(text.endswith("\n"))
        typed = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
        samples = [line for line in text.splitlines() if line and not line.startswith("#")]
        self.assertTrue(samples)
        for line in samples:
            self.assertRegex(line, SAMPLE)
            name = re.match(r"[\w:]+", line).group()
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            self.assertTrue({name, base} & typed, f"no # TYPE for {line}")
            self.assertTrue(name.startswith(("logboom_", "process_")), line)
        series = [line.rsplit(" ", 1)[0] for line in samples]
        self.assertEqual(len(series), len(set(series)), "a series occurs twice")

    def test_unknown_path_is_404(self):
        code, kind, _ = self.sut.get("/no/such/page")
        self.assertEqual((code, kind), (404, "text/plain; charset=utf-8"))

    def test_a_file_in_the_socket_s_place_is_kept(self):
        other = self.daemon()
        with open(other.socket, "w", encoding="utf-8") as file:
            file.write("somebody's")
        done = other.run()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot listen on {other.socket}: File exists", done.stderr)
        with open(other.socket, encoding="utf-8") as file:
            self.assertEqual(file.read(), "somebody's")

    def test_stale_socket_is_replaced(self):
        self.sut.kill()
        self.sut.start()
        self.assertEqual(self.sut.get("/status")[0], 200)
        self.assertEqual(self.sut.terminate(), 0)

    def test_only_get(self):
        for method in ("POST", "PUT", "DELETE", "HEAD"):
            connection = harness.UnixConnection(self.sut.socket, harness.LIMIT_S)
            connection.request(method, "/status")
            # POST is for /store/seal alone, the others for nothing.
            expected = 405 if method == "POST" else 501
            self.assertEqual(connection.getresponse().status, expected, method)
            connection.close()
        self.assertRegex(self.sut.get("/status")[2], r'"uptime_s": \d+(\.\d{1,12})?,')

    def test_many_slow_clients(self):
        slow = []
        for _ in range(300):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(self.sut.socket)
            client.sendall(b"GET /stat")
            slow.append(client)
        self.assertEqual(self.sut.get("/status")[0], 200)
        slow[-1].sendall(b"us HTTP/1.0\r\n\r\n")
        self.assertTrue(slow[-1].recv(100).startswith(b"HTTP/1.0 200 "))

    def test_logboomctl_status(self):
        text = self.sut.ctl("--socket", self.sut.socket, "status").stdout.decode()
        self.assertIn("net", text)
        status = json.loads(self.sut.ctl("--socket", self.sut.socket, "status", "-o", "json").stdout)
        self.assertEqual(set(status), set(self.sut.status()))

    def test_logboomctl_without_a_daemon_says_so(self):
        done = self.sut.ctl("--socket", self.sut.socket + ".none", "status", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    harness.main()
