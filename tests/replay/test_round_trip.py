"""What a failure prints brings the same failure back; what is not the same is said to be so."""

import shlex
from pathlib import Path

import msgspec
import pytest

from harness.cli.main import main
from harness.log.reader import read_log
from harness.spec import RunSpec
from tests.replay.support import first_failure, random_schedule

FAILING = (
    ("v4.14+3", "timer-wfi", "random"),
    ("v4.14+3", "timer-busy", "pct"),
    ("v4.14+4", "timer-busy", "random"),
    ("v4.14+23", "timer-wfi", "random"),
    ("v7.2+1", "migrate", "random"),
    ("v7.2+14", "timer-wfi", "random"),
    ("v4.14+bound-2", "migrate", "random"),
)


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send the logs of commands to a folder of the test."""
    monkeypatch.setenv("VGIC_RACE_LOGS", str(tmp_path / "logs"))
    return tmp_path / "logs"


def broken(text: str) -> list[tuple[str, str, str]]:
    summary = msgspec.json.decode(text.splitlines()[-1])
    assert summary["type"] == "summary"
    return [(v["type"], v["rule"], v["text"]) for v in summary["violations"]]


@pytest.mark.parametrize(("variant", "scenario", "strategy"), FAILING)
def test_printed_reproducer(
    capsys: pytest.CaptureFixture[str], variant: str, scenario: str, strategy: str
) -> None:
    seed = first_failure(scenario, variant, strategy, 600)
    assert seed >= 0, f"{variant} is not caught in {scenario} any more: choose another"
    arguments = [
        "run",
        scenario,
        "--variant",
        variant,
        "--strategy",
        strategy,
        "--seed",
        str(seed),
        "--engine",
        "direct",
    ]
    assert main([*arguments, "--json"]) == 1
    found = broken(capsys.readouterr().out)
    assert found
    assert main(arguments) == 1
    last = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert last[:3] == ["reproduce:", "vgic-race", "replay"]
    for engine in ("direct", "trio"):
        assert main([*last[2:], "--engine", engine, "--json"]) == 1
        assert broken(capsys.readouterr().out) == found


@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_replay_of_a_log_is_identical_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], logs: Path, engine: str
) -> None:
    assert main(["run", "migrate", "--variant", "v4.14", "--seed", "5"]) == 0
    log = logs / "run-migrate-v4.14" / "execution.jsonl"
    before = log.read_bytes()
    assert b'"seed":5' in before
    assert main(["replay", str(log), "--engine", engine]) == 0
    assert "identical" in capsys.readouterr().err
    assert sorted(p.name for p in logs.iterdir()) == ["run-migrate-v4.14"]
    assert log.read_bytes() == before


def test_replay_of_a_schedule_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schedule"
    file.write_text(f"{random_schedule('migrate', 'v4.14', 2)}\n")
    assert main(["replay", str(file)]) == 0
    assert "every choice" in capsys.readouterr().err


def test_another_variant_diverges(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = str(random_schedule("timer-wfi", "v4.14", 2)).replace("=v4.14", "=v7.2")
    assert main(["replay", schedule]) == 4
    out = capsys.readouterr().out
    assert out.startswith("diverged at step ")
    assert "likely cause: " in out
    assert main(["replay", schedule, "--json"]) == 4
    summary = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert summary["verdict"] == "inconclusive"
    assert summary["diverged"]["step"] > 0


def test_a_task_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = "v2;timer-wfi;variant=v4.14;pcpus=1,vcpus=1,lrs=4;;preemptions:0/2,v0*3,i7"
    assert main(["replay", schedule]) == 4
    out = capsys.readouterr().out
    assert "diverged at step 4" in out
    assert "no such task" in out


def changed(log: Path, old: bytes, new: bytes) -> Path:
    """Write a copy of a log with something replaced."""
    data = log.read_bytes()
    assert old in data
    copy = log.with_name("changed.jsonl")
    copy.write_bytes(data.replace(old, new, 1))
    return copy


def test_a_log_that_differs(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "timer-busy", "--variant", "v4.14"])
    log = logs / "run-timer-busy-v4.14" / "execution.jsonl"
    number = next(entry.meta for entry in read_log(log).entries if entry.meta.event == "inject")
    capsys.readouterr()
    assert main(["replay", str(changed(log, b'"accepted":true', b'"accepted":false'))]) == 4
    out = capsys.readouterr().out
    assert f"diverged at step {number.step}\n" in out
    assert f"log line {number.seq}," in out
    assert "variant's code or the model changed" in out


def test_the_header_tells_the_cause(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "timer-busy", "--variant", "v4.14"])
    log = logs / "run-timer-busy-v4.14" / "execution.jsonl"
    version = read_log(log).header.version
    capsys.readouterr()
    older = changed(log, f'"version":"{version}"'.encode(), b'"version":"0.0.1"')
    assert main(["replay", str(older)]) == 4
    assert "recorded by vgic-race 0.0.1" in capsys.readouterr().out


def test_replay_of_a_log_that_ends_early(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "timer-busy", "--variant", "v4.14"])
    log = logs / "run-timer-busy-v4.14" / "execution.jsonl"
    partial = log.with_name("execution.jsonl.partial")
    partial.write_bytes(log.read_bytes()[:-1000])
    capsys.readouterr()
    assert main(["replay", str(partial)]) == 0
    assert "as far as the old log goes" in capsys.readouterr().err


SLEEPY = """
from harness.kvm.v7_2 import V7_2


