"""What an actor and the hypervisor see of the world: the machine, the scenario, how tasks are made.

It knows neither of them, and no rule: so imports go one way, from the world down to this.
"""

from harness.engine.encoding import wiring
from harness.engine.execution import Main, Slot
from harness.engine.footprint import Resources
from harness.scenarios.schema import Scenario
from model.device import SoftwareDevice
from model.facts import Fact
from model.gic.gic import Gic
from model.identity import Actor
from model.machine import Config, Machine
from model.messages import Messages

__all__ = ["Runtime"]


class Runtime:
    """The things that are wired once for a run: all references, no state.

    ``resources`` has the footprints' bits of the machine's parts; ``task_class`` is the engine's;
    ``forwarded_spis`` are the INTIDs of passthrough devices, ``exiting_spis`` the vINTIDs of those
    that the VM monitor makes and whose drivers' accesses exit to user space.
    """

    def __init__(
        self, scenario: Scenario, config: Config, machine: Machine, task_class: type[Slot]
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.machine = machine
        self.task_class = task_class
        self.resources = Resources(machine.parts, machine.groups)
        intids = [forward.intid for forward in machine.forwards]
        self.forwarded_spis = frozenset(intid for intid in intids if intid >= 0)
        self.exiting_spis = frozenset(
            forward.vintid
            for forward in machine.forwards
            if isinstance(forward, SoftwareDevice) and forward.exits
        )

    def emit(self, fact: Fact) -> None:
        """Say that something happened, if anybody listens."""
        if self.machine.emit is not None:
            self.machine.emit(fact)

    def new_task(
        self, name: str, actor: Actor, main: Main, *, optional: bool = False, eager: bool = False
    ) -> Slot:
        """Make a task of the engine's class.

        Args:
            name: what schedules call it.
            actor: who it is.
            main: its code, which is given the task.
            optional: it is a stimulus, which the drain leaves out.
            eager: with synchronous messages its steps go before anything else and are no choice.

        """
        slot = self.task_class(name, actor, main, optional=optional)
        slot.eager = eager and self.config.gic_messages == "synchronous"
        return slot


# What is the same in every execution of a world, and of which it has one.
for _cls in (Runtime, Machine, Gic, Messages, Config, Scenario):
    wiring(_cls)
