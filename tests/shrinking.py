"""Every bug of the museum, found and shrunk: ``python -m tests.shrinking --seeds 5``.

It prints a table: steps, switches and preemptive switches before and after, the CPU seconds that
shrinking took, and whether fewer departures would do; and medians, held against the goals. Ctrl-C
prints what there is. Five seeds take about a quarter of an hour.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.campaign.seeds import schedule_seed
from harness.catalogue.shows import SHOWS
from harness.cli.output import table
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.log.reader import parse_log
from harness.log.record import remember
from harness.report.course import course_of
from harness.report.story import tell
from harness.search.shrink import shrink
from harness.search.shrunk import Minimality, Shrunk
from harness.search.trial import Measure
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk

GOALS = {"steps": 80.0, "switches": 7.0, "preemptive": 2.0, "lines": 15.0, "seconds": 5.0}
"""What the medians should be at most."""
LINES_MAX = 50
SECONDS_MAX = 20.0
PROVED_MIN = 25


class Row(NamedTuple):
    """A failure that was shrunk, its story in ``lines``; ``seconds`` are CPU time."""

    variant: str
    seed: int
    shrunk: Shrunk
    seconds: float
    lines: int


def found(spec: RunSpec, seed: int, schedules: int) -> Outcome | None:
    """Look for a failure, as a campaign does it: random and pct schedules in turn."""
    world = spec.build(DirectEngine.task_class)
    for i in range(schedules):
        drawn = schedule_seed(seed, spec.scenario, spec.variant, i)
        strategy = Pct(drawn, 3, 200) if i % 2 else RandomWalk(drawn)
        outcome = DirectEngine().execute(Execution(world, strategy))
        if outcome is not None and outcome.violations:
            return outcome
    return None


def rows(variants: Sequence[str], seeds: Iterable[int]) -> Iterator[Row]:
    """Find and shrink, one after the other."""
    for seed in seeds:
        for variant in variants:
            scenario, within, _ = SHOWS[variant]
            spec = RunSpec.make(scenario, variant)
            outcome = found(spec, seed, 4 * within)
            if outcome is None:
                print(f"{variant}, seed {seed}: not found", file=sys.stderr)
                continue
            began = time.process_time()
            shrunk = shrink(spec, spec.schedule(outcome), outcome.violations[0])
            seconds = time.process_time() - began
            yield Row(variant, seed, shrunk, seconds, lines_of(shrunk))


def lines_of(shrunk: Shrunk) -> int:
    """Return how many lines the story has that a report tells without looking into the failure."""
    spec = RunSpec.from_schedule(shrunk.schedule)
    _, data = remember(spec, shrunk.schedule, Path("log"), engine="direct", seed=None)
    return len(tell(course_of(parse_log(data, Path("log")))).lines)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table."""
    shrunk = row.shrunk
    return (
        row.variant,
        str(row.seed),
        f"{shrunk.violation.rule} {shrunk.violation.alarm}",
        sizes(shrunk.before),
        sizes(shrunk.told),
        str(row.lines),
        f"{row.seconds:.1f}",
        fewest(shrunk.minimality),
        f"{shrunk.loop.first}+{shrunk.loop.length}" if shrunk.loop else "",
        shrunk.ended,
    )


def fewest(known: Minimality | None) -> str:
    """Return the fewest departures if that is proved, else what they lie between."""
    if known is None:
        return "?"
    how = " by states" if known.by_state else ""
    if known.proved:
        return f"{known.order} {known.fewest}, proved{how}"
    return f"{known.order} {known.passed + 1} to {known.fewest}{how}"


def is_proved(row: Row) -> bool:
    """Tell whether it is known that fewer departures would not do."""
    return row.shrunk.minimality is not None and row.shrunk.minimality.proved


def sizes(measure: Measure) -> str:
    """Return steps, switches and preemptive switches."""
    return f"{measure.steps}/{measure.switches}/{measure.preemptive}"


def conclusion(done: Sequence[Row]) -> Iterator[str]:
    """Say what the medians are, and whether that is what they should be."""
    columns = {
        "steps": [float(row.shrunk.told.steps) for row in done],
        "switches": [float(row.shrunk.told.switches) for row in done],
        "preemptive": [float(row.shrunk.told.preemptive) for row in done],
        "lines": [float(row.lines) for row in done],
        "seconds": [row.seconds for row in done],
    }
    for name, column in columns.items():
        median = statistics.median(column)
        verdict = "ok" if median <= GOALS[name] else f"goal: {GOALS[name]:g}"
        yield f"{name}: median {median:.1f}, most {max(column):.1f} ({verdict})"
    worst = max(row.seconds for row in done)
    yield f"worst: {worst:.1f} s ({'ok' if worst <= SECONDS_MAX else f'goal: {SECONDS_MAX:g}'})"
    most = max(row.lines for row in done)
    yield f"longest story: {most} lines ({'ok' if most <= LINES_MAX else f'goal: {LINES_MAX}'})"
    variants = {row.variant for row in done}
    proved = {row.variant for row in done if is_proved(row)}
    always = variants - {row.variant for row in done if not is_proved(row)}
    yield (
        f"proved that fewer departures do not do: {len(proved)} of {len(variants)} variants, "
        f"{len(always)} for each seed (goal: {PROVED_MIN})"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them [1]")
    parser.add_argument("variants", nargs="*", help="those to look at [all]")
    given = parser.parse_args()
    done: list[Row] = []
    try:
        seeds = range(given.first, given.first + given.seeds)
        for row in rows(given.variants or list(SHOWS), seeds):
            done.append(row)
            print("  ".join(cells(row)), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    if not done:
        return 3
    head = (
        "variant",
        "seed",
        "rule",
        "before",
        "after",
        "lines",
        "s",
        "departures",
        "loop",
        "ended",
    )
    print(table(head, [cells(row) for row in done], right=(1, 3, 4, 5, 6)))
    print("(before, after: steps/switches/preemptive switches; of a storm to the end of one loop)")
    for line in conclusion(done):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
