# SPDX-License-Identifier: MIT
"""test-log-analyser.py PROGRAM: what is slow comes out, in the order of the lines, and nothing else."""

import random
import subprocess
import sys

WORDS = {True: "very slow", False: "slow"}


def main(program):
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    source = random.Random(seed)
    times = [source.choice((0, 12, 1000, 1001, 5000, 5001, 70000)) for _ in range(5000)]
    lines = [f"web{i % 7} {ms} /path/{i}" for i, ms in enumerate(times)]
    lines[100] = "no log line at all"
    times[100] = 0
    wanted = [f"{WORDS[ms > 5000]}: web{i % 7} /path/{i} ({ms} ms)" for i, ms in enumerate(times) if ms > 1000]
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=120,
                          check=False)
    got = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert got == wanted, f"{len(got)} lines, wanted {len(wanted)}"


if __name__ == "__main__":
    main(sys.argv[1])
