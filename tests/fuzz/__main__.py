"""Fuzz every command: ``python -m tests.fuzz --inputs 10000 --seed 1 [--kind toml]``.

Each input must end with a documented exit code, without a traceback, within 1 GiB and 20 s of CPU
time, or 20 s in which it does nothing. What does not is printed with the command that runs it
alone; with ``--keep DIR`` its files are kept.
"""

import argparse
import importlib
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import commands, corpus
from tests.fuzz.cases import KINDS, Case, case
from tests.fuzz.worker import Ended, judged, run_all

HEAVY = (
    "trio", "duckdb", "harness.engine.trio_engine", "harness.log.sql", "harness.log.perfetto",
    "harness.report.terminal", "harness.report.page", "harness.campaign.runner", "harness.cli.show",
    "harness.search.shrink", "harness.search.why.explain", "harness.trace.follow.run",
    "harness.catalogue.explain", "harness.campaign.evidence", "harness.log.check",
)  # fmt: skip


def main() -> int:
    """Return 1 if anything was found, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--kind", choices=list(KINDS))
    parser.add_argument("--keep", type=Path, help="write the files of what fails here")
    given = parser.parse_args()
    preload()
    numbers = range(given.first, given.first + given.inputs)
    cases = [case(given.seed, number, given.kind) for number in numbers]
    codes: Counter[tuple[str, int]] = Counter()
    slowest = largest = 0.0
    failed = 0
    began = time.monotonic()
    for one, ended in zip(cases, run_all(cases), strict=True):
        codes[one.kind, ended.code] += 1
        slowest, largest = max(slowest, ended.seconds), max(largest, ended.memory)
        if wrong := judged(ended, one.kind):
            failed += 1
            tell(one, ended, wrong, given)
    for (kind, code), count in sorted(codes.items()):
        print(f"{kind}: {count} ended with {code}")
    print(
        f"{len(cases)} inputs, {failed} failed; the slowest took {slowest:.1f} s of CPU time, "
        f"the largest process {int(largest) >> 20} MiB; {time.monotonic() - began:.0f} s in all"
    )
    return 1 if failed else 0


def preload() -> None:
    """Import and read what the processes that run inputs would else do again and again."""
    for each in (corpus.scenarios, corpus.schedules, corpus.logs, corpus.traces, corpus.variants):
        each()
    commands.commands()
    for name in HEAVY:
        importlib.import_module(name)


def tell(one: Case, ended: Ended, wrong: str, given: argparse.Namespace) -> None:
    """Print an input that failed, and how to have it again."""
    kind = f" --kind {given.kind}" if given.kind else ""
    print(f"FAILED ({one.kind} {one.number}): {wrong}: vgic-race {shlex.join(one.args)[:300]}")
    print(f"  {' '.join(ended.err.split())[-500:]}")
    print(f"  python -m tests.fuzz --seed {given.seed} --first {one.number} --inputs 1{kind}")
    if given.keep:
        folder = given.keep / f"{one.kind}-{one.number}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in one.files.items():
            (folder / name).write_bytes(data)
        (folder / "stdin").write_bytes(one.stdin)
        (folder / "args").write_text(shlex.join(one.args), encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main())
