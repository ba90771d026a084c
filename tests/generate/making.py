"""A generated scenario, with the knobs that it is run with."""

import msgspec

from harness.scenarios.schema import Scenario, check
from harness.scenarios.writer import to_toml
from tests.generate.choosing import Chooser, numbered
from tests.generate.lines import MAKERS
from tests.generate.machines import knobs_of, make_machine
from tests.generate.programs import Writer

__all__ = ["Made", "make", "make_numbered"]


class Made(msgspec.Struct, frozen=True):
    """A scenario and its knobs. With ``wild`` it may do what is known to go wrong."""

    scenario: Scenario
    knobs: tuple[tuple[str, str], ...]
    wild: bool

    @property
    def toml(self) -> str:
        """The scenario's text."""
        return to_toml(self.scenario)


def make(choose: Chooser, name: str = "made") -> Made:
    """Make a scenario that the schema accepts.

    Raises:
        UsageError: the schema does not: a fault of the generator.

    """
    machine = make_machine(choose)
    knobs = knobs_of(choose, machine)
    programs = Writer(choose, machine).write(MAKERS)
    scenario = Scenario(
        name=name,
        title="a generated scenario",
        vcpu=programs,
        pcpus=machine.pcpus,
        lrs=machine.lrs,
        handler=machine.handler,
        eoi_first=machine.eoi_first,
        twice=machine.twice,
        nested=machine.nested,
        eoimode=machine.eoimode,
        deactivate=machine.deactivate,
        timer_priority=machine.timer_priority,
        sgi_priority=machine.sgi_priority,
        resets=machine.resets,
        saves=machine.saves,
        preemptions=machine.preemptions,
        device=machine.device,
        forward=machine.forward,
    )
    check(scenario, f"generated scenario {name!r}")
    return Made(scenario, knobs, machine.wild)


def make_numbered(seed: int, index: int) -> Made:
    """Return scenario ``index`` of a seed."""
    return make(numbered(seed, index), f"made-{seed}-{index}")
