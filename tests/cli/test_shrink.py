"""``shrink`` as a user types it: files, bad input, Ctrl-C; and ``stress``, which shrinks."""

import os
import shlex
import signal
from functools import cache
from pathlib import Path

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import Schedule
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from tests.cli.support import Cli, Finish, Start


@cache
def recorded(scenario: str, variant: str, *, violated: bool = True) -> Schedule:
    """The schedule of an execution that fails, or does not."""
    spec = RunSpec.make(scenario, variant)
    world = spec.build(DirectEngine.task_class)
    for seed in range(200):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if bool(outcome.violations) == violated:
            return spec.schedule(outcome)
    raise AssertionError("nothing found")


def test_a_schedule_file_is_shrunk_beside_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "bug.schedule"
    file.write_text(f"{recorded('timer-busy', 'v4.14+4')}\n")
    done = cli("shrink", file)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("R18: ")
    assert lines[1].startswith("before: ")
    assert lines[2].startswith("after: ")
    assert any("departure" in line for line in lines)
    shrunk = tmp_path / "bug.shrunk.schedule"
    words = shlex.split(lines[-1])
    assert words == ["reproduce:", "vgic-race", "replay", str(shrunk)]
    again = cli("replay", shrunk, "--json")
    assert again.code == 1
    assert again.summary["violations"][0]["rule"] == "R18"
    assert cli("replay", tmp_path / "bug.shrunk.jsonl").code == 1
    assert not list(tmp_path.glob("*.partial"))
    assert not list(tmp_path.glob("*so-far*"))
    assert "so-far" in done.err


def test_what_is_typed_goes_to_the_logs(cli: Cli, logs: Path, tmp_path: Path) -> None:
    schedule = recorded("timer-busy", "v4.14+4")
    done = cli("shrink", schedule, "--json", "--seconds", "0.001")
    assert done.code == 1
    summary = done.summary
    assert summary["ended"] == "seconds"
    assert summary["verdict"] == "violated"
    assert summary["after"]["steps"] == summary["violations"][0]["steps"]
    folder = logs / "shrink-timer-busy-v4.14-4"
    assert Path(summary["schedule_file"]) == folder / "shrunk.schedule"
    own = tmp_path / "own.schedule"
    assert cli("shrink", schedule, "--seconds", "0.001", "--out", own).code == 1
    assert own.is_file()


def test_bad_input_is_refused(cli: Cli, tmp_path: Path) -> None:
    cli("shrink", "v3;x").refused("garbled schedule")
    cli("shrink", tmp_path / "none").refused("neither a schedule")
    cli("shrink", recorded("timer-wfi", "v7.2", violated=False)).refused("breaks no rule")
    cli("shrink", "x", "--seconds", "0").refused("--seconds")
    schedule = str(recorded("timer-busy", "v4.14+4"))
    cli("shrink", schedule, "--out", tmp_path / "x.jsonl").refused("x.jsonl", "expected .schedule")
    cli("shrink", schedule, "--out", tmp_path / "no" / "where", "--seconds", "0.001").refused("no")


def test_what_belongs_to_other_code_diverges(cli: Cli, tmp_path: Path) -> None:
    schedule = str(recorded("timer-busy", "v4.14+4"))
    done = cli("shrink", schedule.replace("variant=v4.14+4", "variant=v7.2"))
    assert done.code == 4
    (line,) = done.err.splitlines()
    assert line.startswith("error: it cannot be run again: choice ")
    assert "since this was recorded" in line

    file = tmp_path / "bug.schedule"
    file.write_text(f"{schedule}\n")
    assert cli("shrink", file, "--seconds", "0.001").code == 1
    log = tmp_path / "bug.shrunk.jsonl"
    log.write_text(log.read_text().replace('"R18"', '"R19"'))
    done = cli("shrink", log)
    assert done.code == 4
    assert "the log says that rule R19 is broken" in done.err


def test_ctrl_c_keeps_the_shortest_so_far(start: Start, finish: Finish, tmp_path: Path) -> None:
    file = tmp_path / "bug.schedule"
    file.write_text(f"{recorded('overflow-dir', 'v7.2+45')}\n")
    process = start("shrink", file, "--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("shrinking: ")
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert done.summary["ended"] == "interrupted"
    kept = Schedule.load(str(tmp_path / "bug.shrunk.schedule"))
    assert str(kept) == done.summary["violations"][0]["schedule"]


@pytest.mark.parametrize("shrinks", [True, False])
def test_stress_shrinks_what_it_finds(cli: Cli, logs: Path, shrinks: bool) -> None:
    args = ["timer-busy", "--variant", "v4.14+4", "--schedules", 30, "--seed", 1, "--jobs", 1]
    done = cli("stress", *args, "--engine", "direct", *([] if shrinks else ["--no-shrink"]))
    assert done.code == 1
    words = shlex.split(done.out.splitlines()[-1])
    assert words[:3] == ["reproduce:", "vgic-race", "replay"]
    assert words[3].endswith(".shrunk.schedule") == shrinks
    assert len(list((logs / "stress-1").glob("*.shrunk.*"))) == 2 * shrinks
    assert cli("replay", words[3]).code == 1
