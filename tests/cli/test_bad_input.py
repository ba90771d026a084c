"""Bad input of every sort: exit code 2, one clear line, no traceback."""

import pytest

VARIANT = """
from harness.kvm.flow import Kvm
from harness.kvm.seed import Seed

class Thing: pass
class Bare(Kvm): era = "lazy"
class Raises(Seed):
    async def run_once(self, *args):
        raise ZeroDivisionError("on purpose")
class Exits(Seed):
    async def run_once(self, *args):
        import os
        os._exit(3)
"""
SCENARIO = 'name = "x"\ntitle = "t"\n[[vcpu]]\nprogram = ["timer 100", "idle 1"]\n'


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(VARIANT)
    return path


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["timer-wfy"], ["unknown scenario 'timer-wfy'", "'timer-wfi'"]),
        (["--variant", "lazi"], ["unknown variant 'lazi'", "'lazy'"]),
        (["--variant", "seed-14"], ["'seed-14' cannot be expressed", "4.14"]),
        (["--strategy", "randon"], ["unknown strategy 'randon'", "'random'"]),
        (["--knob", "gic_lagg=1"], ["unknown knob 'gic_lagg'", "'gic_lag'"]),
        (["--knob", "gic_lag=99"], ["gic_lag", "0 to 8"]),
        (["--knob", "gic_lag"], ["NAME=VALUE"]),
        (["--knob", "gic_messages=queud"], ["'queud'", "'queued'"]),
        (["--pcpus", "99"], ["pcpus=99", "1 to 8"]),
        (["--vcpus", "0"], ["vcpus=0", "1 to 8"]),
        (["--lrs", "17"], ["lrs=17", "1 to 16"]),
        (["--schedules", "1", "--seconds", "1"], ["--schedules", "--seconds"]),
        (["--variant", "no.such.module:X"], ["no.such.module", "cannot import"]),
        (["--variant", "nowhere.py:X"], ["no file 'nowhere.py'"]),
        (["--scenario-file", "nowhere.toml"], ["nowhere.toml", "No such file"]),
        (["--scenario-file", "scenario.txt"], ["expected a .toml file"]),
        (["--variant", "a;b.py:X"], ["';'"]),
    ],
)
def test_options(cli, logs, args, words):
    cli("stress", *args).refused(*words)
    assert not logs.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = \n", ["line 1"]),
        (SCENARIO.replace("[[vcpu]]", "pcpus = 99\n[[vcpu]]"), ["line 3", "<= 8"]),
        (SCENARIO.replace("title", "titel"), ["titel", "line 2"]),
        (SCENARIO.replace("idle 1", "idel 1"), ["idel"]),
        (SCENARIO + '[sometimes]\nlazy = ["never herd of"]\n', ["never herd of"]),
        (SCENARIO.replace('"t"', "3"), ["title", "str"]),
    ],
)
def test_scenario_files(cli, tmp_path, text, words):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    cli("stress", "--scenario-file", path).refused(*words)


def test_a_scenario_of_ones_own(cli, tmp_path):
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
    ],
)
def test_variants_that_are_none(cli, mine, name, words):
    cli("stress", "--variant", f"{mine}:{name}").refused(*words)


def test_a_variant_that_does_not_compile(cli, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def (:\n")
    cli("stress", "--variant", f"{path}:X").refused("cannot import", "SyntaxError")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_variant_that_raises_is_named(cli, mine, jobs):
    args = ["stress", "timer-wfi", "--variant", f"{mine}:Raises", "--schedules", 200]
    done = cli(*args, "--jobs", jobs, "--seed", 1)
    done.refused("mine.py:Raises", "ZeroDivisionError: on purpose", "run_once", "schedule 0")


def test_a_built_in_variant_that_raises_is_our_fault(cli, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError("not on purpose")

    monkeypatch.setattr("harness.kvm.lazy.Lazy.run_once", broken)
    done = cli("stress", "timer-wfi", "--variant", "lazy", "--schedules", 2, "--jobs", 1)
    assert done.code == 70
    assert "internal error: variant 'lazy' raised ZeroDivisionError" in done.err


def test_a_worker_that_dies_ends_the_campaign(cli, mine, logs):
    args = ["stress", "timer-wfi", "--variant", f"{mine}:Exits", "--schedules", 200, "--jobs", 2]
    done = cli(*args)
    assert done.code == 70
    assert "a worker process ended abruptly" in done.err
    assert "mine.py:Exits" in done.err
    assert (logs / "stress-1" / "campaign.json").is_file()


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("v1;timer-wfi", ["garbled schedule", "6"]),
        ("v1;timer-wfi;variant=lazy;pcpus=1,vcpus=1,lrs=4;;v0**3", ["choice 1", "v0**3"]),
        ("v1;timer-wfi;variant=lazy;pcpus=x,vcpus=1,lrs=4;;v0", ["pcpus"]),
        ("v1;timer-wfi;variant=lasy;pcpus=1,vcpus=1,lrs=4;;v0", ["'lasy'", "'lazy'"]),
        ("gibberish", ["neither a schedule", "file"]),
    ],
)
def test_garbled_schedules(cli, schedule, words):
    cli("replay", schedule).refused(*words)


@pytest.mark.parametrize("command", [["log", "show"], ["replay"]])
def test_a_log_that_is_none(cli, tmp_path, command):
    path = tmp_path / "x.jsonl"
    path.write_text('{"event": "header"}\n{"event": 3}\n')
    cli(*command, path).refused("x.jsonl")
