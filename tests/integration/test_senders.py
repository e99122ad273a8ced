# SPDX-License-Identifier: MIT
"""Other people's programs send; every line is found again, every field right."""

import datetime
import logging
import logging.handlers
import os
import socket
import subprocess

import harness
import senders

HOST = socket.gethostname()
SHORT_HOST = HOST.split(".")[0]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class SenderTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.start()

    def rows(self, n=1):
        self.sut.wait_stored(n)
        rows = self.sut.query()
        self.assertEqual(len(rows), n, rows)
        return rows

    def assert_now(self, row):
        now = datetime.datetime.now(datetime.timezone.utc)
        for field in ("time", "received"):
            age = now - moment(row[field])
            self.assertLess(abs(age.total_seconds()), 120, f"{field} in {row}")


class Logger(SenderTest):
    """util-linux's logger(1)."""

    def send(self, *options, message="GET /index.html took 5 ms"):
        senders.logger("-P", str(self.sut.port), *options, "-t", "nginx", "-p", "local1.warning",
                       "--id=4711", message)
        [row] = self.rows()
        self.assert_now(row)
        self.assert_fields(row, app="nginx", procid="4711", message=message, input="net",
                           peer="127.0.0.1", facility="local1", facility_code=17,
                           severity="warning", severity_code=4)
        self.assertIsInstance(row["peer_port"], int)
        return row

    def test_udp_rfc3164(self):
        row = self.send("--udp", "--rfc3164")
        self.assert_fields(row, format="rfc3164", host=SHORT_HOST, msgid=None, sd=None)

    def test_tcp_rfc3164(self):
        row = self.send("--tcp", "--rfc3164")
        self.assert_fields(row, format="rfc3164", host=SHORT_HOST, msgid=None, sd=None)

    def test_udp_rfc5424(self):
        row = self.send("--udp", "--rfc5424=notq", "--msgid", "ID47")
        self.assert_fields(row, format="rfc5424", host=HOST, msgid="ID47", sd=None)

    def test_tcp_rfc5424(self):
        row = self.send("--tcp", "--rfc5424=notq", "--msgid", "ID47")
        self.assert_fields(row, format="rfc5424", host=HOST, msgid="ID47", sd=None)
        self.assertRegex(row["time"], r"\.\d{6}Z$")

    def test_time_quality(self):
        row = self.send("--tcp", "--rfc5424")
        self.assertEqual(row["sd"]["timeQuality"]["tzKnown"], "1")

    def test_octet_count(self):
        row = self.send("--tcp", "--rfc5424=notq", "--octet-count")
        self.assert_fields(row, format="rfc5424", host=HOST)

    def test_octet_count_rfc3164(self):
        row = self.send("--tcp", "--rfc3164", "--octet-count")
        self.assert_fields(row, format="rfc3164", host=SHORT_HOST)

    def test_structured_data(self):
        row = self.send("--tcp", "--rfc5424=notq", "--sd-id", "zoo@123",
                        "--sd-param", 'tiger="hungry"', "--sd-param", 'zebra="running"',
                        "--sd-id", "manager@123", "--sd-param", 'onMeeting="yes"')
        self.assert_fields(row, sd={"zoo@123": {"tiger": "hungry", "zebra": "running"},
                                    "manager@123": {"onMeeting": "yes"}})

    def test_without_time_and_host(self):
        row = self.send("--udp", "--rfc5424=notime,nohost")
        self.assert_fields(row, format="rfc5424", host=None)
        self.assertEqual(row["time"], row["received"])

    def test_message_of_many_lines_is_many_lines(self):
        senders.logger("-P", str(self.sut.port), "--tcp", "-t", "cat", "-f", os.path.abspath(__file__),
                       "--skip-empty")
        with open(__file__, encoding="utf-8") as file:
            lines = [line.rstrip("\n") for line in file if line.strip()]
        self.assertEqual([row["message"] for row in self.rows(len(lines))], lines)


