# SPDX-License-Identifier: MIT
"""logboom.service under a real systemd. Runs in there, as root, where everything is this test's own (see boot).

The installed files are in place, and nothing more: users, units and configuration are what systemd makes of them.
"""

import grp
import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
import threading
import time
import unittest

UNIT = "logboom.service"
STORE = "/var/lib/logboom"
SOCKET = "/run/logboom/status.sock"
CONFIGURATION = "/etc/logboom/conf.d/test.yaml"
DATABASE = "/usr/share/logboom-test/city.mmdb"
LIMIT_S = 30

# People of this machine: one in the group of the service, one who is not.
READER = "reader"
STRANGER = "stranger"


def run(*command, user=None, check=True):
    if user:
        command = ("runuser", "-u", user, "--", *command)
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S * 2, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} exits {done.returncode}: {done.stdout}{done.stderr}")
    return done


def systemctl(*arguments, check=True):
    return run("systemctl", *arguments, check=check)


def show(name):
    return systemctl("show", "--value", "--property", name, UNIT).stdout.strip()


def wait_for(question, what):
    """The answer, as soon as it is true."""
    deadline = time.monotonic() + LIMIT_S
    pause = threading.Event()
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {LIMIT_S} s: {what}")
        pause.wait(0.05)
    return answer


def configure(text):
    with open(CONFIGURATION, "w", encoding="utf-8") as file:
        file.write(text)


def status(user=None):
    return json.loads(run("logboomctl", "status", "-o", "json", user=user).stdout)


def query(expression, user=None):
    """Finds the store by the configuration, as a person does."""
    out = run("logboomctl", "query", "-o", "json", expression, user=user).stdout
    return [json.loads(line) for line in out.splitlines()]


def send(app, *options):
    run("logger", "-n", "127.0.0.1", "-P", "514", *options, "-t", app, f"hello from {app}")