class Sleepy(V7_2):
    async def soft_timer_expired(self, h, v):
        return False
"""


def test_what_only_the_drain_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A soft timer that wakes nobody, the rules that see it at once off: LATE, by the drain."""
    build = RunSpec.build
    monkeypatch.setattr(
        RunSpec, "build", lambda self, task_class: build(self, task_class, frozenset({"L5"}))
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sleepy.py").write_text(SLEEPY)
    log = tmp_path / "sleepy.jsonl"
    arguments = ["run", "timer-wfi", "--variant", "sleepy.py:Sleepy", "--json", "--log", str(log)]
    for seed in range(200):
        if main([*arguments, "--seed", str(seed)]) == 1:
            break
        log.unlink()
    found = broken(capsys.readouterr().out)
    assert {(kind, rule) for kind, rule, _ in found} == {("late", "L5")}
    entries = read_log(log).entries
    assert {e.meta.event for e in entries if e.meta.event == "violation"}
    assert any(getattr(e.record, "phase", "") == "nudged" for e in entries)
    for engine in ("direct", "trio"):
        assert main(["replay", "sleepy.jsonl", "--engine", engine, "--json"]) == 1
        captured = capsys.readouterr()
        assert "identical" in captured.err
        assert broken(captured.out) == found


def test_line_ends_that_were_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "a.jsonl"
    assert main(["run", "timer-wfi", "--log", str(log)]) == 0
    log.write_bytes(log.read_bytes().replace(b"\n", b"\r\n"))
    capsys.readouterr()
    assert main(["replay", str(log)]) == 0
    assert "identical" in capsys.readouterr().err
    log.write_bytes(log.read_bytes().replace(b'"op":"enter"', b'"op":"entre"'))
    assert main(["replay", str(log)]) == 4
    assert "entre" in capsys.readouterr().out


def test_nowhere_to_write_hides_nothing(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write_text("a file, no folder")
    run = ["run", "timer-wfi", "--seed", "1"]
    for arguments in (
        run,
        [*run, "--log", str(tmp_path / "no" / "such" / "folder.jsonl")],
        ["replay", str(random_schedule("timer-wfi", "v7.2", 1))],
    ):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out.splitlines()[-1].startswith("reproduce: ")
        assert err.splitlines()[-1].startswith("error: cannot ")
        assert main([*arguments, "--json"]) == 2
        out, _ = capsys.readouterr()
        assert msgspec.json.decode(out.splitlines()[-1])["log"] is None