class PythonHandler(SenderTest):
    """logging.handlers.SysLogHandler: no time, no host, a NUL at the end."""

    def send(self, socktype):
        log = logging.Logger("test")
        handler = logging.handlers.SysLogHandler(
            ("127.0.0.1", self.sut.port), facility=logging.handlers.SysLogHandler.LOG_LOCAL3,
            socktype=socktype)
        handler.ident = "shop[77]: "
        log.addHandler(handler)
        try:
            log.error("payment %d refused", 12)
            log.info("payment %d accepted", 13)
        finally:
            handler.close()
        refused, accepted = self.rows(2)
        self.assert_fields(refused, message="payment 12 refused", app="shop", procid="77",
                           facility="local3", severity="err", severity_code=3, format="rfc3164",
                           input="net", peer="127.0.0.1")
        self.assert_fields(accepted, message="payment 13 accepted", severity="info")
        self.assertEqual(accepted["time"], accepted["received"])

    def test_udp(self):
        self.send(socket.SOCK_DGRAM)

    def test_tcp(self):
        self.send(socket.SOCK_STREAM)


class Rsyslog(SenderTest):
    """rsyslogd takes a line in, and forwards it by omfwd."""

    LINE = (b'<165>1 2026-11-24T11:00:00.250000Z web01 nginx 4711 ID47 [zoo@123 a="b \\" c"] '
            b"GET / from 192.0.2.7")

    def forward(self, framing, template="RSYSLOG_SyslogProtocol23Format"):
        port = harness.free_port()
        process = senders.rsyslogd(f"""
global(workDirectory="{self.sut.directory}")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omfwd" target="127.0.0.1" port="{self.sut.port}" protocol="tcp"
       TCP_Framing="{framing}" template="{template}")
""", self.sut.directory)
        if process is None:
            self.skipTest("no rsyslogd")
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.terminate)
        connection = senders.connect_when_listening(port, process)
        with connection:
            connection.sendall(self.LINE + b"\n")
            self.sut.wait_for(
                lambda s: s["ledger"]["stored"] > 0 and self.sut.query("app=nginx"), "forwarded")
        [row] = self.sut.query("app=nginx")
        self.assert_fields(row, host="web01", app="nginx", facility="local4", severity="notice",
                           time="2026-11-24T11:00:00.250000Z", peer="127.0.0.1", input="net",
                           format="rfc5424", procid="4711", msgid="ID47",
                           sd={"zoo@123": {"a": 'b " c'}})
        # rsyslog's template puts a space before the message and a line feed behind it, and an octet
        # count makes both a part of the message.
        self.assertEqual(row["message"].strip(), "GET / from 192.0.2.7")

    def test_octet_counted(self):
        self.forward("octet-counted")

    def test_line_feeds(self):
        self.forward("traditional")


class Loggen(SenderTest):
    """syslog-ng's load generator."""

    def send(self, *options):
        found = senders.find_peer("loggen")
        if not found:
            self.skipTest("no loggen")
        path, environment = found
        subprocess.run([path, *options, "--number", "20", "--size", "300", "--quiet", "127.0.0.1",
                        str(self.sut.port)], env=environment, check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
        rows = self.rows(20)
        for i, row in enumerate(rows):
            self.assert_now(row)
            self.assert_fields(row, host="localhost", app="prg00000", procid="1234",
                               facility="auth", severity="info")
            self.assertIn(f"seq: {i:010d}", row["message"])
        return rows

    def test_udp(self):
        rows = self.send("--inet", "--dgram")
        self.assertEqual({row["format"] for row in rows}, {"rfc3164"})

    def test_tcp(self):
        rows = self.send("--inet", "--stream")
        self.assertEqual({row["format"] for row in rows}, {"rfc3164"})

    def test_rfc5424_octet_counted(self):
        rows = self.send("--inet", "--stream", "--syslog-proto")
        self.assertEqual({row["format"] for row in rows}, {"rfc5424"})


del SenderTest  # only its children are tests

if __name__ == "__main__":
    harness.main()
