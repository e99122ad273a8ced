# SPDX-License-Identifier: MIT
"""The store's files against docs/store-format.md: a reader written from that page alone (store_reader.py)
finds the same rows as logboomctl, and nothing in a file can change unnoticed.
"""

import glob
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

import harness
import senders
import store_json
import store_reader
from store_bricks import FormatError, hash_token, may_hold, need

MAKE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                    "data", "geo", "make-test-mmdb")


def formatted(random_, i):
    """Lines as programs print them: few formats, many values."""
    hexadecimal = f"{random_.getrandbits(64):016x}"
    address = ".".join(str(random_.randrange(256)) for _ in range(4))
    host = f"web{i % 7:02}"
    return [
        f"<{i % 192}>1 2026-11-24T11:00:{i % 60:02}.{i % 1000:03}Z {host} sshd {4000 + i} ID{i % 9} - "
        f"Failed password for user{i % 5} from {address} port {random_.randrange(65536)} ssh2",
        f"<34>Nov 24 11:{i % 60:02}:00 {host} su[{i}]: job {i:05} took {i % 100}.{i % 7} ms",
        f"<13>1 2026-11-24T11:00:00.{i % 10}Z {host} api - - "
        f'[req@1 id="{i}" path="/a\\"b"] trace {hexadecimal} span {hexadecimal[:8]} '
        f"step {i % 3:0{1 + i % 4}}",
        f"<14>1 - {host} db {i} - - from 2001:218::{i % 4096:x} at [::1]:{i} v1.2.3.{i % 500} "
        f"0x{hexadecimal} {10**16 + i} {10**18 + i}",
        f"<15>1 2026-11-24T11:00:00Z {host} geo - - - from 81.2.69.{i % 256} "
        f"chain 10.{i % 256}.3.4.5.6 ids 00{i} {i:017}",
        f"raw line {i} of no format, Grüße {i}ü",
    ]


def oddities(random_):
    """What comes seldom: no texts, bytes of no encoding, the longest lines, many slots."""
    return [b"<13>1 - - - - - -", b"<13>", b"<13>1 - h a - - - ", b"<191>1 - - - - - - \x00\x00",
            b"<13>1 - - - - - - caf\xe9 \xff\x00\x01 ends 7", b"<13>1 - \xfe\xff x\xc3 - - - y",
            b"<0>1 1960-01-01T00:00:00.000001Z h a p m [e@1][f@1 x=\"\xe9\" x=\"2\"] old",
            b"<13>1 2200-12-31T23:59:59.999999+13:30 h a p m - new",
            b"<13>1 - h a - - - " + b"x" * 60000, b"<13>1 - h a - - - " + b"9" * 60000,
            b"<13>1 - h a - - - " + b" 12" * 1365, b"<13>1 - h a - - - " + b"1.2.3.4." * 100,
            b"<13>1 - h a - - - " + b"word" * 50 + b" A1_" * 40 + b"Z" * 70,
            b"<13>1 - h a - - - " + random_.randbytes(3000), b"<x>" + random_.randbytes(500)]


def corpus(seed, n):
    random_ = random.Random(seed)
    lines = [line.encode() for i in range(n) for line in formatted(random_, i)]
    lines += oddities(random_) * 3
    random_.shuffle(lines)
    return lines


def framed(line):
    """Counted, which lets every byte through, where the line has the `<` that a count needs."""
    return b"%d %b" % (len(line), line) if line.startswith(b"<") else line + b"\n"


def send(port, lines, host="127.0.0.1"):
    senders.tcp(port, [b"".join(map(framed, lines))], host, b"")


def read_sealed(path):
    file = store_reader.File(path)
    need(file.is_sealed, "no tail")
    return list(file.read())


class StoreFormat(harness.TestCase):
    def filled(self):
        """A daemon with several blocks of everything."""
        geo = {"geoip": {"databases": [DATABASE], "lookup": ["message", "peer"]}} if DATABASE else {}
        daemon = self.start(geo)
        n = 0
        for seed, count in enumerate((3, 200, 500)):
            lines = corpus(seed, count)
            send(daemon.port, lines, "::1" if seed == 2 and harness.has_ipv6() else "127.0.0.1")
            n += len(lines)
            daemon.wait_stored(n)
        return daemon, n

    def assert_same(self, daemon, n):
        expected = sorted(daemon.query(), key=lambda row: row["id"])
        found = [store_json.record(row) for row in store_reader.rows(daemon.store)]
        self.assertEqual(len(expected), n)
        self.assertEqual(len(found), n)
        for one, other in zip(found, expected):
            self.assertEqual(json.loads(json.dumps(one)), other)
        for name in ("sd", "message_b64", "host", "procid", *(["geo"] if DATABASE else [])):
            self.assertTrue(any(name in row for row in found), f"no row has {name}")
        self.assertEqual({row["format"] for row in found}, {"raw", "rfc5424", "rfc3164"})

    def files(self, daemon, suffix):
        return glob.glob(os.path.join(daemon.store, "*", "*" + suffix))

    def seal(self, daemon):
        daemon.signal(harness.signal.SIGUSR1)
        daemon.wait_for(lambda _: self.files(daemon, ".seg"), "a sealed file")

    def test_log(self):
        daemon, n = self.filled()
        self.assertEqual(self.files(daemon, ".seg"), [])
        self.assert_same(daemon, n)

    def test_sealed(self):
        daemon, n = self.filled()
        self.seal(daemon)
        sealed = [file for file in store_reader.files(daemon.store) if file.is_sealed]
        self.assertEqual(sum(block.header.n_rows for file in sealed for block in file.read()), n)
        self.assertTrue(any(28 in block.sections for file in sealed for block in file.read()))
        self.assert_same(daemon, n)

    def test_filters_say_no(self):
        """The filter would pass the tests of rows if it said yes to everything."""
        daemon, _ = self.filled()
        filters = [block.sections[28] for file in store_reader.files(daemon.store)
                   for block in file.read() if 28 in block.sections]
        self.assertTrue(filters)
        random_ = random.Random(7)
        asked = [may_hold(lines, hash_token(b"absent%x" % random_.getrandbits(64), False))
                 for lines in filters for _ in range(2000)]
        self.assertLess(sum(asked) / len(asked), 0.03)

    def test_no_byte_can_change(self):
        daemon = self.start()
        lines = corpus(3, 20)
        send(daemon.port, lines)
        daemon.wait_stored(len(lines))
        self.seal(daemon)
        [path] = self.files(daemon, ".seg")
        with open(path, "rb") as file:
            whole = file.read()
        copy = os.path.join(tempfile.mkdtemp(dir=daemon.directory), os.path.basename(path))
        random_ = random.Random(5)
        places = {*range(160), *range(len(whole) - 300, len(whole)),
                  *(random_.randrange(len(whole)) for _ in range(300))}
        self.assertTrue(read_sealed(path))
        for at in places:
            damaged = bytearray(whole)
            damaged[at] ^= 1 << random_.randrange(8)
            with open(copy, "wb") as file:
                file.write(damaged)
            with self.assertRaises(FormatError, msg=f"byte {at} of {len(whole)}"):
                read_sealed(copy)


def setUpModule():
    global DATABASE
    DATABASE = os.environ.get("LOGBOOM_TEST_MMDB")
    if DATABASE:
        return
    folder = tempfile.mkdtemp(prefix="logboom-geo-")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    DATABASE = os.path.join(folder, "city.mmdb")
    try:
        subprocess.run([MAKE, "city-mixed", DATABASE], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        DATABASE = None  # then rows have no places


if __name__ == "__main__":
    harness.main()
