"""Campaigns: the verdict, the figures, the folder, and that processes change nothing."""

import json
import os
import resource
import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import processes
from harness.campaign.batches import Batch
from harness.campaign.processes import Processes
from harness.campaign.record import read_record
from harness.engine.schedule import LINE_MAX
from harness.scenarios.schema import builtin_names, load_builtin
from harness.variants import ERAS
from tests.cli.support import Cli, Finish, Start

SCENARIOS = Path(__file__).resolve().parents[1] / "race" / "scenarios"
TIMES = ("seconds", "steps_per_second")


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def without_place(summary: dict[str, Any], folder: Path) -> Any:
    return json.loads(json.dumps(without_times(summary)).replace(str(folder), ""))


def test_both_eras_are_clean(cli: Cli, logs: Path) -> None:
    done = cli(
        "stress", "timer-wfi", "--schedules", 500, "--seed", 1, "--engine", "direct", "--jobs", 1
    )
    assert done.code == 0, done.out
    assert done.out.count("NOT FOUND <0.012") == 2
    lines = [line for line in done.out.splitlines() if not line.startswith("written to ")]
    assert max(map(len, lines)) <= 80
    assert "rule of three" in done.out
    assert "proved" not in done.out.lower()
    assert "seed=1 " in done.err
    campaign = json.loads((logs / "stress-1" / "campaign.json").read_text())
    assert campaign["schedules"] == 500
    assert campaign["verdict"] == "clean"
    assert sorted(p.name for p in (logs / "stress-1").iterdir()) == [
        "campaign.json", "campaign.record",
    ]  # fmt: skip


def test_verbose_tells_what_a_clean_run_is_worth(cli: Cli) -> None:
    args = ["stress", "timer-wfi", "--schedules", 40, "--seed", 1, "--engine", "direct"]
    done = cli(*args, "--jobs", 1, "--variant", "v7.2", "-v")
    assert "steps/s" in done.out
    assert "99 % would take" in " ".join(done.out.split())
    assert "proved" not in done.out.lower()


def test_jobs_and_engine_change_nothing(cli: Cli, logs: Path) -> None:
    args = ["stress", "timer-wfi", "migrate", "--variant", "v4.14", "--variant", "v4.14+1"]
    args += ["--no-shrink", "--no-kept"]
    args += ["--variant", "29", "--schedules", "600", "--seed", "7", "--json"]
    runs: list[tuple[Any, dict[str, bytes]]] = []
    for number, extra in enumerate(
        (["--jobs", 1, "--engine", "direct"], ["--jobs", 2, "--engine", "trio"]), 1
    ):
        done = cli(*args, *extra)
        assert done.code == 1
        folder = logs / f"stress-{number}"
        names = sorted(p.name for p in folder.iterdir() if p.stem != "campaign")
        written = {name: (folder / name).read_bytes() for name in names}
        runs.append((without_place(done.summary, folder), written))
    assert runs[0][0] == runs[1][0]
    assert runs[0][1] == runs[1][1]
    assert any(name.endswith(".jsonl") for name in runs[0][1])


def test_every_entry_gets_a_schedule_and_little_is_inconclusive(cli: Cli) -> None:
    done = cli("stress", "--schedules", 1, "--seed", 1, "--jobs", 1, "--json")
    assert done.code == 3
    clean = [len(ERAS) - len(load_builtin(name).unclean) for name in builtin_names()]
    assert [e["schedules"] for e in done.summary["entries"]] == [1] * sum(clean)
    assert any("never reached" in r for e in done.summary["entries"] for r in e["reasons"])


@pytest.mark.long
def test_what_is_built_on_an_era_is_not_run_where_the_era_is_not_clean(cli: Cli) -> None:
    """What fails there would be taken for the patch's doing, and end the search for what is."""
    done = cli("stress", "--variant", "v4.14+43-first", "--schedules", 1, "--jobs", 1, "--json")
    entries = [entry["scenario"] for entry in done.summary["entries"]]
    assert entries == [x for x in builtin_names() if "v4.14" not in load_builtin(x).unclean]
    alone = cli("stress", "overflow", "--variant", "v4.14+7", "--schedules", 1)
    assert alone.code == 2
    assert "era v4.14 is not clean on it" in alone.err
    assert "v4.14+7+shipped" in alone.err


def test_a_bound_that_is_hit_is_inconclusive(cli: Cli) -> None:
    done = cli(
        "stress", "timer-wfi", "--variant", "v7.2", "--schedules", 4, "--jobs", 1, "--seed", 1,
        "--knob", "steps_max=20",
    )  # fmt: skip
    assert done.code == 3
    assert "bound on steps reached in 4 of 4" in done.out


def test_seconds_are_wall_time_and_every_entry_has_its_turn(cli: Cli) -> None:
    done = cli("stress", "--seconds", "0.01", "--jobs", 1, "--engine", "direct", "--json")
    assert done.code == 0
    assert all(e["schedules"] >= 2 for e in done.summary["entries"])


