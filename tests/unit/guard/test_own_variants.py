"""What a variant of the user's own must not do is said: with its file and line, on either engine.

The variants are in ``own.py`` beside this, each with one mistake.
"""

import gc
import re
import threading
from pathlib import Path

import pytest

from harness.campaign.batches import Batch, BatchResult
from harness.campaign.plan import Plan
from harness.campaign.workers import Worker
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.guard.inspect import FIRST, SAMPLE, Inspection
from harness.guard.watch import Watch, watch
from harness.spec import RunSpec
from harness.strategies.round_robin import RoundRobin

OWN = Path(__file__).with_name("own.py")
ENGINES = pytest.mark.parametrize("engine", ["trio", "direct"])


def line_of(cls: str, text: str) -> int:
    """The line in ``own.py`` that has ``text``, within a class."""
    lines = OWN.read_text().splitlines()
    first = lines.index(next(line for line in lines if line.startswith(f"class {cls}(")))
    return next(n for n in range(first, len(lines)) if text in lines[n]) + 1


def result_of(cls: str, engine: str, schedules: int = 3) -> BatchResult:
    """What a campaign of so many schedules comes to, in this process."""
    spec = RunSpec.make("timer-wfi", f"{OWN}:{cls}")
    plan = Plan(specs=(spec,), seed=1, schedules=schedules, engine=engine)
    return Worker(plan, threading.Event()).run(Batch(0, 0, schedules))


def crash_of(cls: str, engine: str) -> str:
    crash = result_of(cls, engine).crash
    gc.collect()  # coroutines that were not awaited die here, and not in another test
    assert crash is not None
    assert crash.usage
    assert "\n" not in crash.text
    assert crash.text.startswith(f"variant '{OWN}:{cls}' ")
    return crash.text


@ENGINES
def test_one_that_is_right_is_left_alone(engine: str) -> None:
    result = result_of("Clean", engine, 4)
    assert (result.crash, result.done, result.findings) == (None, 4, [])


MISTAKES = [
    ("Attribute", "keeps state in self.taken", "self.taken.append"),
    ("ClassAttribute", "keeps state in ClassAttribute.taken", "taken += 1"),
    ("Global", "keeps state in own.CALLS", "CALLS += 1"),
    ("DeepGlobal", "keeps state in own.SEEN", "SEEN.setdefault"),
    ("Sleeps", "awaits trio.sleep in timer_isr", "trio.sleep"),
    ("SleepsElsewhere", "awaits asyncio.sleep in timer_isr", "asyncio.sleep"),
    ("Forgets", "forgot an 'await' in timer_isr", "super().timer_isr"),
    ("ForgetsStep", "forgot an 'await' in timer_isr", "h.step"),
    ("Touches", "breaks its footprint in vcpu_load", "clock.now"),
    ("Raises", "raised KeyError: 99 in timer_isr", "irq(99, 99)"),
    ("Leaves", "called os._exit(0) in timer_isr", "os._exit"),
    ("LeavesByName", "raised SystemExit: 0 in timer_isr", "SystemExit"),
]
BOTH = ("Sleeps", "SleepsElsewhere", "Forgets", "ForgetsStep")
"""Those where the engines differ in how it comes to light."""


@pytest.mark.parametrize(
    ("cls", "words", "at", "engine"),
    [
        *((*mistake, "direct") for mistake in MISTAKES),
        *((*mistake, "trio") for mistake in MISTAKES if mistake[0] in BOTH),
    ],
)
def test_a_mistake_is_said_with_file_and_line(cls: str, words: str, at: str, engine: str) -> None:
    text = crash_of(cls, engine)
    assert words in text
    assert re.search(rf"own\.py:{line_of(cls, at)}\b", text), text
    assert "in schedule 0 of scenario 'timer-wfi', seed 1" in text


def test_what_a_function_keeps_is_state() -> None:
    assert "keeps state in Default.timer_isr" in crash_of("Default", "direct")


@ENGINES
def test_an_interrupt_that_is_written_unlocked_is_a_violation(engine: str) -> None:
    result = result_of("Unlocked", engine)
    assert result.crash is None
    (violation,) = result.findings[0].violations
    assert (violation.rule, violation.alarm) == ("I9", "not-held")
    assert "write its pending_latch" in violation.text


def test_an_endless_loop_of_a_forgotten_await(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "limit", 0.25)
    assert "forgot an 'await' in run_once" in crash_of("LoopsForgetting", "direct")


@ENGINES
@pytest.mark.parametrize(("cls", "at"), [("Waits", "time.sleep"), ("Loops", "while")])
def test_what_hangs_is_broken_off(
    cls: str, at: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "limit", 0.25)
    text = crash_of(cls, engine)
    assert "hangs in timer_isr" in text
    assert re.search(rf"own\.py:({line_of(cls, at)}|{line_of(cls, at) + 1})\b", text), text
    assert re.search(r"step \d+, 'host_eoir' of task i0 has not ended for 0\.\d s", text), text


def test_what_hangs_as_it_is_made_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "limit", 0.25)
    text = crash_of("WaitsWhenMade", "direct")
    assert "hangs in __init__" in text
    assert re.search(rf"own\.py:{line_of('WaitsWhenMade', 'time.sleep')}\b", text), text
    assert "what it does as it is made has not ended" in text


# -- the watch itself ------------------------------------------------------------------------------


class Asked(Watch):
    """A watch that only says what it would do."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[str] = []

    def interrupt(self) -> None:
        self.did.append("interrupt")

    def give_up(self, place: tuple[str, int, str]) -> None:
        self.did.append(f"give up at {place[1]}")


PLACE = ("/x/own.py", 3, "f")
RUN = Execution(RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class), RoundRobin())
RUN.begin()


def test_who_does_not_answer_is_ended() -> None:
    one = Asked()
    for _ in range(100):
        one.look(PLACE, RUN, 0.1)
    assert one.did == []
    for _ in range(20):
        one.look(PLACE, RUN, 0.1)
    assert set(one.did) == {"interrupt"}
    for _ in range(12):
        one.look(PLACE, RUN, 0.1)
    assert one.did[-1] == "give up at 3"


def test_who_is_elsewhere_or_goes_on_has_not_hung() -> None:
    one = Asked()
    for n in range(400):
        RUN.steps += n % 50 == 0
        one.look(PLACE, RUN, 0.1)
    for n in range(400):
        one.look(None if n % 50 == 0 else PLACE, RUN, 0.1)
    assert one.did == []


def test_less_patience_once_time_is_up() -> None:
    one = Asked()
    one.deadline = 0.0
    assert one.patience() < 1.0
    one.what = "own.py:X"
    assert 1.0 < one.patience() < one.limit
    one.deadline = None
    assert one.patience() == one.limit


# -- which are looked at ---------------------------------------------------------------------------


def audited(variant: str) -> list[int]:
    """The schedules of 200 whose footprints are audited."""
    world = RunSpec.make("timer-wfi", variant).build(DirectEngine.task_class)
    inspection, plain = Inspection(world), Execution(world, RoundRobin())
    return [i for i in range(200) if inspection.execution(RoundRobin(), i, plain) is not plain]


def test_the_first_and_a_sample_are_looked_at_closely() -> None:
    assert audited(f"{OWN}:Clean") == [*range(FIRST), *range(SAMPLE, 200, SAMPLE)]
    assert audited("v7.2") == []
