"""Running the same choices under each setting of ``lr_on_guest_deactivate``."""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.engine.execution import Outcome
from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from model import facts
from model.facts import Fact
from model.gic.lr import Lr
from model.machine import LR_MODES
from tests.race.mutant import laid_over
from tests.race.running import RaceWorld, on_both, on_direct, strategy, world_of

SCENARIOS = Path(__file__).parent / "scenarios"
LIVE = frozenset({"L1", "L2", "L5", "deadlock"})
"""What a guest is owed. Rules about the active state end a run before it shows what comes of it."""

ON_BOTH = 3
"""How many schedules run on both engines, in each world."""

Seen = tuple[Fact, int]
"""What a guest saw, and what HPPIR would have shown it then."""


class History(msgspec.Struct):
    """What the guests of one execution saw, in order, and how it ended."""

    seen: list[Seen]
    outcome: Outcome
    wedged: bool

    def acked(self) -> list[int]:
        """Return the vINTIDs acknowledged, spurious ones too, in order."""
        return [f.vintid for f, _ in self.seen if isinstance(f, facts.AckedByGuest)]

    def broken(self) -> set[tuple[str, str]]:
        """Return the rules that were broken, and the bound that was reached."""
        found = {(v.rule, v.type) for v in self.outcome.violations}
        return found | ({("bound", self.outcome.bound)} if self.outcome.bound else set())


def in_all_modes(
    scenario: str,
    kvm: type[Kvm],
    messages: str,
    *,
    rules: frozenset[str] | None = None,
    knobs: tuple[tuple[str, str], ...] = (),
) -> dict[str, RaceWorld]:
    """Make a world per setting. A scenario of the tests is named by its file, without folder."""
    path = SCENARIOS / f"{scenario}.toml"
    name = str(path) if path.exists() else scenario
    fixed = (("gic_messages", messages), *knobs)
    return {
        mode: world_of(name, kvm, (*fixed, ("lr_on_guest_deactivate", mode)), rules)
        for mode in LR_MODES
    }


async def history(world: RaceWorld, i: int) -> History:
    """Run schedule ``i``, the first ones on both engines, and note what the guests see.

    That is what they read from IAR and the distributor, when they complete, and how their WFIs end.
    None of them reads HPPIR; what it would have shown is noted along.
    """
    seen: list[Seen] = []
    gic = world.machine.gic

    def note(fact: Fact) -> None:
        seen.append((fact, -1))

    def note_hppir(fact: facts.AckedByGuest | facts.Completed) -> None:
        seen.append((fact, gic.vhppir(fact.pcpu)))

    world.subscribe(
        {
            facts.AckedByGuest: note_hppir,
            facts.Completed: note_hppir,
            facts.RegisterRead: note,
            facts.GuestWfi: note,
        }
    )
    if i < ON_BOTH:
        outcome = await on_both(world, lambda _: strategy(i))
    else:
        outcome = on_direct(world, strategy(i))
    return History(seen, outcome, any(cpu.wedged for cpu in gic.cpuifs))


async def histories(worlds: dict[str, RaceWorld], i: int) -> dict[str, History]:
    """Run schedule ``i`` under each setting."""
    return {mode: await history(world, i) for mode, world in worlds.items()}


class Looking(Hooks):
    """The fold accesses the distributor under all settings, as polling does.

    With queued messages that access delivers what otherwise is a choice of its own (bound 1), so
    that the same choices would not mean the same; with this they do. What it reads is only used
    where it was before.
    """

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        irq = self.machine.irq(t.v, lr.vintid)
        at = t.at(t.v, irq)
        await t.lock(irq, Steps.fold_lr_polling, at)
        t.acquired(irq)
        await self.fold_locked(t, irq, self.trusted(t, lr))
        await t.step(Steps.irq_unlock, at)
        t.released(irq)

    def trusted(self, t: Context, lr: Lr) -> Lr:
        if lr.hw:
            self.machine.messages.before_access(t.c)
        return super().trusted(t, lr)


def looking(era: type[Kvm]) -> type[Kvm]:
    """Return an era whose fold accesses the distributor under all settings."""
    return laid_over(Looking, era)
