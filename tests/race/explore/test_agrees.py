"""The explorer says what every path of the real engine comes to, with each reduction and without.

Terminal states of the machine, what the rules remember there, and the violations are compared; and
each state of a random walk of the engine is one that the explorer has.
"""

import pytest
from hypothesis import HealthCheck, given, reject, settings

from harness.search.explore.explored import Reductions
from tests.race.explore.agree import (
    ALL_ON,
    Make,
    TooManyPathsError,
    agree,
    by_brute_force,
    by_hashing,
    by_the_explorer,
    of_case,
    of_toys,
    walks_stay_inside,
)
from tests.race.explore.tiny import BY_STATES_SOON, EVERY_PATH, PATCHED, case_of, in_turns
from tests.race.explore.toys import PROGRAMS, Program, drawn

REDUCTIONS = [
    Reductions(dead=dead, held_back=held_back)
    for dead in (True, False)
    for held_back in (True, False)
]
MANY = (HealthCheck.filter_too_much, HealthCheck.too_slow)


def hold(make: Make, paths: int) -> None:
    """Hold the explorer against every path, by states where there are more than ``paths``."""
    try:
        expected = by_brute_force(make, paths)
    except TooManyPathsError:
        expected = by_hashing(make)
    for reductions in REDUCTIONS:
        found = by_the_explorer(make, reductions)
        agree(expected, found, raw=not reductions.dead)
    assert expected.machines or expected.broken


def hold_toys(program: Program, paths: int) -> None:
    """Hold the explorer against a program of toys, if it has no more than so many paths."""
    make = of_toys(program)
    try:
        expected = by_brute_force(make, paths)
    except TooManyPathsError:
        reject()
    for reductions in (ALL_ON, REDUCTIONS[-1]):
        agree(expected, by_the_explorer(make, reductions), raw=not reductions.dead)
    walks_stay_inside(make, 1)


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=MANY)
@given(PROGRAMS)
def test_of_random_programs(program: Program) -> None:
    hold_toys(program, 200)


@pytest.mark.long
@settings(max_examples=100, deadline=None, database=None, suppress_health_check=MANY)
@given(PROGRAMS)
def test_of_many_random_programs(program: Program) -> None:
    hold_toys(program, 3_000)


def test_programs_of_numbers_have_all_there_is() -> None:
    """Guards, choices, alternatives, stimuli, what is remembered: those faults are held to."""
    programs = [drawn(seed) for seed in range(40)]
    names = {line[0] for program in programs for lines in program for line in lines}
    assert names >= {"wait", "draw", "alt", "optional", "keep", "put", "mark", "unmark", "say"}


def test_of_every_path() -> None:
    hold(of_case(case_of("edge", "v7.2")), 5_000)


@pytest.mark.parametrize(("name", "variant"), PATCHED[1:])
def test_of_violations(name: str, variant: str) -> None:
    make = of_case(case_of(name, variant))
    expected = by_brute_force(make, 5_000)
    assert expected.broken
    agree(expected, by_the_explorer(make))


def test_a_walk_stays_inside() -> None:
    assert walks_stay_inside(of_case(case_of("timer", "v7.2", "queued")), 3) > 100


@pytest.mark.long
@pytest.mark.parametrize(("name", "variant"), in_turns(EVERY_PATH[::2]))
def test_of_every_path_of_all(name: str, variant: str) -> None:
    hold(of_case(case_of(name, variant)), 20_000)


@pytest.mark.long
@pytest.mark.parametrize(("name", "variant"), in_turns(BY_STATES_SOON))
def test_with_everything_in_flight(name: str, variant: str) -> None:
    make = of_case(case_of(name, variant, "queued"))
    hold(make, 0)
    assert walks_stay_inside(make, 5) > 100
    assert walks_stay_inside(make, 5, dead=False) > 100


@pytest.mark.long
@pytest.mark.parametrize(("name", "variant"), PATCHED)
def test_of_violations_with_everything_in_flight(name: str, variant: str) -> None:
    make = of_case(case_of(name, variant, "queued"))
    agree(by_hashing(make), by_the_explorer(make))
