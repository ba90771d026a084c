"""``python -m tests.generate``: random scenarios, each under many schedules in both eras."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from tests.generate.making import make_numbered
from tests.generate.running import Result, run_made

__all__ = ["main"]

AUDITED = 4
"""How many schedules of each scenario and variant have their footprints checked."""


def one(seed: int, schedules: int, audited: int, index: int) -> Result:
    """Run scenario ``index`` of a seed."""
    return run_made(make_numbered(seed, index), schedules, seed + index, audited=audited)


def results(options: argparse.Namespace) -> Iterator[Result]:
    """Run the scenarios, in order."""
    numbers = range(options.first, options.first + options.scenarios)
    work = partial(one, options.seed, options.schedules, options.audited)
    if options.jobs == 1:
        yield from map(work, numbers)
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        yield from pool.map(work, numbers, chunksize=4)


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.generate", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first [0]")
    parser.add_argument("--schedules", type=int, default=200, help="of each in each era [200]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audited", type=int, default=AUDITED)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", metavar="FOLDER", help="where schedules of alarms are written")
    parser.add_argument("--json", action="store_true", help="a line for each, and a summary")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run, print what came of it, and return the exit code: 1 if there was an alarm."""
    options = parse_options(arguments)
    total, known = Result("all"), Counter[str]()
    for result in results(options):
        total.schedules += result.schedules
        total.steps += result.steps
        total.audited += result.audited
        known.update(result.known)
        for n, alarm in enumerate(result.alarms):
            total.alarms.append(alarm)
            if options.keep:
                folder = Path(options.keep)
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{result.name}-{alarm.variant}-{n}.schedule"
                path.write_text(alarm.schedule + "\n", encoding="utf-8")
            if not options.json:
                print(f"{result.name} {alarm.variant}: {alarm.what}: {alarm.text}", flush=True)
        if options.json:
            print(json.dumps({"type": "scenario", **msgspec.to_builtins(result)}), flush=True)
    report(options, total, known)
    return 1 if total.alarms else 0


def report(options: argparse.Namespace, total: Result, known: Counter[str]) -> None:
    """Print the summary."""
    if options.json:
        summary = {
            "type": "summary",
            "verdict": "violated" if total.alarms else "clean",
            "violations": [
                {"type": "alarm", "rule": alarm.what.partition(":")[0], "text": alarm.text}
                for alarm in total.alarms
            ],
            "scenarios": options.scenarios,
            "schedules": total.schedules,
            "steps": total.steps,
            "audited": total.audited,
            "known": dict(sorted(known.items())),
        }
        print(json.dumps(summary))
        return
    found = ", ".join(f"{name} x{n}" for name, n in sorted(known.items())) or "nothing known"
    print(
        f"seed {options.seed}: {options.scenarios} scenarios, {total.schedules} schedules "
        f"({total.audited} audited), {total.steps} steps; {found}; {len(total.alarms)} alarms"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
