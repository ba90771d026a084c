"""Interrupt controllers that lose or invent signals, and hosts that leave their CPU deaf."""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.timer import VTIMER_PPI
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


class UnclaimedUnended(Hooks):
    """No EOIR for what no handler claims, here: all but the timer (Xen 8aa276235b)."""

    async def drop_priority(self, h: Context, intid: int) -> None:
        if intid == VTIMER_PPI:
            await super().drop_priority(h, intid)


class NoEndOfUnclaimed(UnclaimedUnended, V7_2):
    pass


class SeedNoEndOfUnclaimed(UnclaimedUnended, V4_14):
    pass


LazyClearsLatch = on_machine(V7_2, ClearsPendingLatch)
SIGNALS = (
    Mutant("R7a", on_machine(V7_2, AckStaysInactive), V7_2, "timer-busy"),
    Mutant(
        "R16", on_machine(V7_2, LevelIsALatch), on_machine(V7_2, ClearsPendingLatch), "timer-busy"
    ),
    Mutant("R16", on_machine(V7_2, EmptyHostAck), V7_2, "timer-busy"),
    Mutant("I13", NoEndOfUnclaimed, V7_2, "timer-busy"),
    Mutant("I13", SeedNoEndOfUnclaimed, V4_14, "timer-busy"),
    Mutant("I16", on_machine(V7_2, EmptyHostAck), V7_2, "timer-busy"),
    Mutant("I16", on_machine(V4_14, EmptyGuestAck), V4_14, "timer-wfi"),
    Mutant("I16", on_machine(V7_2, SignalsNothing), V7_2, "timer-wfi"),
)
