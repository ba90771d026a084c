"""Failures that are kept for the next campaign."""

import os
from pathlib import Path

import pytest

from harness.campaign.batches import Batch, Finding
from harness.campaign.kept import OF_ENTRY_MOST, PASSES, Store, default_store
from harness.campaign.plan import Plan
from harness.campaign.pool import Inline
from harness.campaign.workers import Worker
from harness.engine.schedule import Schedule
from harness.spec import RunSpec

BROKEN = RunSpec.make("timer-busy", "v4.14+4")


def failing(count: int) -> list[Finding]:
    """What a broken variant shows first."""
    plan = Plan(specs=(BROKEN,), seed=1, schedules=60, engine="direct", keep_going=True)
    worker: Worker = Inline(plan, lambda _entry, _finding: None).worker
    return worker.run(Batch(0, 0, 60)).findings[:count]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".vgic-race" / "failures", tmp_path)


def test_a_failure_is_kept_once_and_fails_again(store: Store) -> None:
    [finding] = failing(1)
    store.keep(BROKEN, finding)
    store.keep(BROKEN, finding)
    [failed] = store.of(BROKEN)
    assert [path.stem for path, _ in store.files()] == [failed.id]
    assert (store.folder.parent / ".gitignore").read_text().endswith("*\n")
    plan = Plan(specs=(BROKEN,), seed=9, schedules=1, engine="direct")
    worker = Inline(plan, lambda _entry, _finding: None).worker
    result = worker.run(Batch(0, -1, 1, k=1, again=failed.schedules))
    assert [f.violations[0].rule for f in result.findings] == [failed.rule]
    assert result.findings[0].index == -1
    mended = Plan(specs=(RunSpec.make("timer-busy", "v4.14"),), seed=9, engine="direct")
    worker = Inline(mended, lambda _entry, _finding: None).worker
    result = worker.run(Batch(0, -1, 1, k=1, again=("v3;garbled", *failed.schedules)))
    assert (result.done, result.findings, result.crash) == (1, [], None)


def test_how_short_it_can_be_comes_first(store: Store) -> None:
    one, two = failing(2)
    store.keep(BROKEN, one)
    store.keep(BROKEN, one, Schedule.parse(two.schedule))
    [failed] = store.of(BROKEN)
    assert failed.schedules == (two.schedule, one.schedule)
    store.keep(BROKEN, one)
    assert store.of(BROKEN) == [failed]


def test_what_passes_often_enough_is_dropped(store: Store) -> None:
    store.keep(BROKEN, failing(1)[0])
    for number in range(1, PASSES):
        [failed] = store.of(BROKEN)
        assert not store.note(failed, violated=False)
        assert store.of(BROKEN)[0].passed == number
    store.note(store.of(BROKEN)[0], violated=True)
    assert store.of(BROKEN)[0].passed == 0
    for _ in range(PASSES):
        [failed] = store.of(BROKEN)
        dropped = store.note(failed, violated=False)
    assert dropped
    assert store.all() == []


def test_an_entry_has_so_many_at_most(store: Store) -> None:
    found = failing(OF_ENTRY_MOST + 4)
    assert len(found) == OF_ENTRY_MOST + 4
    for finding in found:
        store.keep(BROKEN, finding)
    assert len(store.all()) == OF_ENTRY_MOST


def test_paths_mean_the_same_however_they_are_spelt(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    specs = [
        RunSpec(scenario, variant, 1, 1, 4)
        for scenario in ("a.toml", "./a.toml", str(tmp_path / "a.toml"))
        for variant in ("sub/mine.py:Mine", str(tmp_path / "sub" / "mine.py:Mine"))
    ]
    assert len({store.key(spec) for spec in specs}) == 1
    key = store.key(specs[0])
    monkeypatch.chdir("sub")
    assert store.key(RunSpec("../a.toml", "mine.py:Mine", 1, 1, 4)) == key
    assert store.key(RunSpec("a.toml", "mine.py:Mine", 1, 1, 4)) != key


def test_trouble_is_noted_and_nothing_else(store: Store) -> None:
    store.folder.parent.write_text("a file in the way")
    store.keep(BROKEN, failing(1)[0])
    assert "cannot write to" in store.trouble
    assert store.all() == []


def test_what_is_no_failure_is_left_alone(store: Store) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "a.json").write_text("{}")
    (store.folder / "b.json").write_bytes(b"\xff")
    assert store.all() == []
    assert len(list(store.folder.iterdir())) == 2


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    monkeypatch.setenv("VGIC_RACE_KEPT", "off")
    assert default_store() is None
    monkeypatch.setenv("VGIC_RACE_KEPT", str(tmp_path / "x"))
    found = default_store()
    assert found is not None
    assert found.folder == tmp_path / "x"
    monkeypatch.delenv("VGIC_RACE_KEPT")
    found = default_store()
    assert found is not None
    assert found.folder == Path(os.path.realpath(tmp_path)) / ".vgic-race" / "failures"
