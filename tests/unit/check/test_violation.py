"""Violations are data: their text is a view, and late is told from lost by who owes what."""

import msgspec
import pytest

from model.check.alarm import ALARMS, alarm
from model.check.violation import Subject, Violation, classify_late_or_lost
from model.identity import IRQ, Actor, LockId
from tests.race.mutant import Mutant
from tests.race.mutants import MUTANTS
from tests.unit.check.evidence import broken


def test_a_word_is_picked_by_a_value() -> None:
    told = alarm("x", "it {level:does not fire|fires}, {state:inactive|pending}, {n:#x} {who}")
    said = {"level": True, "state": 0, "n": 255, "who": Actor("vcpu", vcpu=1)}
    assert told.text(said) == "it fires, inactive, 0xff the thread of VCPU 1"


@pytest.mark.parametrize("tag", ["", "Storm", "a b", "a_b"])
def test_a_tag_is_a_plain_word(tag: str) -> None:
    with pytest.raises(ValueError, match="expected small letters"):
        alarm(tag, "")


def test_text_names_subject_and_values() -> None:
    subject = Subject(actor=Actor("vcpu", vcpu=0), lock=LockId(IRQ, 0, 27))
    violation = Violation("L3", "again", subject, (("n", 16),), 5)
    assert violation.text == (
        "the thread of VCPU 0 took irq_lock of vINTID 27 of VCPU 0 16 times and did nothing else: "
        "it will try again for ever"
    )


def test_an_alarm_of_another_version_still_has_a_text() -> None:
    violation = Violation("R99", "gone", Subject(vcpu=3), (("n", 2),), 5)
    assert violation.text == "gone (vcpu 3, n 2)"


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_round_trip(mutant: Mutant) -> None:
    for violation in broken(mutant).violations:
        assert (violation.rule, violation.alarm) in ALARMS
        stored = msgspec.json.encode(violation)
        again = msgspec.json.decode(stored, type=Violation)
        assert again == violation
        assert again.text == violation.text
        assert "{" not in again.text


def owed(vcpu: int, due: int) -> Violation:
    return Violation("L1", "timer", Subject(vcpu=vcpu), (("due", due),), 9)


def test_late_and_lost_are_matched_by_who_owes_what() -> None:
    late = [owed(0, 100), owed(1, 100)]
    # The guest's timer was programmed again meanwhile: still the same debt.
    lost = [owed(1, 200), owed(2, 100)]
    judged = classify_late_or_lost(late, lost)
    assert [(x.subject.vcpu, x.type) for x in judged] == [(0, "late"), (1, "lost"), (2, "lost")]
    assert judged[0].text == (
        "LATE: the timer interrupt of VCPU 0, due at 100 ns (an unrelated exit would still "
        "deliver it)"
    )
    assert judged[1].text == "LOST: the timer interrupt of VCPU 1, due at 100 ns"


def test_another_alarm_of_the_same_rule_is_another_debt() -> None:
    late = [owed(0, 100)]
    lost = [msgspec.structs.replace(owed(0, 100), alarm="ptimer")]
    assert [x.type for x in classify_late_or_lost(late, lost)] == ["late", "lost"]
