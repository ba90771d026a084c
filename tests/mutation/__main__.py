"""The mutation score of the rules: ``python -m tests.mutation --sample 200 --seed S [--json]``.

Each single-point mutant of the hypervisor (``harness/kvm``, ``model/vgic``) runs in a process of
its own under the built-in scenarios, and some that add a stimulus (``entries.py``), in both eras:
those that execute the changed line, with a fixed number of schedules of each; first with all rules,
until one is broken, and then, where one was, with the guest's rules alone. What survives is listed
with its diff; what is known to change nothing stands in ``equivalent.toml`` with the reason.
Progress is told on stderr; Ctrl-C ends it with what is known. Exit codes: 0; 1 when the score is
below ``--floor``, or the source breaks a rule without any mutant; 2 for bad input; 130.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from tests.mutation.coverage import (
    WATCHED,
    Covered,
    NotCleanError,
    assert_clean,
    cover,
    entries_for,
)
from tests.mutation.equivalents import read, reason_of
from tests.mutation.mutant import Mutant
from tests.mutation.pool import run_all
from tests.mutation.report import Judged, Score, line, row
from tests.mutation.sites import mutants
from tests.mutation.trial import BOUND, MORE, RULE, Bench, Result, try_mutant

__all__ = ["main"]

SCHEDULES = 24
"""How many schedules of each entry that executes a mutant are run, and again for the guest."""


def options() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="how many mutants (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="what the sample is drawn by")
    parser.add_argument("--only", default="", help="those with this in their place, or their diff")
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help="of each entry")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--builtin", action="store_true", help="under built-in scenarios alone")
    parser.add_argument("--floor", type=float, default=0.0, help="the least score, in percent")
    parser.add_argument("--again", default="", help="JSON lines: what no rule killed there")
    parser.add_argument("--json", action="store_true", help="JSON lines, the last a summary")
    return parser


def chosen(args: argparse.Namespace) -> list[Mutant]:
    """Return the mutants that are asked for, in the order of files and lines."""
    found = [m for m in mutants() if args.only in f"{m}\n{m.change()}"]
    if 0 < args.sample < len(found):
        chance = sorted(range(len(found)), key=lambda i: drawn(args.seed, found[i]))
        found = [found[i] for i in sorted(chance[: args.sample])]
    return found if not args.again else unkilled(found, Path(args.again))


def drawn(seed: int, mutant: Mutant) -> bytes:
    """Return a mutant's place in the draw: its own, whatever others there are.

    So a sample of a seed stays mostly the same as the source changes.
    """
    text = f"{seed}\n{mutant.path}\n{mutant.function}\n{mutant.change()}"
    return sha256(text.encode()).digest()


def unkilled(found: list[Mutant], earlier: Path) -> list[Mutant]:
    """Leave out what a rule killed in an earlier run, by the JSON lines that it printed."""
    rows = [json.loads(x) for x in earlier.read_text("utf-8").splitlines() if x]
    killed = {(x["file"], x["diff"]) for x in rows if x.get("verdict") == RULE}
    return [m for m in found if (m.path, m.diff()) not in killed]


def attempt(
    covered: list[Covered], bench: Bench, reasons: dict[tuple[str, str, str], str], mutant: Mutant
) -> Result:
    """Try one mutant under the entries that execute it."""
    more = 0 if reason_of(mutant, reasons) else MORE
    return try_mutant(mutant, entries_for(mutant, covered), bench, more)


def judge(found: list[Mutant], args: argparse.Namespace) -> Iterator[Judged]:
    """Try mutants, and give each as it is done."""
    reasons = read()
    bench = Bench.make(args.schedules, builtin=args.builtin)
    work = partial(attempt, cover(bench.all_rules), bench, reasons)
    for mutant, result in run_all(work, found, args.jobs):
        result = result or Result(BOUND, "ended by the limits of its process")
        assert_killers_clean(result, bench)
        reason = reason_of(mutant, reasons)
        if reason and not mutant.step and result.verdict == RULE:
            print(f"listed as equivalent, and killed: {mutant}: {result}", file=sys.stderr)
        yield Judged(mutant, result, reason)


def assert_killers_clean(result: Result, bench: Bench) -> None:
    """Run the schedules that killed a mutant on the source as it is, beyond those watched before.

    Raises:
        NotCleanError: one breaks a rule all the same.

    """
    if result.verdict == RULE:
        for worlds, name, i in (
            (bench.all_rules, result.entry, result.at),
            (bench.guests, result.guest_entry, result.guest_at),
        ):
            if i >= WATCHED:
                assert_clean(next(w for e, w in worlds.items() if str(e) == name), i)


def main() -> int:
    """Run the command."""
    args = options().parse_args()
    if args.sample < 0 or args.schedules < 1 or args.jobs < 1:
        print("--sample, --schedules and --jobs: expected positive numbers", file=sys.stderr)
        return 2
    found = chosen(args)
    score = Score()
    interrupted = False
    try:
        for n, judged in enumerate(judge(found, args), 1):
            score.add(judged)
            print(json.dumps(row(judged)) if args.json else line(judged), flush=True)
            if sys.stderr.isatty() or n % 10 == 0 or n == len(found):
                print(f"{n} of {len(found)} mutants", file=sys.stderr, flush=True)
    except NotCleanError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        interrupted = True
    low = score.data()["score_percent"] < args.floor
    if args.json:
        verdict = "interrupted" if interrupted else "violated" if low else "clean"
        summary = {"type": "summary", "verdict": verdict, "seed": args.seed, **score.data()}
        print(json.dumps(summary))
    else:
        print(score.text())
    if interrupted:
        return 130
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
