# SPDX-License-Identifier: MIT
"""Addresses become places: the first public one in the message, by the test's own database."""

import os
import unittest

import harness
import senders

MMDB = os.environ.get("LOGBOOM_TEST_MMDB", "")


@unittest.skipUnless(MMDB, "LOGBOOM_TEST_MMDB is not set: the build has no test database")
class Geo(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.start({"geoip": {"databases": [MMDB], "lookup": ["peer", "message"]}})

    def one(self, text):
        senders.tcp(self.sut.port, [b"<13>1 - web01 nginx - - - " + text.encode()])
        self.sut.wait_stored(1)
        [row] = self.sut.query()
        return row

    def test_address_in_the_message_is_placed(self):
        row = self.one(f"request from {harness.GEO_ADDRESS} took 3 ms")
        self.assert_fields(row["geo"], ip=harness.GEO_ADDRESS, **harness.GEO_PLACE)
        self.assertEqual(len(self.sut.query(f"geo.country={harness.GEO_PLACE['country']}")), 1)
        [database] = self.sut.status()["geoip"]["databases"]
        self.assertEqual(database["path"], MMDB)
        self.assertGreaterEqual(database["lookups"], 1)
        self.assertGreaterEqual(database["hits"], 1)

    def test_private_address_is_not(self):
        self.assertNotIn("geo", self.one("request from 192.168.1.7"))

    def test_version_is_no_address(self):
        self.assertNotIn("geo", self.one("nginx 1.22.1.3.4 started at 11:00:00"))


if __name__ == "__main__":
    harness.main()