def test_keep_going_keeps_three_logs_and_all_schedules(cli: Cli, logs: Path) -> None:
    done = cli(
        "stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 30, "--seed", 1, "--jobs", 1,
        "--engine", "direct", "--keep-going", "--no-shrink", "--json",
    )  # fmt: skip
    assert done.code == 1
    entry = done.summary["entries"][0]
    buckets = done.summary["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == sum(entry["broken"].values())
    assert all(cli("replay", bucket["replay"]).code == 1 for bucket in buckets)
    assert entry["schedules"] == 30
    assert sum(entry["broken"].values()) > 3
    executions = [v["execution"] for v in done.summary["violations"]]
    assert executions == sorted(executions)
    whole = list((logs / "stress-1").glob("*.jsonl"))
    assert len(whole) <= 3 * len(entry["broken"])
    for violation in done.summary["violations"]:
        assert violation["schedule"].startswith("v3;")
        file = violation["schedule_file"]
        assert (file is not None) == (len(violation["schedule"]) > LINE_MAX)
        assert file is None or Path(file).read_text().strip() == violation["schedule"]


def test_late_change_points_are_tried(cli: Cli) -> None:
    file = SCENARIOS / "enable-while-asserted.toml"
    args = [
        "--variant",
        "v7.2",
        "--seed",
        1,
        "--schedules",
        1000,
        "--no-shrink",
        "--engine",
        "direct",
    ]
    done = cli("stress", "--scenario-file", file, *args, "--json")
    assert done.code == 1
    assert {"R15", "I1"} <= {v["rule"] for v in done.summary["violations"]}


def test_keep_going_says_how_many_more_there_are(cli: Cli) -> None:
    done = cli(
        "stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 30, "--seed", 1, "--jobs", 1,
        "--engine", "direct", "--keep-going", "--no-shrink",
    )  # fmt: skip
    assert done.code == 1
    assert done.out.count("more failing schedules are not shown: see") == 1
    assert done.out.splitlines()[-1].startswith("reproduce: vgic-race replay ")
    assert done.out.splitlines()[-1].startswith("reproduce: ")


def test_round_robin_is_one_schedule(cli: Cli) -> None:
    done = cli(
        "stress", "timer-wfi", "--strategy", "round-robin", "--schedules", 50, "--jobs", 1, "--json"
    )
    assert [e["schedules"] for e in done.summary["entries"]] == [1, 1]


def test_folders_are_never_reused(cli: Cli, logs: Path) -> None:
    (logs / "stress-4").mkdir(parents=True)
    cli("stress", "timer-wfi", "--schedules", 2, "--jobs", 1)
    assert (logs / "stress-5" / "campaign.json").is_file()
    assert not list((logs / "stress-4").iterdir())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130), (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_a_signal_with_workers_running(
    start: Start, finish: Finish, logs: Path, number: int, code: int
) -> None:
    process = start("stress", "timer-wfi", "--schedules", 10_000_000, "--jobs", 2, "--json")
    assert process.stderr is not None
    line = process.stderr.readline()
    while line and "schedules," not in line:
        line = process.stderr.readline()
    os.killpg(process.pid, number)
    done = finish(process)
    assert done.code == code
    assert done.err.splitlines()[-1] == "interrupted"
    assert done.summary["interrupted"]
    assert done.summary["schedules"] > 0
    campaign = json.loads((logs / "stress-1" / "campaign.json").read_text())
    assert campaign["schedules"] == done.summary["schedules"]


STUCK = """
from harness.kvm.v4_14 import V4_14

class Stuck(V4_14):
    async def run_once(self, *args):
        while True:
            pass
"""


DEAF = """
from harness.kvm.v4_14 import V4_14

class Stuck(V4_14):
    async def run_once(self, *args):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue
"""


def test_one_that_never_comes_back_is_ended_with_its_time(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own process notices a loop, but cannot end one that takes every exception."""
    monkeypatch.setattr(processes, "LATE_CPU_SECONDS", 0.2)
    path = tmp_path / "stuck.py"
    path.write_text(DEAF)
    args = ["stress", "timer-wfi", "--variant", f"{path}:Stuck", "--seconds", 1, "--engine"]
    done = cli(*args, "direct", "--jobs", 1)
    done.refused("stuck.py:Stuck", "did not come back from schedule ", "loops or waits")


def children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_end_with_their_parent(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "stuck.py"
    path.write_text(STUCK)
    process = start(
        "stress", "timer-wfi", "--variant", f"{path}:Stuck", "--schedules", 10_000, "--jobs", 2,
        "--engine", "direct",
    )  # fmt: skip
    while not (workers := children(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < end, "a worker is left"
        time.sleep(0.05)


def test_a_killed_worker_costs_its_batch_only(
    cli: Cli, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = ["stress", "timer-wfi", "--variant", "v4.14+1", "--variant", "v7.2", "--seed", 1]
    args += ["--schedules", 400, "--engine", "direct", "--no-shrink", "--no-kept", "--json"]
    submit = Processes.submit
    killed: list[int] = []

    def submit_and_kill(self: Processes, batch: Batch) -> None:
        submit(self, batch)
        if batch.k and not killed:
            killed.append(self.procs[0].pid)
            os.kill(self.procs[0].pid, signal.SIGKILL)

    one = cli(*args, "--jobs", 1)
    monkeypatch.setattr(Processes, "submit", submit_and_kill)
    two = cli(*args, "--jobs", 2)
    assert killed
    assert one.code == two.code == 1
    both = [without_place(x.summary, logs / f"stress-{n}") for n, x in enumerate((one, two), 1)]
    assert both[0] == both[1]


def test_who_reads_no_more_ends_it_and_loses_nothing(
    cli: Cli, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_value: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("harness.cli.stress.print_json", gone)
    args = ["stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 100_000, "--seed", 1]
    done = cli(*args, "--keep-going", "--no-shrink", "--engine", "direct", "--jobs", 1, "--json")
    assert done.code == 141
    summary = json.loads((logs / "stress-1" / "campaign.json").read_text())
    assert summary["interrupted"]
    assert len(summary["violations"]) == 1 == len(read_record(logs / "stress-1").results)


@pytest.mark.parametrize(
    ("pause", "jobs"),
    [
        (0.05, 2),
        pytest.param(0.05, 1, marks=pytest.mark.long),
        pytest.param(1.3, 1, marks=pytest.mark.long),
        pytest.param(1.3, 2, marks=pytest.mark.long),
    ],
)
def test_a_second_ctrl_c_hides_nothing(
    start: Start, finish: Finish, tmp_path: Path, jobs: int, pause: float
) -> None:
    path = tmp_path / "stuck.py"
    path.write_text(STUCK)
    process = start(
        "stress", "timer-wfi", "--variant", f"{path}:Stuck", "--schedules", 10_000,
        "--jobs", jobs, "--json",
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(pause)
    os.killpg(process.pid, signal.SIGINT)
    if jobs == 1 and pause < 1:
        # Nobody but a third one can end it here.
        time.sleep(1.2)
        os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    # 2 where it is told that the variant did not come back; a shell says 130 of the others.
    assert done.code in (2, 130, -signal.SIGINT)
    assert done.summary["interrupted"]
    assert done.summary["verdict"] == "inconclusive"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_hides_nothing(start: Start, finish: Finish, logs: Path, jobs: int) -> None:
    process = start(
        "stress", "timer-wfi", "--variant", "v4.14+23", "--schedules", 400, "--seed", 1,
        "--jobs", jobs,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    done = finish(process)
    assert done.code == 1
    assert "error: cannot write" in done.err
    assert "File too large" in done.err
    assert done.out.splitlines()[-1].startswith("reproduce: vgic-race replay 'v3;")


def test_a_folder_that_cannot_be_written_hides_nothing(cli: Cli, logs: Path) -> None:
    logs.write_text("a file")
    done = cli(
        "stress", "timer-wfi", "--variant", "v4.14+23", "--schedules", 400, "--seed", 1,
        "--jobs", 1, "--engine", "direct",
    )  # fmt: skip
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith(f"error: cannot make a folder in {str(logs)!r}")
    assert "VIOLATED" in done.out


BUGS = [
    ("migrate", "v4.14+1"), ("migrate", "v4.14+3"), ("timer-busy", "v4.14+4"),
    ("timer-wfi", "v4.14+23"), ("migrate", "v7.2+1"), ("timer-wfi", "v7.2+14"),
    ("timer-wfi", "v7.2+29"), ("migrate", "v4.14+bound-1"), ("timer-wfi", "v4.14+bound-2"),
    ("timer-busy", "v7.2+bound-3"),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "variant"), BUGS)
def test_planted_bugs_are_found_and_reproduced(cli: Cli, scenario: str, variant: str) -> None:
    done = cli(
        "stress", scenario, "--variant", variant, "--schedules", 20_000, "--seed", 1,
        "--engine", "direct", "--jobs", 1, "--no-shrink",
    )  # fmt: skip
    assert done.code == 1, done.out
    lines = done.out.splitlines()
    words = shlex.split(lines[-1])
    assert words[:3] == ["reproduce:", "vgic-race", "replay"]
    assert any(line.lstrip().startswith("log: ") for line in lines)
    rule = lines[next(i for i, s in enumerate(lines) if s.startswith("VIOLATED ")) + 1]
    again = cli(*words[2:], "--json")
    assert again.code == 1
    assert again.summary["violations"][0]["rule"] == rule.split(":")[0].strip()
