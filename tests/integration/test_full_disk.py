# SPDX-License-Identifier: MIT
"""A full disk: what finds no room is dropped with its reason, and when there is room it goes on.

The disk is a tmpfs of a few MiB, in a mount namespace of this process, which nobody else sees.
"""

import ctypes
import errno
import os
import random
import subprocess
import unittest

import harness
import senders

CLONE_NEWNS = 0x00020000


def private_mounts():
    """Mounts made from here on are this process's own. False where that is not allowed."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


class FullDisk(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.sut = self.daemon({"inputs": {"net": {"on_full": "block"}}})
        os.mkdir(self.sut.store)
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.sut.store]
        if subprocess.run(mount, check=False).returncode != 0:
            self.skipTest("cannot mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.sut.store], check=True)
        self.ballast = os.path.join(self.sut.store, "ballast")
        self.generator = random.Random(1)

    def send(self, app, n=200):
        """Lines that do not compress."""
        senders.tcp(self.sut.port, [b"<13>1 - - %s - - - %s" % (
            app, self.generator.randbytes(500).hex().encode()) for _ in range(n)])

    def fill(self):
        ballast = os.open(self.ballast, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(ballast, bytes(4096))
        except OSError as error:
            self.assertEqual(error.errno, errno.ENOSPC)
        finally:
            os.close(ballast)

    def test_drops_are_counted_and_it_recovers(self):
        self.sut.start()
        self.send(b"before")
        self.sut.wait_stored(200)
        self.fill()
        self.send(b"during", 2000)
        status = self.sut.wait_for(lambda s: s["ledger"]["received"] == 2200
                                   and s["ledger"]["in_flight"] == 0, "all of it settled")
        self.assert_ledger_closed(status)
        self.assertGreater(harness.drops(status).get("store_error", 0), 0)
        os.unlink(self.ballast)
        stored = status["ledger"]["stored"]
        self.send(b"after")
        status = self.sut.wait_stored(stored + 200)
        self.assert_ledger_closed(self.sut.wait_settled())
        self.assertEqual(len(self.sut.query("app=before")), 200)
        self.assertEqual(len(self.sut.query("app=after")), 200)
        self.assertEqual(len(self.sut.query()), status["ledger"]["stored"])
        complaints = [line for line in self.sut.log().splitlines() if "No space" in line]
        self.assertTrue(0 < len(complaints) < 20, f"{len(complaints)} complaints")
        self.assertEqual(self.sut.terminate(), 0)
        self.sut.start()
        self.assertEqual(self.sut.status()["store"]["records"], stored + 200)
        self.assertEqual(self.sut.status()["store"]["quarantined"], 0)


def setUpModule():
    if not private_mounts():
        raise unittest.SkipTest("needs root, for a mount namespace")


if __name__ == "__main__":
    harness.main()
