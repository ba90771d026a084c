"""``explore`` as a user types it: verdicts, bounds, what is kept, and what is refused."""

import shlex
import signal
from pathlib import Path

import pytest

from tests.cli.support import Cli, Finish, Start

TINY = """
name = "tiny"
title = "a timer, and a guest that idles"
preemptions = 1

[[vcpu]]
program = ["timer 100", "spin 1 2"]

[explore]
vcpu = [{ program = ["timer 100", "idle 1"] }]
preemptions = 0
"""
REMEMBERS = """
from harness.kvm.v7_2 import V7_2

class Remembers(V7_2):
    seen = []

    def entry_is_refused(self, t):
        self.seen.append(t.v)
        return super().entry_is_refused(t)

class Reads(V7_2):
    def entry_is_refused(self, t):
        return self.machine.clock.now > 0 and super().entry_is_refused(t)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return file


def test_what_is_proved_says_for_what(cli: Cli, tiny: Path) -> None:
    done = cli("explore", tiny, "--variant", "v7.2")
    assert done.code == 0
    assert done.out.startswith("PROVED  tiny, v7.2\n")
    assert "timer 100; idle 1," in done.out
    assert "gic_lag 1" in done.out
    whole = cli("explore", tiny, "--variant", "v7.2", "--whole", "--json")
    assert whole.summary["verdict"] == "proved"
    assert "spin 1 2" in whole.out


def test_a_violation_is_replayed_in_both_engines(cli: Cli, tiny: Path) -> None:
    done = cli("explore", tiny, "--variant", "v4.14+23", "--json")
    assert done.code == 1
    first = done.summary["violations"][0]
    assert first["shortest"]
    for engine in ("direct", "trio"):
        again = cli("replay", first["log"], "--engine", engine, "--json")
        assert again.code == 1
        assert again.summary["violations"][0]["rule"] == first["rule"]
    text = cli("explore", tiny, "--variant", "v4.14+23", "--any")
    assert "there may be a shorter one" in text.out
    command = shlex.split(next(x for x in text.out.splitlines() if "vgic-race replay" in x))
    assert cli(*command[1:]).code == 1


def test_a_search_that_a_bound_stops_goes_on(cli: Cli, tmp_path: Path, tiny: Path) -> None:
    whole = cli("explore", tiny, "--variant", "v4.14", "--whole", "--json")
    part = cli("explore", tiny, "--variant", "v4.14", "--whole", "--states", 2_500, "--json")
    assert part.code == 3
    explored = part.lines[0]
    assert explored["bound"] == "states"
    rest = cli("explore", "--resume", explored["store"], "--json")
    assert rest.code == 0
    for what in ("states", "transitions", "terminal"):
        assert rest.lines[0][what] == whole.lines[0][what]
    store = Path(explored["store"])
    store.write_bytes(store.read_bytes()[:-7])
    cli("explore", "--resume", store).refused("damaged")
    cli("explore", "--resume", tiny).refused("is no search")
    cli("explore", "--resume", tmp_path / "none").refused("cannot read")
    cli("explore", tiny, "--resume", store).refused("give none")


@pytest.mark.long
def test_a_search_on_two_cpus_goes_on(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    guests = '[[vcpu]]\nprogram = ["work 1"]\n' * 2
    file.write_text(f'name = "two"\ntitle = "two"\npcpus = 2\npreemptions = 1\n{guests}')
    part = cli("explore", file, "--variant", "v4.14", "--states", 2_500, "--json").lines[0]
    assert part["bound"] == "states"
    assert part["passes"] >= 1
    rest = cli("explore", "--resume", part["store"], "--json")
    assert rest.code == 0
    assert rest.lines[0]["mirrored"] == 2
    whole = cli("explore", file, "--variant", "v4.14", "--json")
    for what in ("states", "terminal"):
        assert rest.lines[0][what] == whole.lines[0][what]


def test_a_livelock_is_replayed_in_both_engines(cli: Cli) -> None:
    asked = ("explore", "spi-level", "--variant", "v4.14+57", "--knob", "preemptions=0")
    done = cli(*asked, "--rules", "R1", "--json")
    assert done.code == 1
    [found] = done.summary["violations"]
    assert found["type"] == "livelock"
    for engine in ("direct", "trio"):
        again = cli("replay", found["log"], "--engine", engine, "--json")
        assert again.code == 1
        assert again.summary["violations"][0]["rule"] == "L2"


def test_a_proof_says_which_states_it_reaches(cli: Cli) -> None:
    done = cli("explore", "timer-phys", "--variant", "v4.14", "--knob", "preemptions=0", "--json")
    sometimes = done.lines[0]["sometimes"]
    assert "guest acknowledged its physical timer" in sometimes["reached"]
    assert not sometimes["unseen"]


def test_bounds_on_switches_are_said(cli: Cli, tiny: Path) -> None:
    done = cli("explore", tiny, "--variant", "v7.2", "--switches", 12, "--preemptions", 2, "--json")
    assert done.code == 0
    assert "at most 12 switches between tasks" in done.lines[0]["for"]
    assert done.lines[0]["cut"] > 0


def test_a_variant_that_remembers_outside_the_machine_is_refused(cli: Cli, tiny: Path) -> None:
    file = tiny.with_name("mine.py")
    file.write_text(REMEMBERS)
    cli("explore", tiny, "--variant", f"{file}:Remembers").refused("Remembers.seen", "vcpu_state")
    cli("explore", tiny, "--variant", f"{file}:Reads").refused("recheck_requests read clock")


def test_ctrl_c_keeps_what_was_done(start: Start, finish: Finish, logs: Path) -> None:
    # With a bound on switches nothing has to be learnt first.
    process = start("explore", "migrate", "--whole", "--variant", "v7.2", "--switches", "250")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("migrate, v7.2: ")
    while " states, " not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert "INCONCLUSIVE  migrate, v7.2  (interrupted)" in done.out
    assert list(logs.glob("*/search.store"))
