"""Built-in scenarios over eras, knobs and sizes: a great many schedules, in pieces that go on.

``python -m tests.sweep --schedules 2000000 --jobs 2 --folder sweep`` runs so many in all, random
and pct, in pieces. A piece that is done is written to the folder, and is not run again: started
again with the same arguments, the sweep goes on where it was. At its end it prints one summary; it
fails if anything was broken or bounded that is no known finding.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import UsageError
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.variants import ERAS
from model.gic.registers import FIRST_LPI
from tests.generate.running import Result, run_spec

__all__ = ["Piece", "main", "pieces"]

PIECE = 500
"""Schedules in a piece."""
KNOBS: tuple[dict[str, str], ...] = (
    {},
    {"gic_version": "2"},
    {"gic_messages": "synchronous"},
    {"gic_lag": "0"},
    {"gic_lag": "3"},
    {"eoimode": "0"},
    {"eoimode": "1"},
    {"gic_version": "2", "gic_messages": "synchronous"},
    {"gic_version": "2", "eoimode": "1"},
    {"preemptions": "3"},
    {"lr_on_guest_deactivate": "polled"},
    {"lr_on_guest_deactivate": "quirk"},
    {"lr_on_guest_deactivate": "erratum"},
)
SIZES: tuple[dict[str, int], ...] = ({}, {"lrs": 2}, {"lrs": 3}, {"pcpus": 1}, {"pcpus": 2})


class Piece(NamedTuple):
    """A part of the sweep: what is run, which piece of it, and how many schedules that has."""

    spec: RunSpec
    number: int
    schedules: int

    @property
    def name(self) -> str:
        """What its file is called."""
        s = self.spec
        knobs = "".join(f"-{name}={value}" for name, value in s.knobs)
        return f"{s.scenario}-{s.variant}-{s.pcpus}-{s.vcpus}-{s.lrs}{knobs}-{self.number}"


def specs() -> Iterator[RunSpec]:
    """Give every combination that there is, each once."""
    seen = set()
    for scenario in builtin_names():
        for era in ERAS:
            for knobs in KNOBS:
                for sizes in SIZES if not knobs else SIZES[:1]:
                    spec = spec_of(scenario, era, knobs, sizes)
                    if spec is not None and spec not in seen:
                        seen.add(spec)
                        yield spec


def spec_of(
    scenario: str, era: str, knobs: dict[str, str], sizes: dict[str, int]
) -> RunSpec | None:
    """Return a combination; None where there is none, or where KVM is known to go wrong.

    A List Register that ends otherwise than the architecture says is for scenarios in which it
    links no device's interrupt (museum 57; ``tests/race/test_lr_modes.py``).
    """
    try:
        spec = RunSpec.make(
            scenario, era, pcpus=sizes.get("pcpus"), lrs=sizes.get("lrs"), knobs=knobs
        )
    except UsageError:
        return None
    linked = any(f.intid < FIRST_LPI for f in spec.loaded().forward)
    return None if linked and "lr_on_guest_deactivate" in knobs else spec


def pieces(schedules: int) -> list[Piece]:
    """Return the pieces of a sweep, so that a part of it has some of everything."""
    entries = list(specs())
    each = -(-schedules // len(entries))
    out = []
    for number in range(-(-each // PIECE)):
        count = min(PIECE, each - number * PIECE)
        out += [Piece(spec, number, count) for spec in entries]
    return out


def run_piece(seed: int, folder: str, piece: Piece) -> Result:
    """Run a piece, or read what it came to."""
    path = Path(folder) / f"{piece.name}.json"
    if path.is_file():
        return msgspec.json.decode(path.read_bytes(), type=Result)
    result = Result(piece.name)
    run_spec(piece.spec, result, piece.schedules, seed * 1_000 + piece.number)
    if any(alarm.what == "bound steps" for alarm in result.alarms):
        result = Result(piece.name)
        run_spec(longer(piece.spec), result, piece.schedules, seed * 1_000 + piece.number)
    whole = path.with_suffix(".part")
    whole.write_bytes(msgspec.json.encode(result))
    whole.replace(path)
    return result


def longer(spec: RunSpec) -> RunSpec:
    """Return the same with ten times the steps: many VCPUs on one CPU may need more than usual."""
    return msgspec.structs.replace(spec, knobs=(*spec.knobs, ("steps_max", "40000")))


def main(arguments: list[str]) -> int:
    """Run what is left, print the summary, and return the exit code: 1 if there was an alarm."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", default="logs/sweep")
    parser.add_argument("--pieces", type=int, help="no more than so many of those that are left")
    options = parser.parse_args(arguments)
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    todo = pieces(options.schedules)[: options.pieces]
    total, known = Result("all"), Counter[str]()
    work = partial(run_piece, options.seed, options.folder)
    with ProcessPoolExecutor(options.jobs) as pool:
        for done, result in enumerate(pool.map(work, todo), 1):
            total.schedules += result.schedules
            total.steps += result.steps
            known.update(result.known)
            total.alarms += result.alarms
            for alarm in result.alarms:
                print(f"{result.name}: {alarm.what}: {alarm.text}", flush=True)
            if done % 50 == 0:
                print(f"{done} of {len(todo)} pieces", file=sys.stderr, flush=True)
    summary = {
        "type": "summary",
        "verdict": "violated" if total.alarms else "clean",
        "violations": [{"type": "alarm", "rule": a.what, "text": a.text} for a in total.alarms],
        "entries": len({piece.spec for piece in todo}),
        "schedules": total.schedules,
        "steps": total.steps,
        "known": dict(sorted(known.items())),
    }
    print(json.dumps(summary))
    return 1 if total.alarms else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
