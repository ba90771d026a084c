"""A project's chain of processors: in its order, with what is bound, and the log still a log."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.log.chain import Chain, execution_id, project_chain
from harness.log.reader import read_log
from harness.log.record import Recorded, record
from harness.project import Project, Settings, load_project
from harness.spec import RunSpec
from tests.replay.support import random_schedule

SCHEDULE = random_schedule("timer-wfi", "v7.2", 1)
MODULE = """
import structlog

def stamp(logger, method, event):
    event["who"] = event.get("actor", "nobody")
    event["run"] = f'{event["scenario"]} {event["execution"]}'
    return event

def no_locks(logger, method, event):
    if event["event"] in ("lock", "unlock"):
        raise structlog.DropEvent
    return event

def fails(logger, method, event):
    if event["event"] == "entry":
        raise ValueError("no\\nway")
    return event

def returns_nothing(logger, method, event):
    pass

def strange(logger, method, event):
    return {**event, "x": object()}

number = 3
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Make the current folder a project that says this of logs."""
    (tmp_path / "own_log_processors.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)

    def say(text: str) -> Path:
        (tmp_path / "pyproject.toml").write_text(f"[tool.vgic-race]\n{text}\n")
        return tmp_path

    yield say
    sys.path[:] = before
    sys.modules.pop("own_log_processors", None)


def logged(folder: Path, name: str = "log.jsonl") -> tuple[Recorded, list[dict[str, Any]]]:
    spec = RunSpec.from_schedule(SCHEDULE)
    taken = record(spec, SCHEDULE, folder / name, seed=1)
    return taken, [msgspec.json.decode(line) for line in taken.path.read_bytes().splitlines()]


def test_without_a_word_there_is_no_chain(project: Callable[[str], Path]) -> None:
    assert project_chain() is None or load_project().folder is not None
    folder = project("")
    assert project_chain() is None
    assert logged(folder)[0].plain is None


def test_the_chain_alone_changes_no_byte(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project("")
    plain = logged(folder)[0].path.read_bytes()
    chain = Chain(Project(folder, Settings()))
    monkeypatch.setattr("harness.log.record.project_chain", lambda: chain)
    taken, _ = logged(folder, "chained.jsonl")
    assert taken.path.read_bytes() == plain == taken.plain


def test_own_functions_come_in_their_order_and_see_what_is_bound(
    project: Callable[[str], Path],
) -> None:
    functions = ", ".join(f'"own_log_processors:{name}"' for name in ("stamp", "no_locks"))
    _, lines = logged(project(f"log_processors = [{functions}]"))
    kinds = {line["event"] for line in lines}
    assert "entry" in kinds
    assert not kinds & {"lock", "unlock"}
    step = next(line for line in lines if line["event"] == "step" and line["task"] == "v0")
    assert step["who"] == "the thread of VCPU 0"
    assert step["run"] == f"timer-wfi {execution_id(str(SCHEDULE))}"
    assert lines[-1]["who"] == "nobody"
    assert lines[0]["scenario"] == "timer-wfi"
    # What was bound is not written.
    assert not {"scenario", "execution", "actor"} & step.keys()


def test_context_is_kept_where_it_is_asked_for(project: Callable[[str], Path]) -> None:
    _, lines = logged(project("log_context = true"))
    step = next(line for line in lines if line["event"] == "step")
    assert (step["scenario"], step["variant"]) == ("timer-wfi", "v7.2")
    assert step["execution"] == execution_id(str(SCHEDULE))


def test_what_is_dropped_is_not_in_the_header_either(project: Callable[[str], Path]) -> None:
    taken, lines = logged(project('log_drop = ["lock", "unlock", "step"]'))
    log = read_log(taken.path)
    assert not {"lock", "unlock"} & set(log.header.facts)
    assert not {"lock", "unlock", "step"} & {entry.meta.event for entry in log.entries}
    assert taken.plain is not None
    assert len(lines) < taken.plain.count(b"\n")


def test_rename_and_redact(project: Callable[[str], Path]) -> None:
    text = 'log_redact = ["schedule", "ns"]\n[tool.vgic-race.log_rename]\nt = "ns"'
    _, lines = logged(project(text))
    assert lines[0]["schedule"] == "(redacted)"
    assert all(line["ns"] == "(redacted)" and "t" not in line for line in lines[1:])


def test_console(project: Callable[[str], Path]) -> None:
    folder = project('log_render = "console"')
    taken = record(RunSpec.from_schedule(SCHEDULE), SCHEDULE, folder / "log.txt")
    text = taken.path.read_text()
    assert "{" not in text.splitlines()[1]
    assert "op=acquire" in text
    assert taken.plain is not None
    assert text.count("\n") == taken.plain.count(b"\n")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('log_processors = ["nope"]', "expected package.module:function"),
        ('log_processors = ["no_such_module_x:f"]', "cannot import 'no_such_module_x'"),
        ('log_processors = ["own_log_processors:stmp"]', "did you mean 'stamp'"),
        ('log_processors = ["own_log_processors:number"]', "expected a function, found 3"),
        ('log_processors = "x"', "Expected `array`"),
        ('log_drop = ["lok"]', "did you mean 'lock'"),
        ('log_drop = ["header"]', "unknown event to drop: 'header'"),
        ('log_render = "xml"', "log_render is 'xml', expected one of: json, console"),
        ("log_proccessors = []", "did you mean 'log_processors'"),
        ("= 3", "is no TOML"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    project: Callable[[str], Path], said: str, words: str
) -> None:
    folder = project(said)
    with pytest.raises(UsageError) as caught:
        logged(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(folder.glob("log*")) == []


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("fails", "'own_log_processors:fails', a 'entry' line: ValueError: no way"),
        ("returns_nothing", "a 'header' line: it returned a NoneType, expected the event"),
        ("strange", "a 'header' line cannot be written"),
    ],
)
@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_a_function_that_fails_is_named(
    project: Callable[[str], Path], function: str, words: str, engine: str
) -> None:
    folder = project(f'log_processors = ["own_log_processors:{function}"]')
    with pytest.raises(UsageError, match="line") as caught:
        record(RunSpec.from_schedule(SCHEDULE), SCHEDULE, folder / "log.jsonl", engine=engine)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    # What was written until then stays.
    assert [path.name for path in folder.glob("log*")] == ["log.jsonl.partial"]