class Service(unittest.TestCase):
    def setUp(self):
        systemctl("reset-failed", UNIT, check=False)
        self.since = self.cursor()
        systemctl("start", UNIT)
        self.addCleanup(systemctl, "stop", UNIT)

    @staticmethod
    def cursor():
        """The place in the journal from which on this test reads."""
        lines = run("journalctl", "--lines=1", "--show-cursor", "--output=cat").stdout.splitlines()
        return lines[-1].split(": ", 1)[1]

    def journal(self):
        """What the service said since this test began, in journald's fields."""
        run("journalctl", "--sync")
        out = run("journalctl", "--unit", UNIT, "--after-cursor", self.since, "--output=json").stdout
        entries = [json.loads(line) for line in out.splitlines()]
        return [entry for entry in entries if entry.get("_COMM") == "logboomd"]

    def wait_said(self, text):
        return wait_for(lambda: [e for e in self.journal() if text in e["MESSAGE"]], f"journal: {text}")

    def store_one(self, app):
        send(app, "--tcp", "--rfc5424")
        return wait_for(lambda: query(f"app={app}"), f"a line of {app} in the store")

    def test_it_is_active_once_it_receives(self):
        self.assertEqual(show("ActiveState"), "active")
        self.assertEqual(show("Type"), "notify")
        user = pwd.getpwuid(os.stat(f"/proc/{show('MainPID')}").st_uid).pw_name
        self.assertEqual(user, "logboom")

    def test_status_text_tells_what_it_does(self):
        self.assertTrue(show("StatusText").startswith("Receiving"))
        self.store_one("statustext")
        counted = f"Receiving: {status()['ledger']['received']} lines"
        wait_for(lambda: show("StatusText").startswith(counted), counted)
        self.assertIn(f'Status: "{counted}', systemctl("status", "--no-pager", UNIT).stdout)

    def test_logger_is_found_again_by_root_and_by_the_group(self):
        for transport in ("udp", "tcp"):
            for form in ("rfc3164", "rfc5424"):
                app = f"{transport}{form}"
                send(app, f"--{transport}", f"--{form}")
                [row] = wait_for(lambda: query(f"app={app}"), f"{app} in the store")
                self.assertEqual((row["message"], row["format"], row["input"]), (f"hello from {app}", form, "network"))
                self.assertEqual(query(f"app={app}", user=READER), [row])

    def test_strangers_are_told_why_they_see_nothing(self):
        for command in ("query", "status"):
            done = run("logboomctl", command, user=STRANGER, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertRegex(done.stderr, "not allowed .*sudo, or join the .*group")

    def test_status_socket_answers_root_and_the_group(self):
        self.store_one("ledger")
        for user in (None, READER):
            ledger = status(user)["ledger"]
            self.assertEqual(ledger["residual"], 0)
            self.assertEqual(ledger["received"], ledger["stored"] + ledger["dropped"] + ledger["in_flight"])
            self.assertGreaterEqual(ledger["stored"], 1)

    def test_only_the_group_reads_what_it_keeps(self):
        self.store_one("modes")
        self.check_mode(SOCKET, 0o660)
        self.check_mode(STORE, 0o750)
        files = [os.path.join(folder, name) for folder, _, names in os.walk(STORE) for name in names]
        folders = [os.path.join(folder, name) for folder, names, _ in os.walk(STORE) for name in names]
        self.assertTrue(files)
        for path in files:
            self.check_mode(path, 0o640)
        for path in folders:
            self.check_mode(path, 0o750)

    def check_mode(self, path, mode):
        found = os.stat(path)
        self.assertEqual(oct(stat.S_IMODE(found.st_mode)), oct(mode), path)
        self.assertEqual((pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name),
                         ("logboom", "logboom"), path)

    def test_journal_has_its_lines_with_priorities(self):
        [ready] = self.wait_said("ready: ")
        self.assertEqual(ready["PRIORITY"], "6")
        self.assertEqual(ready["_SYSTEMD_UNIT"], UNIT)
        self.assertFalse([e for e in self.journal() if int(e["PRIORITY"]) <= 4], "nothing to complain about")

    def test_limits_are_those_of_the_unit(self):
        with open(f"/proc/{show('MainPID')}/limits", encoding="utf-8") as file:
            [limit] = [line.split() for line in file if line.startswith("Max open files")]
        self.assertEqual(limit[3], show("LimitNOFILE"))

    def test_reload_opens_geo_databases_anew(self):
        os.makedirs(os.path.dirname(DATABASE), exist_ok=True)
        shutil.copy("/opt/test/city.mmdb", DATABASE)
        configure(f"geoip:\n  databases: [{DATABASE}]\n")
        self.addCleanup(os.remove, CONFIGURATION)
        systemctl("restart", UNIT)
        pid, generation = show("MainPID"), status()["geoip"]["databases"][0]["generation"]
        shutil.copy("/opt/test/city.mmdb", DATABASE + ".new")
        os.rename(DATABASE + ".new", DATABASE)
        systemctl("reload", UNIT)
        self.wait_said("1 geo databases opened anew")
        self.assertGreater(status()["geoip"]["databases"][0]["generation"], generation)
        self.assertEqual(show("MainPID"), pid)
        run("logger", "-n", "127.0.0.1", "-P", "514", "--tcp", "-t", "placed", "login from 81.2.69.142")
        [row] = wait_for(lambda: query("app=placed"), "the line with a place")
        self.assertEqual(row["geo"]["city"], "London")

    def test_restart_keeps_the_store(self):
        rows = self.store_one("restarted")
        pid = show("MainPID")
        systemctl("restart", UNIT)
        self.assertNotEqual(show("MainPID"), pid)
        self.assertEqual(query("app=restarted"), rows)
        self.store_one("afterwards")

    def test_killed_it_comes_back_with_all_that_was_stored(self):
        rows = self.store_one("survivor")
        wait_for(lambda: status()["ledger"]["in_flight"] == 0, "everything is stored")
        restarts = int(show("NRestarts"))
        systemctl("kill", "--signal=KILL", UNIT)
        wait_for(lambda: int(show("NRestarts")) > restarts and show("ActiveState") == "active", "it is back")
        self.assertEqual(query("app=survivor"), rows)
        self.store_one("successor")
        self.assertEqual(status()["store"]["quarantined"], 0)

    def test_stop_is_clean(self):
        self.store_one("last")
        systemctl("stop", UNIT)
        self.assertEqual((show("Result"), show("ExecMainStatus"), show("ActiveState")), ("success", "0", "inactive"))
        [line] = self.wait_said("stopped: ")
        self.assertIn("in flight 0, residual 0", line["MESSAGE"])
        self.assertFalse(os.path.exists(SOCKET))
        self.assertTrue(query("app=last"), "the store can be searched while no daemon runs")

    def test_reader_may_search_while_no_daemon_runs(self):
        rows = self.store_one("offline")
        systemctl("stop", UNIT)
        self.assertEqual(query("app=offline", user=READER), rows)

    def assert_start_fails(self, *words):
        """A start fails, and each attempt says so in one line of the journal, which is returned."""
        systemctl("stop", UNIT)
        self.since = self.cursor()
        self.assertNotEqual(systemctl("start", UNIT, check=False).returncode, 0)
        systemctl("stop", UNIT)
        complaints = [e for e in self.journal() if "listening on" not in e["MESSAGE"]]
        first = [e for e in complaints if e["_PID"] == complaints[0]["_PID"]]
        self.assertEqual(len(first), 1, complaints)
        [complaint] = first
        for word in words:
            self.assertIn(word, complaint["MESSAGE"])
        return complaint

    def test_port_in_use_is_one_clear_line(self):
        systemctl("stop", UNIT)
        with socket.create_server(("127.0.0.1", 514)):
            complaint = self.assert_start_fails("514", "Address already in use", "stop the program")
        self.assertEqual(complaint["PRIORITY"], "3")

    def test_wrong_configuration_is_one_clear_line(self):
        configure("store:\n  retain_sizes: 1G\n")
        self.addCleanup(os.remove, CONFIGURATION)
        self.assert_start_fails(f"{CONFIGURATION}:2", "retain_sizes", "retain_size")

    def test_it_can_be_enabled(self):
        systemctl("enable", UNIT)
        self.assertEqual(systemctl("is-enabled", UNIT).stdout.strip(), "enabled")
        systemctl("disable", UNIT)


def setUpModule():
    run("systemd-sysusers")
    run("useradd", "--groups", "logboom", READER)
    run("useradd", STRANGER)
    systemctl("daemon-reload")


if __name__ == "__main__":
    unittest.main(verbosity=2)
