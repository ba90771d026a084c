"""Irq bypass halts the guests: who is kept out sleeps on what is pending, and is let go on."""

from pathlib import Path

from harness.context import Context
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v7_2 import V7_2
from harness.report.course import Who
from harness.report.lanes import lane_of, order_of, title_of
from model import facts
from model.identity import Actor
from tests.race.running import outcomes, strategy, world_of

SCENARIO = str(Path(__file__).parents[1] / "mutation" / "scenarios" / "bypassed.toml")


class LetsNobodyGo(V7_2):
    """Irq bypass forgets to wake those whom it lets go on."""

    async def irq_bypass_start(self, b: Context) -> None:
        for v in range(len(self.machine.threads)):
            await b.step(Steps.bypass_lets_go, b.at(v))
            self.resume_guest(v)
            self.machine.dist.bypassed(v, halted=False)


async def test_who_is_kept_out_may_sleep_on_what_is_pending() -> None:
    async for outcome in outcomes(world_of(SCENARIO, V7_2), 60, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")


async def test_it_must_be_woken_then() -> None:
    rules = set[str]()
    async for outcome in outcomes(world_of(SCENARIO, LetsNobodyGo), 60, audited=4):
        rules |= {violation.rule for violation in outcome.violations}
    assert rules & {"deadlock", "L1", "R27", "I6"}


def test_it_says_whom_it_halts_and_lets_go() -> None:
    said = halted_and_let_go(V7_2)
    assert said
    assert said == [(v, halted) for halted in (True, False) for v in (0, 1)] * (len(said) // 4)


def halted_and_let_go(era: type[Kvm]) -> list[tuple[int, bool]]:
    """Return what it says, in the first execution in which it halts anyone."""
    world = world_of(SCENARIO, era)
    said: list[tuple[int, bool]] = []
    world.subscribe({facts.Bypassed: lambda f: said.append((f.vcpu, f.halted))})
    seed = 0
    while not said:
        DirectEngine().execute(Execution(world, strategy(seed)))
        seed += 1
    return said


def test_a_report_draws_it() -> None:
    who = Who("b", Actor("irq-bypass"))
    assert title_of(who) == "irq bypass"
    assert lane_of(who).title == "etc"
    assert order_of(who) < order_of(Who("?", Actor("task")))
