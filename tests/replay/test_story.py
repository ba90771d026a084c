"""Every numbered step of the document's two lists is an event of the log, in its order."""

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.log.reader import Entry, Log, read_log
from harness.log.story import BUSY, IDLE, STORIES, Story
from harness.log.views import columns, life_text, story_marks
from model import facts


@pytest.fixture(scope="module", params=STORIES, ids=lambda story: story.name)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Return a story and the log of ``run SCENARIO --variant v4.14``, where it must be told."""
    story: Story = request.param
    path = tmp_path_factory.mktemp("story") / "log.jsonl"
    assert main(["run", story.scenario, "--variant", "v4.14", "--log", str(path)]) == 0
    return story, read_log(path)


def test_numbers_are_the_documents() -> None:
    assert [n for n, _ in IDLE.sentences] == [*map(str, range(1, 9)), "11", "10", "9", "12"]
    assert [n for n, _ in BUSY.sentences] == ["1", "2", "4", "5", "6", "7", "7"]


def test_every_step_is_an_event_in_order(told: tuple[Story, Log]) -> None:
    story, log = told
    marks = [mark for mark in story_marks(log).values() if mark.story == story.name]
    assert [(m.number, m.event) for m in marks] == [(c.number, c.event) for c in story.clues]
    assert [m.seq for m in marks] == sorted(m.seq for m in marks)
    assert len({m.seq for m in marks}) == len(marks)
    assert dict.fromkeys(m.number for m in marks) == dict.fromkeys(n for n, _ in story.sentences)


def test_the_state_changes(told: tuple[Story, Log]) -> None:
    story, log = told
    by_line = {entry.meta.seq: entry for entry in log.entries}
    marks = [mark for mark in story_marks(log).values() if mark.story == story.name]
    entries = [by_line[mark.seq] for mark in marks]
    at = {(m.number, m.event): e.record for m, e in zip(marks, entries, strict=True)}
    timer = at["2", "guest-timer"]
    saved = at["5", "timer-save"]
    assert isinstance(timer, facts.GuestTimer)
    assert isinstance(saved, facts.TimerSaved)
    assert (saved.ctl & 1, saved.cval, saved.left) == (1, timer.cval, 0)
    active = next(r for r in at.values() if isinstance(r, facts.ActiveChanged))
    assert (active.intid, active.after, active.cause) == (27, True, "write")
    restored = next(r for r in at.values() if isinstance(r, facts.TimerRestored))
    assert (restored.ctl & 1, restored.cval) == (1, timer.cval)
    if story is IDLE:
        armed, fired = at["6", "soft-armed"], at["8", "soft-fired"]
        assert isinstance(armed, facts.Armed)
        assert isinstance(fired, facts.Expired)
        assert armed.expiry == timer.deadline
        assert not fired.early
        time_of = {(m.number, m.event): e.meta.t for m, e in zip(marks, entries, strict=True)}
        assert time_of["7", "block"] < timer.deadline <= time_of["8", "soft-fired"]
    else:
        left = at["4", "exit"]
        assert isinstance(left, facts.Exited)
        assert left.reason == "irq"
    assert between(log, marks[0].seq, marks[-1].seq) == []


def between(log: Log, first: int, last: int) -> list[Entry]:
    """Return where the host handled the timer's interrupt: never, in these stories."""
    return [
        entry
        for entry in log.entries
        if first <= entry.meta.seq <= last
        and isinstance(entry.record, facts.AckedByHost)
        and entry.record.intid == 27
    ]


def test_the_views_say_so(told: tuple[Story, Log]) -> None:
    story, log = told
    marks = story_marks(log)
    for view in (columns(log, marks), life_text(log, marks)):
        lines = list(view)
        found = [line.split("[")[1] for line in lines if f"[document {story.name} " in line]
        expected = [f"document {story.name} {clue.number}]" for clue in story.clues]
        assert found == expected


def test_the_log_is_pure(told: tuple[Story, Log]) -> None:
    _, log = told
    assert "story" not in {entry.meta.event for entry in log.entries}


def test_era_lazy_tells_no_story(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert main(["run", "timer-wfi", "--log", str(path)]) == 0
    assert story_marks(read_log(path)) == {}
