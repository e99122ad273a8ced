# SPDX-License-Identifier: MIT
"""The configuration: every mistake is one line that says where it is and what to do."""

import json
import os
import subprocess

import harness
import senders


class Configuration(harness.TestCase):
    def check(self, text):
        return self.daemon(text).run("--check")

    def assert_refused(self, text, where, *words):
        """--check and a start both refuse it, with exit 1, at where (LINE:COLUMN) and with the words."""
        daemon = self.daemon(text)
        for options in (["--check"], []):
            done = daemon.run(*options)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"{daemon.config_path}:{where}:", done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)

    def test_good_file(self):
        daemon = self.daemon()
        done = daemon.run("--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(os.path.exists(daemon.store), "--check changes nothing")

    def test_unknown_key(self):
        self.assert_refused("workers: 1\nshutdown_timeot: 5s\n", "2:1", "shutdown_timeot",
                            "shutdown_timeout")

    def test_unknown_key_of_an_input(self):
        self.assert_refused("inputs:\n  net:\n    on_ful: drop\n", "3:5", "on_ful", "on_full")

    def test_repeated_key(self):
        self.assert_refused("workers: 1\nmemory: 64M\nworkers: 2\n", "3:1", "workers")

    def test_value_out_of_range(self):
        self.assert_refused("store:\n  compression: 99\n", "2:16", "19")

    def test_unit_that_is_none(self):
        self.assert_refused("memory: 64 parsecs\n", "1:9", "memory")

    def test_word_that_is_no_choice(self):
        self.assert_refused("store:\n  sync: sometimes\n", "2:9", "interval", "batch", "none")

    def test_url_that_is_none(self):
        self.assert_refused("inputs:\n  net:\n    listen: [tpc://127.0.0.1:5514]\n", "3:14", "tcp")

    def test_broken_yaml(self):
        done = self.check("inputs: [unclosed\nworkers: 1\n")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"logboom\.yaml:\d+:\d+: ")

    def test_missing_file(self):
        done = subprocess.run([harness.LOGBOOMD, "--config", "/nonexistent/logboom.yaml"],
                              capture_output=True, text=True, timeout=harness.LIMIT_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/logboom.yaml", done.stderr)

    def test_check_finds_what_only_this_machine_knows(self):
        done = self.check("memory: 16M\nworkers: 64\ngeoip: {databases: [/nonexistent/city.mmdb]}\n"
                          "inputs: {a: {listen: ['udp://127.0.0.1:5514'], time_zone: Europe/Berln}}\n")
        self.assertEqual(done.returncode, 1)
        for words in ("Europe/Berln", "memory: 16 MiB is too little", "/nonexistent/city.mmdb"):
            self.assertIn(words, done.stderr)

    def test_missing_database_goes_on_and_says_so(self):
        daemon = self.start({"geoip": {"databases": ["/nonexistent/city.mmdb"]}})
        self.assertIn("/nonexistent/city.mmdb", daemon.log())
        senders.tcp(daemon.port, [b"<13>without a place"])
        daemon.wait_stored(1)
        [database] = daemon.status()["geoip"]["databases"]
        self.assertEqual(database["path"], "/nonexistent/city.mmdb")

    def test_store_that_cannot_be_written(self):
        daemon = self.daemon()
        with open(daemon.store, "w", encoding="utf-8") as file:
            file.write("a file where the folder should be")
        done = daemon.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(daemon.store, done.stderr)


class CommandLine(harness.TestCase):
    def run_it(self, *arguments):
        return subprocess.run([harness.LOGBOOMD, *arguments], capture_output=True, text=True,
                              timeout=harness.LIMIT_S, check=False, stdin=subprocess.DEVNULL)

    def test_version(self):
        done = self.run_it("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^logboomd \d+\.\d+\.\d+")

    def test_help(self):
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--config", "--check", "--version"):
            self.assertIn(option, done.stdout)

    def test_help_config_names_the_keys(self):
        done = self.run_it("--help-config")
        self.assertEqual(done.returncode, 0)
        for key in ("workers", "shutdown_timeout", "on_full", "retain_size", "databases"):
            self.assertIn(key, done.stdout)

    def test_dump_config_is_what_is_in_force(self):
        daemon = self.daemon({"memory": "48M"})
        done = daemon.run("--dump-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("net", json.loads(done.stdout)["inputs"])

    def test_wrong_usage_is_2(self):
        for arguments in (["--no-such-option"], ["surplus"]):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    harness.main()
