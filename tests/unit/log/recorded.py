"""Executions recorded by the ordinary recorder, and their logs with something left out."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution
from harness.log.check import Result, check_log
from harness.log.reader import Log, parse_log
from harness.log.record import remember
from harness.spec import RunSpec
from model.check.violation import Violation
from tests.race.running import strategy

NAME = Path("log.jsonl")


class Taken(NamedTuple):
    """A recorded execution: the verdict that was reached live, and the bytes of its log."""

    violations: tuple[Violation, ...]
    verdict: str
    data: bytes

    @property
    def log(self) -> Log:
        return parse_log(self.data, NAME)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.data.splitlines()]


@cache
def recorded(scenario: str, variant: str, within: int = 1, **knobs: str) -> Taken:
    """The first execution of so many that breaks a rule; if none does, the last."""
    spec = RunSpec.make(scenario, variant, knobs=knobs)
    world = spec.build(DirectTask)
    engine = DirectEngine()
    outcome = engine.execute(Execution(world, strategy(0)))
    for i in range(1, within):
        if outcome is not None and outcome.violations:
            break
        outcome = engine.execute(Execution(world, strategy(i)))
    assert outcome is not None
    taken, data = remember(spec, spec.schedule(outcome), NAME, engine="direct", seed=None)
    assert taken.divergence is None
    assert taken.outcome.violations == outcome.violations
    return Taken(tuple(outcome.violations), taken.verdict, data)


def written(lines: Iterable[dict[str, Any]], *, renumbered: bool = True) -> bytes:
    """The bytes of a log of these lines, numbered anew so that none seems to be missing."""
    out = []
    for number, line in enumerate(lines, 1):
        out.append(msgspec.json.encode({**line, "seq": number} if renumbered else line) + b"\n")
    return b"".join(out)


def without(log: Log, kind: str) -> Log:
    """The log of a producer that has no facts of this kind, and says so."""
    header = msgspec.structs.replace(
        log.header, facts=tuple(name for name in log.header.facts if name != kind)
    )
    return log._replace(
        header=header, entries=[entry for entry in log.entries if entry.meta.event != kind]
    )


def checked(data: bytes, rules: frozenset[str] | None = None) -> Result:
    """What ``log check`` finds."""
    return check_log(parse_log(data, NAME, partial=True), rules)


def violations(result: Result) -> tuple[Violation, ...]:
    """The violations of a result, without their lines."""
    return tuple(found.violation for found in result.found)


def changed(taken: Taken, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The log with ``change`` done to each line."""
    lines = taken.lines
    for line in lines:
        change(line)
    return written(lines)
