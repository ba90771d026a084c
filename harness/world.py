"""The world of one campaign entry: machine, hypervisor, actors and checker put together.

A world is built once for a (scenario, variant, sizes, knobs) and run again and again: ``reset``
goes back to its initial state.
"""

from collections.abc import Callable, Mapping
from typing import Any

from harness.actors import (
    clock,
    device,
    gic,
    host_irq,
    host_scheduler,
    irq_bypass,
    soft_timer,
    user_space,
    vcpu,
)
from harness.engine.execution import Execution, Limits, Slot
from harness.kvm.hooks import own_state
from harness.kvm.kvm import Kvm
from harness.runtime import Runtime
from harness.scenarios.schema import Scenario
from harness.tells import TELLS
from harness.user_rules import ids_of, load_rule, own_of
from model.check.checker import Checker
from model.check.setting import Setting
from model.check.violation import Violation, classify_late_or_lost
from model.facts import Entered, Exited, Fact, GotNowhere, Ticked
from model.host.thread import INTERRUPTIBLE, RUNNING
from model.identity import BG_TIMER, PTIMER
from model.machine import Config, Machine
from model.rules.registry import RULES
from model.rules.sometimes import Reached

__all__ = ["VgicWorld"]

Handler = Callable[[Any], None]


class VgicWorld:
    """See ``harness.engine.execution.World``.

    ``rules`` restricts the rules to the named ids (None: all that hold in the variant's era); one
    of the user's own is given by its name (``harness.user_rules``). ``task_class`` is the engine's.
    ``steps_only``: see :class:`harness.engine.execution.Execution`.
    """

    steps_only = False

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
        self.variant = variant
        self.limits = limits or Limits()
        self.execution: Execution | None = None
        self.on_rest: Callable[[], None] | None = None
        """Told each time when no task can go, before the rules are asked what is owed."""
        self.machine: Machine = kvm_class.machine_class(config, None)
        if own := own_state(kvm_class):
            self.machine.declare(own)
        # A machine may insist on a knob of its own.
        self.config = self.machine.config
        extra = [load_rule(name) for name in own_of(rules or ())]
        self.checker = Checker(
            Setting.of(self.config), kvm_class.era, rules=(*RULES.values(), *extra),
            only=None if rules is None else ids_of(rules), step=self.steps,
        )  # fmt: skip
        self.checker.subscribe(last=self.bounds())
        self.failures: list[Violation] = self.checker.violations
        self.machine.tell(self.checker.emit)
        self.rt = Runtime(scenario, self.config, self.machine, task_class)
        self.resources = self.rt.resources
        self.resources.hear(self.checker, TELLS)
        self.kvm = kvm_class(self.rt)
        self.slots: tuple[Slot, ...] = tuple(self.make_tasks())

    def make_tasks(self) -> list[Slot]:
        """Make the kinds of tasks, in the order that numbers them."""
        rt, kvm = self.rt, self.kvm
        vcpus = range(self.config.vcpus)
        slots = [vcpu.make(rt, kvm, v) for v in vcpus]
        slots += [host_irq.make(rt, kvm, c) for c in range(self.config.pcpus)]
        slots += [soft_timer.make(rt, kvm, v, BG_TIMER) for v in vcpus]
        if kvm.emulation_timer and kvm.emulates():
            slots += [soft_timer.make(rt, kvm, v, PTIMER) for v in vcpus]
        slots += gic.make(rt)
        slots.append(clock.make(rt))
        slots += [device.make(rt, n) for n in range(len(self.machine.devices))]
        slots += [device.make_driven(rt, kvm, n) for n in range(len(self.machine.forwards))]
        if self.scenario.preemptions:
            slots.append(host_scheduler.make(rt))
        if self.scenario.resets or self.scenario.saves:
            slots.append(user_space.make(rt, kvm))
        if self.scenario.bypasses:
            slots.append(irq_bypass.make(rt, kvm))
        return slots

    # -- facts ---------------------------------------------------------------------------------

    def subscribe(self, first: Mapping[type[Fact], Handler]) -> None:
        """Let ``first`` hear facts, each before the rules do."""
        self.checker.subscribe(first=first)

    def bounds(self) -> dict[type[Fact], Handler]:
        """Return what watches the bounds on virtual time and on exits without progress."""
        return {Ticked: self.on_tick, Entered: self.on_entry, Exited: self.on_exit}

    def on_tick(self, f: Ticked) -> None:
        """Bound virtual time."""
        if f.now > self.limits.time_ns_max and self.execution is not None:
            self.execution.cut("time")

    def on_entry(self, f: Entered) -> None:
        """Note what is in flight to the CPU: an exit that it causes says nothing about progress."""
        self.entered_at[f.vcpu] = self.steps()
        self.in_flight[f.vcpu] = self.machine.messages.in_flight(f.pcpu)

    def on_exit(self, f: Exited) -> None:
        """Bound exits without progress."""
        if f.instructions or self.in_flight[f.vcpu]:
            self.idle_exits[f.vcpu] = 0
            return
        self.idle_exits[f.vcpu] += 1
        if self.idle_exits[f.vcpu] > self.limits.idle_exits_max and self.execution is not None:
            self.execution.cut("exits without progress")

    def mute(self) -> None:
        """Say nothing from here on: for runs that only want the state."""
        self.checker.mute()
        self.machine.tell(None)

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
        self.entered_at = [0] * self.config.vcpus

    def at_rest(self) -> list[Violation]:
        """Ask the "eventually" rules what is owed."""
        if self.on_rest is not None:
            self.on_rest()
        return self.checker.at_rest()

    def at_bound(self) -> None:
        """Tell of each VCPU that has a CPU and did not enter its guest in half of the drain.

        The drain lets everyone go in turn: such a VCPU goes round in circles, or waits for one.
        """
        assert self.execution is not None
        since = self.execution.steps - self.limits.drain_steps_max // 2
        for v, thread in enumerate(self.machine.threads):
            p = self.machine.pcpus[max(thread.cpu, 0)]
            if p.owner == v and not p.guest and self.entered_at[v] < since:
                self.rt.emit(GotNowhere(v, p.index, self.execution.steps - since))

    def nudge(self) -> None:
        """Preempt and load each VCPU once, waking the sleepers: an unrelated exit for everyone."""
        for v, thread in enumerate(self.machine.threads):
            if thread.done:
                continue
            c = thread.cpu
            if c >= 0 and self.machine.pcpus[c].owner == v:
                thread.resched(c)
                host_scheduler.resched(self.rt, v)
            elif thread.state == INTERRUPTIBLE:
                thread.state = RUNNING

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        """Name apart what only came late and what is lost."""
        return classify_late_or_lost(late, lost)

    def reached(self) -> int:
        """Return the "sometimes" states of this execution as bits, by position in EVERY."""
        return sum(state.bits for state in self.checker.states if isinstance(state, Reached))
