"""Logs and traces give entries; lives and messages have ids; lines are chosen."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import UsageError
from harness.log.latency import LATENCIES, life_rows
from harness.log.select import Selection, parse_range, parse_selection
from harness.log.source import LOG, TRACE, Source, Told, is_trace, name_life, open_source, told
from harness.log.stages import ARMED, IDLE, STAGES, next_stage
from harness.log.summary import figures_of
from model import facts
from model.facts import Fact
from model.gic.lr import EMPTY, PENDING, Lr
from model.identity import VTIMER
from tests.unit.log.recorded import NAME, recorded

TIMER = 27
LR = Lr(vintid=TIMER, state=PENDING, hw=True, pintid=TIMER)
KERNEL: list[tuple[int, int, Fact]] = [
    (1_000, 4, facts.Loaded(0, 1)),
    (2_000, 5, facts.Injected(1, 0, TIMER, level=True, accepted=True)),
    (2_500, 6, facts.Queued(0, TIMER)),
    (3_000, 9, facts.LrWritten(1, 0, EMPTY, LR)),
    (3_100, 10, facts.Entered(0, 1)),
    (4_000, 11, facts.AckedByGuest(1, TIMER)),
    (5_000, 12, facts.DeactivatedByGuest(1, TIMER)),
    (6_000, 20, facts.Exited(0, 1, "", 0)),
    (7_000, 21, facts.Injected(1, 0, TIMER, level=True, accepted=True)),
]
TEXT = "# tracer: nop\n   kvm-vcpu-0-12  [001] d..1.  1.0: kvm_entry: PC: 0x0\n"


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is a trace, and what has these facts in it."""

    def facts_of(lines: Iterable[bytes]) -> Iterator[tuple[int, int, Fact]]:
        assert list(lines) == TEXT.encode().splitlines()
        return iter(KERNEL)

    module: Any = ModuleType("harness.trace.facts")
    module.facts_of = facts_of
    monkeypatch.setitem(sys.modules, "harness.trace.facts", module)
    path = tmp_path / "trace.txt"
    path.write_text(TEXT)
    return path


def log_of(scenario: str = "smp-mix", variant: str = "v7.2") -> Source:
    log = recorded(scenario, variant).log
    return Source(str(NAME), LOG, log, log.entries)


