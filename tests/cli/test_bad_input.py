"""Bad input of every sort: exit code 2, one clear line, no traceback."""

from pathlib import Path

import pytest

from tests.cli.support import Cli

VARIANT = """
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14

class Thing: pass
class Bare(Kvm): era = "v7.2"
class OtherEra(V4_14): era = "v7.2"
class NoMachine(V4_14): machine_class = 3
class Raises(V4_14):
    async def run_once(self, *args):
        raise ZeroDivisionError("on purpose")
class Leaves(V4_14):
    async def run_once(self, *args):
        raise SystemExit(0)
class Exits(V4_14):
    async def run_once(self, *args):
        import os
        os._exit(3)
class Kills(V4_14):
    async def run_once(self, *args):
        import os
        os.kill(os.getpid(), 9)
"""
FORWARD = '[[forward]]\nintid = 40\nkind = "edge"\n'
SCENARIO = 'name = "x"\ntitle = "t"\n[[vcpu]]\nprogram = ["timer 100", "idle 1"]\n'


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(VARIANT)
    return path


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["timer-wfy"], ["unknown scenario 'timer-wfy'", "'timer-wfi'"]),
        (["--variant", "v7.4"], ["unknown variant 'v7.4'", "'v7.2'"]),
        (["--variant", "v4.14+14"], ["'v4.14+14' cannot be expressed", "4.14"]),
        (["--strategy", "randon"], ["unknown strategy 'randon'", "'random'"]),
        (["--knob", "gic_lagg=1"], ["unknown knob 'gic_lagg'", "'gic_lag'"]),
        (["--knob", "gic_lag=99"], ["gic_lag", "0 to 8"]),
        (["--knob", "gic_lag"], ["NAME=VALUE"]),
        (["--knob", "gic_messages=queud"], ["'queud'", "'queued'"]),
        (["--pcpus", "99"], ["pcpus=99", "1 to 32"]),
        (["--vcpus", "0"], ["vcpus=0", "1 to 32"]),
        (["--lrs", "17"], ["lrs=17", "1 to 16"]),
        (["--schedules", "1", "--seconds", "1"], ["--schedules", "--seconds"]),
        (["--variant", "no.such.module:X"], ["no.such.module", "cannot import"]),
        (["--variant", "nowhere.py:X"], ["no file 'nowhere.py'"]),
        (["--scenario-file", "nowhere.toml"], ["nowhere.toml", "No such file"]),
        (["--scenario-file", "scenario.txt"], ["expected a .toml file"]),
        (["--variant", "a;b.py:X"], ["';'"]),
        (["--rules", "guest,R233"], ["unknown rule 'R233'", "'R23'"]),
    ],
)
def test_options(cli: Cli, logs: Path, args: list[str], words: list[str]) -> None:
    cli("stress", *args).refused(*words)
    assert not logs.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = \n", ["line 1"]),
        (SCENARIO.replace("[[vcpu]]", "pcpus = 99\n[[vcpu]]"), ["line 3", "<= 32"]),
        (SCENARIO.replace("title", "titel"), ["titel", "line 2"]),
        (SCENARIO.replace("idle 1", "idel 1"), ["idel"]),
        (SCENARIO + '[sometimes]\n"v7.2" = ["never herd of"]\n', ["never herd of"]),
        (SCENARIO.replace('"t"', "3"), ["title", "str"]),
        ("x = " + "[" * 100_000 + "]" * 100_000, ["nested too deep"]),
        ("x = " + "{a=" * 30_000 + "1" + "}" * 30_000, ["nested too deep"]),
        (".".join(["a"] * 60_000) + " = 1", ["line 1", "key of more than 100 parts"]),
        (SCENARIO + "pcpus = " + "9" * 5_000, ["a number or a date that is out of range"]),
        (SCENARIO.replace("100", "9" * 5_000), ["program line 1", "letters left out"]),
        ('deactivate = "handlr"\n' + SCENARIO, ["line 1", "'handlr'", "handler, later, other"]),
        (SCENARIO + FORWARD + "pcpu = 1\n", ["forward 0", "pcpu = 1", "expected 0"]),
        (SCENARIO + FORWARD + "vcpu = 5\n", ["forward 0", "vcpu = 5", "expected 0"]),
        (SCENARIO.replace("idle 1", "sgi 3 6"), ["'sgi 3 6'", "no VCPU 6", "expected 0"]),
        (SCENARIO + FORWARD * 200, ["forward", "length <= 32"]),
        (SCENARIO + "[[device]]\nintid = 40\n" * 200, ["device", "length <= 32"]),
    ],
)
def test_scenario_files(cli: Cli, tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    cli("stress", "--scenario-file", path).refused(*words)


def test_names_that_are_not_utf_8(cli: Cli) -> None:
    cli("stress", "--scenario-file", b"\xff.toml".decode(errors="surrogateescape")).refused(
        "argument", "not UTF-8"
    )
    cli("replay", "\udcff").refused("argument", "not UTF-8")


def test_what_never_ends_is_not_read_to_its_end(cli: Cli) -> None:
    cli("replay", "/dev/zero").refused("/dev/zero", "not text")
    cli("log", "show", "/dev/zero").refused("/dev/zero", "not text")


def test_choices_are_listed(cli: Cli) -> None:
    cli("stress", "--knob", "gic_messages=queud").refused("queued", "synchronous", "lagging")


def test_a_scenario_of_ones_own(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SCENARIO)
    done = cli("stress", "--scenario-file", path, "--schedules", 6, "--jobs", 1, "--json")
    assert done.code == 0
    assert {e["scenario"] for e in done.summary["entries"]} == {str(path)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Thing", ["is no variant", "subclass"]),
        ("Bare", ["lacks the method"]),
        ("Missing", ["no class", "'Missing'"]),
        ("OtherEra", ["OtherEra.era is 'v7.2'", "expected 'v4.14'"]),
        ("NoMachine", ["NoMachine.machine_class is 3", "model.machine:Machine"]),
    ],
)
def test_variants_that_are_none(cli: Cli, mine: Path, name: str, words: list[str]) -> None:
    cli("stress", "--variant", f"{mine}:{name}").refused(*words)


