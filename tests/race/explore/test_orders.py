"""Searches that leave out orders of steps come to the same ends as those that do not.

The states in which nothing has to happen any more, the violations, and whether executions can go
round for ever are compared, for random programs of toys and tiny configurations of the machine; and
each fault planted in what leaves orders out is seen.
"""

from functools import cache

import pytest

from harness.engine.footprint import FootprintError
from harness.search.case import Case
from harness.search.explore.explore import Exploration
from harness.search.explore.explored import Reductions
from harness.search.explore.instant import LostError
from harness.search.explore.symmetry import is_symmetric
from harness.spec import RunSpec
from harness.verdict import PROVED
from tests.race.explore.agree import Make, of_case, of_toys
from tests.race.explore.faults import Fault
from tests.race.explore.order_faults import APART, FIRST, MACHINE, ORDER_FAULTS
from tests.race.explore.reduced import Found, alike, everything, reduced
from tests.race.explore.tiny import BY_STATES_SOON, PATCHED, case_of, in_turns
from tests.race.explore.toys import drawn, drawn_apart

SEEN_IN = ("preempted", "elsewhere", "two timers, masked")
"""The configurations that the faults in what is said of the machine are held to."""


def hold(make: Make) -> None:
    """Hold one world's search against the other."""
    alike(everything(make), reduced(make))


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_programs_of_toys(seed: int) -> None:
    hold(of_toys(drawn_apart(seed)))
    hold(of_toys(drawn(seed)))


@pytest.mark.long
def test_many_programs_of_toys() -> None:
    for seed in range(40, 80):
        hold(of_toys(drawn_apart(seed)))
        hold(of_toys(drawn(seed)))


def test_symmetric_beginnings_are_searched_once() -> None:
    case = two_alike("work 1")
    assert is_symmetric(case.scenario)
    less = Exploration(case, reductions=Reductions(stubborn=False))
    assert less.mirrored == 2
    assert len(less.roots) == 2
    assert not is_symmetric(two_alike("work 1", "sgi 1 0").scenario)


@pytest.mark.long
def test_symmetric_beginnings_come_to_as_much() -> None:
    case = two_alike("work 1")
    found = []
    for root in range(4):
        search = Exploration(case, reductions=Reductions(stubborn=False, symmetric=False))
        search.search.restart([list(search.roots)[root]])
        explored = search.run()
        assert explored.verdict == PROVED
        found.append((explored.states, explored.transitions, explored.terminal, explored.depth))
    assert found[0] == found[3]
    assert found[1] == found[2]


def two_alike(*program: str) -> Case:
    """Return two VCPUs on two CPUs that run the same program, and one preemption."""
    lines = ", ".join(f'"{line}"' for line in program)
    sizes = "pcpus = 2\npreemptions = 1"
    text = f'name = "two"\ntitle = "two"\n{sizes}\n' + f"[[vcpu]]\nprogram = [{lines}]\n" * 2
    return Case.of(RunSpec.make("two", "v4.14", toml=text))


def test_vcpus_apart_are_searched_one_after_the_other() -> None:
    make = of_case(case_of("a timer, and work", "v4.14", "queued"))
    whole, less = everything(make), reduced(make)
    alike(whole, less)
    assert less.states * 10 < whole.states


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "variant"), in_turns([*BY_STATES_SOON, "elsewhere", "ptimer", "a timer, and work"])
)
def test_tiny_configurations(name: str, variant: str) -> None:
    hold(of_case(case_of(name, variant, "queued")))


@pytest.mark.long
@pytest.mark.parametrize(("name", "variant"), [*PATCHED, ("preempted", "v7.2+29")])
def test_tiny_configurations_with_bugs(name: str, variant: str) -> None:
    hold(of_case(case_of(name, variant, "queued")))


@pytest.mark.parametrize(
    "fault", [x for x in ORDER_FAULTS if x.seen_by == APART], ids=lambda fault: fault.name
)
def test_a_fault_is_seen(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    make = of_toys(FIRST.get(fault.name, drawn_apart(0)))
    whole = everything(make)
    fault.plant(monkeypatch)
    with pytest.raises((AssertionError, FootprintError, LookupError, LostError)):
        alike(whole, reduced(make))


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", [x for x in ORDER_FAULTS if x.seen_by == MACHINE], ids=lambda fault: fault.name
)
def test_a_fault_in_the_machine_is_seen(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    makes = [of_case(case_of(name, "v4.14", "queued")) for name in SEEN_IN]
    wholes = wholes_of_machine()  # before the fault is there
    fault.plant(monkeypatch)
    with pytest.raises(AssertionError):
        hold_all(makes, wholes)


@cache
def wholes_of_machine() -> list[Found]:
    """Return what searches of everything find."""
    return [everything(of_case(case_of(name, "v4.14", "queued"))) for name in SEEN_IN]


def hold_all(makes: list[Make], wholes: list[Found]) -> None:
    """Hold the searches of several worlds against what is known of them."""
    for make, whole in zip(makes, wholes, strict=True):
        alike(whole, reduced(make))
