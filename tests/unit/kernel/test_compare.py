"""What guests see, of the model and of a history: the same words for both."""

from harness.kernel.compare.allowed import as_it_is_there, explored, searched
from harness.kernel.compare.compare import Bounds, Compared, spread
from harness.kernel.compare.real import Heard, Ways, story_of
from harness.kernel.history import IAR, READ, READ_TIME, Event, History
from harness.kernel.judge import setting_of
from harness.scenarios.schema import Scenario, parse
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

TEXT = """
name = "an-sgi"
title = "an SGI to itself, asked for by IAR"

[[vcpu]]
program = ["irqs off", "sgi 3 0", "iar", "read active 3", "eoi"]
"""
PENDING, ACTIVE = 1, 2


def scenario() -> Scenario:
    return as_it_is_there(parse(TEXT, "an-sgi"))


def test_a_history_and_the_model_tell_the_same_story() -> None:
    events = (
        Event(5, 6, 3, IAR, 0, -1),
        Event(7, 8, 1, READ + ACTIVE, 3, -1),
        Event(9, 9, 77, READ_TIME, 3, -1),
    )
    history = History(1, "well", (events, ()))
    story = story_of(history, setting_of(scenario(), 1, 3))
    assert [[name for name, _, _ in sights] for sights in story] == [["iar", "isactiver"]]
    every = explored(scenario(), 60, 100_000)
    assert (every.whole, every.stories) == (True, frozenset({story}))
    found = searched(scenario(), {story}, 400, 60)
    assert (found.stories, found.executions) == (frozenset({story}), 200)


def test_a_story_that_is_not_met_is_a_fault_only_beside_all_of_them() -> None:
    every = explored(scenario(), 60, 100_000)
    known = next(iter(every.stories))
    ways = Ways(Heard(executions=1), Heard(executions=1))
    assert Compared("x", Ways(), every).verdict == INCONCLUSIVE
    ways.unsteered.stories[known] = 1
    assert Compared("x", ways, every).verdict == CLEAN
    ways.steered.stories[()] = 1
    found = Compared("x", ways, every)
    assert (found.verdict, found.strangers(ways.steered)) == (VIOLATED, [()])
    part = searched(scenario(), {()}, Bounds().schedules // 100, 60)
    assert Compared("x", ways, part).verdict == INCONCLUSIVE


def test_each_vcpu_has_a_cpu_of_its_own() -> None:
    assert spread(scenario()).pcpus == 1
    twice = parse(TEXT + '[[vcpu]]\nprogram = ["work 1"]\n', "twice")
    assert spread(as_it_is_there(twice)).pcpus == 2
