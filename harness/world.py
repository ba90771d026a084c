"""The world of one campaign entry: machine, hypervisor, tasks and rules put together.

A world is built once for a (scenario, variant, sizes, knobs) and run again and again: ``reset``
goes back to its initial state.
"""

from collections.abc import Callable
from typing import Any

import msgspec

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
from harness.engine.execution import Execution, Limits, Slot, Violation
from harness.kvm.kvm import Kvm
from harness.runtime import Runtime
from harness.scenarios.schema import Scenario
from model.facts import Entered, Exited, Fact, Ticked
from model.host.thread import INTERRUPTIBLE, RUNNING
from model.identity import BG_TIMER, PTIMER
from model.machine import Config, Machine
from model.rules.registry import make_rules
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
        self.failures: list[Violation] = []
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
        self.reach = Reached(self.scene)
        self.rules: tuple[Rule, ...] = tuple(
            make_rules(kvm_class.era, config, self.scene, self.fail, rules)
        )
        self.listeners: tuple[Scene | Reached | Rule, ...] = (self.scene, self.reach, *self.rules)
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
        sources += [self.scene.handlers(), self.reach.handlers(), self.bounds()]
        sources += [rule.handlers() for rule in self.rules]
        for handlers in sources:
            for kind, handler in handlers.items():
                self.table[kind] = (*self.table.get(kind, ()), handler)

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
        assert self.execution is not None
        self.failures.append(Violation(rule=rule, text=text, step=self.execution.steps))

    # -- what the engine asks ------------------------------------------------------------------

    def reset(self, execution: Execution) -> None:
        """Go back to the initial state."""
        self.execution = execution
        self.machine.reset()
        self.failures = []
        self.idle_exits = [0] * self.config.vcpus
        self.in_flight = [False] * self.config.vcpus
        for listener in self.listeners:
            listener.reset()

    def at_rest(self) -> list[Violation]:
        """Ask the "eventually" rules what is owed."""
        assert self.execution is not None
        step = self.execution.steps
        return [
            Violation(rule=rule.id, text=text, step=step)
            for rule in self.rules
            for text in rule.at_rest()
        ]

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
        gone = {(x.rule, x.text) for x in lost}
        out = []
        for x in late:
            what = "LOST" if (x.rule, x.text) in gone else "LATE"
            tail = "" if what == "LOST" else " (an unrelated exit would still deliver it)"
            out.append(
                msgspec.structs.replace(x, type=what.lower(), text=f"{what}: {x.text}{tail}")
            )
        known = {(x.rule, x.text) for x in late}
        out += [
            msgspec.structs.replace(x, type="lost", text=f"LOST: {x.text}")
            for x in lost
            if (x.rule, x.text) not in known
        ]
        return out

    def reached(self) -> int:
        """Return the "sometimes" states of this execution as bits."""
        return self.reach.bits
