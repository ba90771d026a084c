"""Every edit is a smaller scenario that can be run, and a plan that means the same there."""

from functools import cache

import pytest

from harness.scenarios.schema import builtin_names, parse
from harness.scenarios.writer import to_toml
from harness.search.case import Case
from harness.search.edits import KINDS, Edit, edits
from harness.search.plan import Block, Plan
from harness.search.programs import fewer_lines, fitting, programmed, with_lines, without_vcpu
from harness.search.rename import Rename
from harness.search.trial import Stage
from harness.spec import RunSpec


@cache
def case_of(name: str) -> Case:
    return Case.of(RunSpec.make(name, "v7.2"))


def size(case: Case) -> int:
    """How much a scenario has."""
    s = case.scenario
    lines = [line for vcpu in s.vcpu for line in vcpu.program if line != "work 1"]
    numbers = [int(line.split()[-1]) - 1 for line in lines if line.split()[0] in ("work", "spin")]
    counts = [d.edges for d in s.device] + [f.events for f in s.forward]
    return sum(
        (10 * s.pcpus, 10 * len(s.vcpu), 2 * len(lines), len(s.device), len(s.forward), s.handler,
         s.preemptions, s.resets, s.saves, *numbers, *counts)
    )  # fmt: skip


@pytest.mark.parametrize("name", builtin_names())
def test_no_edit_adds_anything(name: str) -> None:
    case = case_of(name)
    for kind in KINDS:
        for edit in edits(case, kind):
            assert size(edit.case) <= size(case) or kind in ("plain", "knobs"), edit.what
            text = to_toml(edit.case.scenario)
            assert parse(text, edit.what) == edit.case.scenario
    assert list(edits(case, "programs"))


def test_edits_of_the_largest_are_of_all_kinds() -> None:
    of = {kind: list(edits(case_of("smp-mix"), kind)) for kind in KINDS}
    assert {kind for kind, found in of.items() if found} >= {
        "vcpus", "devices", "pcpus", "stimuli", "programs", "instructions",
    }  # fmt: skip
    assert [e.what for e in edits(case_of("overflow"), "plain")] != []


def by(case: Case, kind: str, what: str) -> Edit:
    return next(edit for edit in edits(case, kind) if edit.what == what)


def test_what_becomes_of_a_plan() -> None:
    plan = Plan(
        (Block("v0", 2), Block("s1", 1), Block("v2", 3), Block("i1", 1), Block("v1", 1)),
        (("h", "preempted-vcpu", (0, 1, 2)), ("v2", "deactivated", (1,)), ("x0", "edges0", (1,))),
    )
    without = Rename.of_vcpu(1)(plan)
    assert [b.task for b in without.blocks] == ["v0", "v1", "i1"]
    assert without.draws == (
        ("h", "preempted-vcpu", (0, 0, 1)), ("v1", "deactivated", (1,)), ("x0", "edges0", (1,)),
    )  # fmt: skip
    assert [b.task for b in Rename.of_pcpu(1, merged=True)(plan).blocks][3] == "i0"
    assert "i1" not in {b.task for b in Rename.of_pcpu(1, merged=False)(plan).blocks}
    assert Rename.of_device(0)(plan).draws == plan.draws[:2]
    assert Rename()(plan) == plan


def test_programs_fit_again() -> None:
    assert fitting(["idle 1", "timer 5", "idle 2"]) == ("timer 5", "idle 1")
    assert fitting(["pidle 1"]) == ("work 1",)
    shorter = dict(fewer_lines(("timer 100", "idle 1", "work 2")))
    assert fitting(shorter["1"]) == ("work 2",)
    assert shorter["3"] == ("timer 100", "idle 1")
    vcpus = case_of("smp-mix").scenario.vcpu
    left = without_vcpu(vcpus, 1)
    assert len(left) == 3
    assert not any("sgi 1 1" in vcpu.program for vcpu in left)


def test_timers_are_programmed_before_the_guest_runs() -> None:
    first = case_of("timer-wfi").scenario.vcpu[0]
    found = dict(programmed(with_lines(first, ("work 2", "timer 100", "idle 1"))))
    assert list(found) == ["timer 0 at the start", "timer 100 at the start"]
    set_to_100 = found["timer 100 at the start"]
    assert (set_to_100.timer, set_to_100.program) == (100, ("work 2", "idle 1"))
    again = dict(programmed(set_to_100))
    assert list(again) == ["timer off at the start", "timer 0 at the start"]
    assert again["timer off at the start"].program == ("work 2",)
    physical = dict(programmed(with_lines(first, ("ptimer 60", "pidle 1"))))
    assert physical["ptimer 60 at the start"].program == ("pidle 1",)


def test_a_register_goes_with_what_fills_it() -> None:
    case = case_of("overflow")
    found = [edit.case.scenario for edit in edits(case, "registers")]
    assert {(s.lrs, len(s.forward)) for s in found} == {(1, 2), (1, 3)}
    assert not list(edits(case.replace(lrs=1), "registers"))


def test_devices_come_by_themselves_and_waits_become_exits() -> None:
    case = case_of("overflow")
    alone = by(case, "stimuli", "passthrough device 2 by itself").case.scenario
    assert [f.after for f in alone.forward] == [None, 80, None]
    busy = by(case, "waits", "VCPU 0: line 3: user").case.scenario
    assert busy.vcpu[0].program[2] == "user"
    assert by(case, "waits", "VCPU 0: line 3: user").task == "v0"


def test_the_case_is_what_its_specification_runs() -> None:
    spec = RunSpec.make("migrate", "v7.2", vcpus=3, knobs={"preemptions": "1", "eoimode": "1"})
    case = Case.of(spec)
    assert len(case.scenario.vcpu) == 3
    assert (case.scenario.preemptions, case.scenario.eoimode) == (1, 1)
    assert case.config() == spec.config(spec.loaded())
    assert Case.of(case.spec) == case
    trial = Stage.of(case).run((), "random", seed=1)
    assert Stage.of(Case.of(case.spec)).run(trial.choices, "drain").outcome == trial.outcome
