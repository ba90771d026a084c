"""How a mutant is judged: a rule, a crash, a bound, nothing."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from harness.kvm.v7_2 import V7_2
from tests.mutation import trial
from tests.mutation.entries import Entry
from tests.mutation.hook import install
from tests.mutation.report import Judged, Score
from tests.mutation.sites import mutants
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
    search = Search([ENTRY], 6, None)
    assert search.run() is None
    assert search.ran == 6


def test_a_broken_rule_ends_it_and_a_guest_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(self: V7_2, t: Any) -> None:
        """Never restore the timer."""

    monkeypatch.setattr(V7_2, "load_timer", nothing)
    killed = Search([ENTRY], 6, None).run()
    assert killed is not None
    assert (killed.verdict, killed.entry) == ("rule", str(ENTRY))
    guest = guest_alone(killed, [ENTRY], 6)
    assert guest is not None
    assert guest.what in ("L1", "deadlock", "G8")


def test_a_crash_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: V7_2, *_: object) -> bool:
        raise LookupError("no such thing")

    monkeypatch.setattr(V7_2, "entry_is_refused", fails)
    found = Search([ENTRY], 6, None).run()
    assert found is not None
    assert (found.verdict, found.what) == ("crash", "LookupError: no such thing")


def test_what_does_not_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def turns(self: V7_2, *_: object) -> bool:
        while True:
            pass

    monkeypatch.setattr(V7_2, "entry_is_refused", turns)
    monkeypatch.setattr(trial, "SECONDS_MAX", 0.05)
    found = Search([ENTRY], 6, None).run()
    assert found is not None
    assert (found.verdict, found.what) == ("bound", "time limit")


def test_a_mutant_wants_a_fresh_process() -> None:
    with pytest.raises(RuntimeError, match="fresh process"):
        install(mutants()[0])


def test_the_score_leaves_out_what_is_equivalent() -> None:
    score = Score()
    for mutant, result, reason in (
        (mutants()[0], Result("rule", "I2", guest="L1"), ""),
        (mutants()[1], Result("rule", "I2"), ""),
        (mutants()[2], Result("survived"), "it only orders two writes"),
        (mutants()[3], Result("survived"), ""),
        (mutants()[4], Result("crash", "KeyError"), ""),
    ):
        score.add(Judged(mutant, result, reason))
    data = score.data()
    assert (data["mutants"], data["counted"], data["guest"]) == (5, 4, 1)
    assert (data["score_percent"], data["guest_percent"]) == (50.0, 25.0)
    assert "50.0 % killed by a rule" in score.text()
