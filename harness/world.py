"""The world of one campaign entry: machine, hypervisor, tasks and rules put together.

A world is built once for a (scenario, variant, sizes, knobs) and run again and again: ``reset``
goes back to its initial state.
"""

from collections.abc import Callable
from typing import Any

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
<<<<<<< HEAD
from harness.engine.execution import Execution, Limits, Slot, Violation
from harness.kvm.kvm import Kvm
from harness.runtime import Runtime
from harness.scenarios.schema import Scenario
from model.facts import Entered, Exited, Fact, Ticked
=======
from harness.engine.execution import Execution, Limits, Main, Slot
from harness.engine.footprint import OpTable, Resources
from harness.kvm.flow import Kvm
from harness.kvm.inject import SGI_RESCHEDULE
from harness.scenarios.schema import Scenario
from model.check import rule as check
from model.check.checker import Checker
from model.check.setting import Setting
from model.check.violation import Violation, classify_late_or_lost
from model.facts import Entered, Exited, Fact, NeedResched, Ticked
>>>>>>> rules
from model.host.thread import INTERRUPTIBLE, RUNNING
from model.identity import BG_TIMER, PTIMER
from model.machine import Config, Machine
from model.rules.registry import RULES, make_rules
from model.rules.rule import Rule
from model.rules.scene import Scene
from model.rules.sometimes import Reached

__all__ = ["VgicWorld"]

Handler = Callable[[Any], None]


def teller(table: dict[type[Fact], tuple[Handler, ...]]) -> Callable[[Fact], None]:
    """Return what gives a fact to everything that asked for its kind in ``table``."""
    get = table.get

    def emit(fact: Fact) -> None:
        for handler in get(fact.__class__, ()):
            handler(fact)

    return emit


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
<<<<<<< HEAD
        self.failures: list[Violation] = []
=======
        self.task_class = task_class
>>>>>>> rules
        self.table: dict[type[Fact], tuple[Handler, ...]] = {}
        self.emit = teller(self.table)
        self.machine: Machine = kvm_class.machine_class(config, self.emit)
        # A machine may insist on a knob of its own.
        self.config = config = self.machine.config
        self.rt = Runtime(scenario, config, self.machine, task_class)
        self.resources = self.rt.resources
        self.kvm = kvm_class(self.rt)
        self.slots: tuple[Slot, ...] = tuple(self.make_tasks())
        self.execution: Execution | None = None
        self.scene = Scene(config.pcpus, config.vcpus)
        self.rules: tuple[Rule, ...] = tuple(
            make_rules(kvm_class.era, config, self.scene, self.fail, rules)
        )
        self.listeners: tuple[Scene | Rule, ...] = (self.scene, *self.rules)
        self.checker = Checker(
            Setting.of(config),
            kvm_class.era,
            rules=[cls for cls in RULES.values() if issubclass(cls, check.Rule)],
            only=rules,
            step=self.steps,
        )
        self.failures = self.checker.violations
        self.subscribe()

    def make_tasks(self) -> list[Slot]:
        """Make the kinds of tasks, in the order that numbers them."""
        rt, kvm = self.rt, self.kvm
        vcpus = range(self.config.vcpus)
        slots = [vcpu.make(rt, kvm, v) for v in vcpus]
        slots += [host_irq.make(rt, kvm, c) for c in range(self.config.pcpus)]
        slots += [soft_timer.make(rt, kvm, v, BG_TIMER) for v in vcpus]
        if kvm.emulation_timer and PTIMER in self.machine.timer_numbers:
            slots += [soft_timer.make(rt, kvm, v, PTIMER) for v in vcpus]
        slots += gic.make(rt)
        slots.append(clock.make(rt))
        slots += [device.make(rt, n) for n in range(len(self.machine.devices))]
        slots += [device.make_forwarded(rt, n) for n in range(len(self.machine.forwards))]
        if self.scenario.preemptions:
            slots.append(host_scheduler.make(rt))
        if self.scenario.resets or self.scenario.saves:
            slots.append(user_space.make(rt, kvm))
        return slots

    # -- facts ---------------------------------------------------------------------------------

    def subscribe(self, first: "dict[type[Fact], Handler] | None" = None) -> None:
        """Wire facts to the scene, then to rules and states; ``first`` comes before all."""
        self.table.clear()
        sources: list[dict[type[Fact], Handler]] = [first] if first else []
        sources += [self.scene.handlers(), self.bounds()]
        sources += [rule.handlers() for rule in self.rules]
        for handlers in sources:
            for kind, handler in handlers.items():
                self.table[kind] = (*self.table.get(kind, ()), handler)
        for kind, heard in self.checker.table.items():
            self.table[kind] = (*self.table.get(kind, ()), *heard)

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
        self.table.clear()
        self.listeners = ()
        self.machine.tell(None)

    def fail(self, rule: str, text: str) -> None:
        """Record that a rule was broken now."""
        self.failures.append(Violation(rule, text, step=self.steps()))

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
        for listener in self.listeners:
            listener.reset()

    def at_rest(self) -> list[Violation]:
        """Ask the "eventually" rules what is owed."""
        owed = [
            Violation(rule.id, text, step=self.steps())
            for rule in self.rules
            for text in rule.at_rest()
        ]
        return owed + self.checker.at_rest()

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
        """Return the "sometimes" states of this execution as bits."""
        return sum(state.bits for state in self.checker.states if isinstance(state, Reached))
