"""Interrupt controllers that lose or invent signals, and hosts that leave their CPU deaf."""

from harness.kvm.lazy import Lazy
from harness.kvm.seed import Seed
from harness.tasks.host_irq import HostIrq
from model.messages import VTIMER_PPI
from tests.race.broken_hardware import (
    AckStaysInactive,
    ClearsPendingLatch,
    EmptyGuestAck,
    EmptyHostAck,
    LevelIsALatch,
    SignalsNothing,
    on_machine,
)
from tests.race.mutant import Mutant


class UnclaimedUnended(HostIrq):
    """No EOIR for what no handler claims, here: all but the timer (Xen 8aa276235b)."""

    async def drop_priority(self, intid: int) -> None:
        if intid == VTIMER_PPI:
            await super().drop_priority(intid)


class NoEndOfUnclaimed(Lazy):
    host_irq_class = UnclaimedUnended


class SeedNoEndOfUnclaimed(Seed):
    host_irq_class = UnclaimedUnended


LazyClearsLatch = on_machine(Lazy, ClearsPendingLatch)
SIGNALS = (
    Mutant("R7a", on_machine(Lazy, AckStaysInactive), Lazy, "timer-busy"),
    Mutant(
        "R16", on_machine(Lazy, LevelIsALatch), on_machine(Lazy, ClearsPendingLatch), "timer-busy"
    ),
    Mutant("R16", on_machine(Lazy, EmptyHostAck), Lazy, "timer-busy"),
    Mutant("I13", NoEndOfUnclaimed, Lazy, "timer-busy"),
    Mutant("I13", SeedNoEndOfUnclaimed, Seed, "timer-busy"),
    Mutant("I16", on_machine(Lazy, EmptyHostAck), Lazy, "timer-busy"),
    Mutant("I16", on_machine(Seed, EmptyGuestAck), Seed, "timer-wfi"),
    Mutant("I16", on_machine(Lazy, SignalsNothing), Lazy, "timer-wfi"),
)
