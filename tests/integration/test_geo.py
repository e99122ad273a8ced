# SPDX-License-Identifier: MIT
"""Addresses become places: the first public one in the message, by the tests' own small database."""

import os
import subprocess
import tempfile
import unittest

import harness
import senders

MAKE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                    "data", "geo", "make-test-mmdb")
LONDON = {"country": "GB", "city": "London", "region": "England", "lat": 51.5142, "lon": -0.0931}


class Geo(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.start({"geoip": {"databases": [DATABASE], "lookup": ["peer", "message"]}})

    def one(self, text):
        senders.tcp(self.sut.port, [b"<13>1 - web01 nginx - - - " + text.encode()])
        self.sut.wait_stored(1)
        [row] = self.sut.query()
        return row

    def test_address_in_the_message_is_placed(self):
        geo = self.one("request from 81.2.69.142 took 3 ms")["geo"]
        for name in ("lat", "lon"):
            self.assertAlmostEqual(geo[name], LONDON[name], 4)
        self.assert_fields(geo, ip="81.2.69.142", country="GB", city="London", region="England")
        [database] = self.sut.status()["geoip"]["databases"]
        self.assertEqual(database["path"], DATABASE)
        self.assertGreaterEqual(database["lookups"], 1)
        self.assertGreaterEqual(database["hits"], 1)

    def test_places_can_be_asked_for(self):
        senders.tcp(self.sut.port, [b"<13>1 - - one - - - from 81.2.69.142",
                                    b"<13>1 - - two - - - from 2001:218::1",
                                    b"<13>1 - - three - - - from nowhere"])
        self.sut.wait_stored(3)
        self.assertEqual([row["app"] for row in self.sut.query("geo.country=GB")], ["one"])
        self.assertEqual([row["app"] for row in self.sut.query("geo.city=Tokyo")], ["two"])
        self.assertEqual([row["app"] for row in self.sut.query("not geo.country=GB")],
                         ["two", "three"])

    def test_private_address_has_no_place(self):
        self.assertNotIn("geo", self.one("request from 192.168.1.7"))

    def test_version_is_no_address(self):
        self.assertNotIn("geo", self.one("nginx 81.2.69.142.4 started at 11:00:00"))

    def test_place_is_kept_with_the_line(self):
        row = self.one("request from 81.2.69.142")
        self.assertEqual(self.sut.terminate(), 0)
        self.assertEqual(self.sut.query()[0]["geo"], row["geo"])


def setUpModule():
    global DATABASE
    DATABASE = os.environ.get("LOGBOOM_TEST_MMDB")
    if DATABASE:
        return
    folder = tempfile.TemporaryDirectory(prefix="logboom-geo-")
    unittest.addModuleCleanup(folder.cleanup)
    DATABASE = os.path.join(folder.name, "city.mmdb")
    try:
        subprocess.run([MAKE, "city-mixed", DATABASE], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise unittest.SkipTest(f"no test database: {error}") from error


if __name__ == "__main__":
    harness.main()
