"""``python -m tests.busy``: whether the README's first command ends with 0 on a busy machine.

It starts as many processes that only burn CPU as ``--load`` says, runs ``vgic-race stress`` beside
them, ten times, and prints how each ended, with how many schedules, and how long it took. It is no
test: it keeps a machine busy for minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BURN = "while True: pass"


def run(folder: str) -> tuple[int, float, int, int]:
    """Run the command: how it ended, in which time, with how many schedules and notes."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli.main", "stress", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        env={
            **os.environ, "PYTHONPATH": str(ROOT), "VGIC_RACE_LOGS": folder,
            "VGIC_RACE_KEPT": "off",
        },
    )  # fmt: skip
    summary = json.loads(done.stdout.splitlines()[-1])
    notes = sum(bool(entry["notes"]) for entry in summary["entries"])
    return done.returncode, time.monotonic() - began, summary["schedules"], notes


def main() -> int:
    """Run it so often as asked for; return how often it did not end with 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--load", type=int, default=8)
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(given.load)]
    wrong = 0
    try:
        for number in range(1, given.times + 1):
            with tempfile.TemporaryDirectory() as folder:
                code, seconds, schedules, notes = run(folder)
            wrong += code != 0
            load = os.getloadavg()[0]
            print(
                f"{number}: exit {code} after {seconds:.1f} s, {schedules} schedules, {notes} "
                f"entries with a state not reached yet, load {load:.1f}",
                flush=True,
            )
    finally:
        for process in burning:
            process.kill()
            process.wait()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
