# SPDX-License-Identifier: MIT
"""Lines as they stand in the RFCs and in the field, over plain sockets: each field of each is right."""

import base64
import datetime
import unittest

import harness
import senders

RFC5424 = (b'<165>1 2026-11-24T11:00:00.25Z web01 nginx 4711 ID47 '
           b'[x@1 a="1" a="2" b="q\\"\\\\\\]"][empty@1] GET / from 192.0.2.7')


class Lines(harness.TestCase):
    def one(self, line, send=senders.tcp, **config):
        daemon = self.start(config)
        port = send(daemon.port, [line])
        daemon.wait_stored(1)
        [row] = daemon.query()
        self.assert_fields(row, peer="127.0.0.1", peer_port=port, input="net")
        return row

    def assert_rfc5424(self, row):
        self.assert_fields(
            row, format="rfc5424", facility="local4", facility_code=20, severity="notice",
            severity_code=5, time="2026-11-24T11:00:00.25Z", host="web01", app="nginx",
            procid="4711", msgid="ID47", message="GET / from 192.0.2.7",
            sd={"x@1": {"a": ["1", "2"], "b": 'q"\\]'}, "empty@1": {}})
        self.assertRegex(row["received"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

    def test_rfc5424_by_tcp(self):
        self.assert_rfc5424(self.one(RFC5424))

    def test_rfc5424_by_udp(self):
        self.assert_rfc5424(self.one(RFC5424, senders.udp))

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6")
    def test_ipv6(self):
        daemon = self.start()
        ports = [send(daemon.port, [RFC5424], host="::1") for send in (senders.tcp, senders.udp)]
        daemon.wait_stored(2)
        rows = daemon.query()
        self.assertEqual(sorted((row["peer"], row["peer_port"]) for row in rows),
                         sorted(("::1", port) for port in ports))
        for row in rows:
            self.assert_rfc5424(row)

    def test_rfc3164_in_a_configured_zone(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        local = now + datetime.timedelta(hours=3)
        stamp = f"{local:%b} {local.day:2d} {local:%H:%M:%S}"
        row = self.one(f"<34>{stamp} mymachine su[4]: 'su root' failed".encode(),
                       inputs={"net": {"time_zone": "+03:00"}})
        self.assert_fields(row, format="rfc3164", facility="auth", severity="crit",
                           host="mymachine", app="su", procid="4", message="'su root' failed",
                           time=f"{now:%Y-%m-%dT%H:%M:%SZ}")

    def test_raw_is_kept_whole(self):
        row = self.one(b"no syslog at all, but kept")
        self.assert_fields(row, format="raw", message="no syslog at all, but kept", host=None,
                           facility=None, severity=None, severity_code=None)
        self.assertEqual(row["time"], row["received"])

    def test_bytes_are_kept(self):
        message = b"caf\xe9 \xff\x00\x01 ends"
        daemon = self.start()
        senders.udp(daemon.port, [b"<13>1 - - - - - - " + message])
        daemon.wait_stored(1)
        [row] = daemon.query()
        self.assertEqual(base64.b64decode(row["message_b64"]), message)
        self.assertIn("\ufffd", row["message"])

    def test_utf8_is_shown_as_it_is(self):
        row = self.one("<13>1 - h a - - - \ufeffGrüße, 世界 🌍".encode())
        self.assert_fields(row, message="Grüße, 世界 🌍", message_b64=None)

    def test_framings_mix_on_one_connection(self):
        daemon = self.start()
        counted = b"<13>1 - h counted - - - with\nline feed"
        stream = (b"<13>1 - h lf - - - one\n" + b"%d " % len(counted) + counted +
                  b"<13>1 - h nul - - - three\x00" + b"<13>1 - h crlf - - - four\r\n" +
                  b"<13>1 - h end - - - five")
        senders.tcp(daemon.port, [stream], end=b"")
        daemon.wait_stored(5)
        self.assertEqual([(row["app"], row["message"]) for row in daemon.query()],
                         [("lf", "one"), ("counted", "with\nline feed"), ("nul", "three"),
                          ("crlf", "four"), ("end", "five")])

    def test_inputs_are_told_apart(self):
        other = harness.free_port()
        daemon = self.start({"inputs": {"second": {"listen": [f"tcp://127.0.0.1:{other}"]}}})
        senders.tcp(daemon.port, [b"<13>to the first"])
        senders.tcp(other, [b"<13>to the second"])
        status = daemon.wait_stored(2)
        self.assertEqual({row["input"] for row in daemon.query()}, {"net", "second"})
        self.assertEqual(status["inputs"]["second"]["received"], 1)
        self.assertEqual(status["inputs"]["net"]["received"], 1)


class Questions(harness.TestCase):
    """What a person asks for is what is printed."""

    LINES = [b"<11>1 2026-11-24T10:00:00Z web01 nginx - - - GET /one failed",
             b"<14>1 2026-11-24T11:00:00Z web01 sshd - - - session opened",
             b"<12>1 2026-11-24T12:00:00Z db01 postgres - - - checkpoint failed"]

    def setUp(self):
        super().setUp()
        self.sut = self.start()
        senders.tcp(self.sut.port, self.LINES)
        self.sut.wait_stored(3)

    def apps(self, expression="", *options):
        return [row["app"] for row in self.sut.query(expression, *options)]

    def test_fields_and_words(self):
        self.assertEqual(self.apps("host=web01"), ["nginx", "sshd"])
        self.assertEqual(self.apps("severity<=warning"), ["nginx", "postgres"])
        self.assertEqual(self.apps('"failed"'), ["nginx", "postgres"])
        self.assertEqual(self.apps('host=web01 and not "failed"'), ["sshd"])
        self.assertEqual(self.apps("app=nginx or app=postgres"), ["nginx", "postgres"])
        self.assertEqual(self.apps("format=raw"), [])

    def test_span_of_time(self):
        self.assertEqual(self.apps("", "--since", "2026-11-24T11:00:00Z"), ["sshd", "postgres"])
        self.assertEqual(self.apps("", "--until", "2026-11-24T11:00:00Z"), ["nginx"])

    def test_newest(self):
        self.assertEqual(self.apps("", "-n", "2"), ["sshd", "postgres"])
        self.assertEqual(self.apps("", "-r"), ["postgres", "sshd", "nginx"])

    def test_ids_are_unique_and_sorted(self):
        ids = [row["id"] for row in self.sut.query()]
        self.assertEqual(ids, sorted(set(ids)))

    def test_wrong_expression_is_an_error_that_says_where(self):
        done = self.sut.ctl("--store", self.sut.store, "query", "host=web01 and (", check=False)
        self.assertIn(done.returncode, (1, 2))
        self.assertEqual(done.stdout, b"")
        self.assertTrue(done.stderr.strip())


if __name__ == "__main__":
    harness.main()
