"""The small parts: facts in a few words, lanes, messages, alignment, sentences, clean text."""

import msgspec
import pytest

from harness.log.registry import ViolationLine
from harness.report.align import align
from harness.report.arrows import arrows_of
from harness.report.brief import brief
from harness.report.chain import chain_of, how_to_replay, what_decides
from harness.report.clean import cleaned
from harness.report.course import Who
from harness.report.known import unmodified
from harness.report.lanes import lane_of, lanes_of, title_of
from harness.report.states import Interrupt, named
from harness.search.explanation import Explanation, Symptom
from model import facts
from model.facts import KINDS
from model.gic.lr import EMPTY, PENDING_ACTIVE, Lr
from model.identity import BG_TIMER, PTIMER, Actor
from tests.unit.log.test_registry import sample
from tests.unit.report.runs import Finding, course, explained, log_of


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_can_be_told_in_a_few_words(kind: str) -> None:
    text = brief(sample(kind))
    assert text
    assert "{" not in text
    assert "True" not in text
    assert "False" not in text


def test_words() -> None:
    lr = Lr(vintid=27, state=PENDING_ACTIVE, hw=True, pintid=27)
    assert brief(facts.LrWritten(0, 1, EMPTY, lr)) == "LR1: - -> 27 PAH"
    assert brief(facts.ActiveChanged(0, 27, True, "ack")) == "27 active (ack)"
    assert brief(facts.PendingChanged(0, 3, True)) == "latch 3 set"
    assert brief(facts.Injected(0, 0, 27, True, False)) == "27 high for VCPU 0, not accepted"
    assert brief(facts.DeactivationArrived(0, 27, 1, False)).endswith("was inactive")
    assert brief(facts.HcrWritten(0, 1)) == "HCR En"


def test_lanes_are_told_by_who_not_by_name() -> None:
    vcpu = Who("zz", Actor("vcpu", vcpu=1))
    pin, line = Who("aa", Actor("pin", pcpu=0)), Who("bb", Actor("line", pcpu=1))
    assert title_of(vcpu) == "VCPU 1"
    assert title_of(Who("s", Actor("soft-timer", vcpu=0, n=BG_TIMER))) == "bg timer 0"
    assert title_of(Who("q", Actor("soft-timer", vcpu=0, n=PTIMER))) == "soft timer 0"
    assert lane_of(pin) == lane_of(line)
    assert lane_of(pin).shared
    unknown = Who("v0", Actor("task"))
    assert title_of(unknown) == "v0"
    titles = [lane.title for lane in lanes_of([unknown, pin, vcpu, line])]
    assert titles == ["zz", "GIC", "etc"]
    assert len({title_of(turn.who) for turn in course("v7.2+44").turns}) == len(
        {turn.who for turn in course("v7.2+44").turns}
    )


def test_messages_go_from_who_sends_to_who_receives() -> None:
    run = course("v4.14+1")
    arrows = arrows_of(run.turns)
    sent = [t.index for t in run.turns for f in t.facts if isinstance(f, facts.DeactivationSent)]
    got = [t.index for t in run.turns for f in t.facts if isinstance(f, facts.DeactivationArrived)]
    deactivations = [a for a in arrows if a.kind == "deactivation"]
    assert [(a.start, a.end) for a in deactivations] == list(zip(sent, got, strict=False))
    assert deactivations[0].which == Interrupt(1, 27)
    assert {"pin", "deactivation", "time", "timer"} <= {arrow.kind for arrow in arrows}
    # A timer that KVM takes off lowers its line, later.
    lowered = next(a for a in arrows if a.kind == "timer" and a.what == "line of 27 low")
    assert run.turns[lowered.start].op == "timer_save"
    for arrow in arrows:
        assert arrow.start < arrow.end
        assert run.turns[arrow.start].who != run.turns[arrow.end].who


@pytest.mark.parametrize("variant", ["v7.2+31", "v7.2+44"])
def test_edges_of_devices_arrive(variant: str) -> None:
    kinds = {arrow.kind for arrow in arrows_of(course(variant).turns)}
    assert {"edge", "injection"} <= kinds


def test_alignment_keeps_order_and_everything() -> None:
    left, right = course("v4.14+1").turns, course("v4.14+1", clean=True).turns
    pairs = align(left, right)
    assert [i for i, _ in pairs if i >= 0] == list(range(len(left)))
    assert [j for _, j in pairs if j >= 0] == list(range(len(right)))
    for i, j in pairs:
        if i >= 0 and j >= 0:
            assert (left[i].who.task, left[i].op) == (right[j].who.task, right[j].op)
    assert align(left, left) == [(i, i) for i in range(len(left))]


def test_the_chain_begins_with_what_matters_most() -> None:
    violation = explained("v4.14+1").violation
    unmodified = Explanation(violation, base=violation, symptom=Symptom(violation, 1), calm=True)
    said = chain_of(unmodified, Finding())
    assert [one.label for one in said] == ["known", "rule", "symptom"]
    assert "calm order itself" in what_decides(unmodified)[0].text
    assert chain_of(None, None) == what_decides(None) == []


def test_what_decides_says_the_pair_the_window_and_the_proof() -> None:
    explanation = explained("v4.14+1")
    said = {one.label: one.text for one in what_decides(explanation)}
    pair = explanation.pairs[0]
    assert said["order"].startswith(f"{pair.first.task} {pair.first.op} (step {pair.first.step})")
    assert "no schedule with fewer than 2 fails" in said["switches"]
    assert "fails after" in said["window"]
    assert str(explanation.inevitable) in said["too late"]
    assert "40 schedules" in {s.label: s.text for s in chain_of(explanation, None)}["symptom"]


def test_long_schedules_are_replayed_from_the_log(tmp_path: object) -> None:
    from pathlib import Path

    short, long = log_of("v4.14+23").header, log_of("v4.14+1").header
    assert how_to_replay(short, Path("a.jsonl")) == short.schedule
    assert how_to_replay(long, Path("a.jsonl")) == "a.jsonl"
    assert how_to_replay(long, None) == long.schedule


def test_names() -> None:
    assert named(Interrupt(1, 27)) == "vINTID 27 of VCPU 1, virtual timer"
    assert named(Interrupt(-1, 40)) == "host INTID 40"
    assert named(Interrupt(0, 3)) == "SGI 3 of VCPU 0"


def test_nothing_moves_a_cursor() -> None:
    assert cleaned("a\x1b[2Jb\n\u202ec") == "a\\x1b[2Jb\\n\\u202ec"
    assert cleaned("naïve → text") == "naïve → text"


def test_the_unmodified_era_fails_too() -> None:
    """By which finding, if it is one."""
    log = log_of("v7.2+F2")
    base = next(record.violation for _, record in log.entries if isinstance(record, ViolationLine))
    said = unmodified(log.header, base)
    assert said.startswith("the unmodified era fails here too (no finding on record): ")
    assert f": {base.rule}, " in said
    shipped = msgspec.structs.replace(log.header, era="v7.2+F2")
    assert "(F2, a trapped DIR drops irq_lock" in unmodified(shipped, base)
