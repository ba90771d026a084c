"""A schedule from elsewhere: through pipes and mails, from other code, as a regression test."""

import io
from pathlib import Path

import msgspec
import pytest

from harness.cli.main import main
from harness.engine.compact import pack
from harness.engine.schedule import Origin, Schedule
from harness.intake import SCHEDULE_MAX
from harness.spec import RunSpec, portable
from harness.strategies.random_walk import RandomWalk
from tests.replay.support import first_failure, one, random_schedule


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send the logs of commands to a folder of the test, and work there."""
    monkeypatch.setenv("VGIC_RACE_LOGS", str(tmp_path / "logs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "logs"


class Pipe:
    """Standard input with something in it."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def failing(scenario: str = "migrate", variant: str = "v7.2+1") -> Schedule:
    seed = first_failure(scenario, variant, "random", 600)
    return one(RunSpec.make(scenario, variant), RandomWalk(seed))[0]


@pytest.mark.parametrize("form", ["plain", "compact", "mail", "log"])
def test_standard_input(
    form: str, logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = failing()
    quoted = "".join(f"> {line}\r\n" for line in pack(schedule).splitlines())
    data = {
        "plain": f"{schedule}\n".encode(),
        "compact": pack(schedule).encode(),
        "mail": f"Hi,\r\n\r\n{quoted}\r\nBye\r\n".encode(),
    }
    if form == "log":
        assert main(["replay", str(schedule)]) == 1
        data["log"] = next(logs.glob("*/execution.jsonl")).read_bytes()
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", Pipe(data[form]))
    assert main(["replay", "-", "--json"]) == 1
    out, err = capsys.readouterr()
    assert msgspec.json.decode(out.splitlines()[-1])["violations"][0]["rule"] == "R23"
    assert ("identical" if form == "log" else "every choice") in err
    assert "note" not in err


def test_the_compact_form_itself_or_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = failing()
    Path("mail.txt").write_text("Hello!\n" + pack(schedule), encoding="utf-8-sig")
    assert main(["replay", "mail.txt"]) == 1
    assert main(["replay", pack(schedule)]) == 1
    assert "\n  R23: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/dev/zero", "nor a file that can be read: not text"),
        ("long.schedule", f"is longer than any schedule ({SCHEDULE_MAX >> 20} MiB)"),
        ("none.jsonl", "cannot read the log 'none.jsonl': No such file"),
        ("latin.txt", "'latin.txt' is neither a schedule nor a log: not text"),
        ("-", "standard input: not text"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    source: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("long.schedule").open("wb") as file:
        file.write(b"v3;" + b"a" * SCHEDULE_MAX)
    Path("latin.txt").write_bytes(b"v3;\xe9")
    monkeypatch.setattr("sys.stdin", Pipe(b"v3;" + b"\0" * SCHEDULE_MAX))
    assert main(["replay", source]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_there_may_be_no_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert main(["replay", "-"]) == 2
    assert "the schedule is empty" in capsys.readouterr().err


def test_a_scenario_of_ones_own_travels_along(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Path("mine.toml")
    mine.write_text(
        'name = "mine"\ntitle = "t"\npcpus = 2\npreemptions = 1\n'
        '[[vcpu]]\nprogram = ["timer 100", "idle 1"]\n'
    )
    schedule = one(RunSpec.make("mine.toml", "v7.2"), RandomWalk(1))[0]
    assert schedule.toml == ""
    whole = portable(schedule)
    mine.unlink()
    assert main(["replay", str(schedule)]) == 2
    assert "No such file" in capsys.readouterr().err
    for form in (str(whole), pack(whole)):
        assert main(["replay", form]) == 0
        out, err = capsys.readouterr()
        assert "every choice" in err
        assert out.splitlines()[-1].startswith("reproduce: vgic-race replay logs/")
    broken = msgspec.structs.replace(whole, toml=whole.toml.replace("timer 100", "tmer 100"))
    assert main(["replay", str(broken)]) == 2
    assert "scenario 'mine.toml', as the schedule carries it, vcpu 0" in capsys.readouterr().err


def test_other_code_says_so_before_it_diverges(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = failing()
    other = msgspec.structs.replace(schedule, origin=Origin("", schedule.origin.variant, "0000"))
    assert main(["replay", str(other)]) == 1
    out, err = capsys.readouterr()
    assert "\n  R23: " in out
    assert err.startswith("note: vgic-race's own code has changed (code digest 0000, here ")
    assert "the variant" not in err
    wrong = msgspec.structs.replace(other, variant="v4.14", origin=Origin("", "0001", "0000"))
    assert main(["replay", str(wrong)]) == 4
    out, err = capsys.readouterr()
    assert err.startswith("note: the variant's source has changed (variant digest 0001, here ")
    assert "  likely cause: the variant's source has changed (variant digest 0001, here " in out
    assert main(["replay", str(msgspec.structs.replace(wrong, origin=Origin()))]) == 4
    out, err = capsys.readouterr()
    assert "note" not in err
    assert "  likely cause: scenario 'migrate' or variant 'v4.14' is not what" in out


def test_a_log_of_other_code(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = failing()
    code = f"code={schedule.origin.code}"
    assert main(["replay", str(schedule)]) == 1
    log = next(logs.glob("*/execution.jsonl"))
    data = log.read_bytes()
    old = log.with_name("old.jsonl")
    old.write_bytes(data.replace(code.encode(), b"code=00000000"))
    capsys.readouterr()
    assert main(["replay", str(old)]) == 1
    assert "identical" in capsys.readouterr().err
    old.write_bytes(old.read_bytes().replace(b'"op":"enter"', b'"op":"entre"'))
    assert main(["replay", str(old)]) == 4
    assert "likely cause: vgic-race's own code has changed" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_a_regression_test(engine: str, capsys: pytest.CaptureFixture[str], logs: Path) -> None:
    text = str(failing("timer-wfi", "v4.14+3"))
    fixed = text.replace("v4.14+3", "v4.14") + ",i7"
    for schedule, expected, code, last in (
        (text, "violated", 0, "violated, as expected"),
        (text, "clean", 1, "violated, but clean was expected"),
        (fixed, "clean", 0, "clean, as expected"),
        (fixed, "violated", 1, "clean, but violated was expected"),
    ):
        arguments = ["replay", schedule, "--expect", expected, "--engine", engine]
        assert main(arguments) == code
        out, err = capsys.readouterr()
        assert out.splitlines()[-1] == last
        assert ("do not fit any more and were left out" in err) == (schedule == fixed)
        assert ("reproduce: vgic-race replay" in out) == (code == 1)
        assert main([*arguments, "--json"]) == code
        summary = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
        assert summary["verdict"] == last.split(",")[0]
        assert summary["as_expected"] == (code == 0)
        assert main(["replay", summary["schedule"]]) == (1 if schedule == text else 0)
        capsys.readouterr()
    assert not list(logs.glob("*.partial"))


def test_a_bound_is_neither(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = random_schedule("timer-busy", "v7.2", 0, steps_max="10")
    for expected in ("clean", "violated"):
        assert main(["replay", str(schedule), "--expect", expected]) == 1
        out = capsys.readouterr().out
        assert "the bound on 'steps' was reached" in out
        assert out.splitlines()[-1] == f"inconclusive, but {expected} was expected"
