"""Same scenario, variant and schedule: the same bytes, whoever writes them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.engine.engines import make_engine
from harness.log.reader import read_log
from harness.log.record import record
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from tests.replay.support import ERAS, ROOT, SCENARIOS, random_schedule

KNOBS: tuple[dict[str, str], ...] = (
    {},
    {"gic_messages": "synchronous"},
    {"gic_messages": "lagging", "eoimode": "1"},
    {"gic_version": "2", "lr_on_guest_deactivate": "polled"},
)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("seed", range(3))
def test_both_engines_write_the_same_bytes(
    tmp_path: Path, scenario: str, era: str, seed: int
) -> None:
    schedule = random_schedule(scenario, era, seed, **KNOBS[seed])
    spec = RunSpec.from_schedule(schedule)
    logs = [
        record(spec, schedule, tmp_path / f"{engine}.jsonl", engine=engine)
        for engine in ("direct", "trio")
    ]
    assert [log.divergence for log in logs] == [None, None]
    direct, trio = (log.path.read_bytes() for log in logs)
    assert direct == trio
    assert read_log(logs[0].path).footer is not None


def test_nothing_of_engine_host_or_path_is_in_the_header(tmp_path: Path) -> None:
    schedule = random_schedule("timer-wfi", "v4.14", 1)
    spec = RunSpec.from_schedule(schedule)
    (tmp_path / "deep").mkdir()
    here = record(spec, schedule, tmp_path / "a.jsonl", seed=1)
    there = record(spec, schedule, tmp_path / "deep" / "b.jsonl", seed=1, engine="trio")
    header = here.path.read_bytes().splitlines()[0]
    assert header == there.path.read_bytes().splitlines()[0]
    assert b"trio" not in header
    assert str(tmp_path).encode() not in header


SCRIPT = """
import sys
from pathlib import Path
from harness.engine.schedule import Schedule
from harness.log.record import record
from harness.spec import RunSpec
schedule = Schedule.parse(sys.argv[1])
record(RunSpec.from_schedule(schedule), schedule, Path(sys.argv[2]), engine=sys.argv[3])
"""


@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_another_process_with_another_hash_seed(tmp_path: Path, engine: str) -> None:
    schedule = random_schedule("migrate", "v7.2", 7)
    spec = RunSpec.from_schedule(schedule)
    mine = record(spec, schedule, tmp_path / "mine.jsonl").path.read_bytes()
    for hash_seed in ("0", "4711"):
        theirs = tmp_path / f"{hash_seed}.jsonl"
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(schedule), str(theirs), engine],
            env=environment,
            cwd=tmp_path,
            check=True,
        )
        assert theirs.read_bytes() == mine


def code_of_tasks(engine_name: str) -> set[object]:
    """Run an execution and return every code object of tasks and hypervisor that ran in it."""
    from harness.engine.execution import Execution

    schedule = random_schedule("migrate", "v7.2", 7)
    engine = make_engine(engine_name)
    world = RunSpec.from_schedule(schedule).build(engine.task_class)
    seen: set[object] = set()

    def profile(frame: object, event: str, arg: object) -> None:
        code = frame.f_code  # type: ignore[attr-defined]
        where = Path(code.co_filename)
        if event == "call" and where.parent.name in ("actors", "guest", "kvm"):
            seen.add(code)

    def campaign() -> Any:
        yield Execution(world, Replay(schedule.choices))

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        engine.drive(campaign())
    finally:
        sys.setprofile(before)
    return seen


def test_both_engines_run_the_same_task_files() -> None:
    direct, trio = code_of_tasks("direct"), code_of_tasks("trio")
    assert direct == trio
    files = {Path(code.co_filename).name for code in direct}  # type: ignore[attr-defined]
    assert {
        "vcpu.py",
        "host_irq.py",
        "soft_timer.py",
        "gic.py",
        "clock.py",
        "device.py",
        "host_scheduler.py",
        "cpu.py",
        "handlers.py",
        "arm.py",
        "kvm_main.py",
        "arch_timer.py",
        "irqchip.py",
        "vgic.py",
        "vgic_v3.py",
        "v7_2.py",
    } <= files


def test_a_bound_is_reached_again(tmp_path: Path) -> None:
    schedule = random_schedule("timer-wfi", "v7.2", 3, steps_max="40")
    recorded = record(RunSpec.from_schedule(schedule), schedule, tmp_path / "bound.jsonl")
    assert recorded.divergence is None
    assert recorded.outcome.bound == "steps"
    assert recorded.verdict == "inconclusive"
