"""How a mutant is judged: a rule, a crash, a bound, nothing."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic import decide
from model.vgic.irq import VgicIrq
from tests.mutation import trial
from tests.mutation.entries import Entry
from tests.mutation.report import Judged, Score
from tests.mutation.sites import mutants
from tests.mutation.swap import instrumented, swap
from tests.mutation.trial import Hang, Result, Search, guest_alone

ENTRY = Entry("timer-wfi", "v7.2")


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def hangs(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, hangs)
    yield
    signal.signal(signal.SIGVTALRM, before)


def test_the_source_as_it_is_survives() -> None:
    search = Search([ENTRY], 6)
    assert search.run() is None
    assert search.ran == 6


def test_a_broken_rule_ends_it_and_a_guest_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(self: V7_2, t: Any) -> None:
        """Never restore the timer."""

    monkeypatch.setattr(V7_2, "load_timer", nothing)
    killed = Search([ENTRY], 6).run()
    assert killed is not None
    assert (killed.verdict, killed.entry) == ("rule", str(ENTRY))
    guest = guest_alone(killed, [ENTRY], 6, {})
    assert guest is not None
    assert guest.what in ("L1", "deadlock", "G8")


def test_a_crash_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: V7_2, *_: object) -> bool:
        raise LookupError("no such thing")

    monkeypatch.setattr(V7_2, "entry_is_refused", fails)
    found = Search([ENTRY], 6).run()
    assert found is not None
    assert (found.verdict, found.what) == ("crash", "LookupError: no such thing")


def test_what_does_not_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def turns(self: V7_2, *_: object) -> bool:
        while True:
            pass

    monkeypatch.setattr(V7_2, "entry_is_refused", turns)
    monkeypatch.setattr(trial, "SECONDS_MAX", 0.05)
    found = Search([ENTRY], 6).run()
    assert found is not None
    assert (found.verdict, found.what) == ("bound", "time limit")


def test_code_is_swapped_and_back() -> None:
    """A method, a setting of a class and one whose use of super() goes; all is as it was after."""
    name = "harness.kvm.v4_14"
    module = sys.modules[name]
    source = Path(str(module.__file__)).read_text("ascii")
    known = V4_14.fires, V4_14.sync_vgic.__code__, V4_14.runnable.__code__
    changed = (
        source.replace("any(timer.should_fire(now)", "all(timer.should_fire(now)")
        .replace("emulation_timer = False", "emulation_timer = True")
        .replace("return self.fires(t.v) or super().runnable(t)", "return True")
    )
    runnable = V4_14.runnable
    try:
        swap(module, changed)
        assert V4_14.fires is known[0]
        assert "all" in V4_14.fires.__code__.co_names
        assert vars(V4_14)["emulation_timer"] is True
        assert V4_14.runnable(None, None) is True  # type: ignore[arg-type]
        assert V4_14.sync_vgic.__code__ == known[1]
    finally:
        V4_14.runnable = runnable  # type: ignore[method-assign]
        swap(module, source)
    assert "any" in V4_14.fires.__code__.co_names
    assert vars(V4_14)["emulation_timer"] is False
    assert V4_14.runnable.__code__ == known[2]


def test_lines_are_watched_as_they_are_executed() -> None:
    module = sys.modules["model.vgic.decide"]
    source = Path(str(module.__file__)).read_text("ascii")
    irq = VgicIrq(80, 0, level=True)
    before = decide.target_oracle.__code__
    lines: set[int] = set()
    try:
        instrumented(module, source, lines.add)
        assert decide.target_oracle(irq) == -1
    finally:
        swap(module, source)
    assert decide.target_oracle.__code__ == before
    texts = [source.splitlines()[n - 1].strip() for n in sorted(lines)][1:]
    assert texts == [
        "if irq.active:",
        "if forwards and irq.enabled and irq.is_pending():",
        "return -1",
    ]


def test_the_score_leaves_out_what_is_equivalent() -> None:
    score, known = Score(), mutants()
    for mutant, result, reason in (
        (known[0], Result("rule", "I2", guest="L1"), ""),
        (known[1], Result("rule", "I2"), ""),
        (known[2], Result("survived"), "it only orders two writes"),
        (known[3], Result("survived"), ""),
        (known[4], Result("crash", "KeyError"), ""),
    ):
        score.add(Judged(mutant, result, reason))
    data = score.data()
    assert (data["mutants"], data["counted"], data["guest"]) == (5, 4, 1)
    assert (data["score_percent"], data["guest_percent"]) == (50.0, 25.0)
    assert "50.0 % killed by a rule" in score.text()
