"""The world of one campaign entry: machine, hypervisor, tasks and rules put together.

A world is built once for a (scenario, variant, sizes, knobs) and run again and again: ``reset``
goes back to its initial state.
"""

from harness.actors import (
    clock,
    device,
    gic,
    host_irq,
    host_scheduler,
    soft_timer,
    user_space,
    vcpu,
)
from harness.engine.execution import Execution, Limits, Main, Slot
from harness.engine.footprint import OpTable, Resources
from harness.kvm.flow import Kvm
from harness.kvm.inject import SGI_RESCHEDULE
from harness.scenarios.schema import Scenario
from model.check.checker import Checker, teller
from model.check.listener import Handler
from model.check.setting import Setting
from model.check.violation import Violation, classify_late_or_lost
from model.facts import Entered, Exited, Fact, NeedResched, Ticked
from model.host.thread import INTERRUPTIBLE, RUNNING
from model.identity import Actor
from model.machine import Config, Machine
from model.rules.sometimes import Reached

__all__ = ["VgicWorld"]


class VgicWorld:
    """See ``harness.engine.execution.World``.

    ``rules`` restricts the rules to the named ids (None: all that hold in the variant's era);
    ``task_class`` is the engine's.
    """

    def __init__(
        self,
        scenario: Scenario,
        config: Config,
        kvm_class: type[Kvm],
        *,
        variant: str,
        task_class: type[Slot],
        rules: frozenset[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.variant = variant
        self.limits = limits or Limits()
        self.task_class = task_class
        self.table: dict[type[Fact], tuple[Handler, ...]] = {}
        self.emit = teller(self.table)
        self.machine: Machine = kvm_class.machine_class(config, self.emit)
        # A machine may insist on a knob of its own.
        self.config = config = self.machine.config
        self.resources = Resources(self.machine.parts)
        self.op_table = OpTable(self.resources)
        self.forwarded_spis = {f.intid: f for f in self.machine.forwards}
        named = (*self.machine.private.values(), *self.machine.spis.values())
        self.shared_irqs = tuple(irq.name for irq in named)
        self.kvm = kvm_class(self)
        self.slots: tuple[Slot, ...] = tuple(self.make_tasks())
        self.execution: Execution | None = None
        self.checker = Checker(
            Setting.of(config), kvm_class.era, only=rules, step=self.steps, table=self.table
        )
        self.failures = self.checker.violations
        self.subscribe()

    def make_tasks(self) -> list[Slot]:
        """Make the seven kinds of tasks, in the order that numbers them."""
        slots = [vcpu.make(self, v) for v in range(self.config.vcpus)]
        slots += [host_irq.make(self, c) for c in range(self.config.pcpus)]
        slots += [soft_timer.make(self, v) for v in range(self.config.vcpus)]
        if self.kvm.emulation_timer:
            slots += [soft_timer.make_emulation(self, v) for v in range(len(self.machine.ptimers))]
        slots += gic.make(self)
        slots.append(clock.make(self))
        slots += [device.make(self, n) for n in range(len(self.machine.devices))]
        slots += [device.make_forwarded(self, n) for n in range(len(self.machine.forwards))]
        if self.scenario.preemptions:
            slots.append(host_scheduler.make(self))
        if self.scenario.resets or self.scenario.saves:
            slots.append(user_space.make(self))
        return slots

    def new_task(
        self, name: str, actor: Actor, main: Main, *, optional: bool = False, eager: bool = False
    ) -> Slot:
        """Make a task of the engine's class; ``eager`` counts with synchronous messages only."""
        slot = self.task_class(name, actor, main, optional=optional)
        slot.eager = eager and self.config.gic_messages == "synchronous"
        return slot

    # -- facts ---------------------------------------------------------------------------------

    def subscribe(self, first: "dict[type[Fact], Handler] | None" = None) -> None:
        """Give facts to the Checker and to what watches the bounds; ``first`` hears them before."""
        self.checker.subscribe(first=first or {}, last=self.bounds())

    def bounds(self) -> dict[type[Fact], Handler]:
        """Return what watches the bounds on virtual time and on exits without progress."""
        return {Ticked: self.on_tick, Entered: self.on_entry, Exited: self.on_exit}

    def on_tick(self, f: Ticked) -> None:
        """Bound virtual time."""
        if f.now > self.limits.time_ns_max and self.execution is not None:
            self.execution.cut("time")

    def on_entry(self, f: Entered) -> None:
        """Note what is in flight to the CPU: an exit that it causes says nothing about progress."""
        messages = self.machine.messages
        self.in_flight[f.vcpu] = messages.in_flight(f.pcpu)

    def on_exit(self, f: Exited) -> None:
        """Bound exits without progress."""
        if f.instructions or self.in_flight[f.vcpu]:
            self.idle_exits[f.vcpu] = 0
            return
        self.idle_exits[f.vcpu] += 1
        if self.idle_exits[f.vcpu] > self.limits.idle_exits_max and self.execution is not None:
            self.execution.cut("exits without progress")

    def hush(self) -> None:
        """Hear no facts from here on: for runs that only want the state."""
        self.checker.mute()
        self.machine.hush()
        self.emit = self.kvm.emit = self.machine.messages.emit

    def steps(self) -> int:
        """Return how many steps the execution has made."""
        return self.execution.steps if self.execution is not None else 0

    # -- what the engine asks ------------------------------------------------------------------

    def reset(self, execution: Execution) -> None:
        """Go back to the initial state."""
        self.execution = execution
        self.machine.reset()
        self.checker.reset()
        self.failures = self.checker.violations
        self.idle_exits = [0] * self.config.vcpus
        self.in_flight = [False] * self.config.vcpus

    def at_rest(self) -> list[Violation]:
        """Ask the "eventually" rules what is owed."""
        return self.checker.at_rest()

    def nudge(self) -> None:
        """Preempt and load each VCPU once, waking the sleepers: an unrelated exit for everyone."""
        machine = self.machine
        for v, thread in enumerate(machine.threads):
            if thread.done:
                continue
            c = thread.cpu
            if c >= 0 and machine.pcpus[c].owner == v:
                machine.pcpus[c].need_resched = True
                self.emit(NeedResched(v, c, c))
                machine.gic.send_sgi(c, c, SGI_RESCHEDULE)
            elif thread.state == INTERRUPTIBLE:
                thread.state = RUNNING

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        """Name apart what only came late and what is lost."""
        return classify_late_or_lost(late, lost)

    def reached(self) -> int:
        """Return the "sometimes" states of this execution as bits."""
        return sum(state.bits for state in self.checker.states if isinstance(state, Reached))