def test_a_variant_that_does_not_compile(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def (:\n")
    cli("stress", "--variant", f"{path}:X").refused("cannot import", "SyntaxError")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_variant_that_raises_is_named(cli: Cli, mine: Path, jobs: int) -> None:
    args = ["stress", "timer-wfi", "--variant", f"{mine}:Raises", "--schedules", 200]
    done = cli(*args, "--jobs", jobs, "--seed", 1)
    done.refused("mine.py:Raises", "ZeroDivisionError: on purpose", "run_once", "schedule 0")


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("engine", ["trio", "direct"])
def test_a_variant_that_exits_does_not_end_the_command(
    cli: Cli, mine: Path, jobs: int, engine: str
) -> None:
    args = ["stress", "timer-wfi", "--variant", f"{mine}:Leaves", "--schedules", 200]
    done = cli(*args, "--jobs", jobs, "--seed", 1, "--engine", engine)
    done.refused("mine.py:Leaves", "SystemExit: 0", "run_once", "schedule 0")


@pytest.mark.parametrize("engine", ["trio", "direct"])
@pytest.mark.parametrize(
    ("name", "what"), [("Raises", "ZeroDivisionError: on purpose"), ("Leaves", "SystemExit: 0")]
)
def test_run_and_replay_name_a_variant_that_raises(
    cli: Cli, mine: Path, engine: str, name: str, what: str
) -> None:
    variant = f"{mine}:{name}"
    done = cli("run", "timer-wfi", "--variant", variant, "--engine", engine)
    done.refused(variant, what, "run_once", "'timer-wfi'")
    schedule = f"v2;timer-wfi;variant={variant};pcpus=1,vcpus=1,lrs=4;;v0"
    cli("replay", schedule, "--engine", engine).refused(variant, what, "run_once")


def test_run_wants_one_variant(cli: Cli) -> None:
    cli("run", "timer-wfi", "--variant", "1").refused("v4.14+1 and v7.2+1", "say which")
    done = cli("run", "timer-wfi", "--variant", "14", "--json")
    assert done.summary["variant"] == "v7.2+14"


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "0", "-1"])
def test_seconds_that_are_no_time(cli: Cli, seconds: str) -> None:
    cli("stress", "--seconds", seconds).refused("--seconds")


def test_a_log_cannot_be_a_folder(cli: Cli, tmp_path: Path) -> None:
    cli("run", "timer-wfi", "--log", ".").refused("is a folder")
    cli("run", "timer-wfi", "--log", tmp_path).refused("is a folder")


def test_a_size_of_many_digits(cli: Cli) -> None:
    text = f"v2;timer-wfi;variant=v7.2;pcpus={'9' * 5000},vcpus=1,lrs=4;;v0"
    cli("replay", text).refused("pcpus")


def test_one_view_at_a_time(cli: Cli) -> None:
    cli("log", "show", "x.jsonl", "--columns", "--json").refused("--columns and --json")
    cli("log", "show", "x.jsonl", "--life", "--columns").refused("--life and --columns")


def test_a_built_in_variant_that_raises_is_our_fault(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("not on purpose")

    monkeypatch.setattr("harness.kvm.v7_2.V7_2.run_once", broken)
    done = cli("stress", "timer-wfi", "--variant", "v7.2", "--schedules", 2, "--jobs", 1)
    assert done.code == 70
    assert "internal error: variant 'v7.2' raised ZeroDivisionError" in done.err


def test_a_worker_that_dies_ends_the_campaign(cli: Cli, mine: Path, logs: Path) -> None:
    args = ["stress", "timer-wfi", "--variant", f"{mine}:Kills", "--schedules", 200, "--jobs", 2]
    done = cli(*args)
    done.refused("by signal 9", "and so did a second one, in schedule ")
    assert "a worker process ended abruptly" in done.err
    assert "mine.py:Kills" in done.err
    assert (logs / "stress-1" / "campaign.json").is_file()


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("v2;timer-wfi", ["garbled schedule", "6"]),
        ("v2;timer-wfi;variant=v7.2;pcpus=1,vcpus=1,lrs=4;;v0**3", ["choice 1", "v0**3"]),
        ("v2;timer-wfi;variant=v7.2;pcpus=x,vcpus=1,lrs=4;;v0", ["pcpus"]),
        ("v2;timer-wfi;variant=v7.3;pcpus=1,vcpus=1,lrs=4;;v0", ["'v7.3'", "'v7.2'"]),
        ("gibberish", ["neither a schedule", "file"]),
    ],
)
def test_garbled_schedules(cli: Cli, schedule: str, words: list[str]) -> None:
    cli("replay", schedule).refused(*words)


@pytest.mark.parametrize("command", [["log", "show"], ["replay"]])
def test_a_log_that_is_none(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"event": "header"}\n{"event": 3}\n')
    cli(*command, path).refused("x.jsonl")
