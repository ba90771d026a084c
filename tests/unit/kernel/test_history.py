"""Histories of guests: read back, told as facts, judged by the rules."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from harness.kernel import history
from harness.kernel.history import EVENT, HEAD, Event, History, read_histories
from harness.kernel.image import Image
from harness.kernel.judge import KINDS, Judge
from harness.kernel.run import Ran, take
from harness.kernel.teller import Teller, facts_of
from model import facts
from model.check.setting import Forwarded, Setting

SPI = Forwarded(-1, 48, 0, -1, level=True)


def event(kind: int, at: int, a: int = 0, value: int = 0, lasts: int = 2) -> Event:
    return Event(at, at + lasts, value, kind, a, -1)


def judged(*vcpus: list[Event], software: tuple[Forwarded, ...] = ()) -> list[tuple[str, str]]:
    count = len(vcpus) - 1
    judge = Judge(Setting(pcpus=count, vcpus=count, software=software))
    judge.read([History(1, "well", tuple(map(tuple, vcpus)))])
    return [(each.violation.rule, each.violation.alarm) for each in judge.found]


def timer(at: int, cval: int) -> list[Event]:
    return [event(history.TIMER_CVAL, at, 27, cval), event(history.TIMER_CTL, at + 10, 27, 1)]


def handled(at: int, intid: int) -> list[Event]:
    silence = [event(history.TIMER_CTL, at + 10, 27, 0)] if intid == 27 else []
    return [event(history.IAR, at, 0, intid), *silence, event(history.EOIR, at + 20, intid, intid)]


def test_what_the_vmm_writes_is_read_back() -> None:
    counts = [1, 0, 1, *[0] * 6]
    data = HEAD.pack(b"wrong", 7, 2, *counts)
    data += EVENT.pack(5, 9, 48, history.IAR, 0, 0, 1) + EVENT.pack(
        3, 4, 0, history.RAISED, 48, 0, 1
    )
    found = list(read_histories(data + data[:30]))
    assert len(found) == 1
    assert (found[0].execution, found[0].why) == (7, "wrong")
    assert found[0].events == (
        (Event(5, 9, 48, history.IAR, 0, -1),), (), (Event(3, 4, 0, history.RAISED, 48, -1),),
    )  # fmt: skip
    assert [line.split(None, 2)[2] for line in found[0].lines()] == [
        "-- device 48 raised", "v0 IAR = 48",
    ]  # fmt: skip


def test_numbers_are_those_of_the_board() -> None:
    text = (files("harness.kernel") / "guests" / "board.h").read_text(encoding="utf-8")
    names = re.search(r"enum event_kind \{(.*?)\};", text, re.DOTALL)
    assert names is not None
    number = 0
    found: dict[str, int] = {}
    for word in re.sub(r"/\*.*?\*/", "", names[1]).split(","):
        if not word.strip():
            continue
        name, _, said = (part.strip() for part in word.partition("="))
        parts = said.replace("VOLATILE", "0x100").split("|")
        number = sum(int(part, 0) for part in parts) if said else number + 1
        found[name.removeprefix("EV_")] = number
    for name, value in found.items():
        assert getattr(history, name) == value, name
    assert f"#define EVENTS_MAX {history.EVENTS_MAX}" in text


def test_a_timer_that_fires_and_is_handled_is_well() -> None:
    assert judged([*timer(10, 100), *handled(150, 27), event(history.HALT, 200)], []) == []


def test_a_timer_that_has_not_fired_is_spurious() -> None:
    assert ("I7", "silent") in judged([*timer(10, 1000), *handled(150, 27)], [])


def test_one_that_fired_before_it_was_silenced_may_come_once_more() -> None:
    late = [*timer(10, 100), event(history.TIMER_CTL, 150, 27, 0), *handled(200, 27)]
    assert judged(late, []) == []
    assert ("I7", "silent") in judged([*late, *handled(300, 27)], [])


def test_an_sgi_that_nobody_sent() -> None:
    sent = [event(history.SGI, 10, 3, 0)]
    assert judged([*sent, *handled(50, 3)], []) == []
    assert judged([*sent, *handled(50, 3), *handled(100, 3)], []) == [("G3", "nothing")]


def test_an_interrupt_reads_as_what_it_is() -> None:
    active = 0x30 + history.PARTS.index("active")
    right = [event(history.SGI, 10, 3, 0), event(history.IAR, 50, 0, 3), event(active, 60, 3, 1)]
    assert judged(right, []) == []
    assert judged([*right, event(history.EOIR, 70, 3, 3), event(active, 80, 3, 1)], []) == [
        ("G1", "wrong")
    ]


def test_a_device_that_is_served_comes_once() -> None:
    raised = [event(history.RAISED, 10, 48)]
    served = [event(history.IAR, 50, 0, 48), event(history.SERVED, 60, 48, 1),
              event(history.EOIR, 70, 48, 48)]  # fmt: skip
    again = [event(history.IAR, 90, 0, 48)]
    assert judged(served, raised, software=(SPI,)) == []
    assert ("G3", "nothing") in judged([*served, *again], raised, software=(SPI,))


@pytest.mark.parametrize("late", [False, True])
def test_an_spi_is_over_before_another_vcpu_takes_it(late: bool) -> None:
    """However late VCPU 0, which was preempted, goes on behind its EOIR."""
    edge = Forwarded(-1, 48, 0, -1, level=False)
    pends = [event(history.WRITE + 1, at, 48, 1) for at in (10, 50)]
    first = [event(history.IAR, 20, 0, 48), event(history.EOIR, 60, 48, 48, 40 if late else 2)]
    routes = event(history.WRITE + 3, 30, 48, 1)
    one = [pends[0], first[0], routes, pends[1], first[1]]
    other = [
        event(history.USER, 40),
        event(history.IAR, 80, 0, 48),
        event(history.EOIR, 90, 48, 48),
    ]
    assert judged(one, other, [], software=(edge,)) == []


def test_an_access_that_did_not_end_tells_its_begin() -> None:
    read = Event(10, 10, 0, 0x30 + 2, 3, -1, done=False)
    told = list(facts_of(History(1, "stuck", ((read,), ())), Teller(Setting())))
    assert facts.GuestAccess(0, 0, 3, "active", -1) in told
    assert not any(isinstance(each, facts.RegisterRead) for each in told)


def test_a_history_that_is_cut_is_not_judged() -> None:
    many = [event(history.IAR, 10 * n, 0, 3) for n in range(history.EVENTS_MAX)]
    assert judged(many, []) == []


def test_rules_about_what_guests_see_are_checked() -> None:
    rules = {"I7", "G1", "G2", "G3", "G4", "G5", "G9", "G11", "G12", "G13"}
    assert rules <= set(Judge(Setting()).checked)


def test_every_fact_that_is_told_is_one_that_rules_may_rest_on() -> None:
    reset = [event(history.RESET, 500, 0)]
    told = facts_of(
        History(1, "well", ((*timer(10, 100), *handled(150, 27)), tuple(reset))),
        Teller(Setting()),
    )
    assert {type(each) for each in told} <= KINDS


@pytest.mark.parametrize(("word", "late"), [("LATE", True), ("LOST", False)])
def test_the_lines_of_a_job(word: str, late: bool) -> None:
    ran = Ran(Image(Path("x"), "7.2", ""), "x")
    lines = ["STUCK 5", "SYMPTOM vcpu=0 switches=900 cpu_ms=40 ms=1000", "STUCK at 0x1", word,
             "WRONG 9 0x2", "DONE executions=10 wrong=1 distinct=3 seconds=0.5"]  # fmt: skip
    take(lines, ran)
    assert (ran.stuck[0].execution, ran.stuck[0].late) == (5, late)
    assert ran.symptoms[0].woken
    assert ran.wrong == [(9, 2)]
    assert (ran.executions, ran.distinct, ran.seconds, ran.bad) == (10, 3, 0.5, 2)
