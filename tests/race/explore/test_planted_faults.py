"""Each fault planted in the explorer is seen by the check that it names."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from harness.engine.footprint import FootprintError
from harness.errors import UsageError
from harness.search.explore.instant import LostError
from tests.race.explore.agree import (
    ALL_OFF,
    ALL_ON,
    Ends,
    TooManyPathsError,
    agree,
    by_brute_force,
    by_the_explorer,
    of_case,
    of_toys,
    walks_stay_inside,
)
from tests.race.explore.faults import FAULTS, TIMERS, TOYS, Fault
from tests.race.explore.tiny import case_of
from tests.race.explore.toys import Program, drawn

SEEDS = 200


@cache
def ends_of(program: Program) -> Ends | None:
    """How every path of a program ends; None: there are too many."""
    try:
        return by_brute_force(of_toys(program), 400)
    except TooManyPathsError:
        return None


def look(seed: int) -> None:
    """Hold the explorer to one program."""
    program = drawn(seed)
    make = of_toys(program)
    if (expected := ends_of(program)) is None:
        return
    for reductions in (ALL_ON, ALL_OFF):
        agree(expected, by_the_explorer(make, reductions), raw=not reductions.dead)
    walks_stay_inside(make, 1)


def look_at_timers() -> None:
    """Hold it to the real machine."""
    make = of_case(case_of(TIMERS, "v4.14"))
    agree(by_brute_force(make), by_the_explorer(make))


def seen(fault: Fault) -> str:
    """Return what the check of a fault says of it: the program and the error; "": nothing."""
    checks: list[Callable[[], None]] = [look_at_timers]
    if fault.seen_by == TOYS:
        checks = [partial(look, n) for n in range(SEEDS)]
    for n, check in enumerate(checks):
        try:
            check()
        except (AssertionError, FootprintError, LookupError, LostError, UsageError) as error:
            return f"{fault.seen_by} {n}: {type(error).__name__}"
    return ""


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_seen(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    assert seen(fault)


def test_without_a_fault_nothing_is_seen() -> None:
    look_at_timers()
    for seed in range(10):
        look(seed)


def test_there_are_ten_and_each_has_its_own_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 10