def test_what_a_file_is_its_content_says(tmp_path: Path, trace: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(recorded("smp-mix", "v7.2").data)
    source = open_source(str(path))
    assert (source.kind, source.whose) == (LOG, "smp-mix, variant v7.2")
    assert open_source(str(trace)).kind == TRACE
    path.write_bytes(b"\x1f\x8b\x08")
    assert is_trace(path)
    path.write_bytes(b"hello\n")
    assert not is_trace(path)
    with pytest.raises(UsageError, match="not JSON"):
        open_source(str(path))
    with pytest.raises(UsageError, match="cannot read the log"):
        open_source(str(tmp_path / "none"))


def test_a_trace_has_lines_for_steps_and_ids_of_lives(trace: Path) -> None:
    lines = list(told(open_source(str(trace))))
    metas = [line.entry.meta for line in lines]
    assert [(meta.t, meta.step) for meta in metas[:2]] == [(1_000, 4), (2_000, 5)]
    assert {line.entry.meta.task for line in lines} == {""}
    named = [name_life(line.life) for line in lines if line.is_about and line.life]
    assert named == ["v0/27/1"] * 5 + ["v0/27/2"]
    (first, second) = life_rows(told(open_source(str(trace))))
    assert first.latency("to_lr", first.ns) == 1_000
    assert first.latency("to_ack", first.steps) == 6
    assert first.latency("handling", first.ns) == 1_000
    assert (first.is_whole, second.is_whole) == (True, False)
    assert second.latency("to_ack", second.ns) is None
    figures = figures_of(open_source(str(trace)))
    assert figures.vcpus[0]["entries"] == figures.vcpus[0]["exits"] == 1
    assert figures.span == (17, 6_000)


def test_each_message_has_an_id_of_its_own() -> None:
    ids: dict[str, list[str]] = {"deactivation-sent": [], "deactivation-arrived": []}
    for line in told(log_of()):
        if line.message:
            ids[line.entry.meta.event].append(line.message)
    sent, arrived = ids.values()
    assert sent
    assert len(set(sent)) == len(sent)
    assert set(arrived) <= set(sent)
    assert len(set(arrived)) == len(arrived)


def test_lives_of_a_log_are_the_lines_own() -> None:
    rows = life_rows(told(log_of()))
    assert len({row.life for row in rows}) == len(rows)
    whole = [row for row in rows if row.is_whole]
    assert whole
    for row in whole:
        for name in LATENCIES:
            steps = row.latency(name, row.steps)
            assert steps is None or steps >= 0
        took = row.latency("to_ack", row.steps)
        assert took is None or took == row.steps["acked"] - row.steps["asserted"]
        assert row.began_step <= row.steps["acked"] <= row.ended_step


CHOICES: tuple[Selection, ...] = (
    Selection(irq=TIMER), Selection(irq=8192), Selection(tasks=frozenset({"v"})),
    Selection(tasks=frozenset({"v1"})), Selection(pcpu=1), Selection(vcpu=1),
    Selection(events=frozenset({"entry", "exit"})), Selection(steps=(20, 90)),
    Selection(time=(None, 10_000)), Selection(),
)  # fmt: skip


def fits(choice: Selection, line: Told) -> bool:
    """What each choice means, in other words."""
    meta, record = line.entry
    values = [getattr(record, name, None) for name in ("vintid", "intid")]
    values += [meta.vintid, line.life.intid if line.is_about and line.life else None]
    return all(
        (
            choice.irq is None or choice.irq in values,
            not choice.tasks or any(meta.task.startswith(task) for task in choice.tasks),
            choice.pcpu is None or meta.pcpu == choice.pcpu,
            choice.vcpu is None or choice.vcpu in (meta.vcpu, line.life and line.life.vcpu),
            not choice.events or meta.event in choice.events,
            meta.step in range(choice.steps[0] or 0, (choice.steps[1] or 10**6) + 1),
            meta.t <= (choice.time[1] or 10**9),
        )
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_lines_are_chosen(choice: Selection) -> None:
    lines = list(told(log_of()))
    kept = [line for line in lines if choice.keeps(line)]
    assert kept == [line for line in lines if fits(choice, line)]
    assert kept
    assert choice.is_all == (len(kept) == len(lines))


def test_ranges() -> None:
    assert parse_range("3:7", "x") == (3, 7)
    assert parse_range("3:", "x") == (3, None)
    assert parse_range(":7", "x") == (None, 7)
    assert parse_range("5", "x") == (5, 5)
    assert parse_range(None, "x") == (None, None)
    for text in ("", ":", "a", "7:3", "-1:2", "1:2:3", "9" * 50):
        with pytest.raises(UsageError, match="x "):
            parse_range(text, "x")
    with pytest.raises(UsageError, match="did you mean 'entry'"):
        parse_selection(events=("exit,entri",))
    assert parse_selection(tasks=("v0, i0", "c")).tasks == {"v0", "i0", "c"}


def test_stages_follow_the_life() -> None:
    told_so: list[tuple[Fact, str]] = [
        (facts.GuestTimer(0, VTIMER, 100, 1, 100), "armed"),
        (facts.LineChanged(0, TIMER, level=True), "asserted"),
        (facts.Queued(0, TIMER), "queued"),
        (facts.LrWritten(0, 0, EMPTY, LR), "in LR"),
        (facts.LrWritten(0, 0, LR, EMPTY), "queued"),
        (facts.LrWritten(0, 0, EMPTY, LR), "in LR"),
        (facts.AckedByGuest(0, TIMER), "active"),
        (facts.Completed(0, TIMER), "completed"),
        (facts.LineChanged(0, TIMER, level=False), "completed"),
        (facts.DeactivatedByGuest(0, TIMER), "idle"),
    ]
    stage = IDLE
    for fact, after in told_so:
        stage = next_stage(stage, fact)
        assert stage == after, fact
    assert next_stage("asserted", facts.LineChanged(0, TIMER, level=False)) == IDLE
    assert next_stage(ARMED, facts.GuestTimer(0, VTIMER, 100, 0, 100)) == IDLE
    assert next_stage("queued", facts.Unqueued(0, TIMER)) == IDLE
    assert {next_stage(stage, facts.Halted(0)) for stage in STAGES} == set(STAGES)
