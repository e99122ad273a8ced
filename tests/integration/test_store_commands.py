# SPDX-License-Identifier: MIT
"""logboomctl store: verify, quarantine list, seal, export and import, on stores that a daemon made."""

import glob
import json
import os
import re
import subprocess

import harness
import senders

ODD = [b"<165>1 2026-11-24T11:00:00.123456Z web01 app 7 ID1 [a@1 k=\"1\" k=\"\\\"2\\]\"][b@2] caf\xe9 \x00 \x01 end",
       b"<13>Nov 24 11:00:01 h\xff\xfe prog[1]: latin \xfc",
       b"no format at all \xf0\x28\x8c\x28",
       b"<14>1 - - - - - -",
       b"<14>1 2026-11-24T11:00:02.5+01:00 w a - - - " + "größe ✓ \U0001f600".encode(),
       b"<15>1 2026-11-24T11:00:03Z w a - - - {\"a\": [1, \"x\\\\y\"]}"]


def without_ids(text):
    return re.sub(rb'^\{"id":"[0-9a-f]{16}",', b"{", text, flags=re.M)


class Store(harness.TestCase):
    def fill(self, lines=None):
        """A daemon that has ended, and its store."""
        sut = self.start()
        lines = lines or senders.numbered(0, 3000)
        senders.tcp(sut.port, lines)
        sut.wait_stored(len(lines))
        self.assertEqual(sut.terminate(), 0)
        return sut

    def flip(self, sut, at=None):
        """One bit of the only file: at the end of its first block, where columns are, unless told."""
        [name] = glob.glob(sut.store + "/*/*")
        with open(name, "r+b") as file:
            head = file.read(64 + 96)
            at = 64 + int.from_bytes(head[64 + 44:64 + 48], "little") - 8 if at is None else at
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 4]))
        return os.path.relpath(name, sut.store), at

    def store(self, sut, *arguments, check=True):
        return sut.ctl("store", *arguments, "--store", sut.store, check=check)

    # -- verify

    def test_verify_a_whole_store(self):
        sut = self.fill()
        text = self.store(sut, "verify").stdout.decode()
        self.assertRegex(text, r"^read \d+ files?, .* with 3000 lines are whole, nothing is damaged\n$")
        self.assertEqual(json.loads(self.store(sut, "verify", "-o", "json").stdout)["damages"], [])
        self.assertIn("nothing is damaged", self.store(sut, "quarantine", "list").stdout.decode())

    def test_verify_finds_a_flipped_bit(self):
        sut = self.fill()
        self.store(sut, "seal")
        name, at = self.flip(sut)
        done = self.store(sut, "verify", check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"{name}, byte ", done.stdout.decode())
        self.assertRegex(done.stdout.decode(), r"\d+ lines are gone: ids [0-9a-f]{16} to [0-9a-f]{16}, received")
        done = self.store(sut, "verify", "-o", "json", check=False)
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        [damage] = report["damages"]
        self.assertEqual((damage["file"], damage["damage"]), (name, "block"))
        self.assertLessEqual(damage["byte"], at)
        self.assertGreater(damage["byte"] + damage["bytes"], at)
        self.assertEqual(report["lines"] + damage["lines"], 3000)
        self.assertEqual(int(damage["last_id"], 16) - int(damage["first_id"], 16) + 1, damage["lines"])
        listed = self.store(sut, "quarantine", "list", "-o", "json")
        self.assertEqual(json.loads(listed.stdout)["damages"], [damage])
        rows = sut.query()
        self.assertEqual(len(rows), report["lines"])

    def test_a_damaged_filter_loses_nothing(self):
        sut = self.fill()
        self.store(sut, "seal")
        [path] = glob.glob(sut.store + "/*/*")
        with open(path, "rb") as file:
            n_sections = int.from_bytes(file.read(64 + 96)[64 + 20:64 + 22], "little")
        self.flip(sut, 64 + 96 + 24 * n_sections + 5)  # the filter is the first section
        report = json.loads(self.store(sut, "verify", "-o", "json", check=False).stdout)
        [damage] = report["damages"]
        self.assertEqual(damage["damage"], "aid")
        self.assertEqual(report["lines"], 3000)
        self.assertEqual(len(sut.query()), 3000)

    def test_verify_while_the_daemon_writes(self):
        sut = self.start()
        for n in range(5):
            senders.tcp(sut.port, senders.numbered(n * 2000, 2000))
            report = json.loads(self.store(sut, "verify", "-o", "json").stdout)
            self.assertEqual(report["damages"], [])
        sut.wait_stored(10000)
        self.assertEqual(json.loads(self.store(sut, "verify", "-o", "json").stdout)["lines"], 10000)

    # -- seal

    def files(self, sut, suffix):
        return glob.glob(f"{sut.store}/*/*{suffix}")

    def test_seal_asks_the_daemon(self):
        sut = self.start()
        senders.tcp(sut.port, senders.numbered(0, 10))
        sut.wait_stored(10)
        self.assertEqual(len(self.files(sut, ".seg")), 0)
        sut.ctl("store", "seal", "--socket", sut.socket)
        self.assertEqual(len(self.files(sut, ".seg")), 1)
        senders.tcp(sut.port, senders.numbered(10, 10))
        sut.wait_stored(20)
        sut.ctl("store", "seal", "--config", sut.config_path)
        self.assertEqual(len(self.files(sut, ".seg")), 2)
        self.assertEqual(len(sut.query()), 20)

    def test_seal_without_a_daemon(self):
        sut = self.fill()
        self.store(sut, "seal")
        self.assertEqual((len(self.files(sut, ".seg")), len(self.files(sut, ".log"))), (1, 0))
        sut.start()
        done = sut.ctl("store", "seal", "--socket", sut.socket + ".none", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nothing listens", done.stderr)

    def test_seal_by_post_alone(self):
        sut = self.start()
        code, _, body = sut.get("/store/seal")
        self.assertEqual((code, body), (405, "this takes POST\n"))

    # -- export and import

    def export(self, sut, store, *arguments):
        return sut.ctl("store", "export", "--store", store, *arguments).stdout

    def test_round_trip(self):
        sut = self.start()
        senders.udp(sut.port, ODD)
        senders.tcp(sut.port, senders.numbered(0, 500))
        sut.wait_stored(500 + len(ODD))
        other = os.path.join(sut.directory, "other")
        first = self.export(sut, sut.store)
        self.assertEqual(first.count(b"\n"), 500 + len(ODD))
        rows = [json.loads(row) for row in first.splitlines()]
        self.assertTrue(any("message_b64" in row for row in rows))
        name = os.path.join(sut.directory, "lines.jsonl.zst")
        self.export(sut, sut.store, "-o", name)
        with open(name, "rb") as file:
            self.assertEqual(file.read(4), b"\x28\xb5\x2f\xfd")
        done = sut.ctl("store", "import", "--store", other, name)
        self.assertEqual(done.stdout.decode(), f"{500 + len(ODD)} lines were imported\n")
        self.assertEqual(without_ids(self.export(sut, other)), without_ids(first))
        raw = [sut.ctl("query", "--store", store, "-o", "raw").stdout for store in (sut.store, other)]
        self.assertEqual(raw[0], raw[1])
        csv = [sut.ctl("query", "--store", store, "-o", "csv").stdout for store in (sut.store, other)]
        self.assertEqual(re.sub(rb"^[0-9a-f]{16},", b"", csv[0], flags=re.M),
                         re.sub(rb"^[0-9a-f]{16},", b"", csv[1], flags=re.M))
        self.assertEqual(json.loads(sut.ctl("store", "verify", "--store", other, "-o", "json").stdout)["damages"], [])

    def test_export_of_an_expression(self):
        sut = self.fill()
        self.assertEqual(self.export(sut, sut.store, "000000007").count(b"\n"), 1)
        self.assertEqual(self.export(sut, sut.store, "--until", "2000-01-01"), b"")
        done = sut.ctl("store", "export", "--store", sut.store, "| count", check=False)
        self.assertEqual(done.returncode, 2)

    def import_text(self, sut, text, *arguments):
        return subprocess.run([harness.LOGBOOMCTL, "store", "import", "--store", sut.store, *arguments],
                              input=text, capture_output=True, check=False, timeout=harness.LIMIT_S)

    GOOD = b'{"time":"2026-11-24T11:00:00Z","received":"2026-11-24T11:00:00Z","message":"m%d"}\n'

    def test_bad_lines(self):
        sut = self.daemon()
        for line, part in ((b"nonsense", "column 8: no JSON"), (b"[1]", "expected an object"), (b"{}", "time: expected a time"),
                           (self.GOOD.replace(b'"message"', b'"mesage"'), "message: expected a string"),
                           (self.GOOD.replace(b'"}', b'","peer":"nowhere"}'), "peer: expected an address"),
                           (self.GOOD.replace(b'"}', b'","severity":"loud"}'), "severity: there is no such one"),
                           (self.GOOD.replace(b'"}', b'","message_b64":"===="}'), "message_b64: expected base64"),
                           (self.GOOD.replace(b'"}', b'","peer":"::1","peer_port":70000}'), "peer_port: expected a number")):
            done = self.import_text(sut, self.GOOD + line.rstrip(b"\n") + b"\n" + self.GOOD)
            self.assertEqual(done.returncode, 1, line)
            self.assertIn(f"standard input, line 2: {part}", done.stderr.decode())
            self.assertEqual(done.stdout, b"1 lines were imported, 1 were not records\n")
            done = self.import_text(sut, self.GOOD + line.rstrip(b"\n") + b"\n" + self.GOOD, "--keep-going", "-")
            self.assertEqual((done.returncode, done.stdout), (1, b"2 lines were imported, 1 were not records\n"), line)

    def test_lines_of_query_can_be_imported(self):
        sut = self.fill(ODD[:1])
        text = sut.ctl("query", "--store", sut.store, "-o", "json").stdout
        other = self.daemon()
        self.assertEqual(self.import_text(other, text.rstrip(b"\n")).returncode, 0)
        [a], [b] = sut.query(), other.query()
        self.assertEqual({**a, "id": ""}, {**b, "id": ""})

    def test_damaged_file(self):
        sut = self.fill()
        name = os.path.join(sut.directory, "x.zst")
        self.export(sut, sut.store, "-o", name)
        with open(name, "r+b") as file:
            file.truncate(os.path.getsize(name) - 5)
        done = sut.ctl("store", "import", "--store", os.path.join(sut.directory, "new"), name, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"damaged, or cut short", done.stderr)

    def test_import_needs_the_store_for_itself(self):
        sut = self.start()
        done = self.import_text(sut, self.GOOD)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"stop it (systemctl stop logboom)", done.stderr)

    def test_ids_follow_those_there(self):
        sut = self.fill(senders.numbered(0, 3))
        before = [row["id"] for row in sut.query()]
        self.assertEqual(self.import_text(sut, self.GOOD * 3).returncode, 0)
        ids = sorted(row["id"] for row in sut.query())
        self.assertEqual(ids[:3], sorted(before))
        self.assertEqual(len(set(ids)), 6)


if __name__ == "__main__":
    harness.main()
