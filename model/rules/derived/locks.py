"""How locks are to be taken (vgic.c, the comment on locking)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.held_locks import HeldLocks
from model.identity import LockId

__all__ = ["LockOrder"]


class Taken(State):
    """A lock was taken by a host IRQ handler; elsewhere with interrupts on."""

    in_handler: bool = False
    with_irqs_on: bool = False


class LockOrder(Rule):
    """Locks nest in one order, and one that a handler takes is never held with IRQs on.

    That is I9 but for sleep and for what may be changed without a lock: rule ``I9`` has those.
    """

    id = "lock-order"
    section = "vgic.c, comment on locking (I9)"
    title = "locks are taken in order, and with interrupts off where a handler takes them too"

    ORDER = alarm("order", "{actor} took {lock} while it held {held}")
    IRQS_ON = alarm(
        "irqs-on",
        "{lock} is taken by a host IRQ handler, and elsewhere with interrupts on: the handler can "
        "come while it is held, and waits for ever",
    )

    held: HeldLocks

    def setup(self) -> None:
        """Make the states, by lock."""
        self.taken = self.members(Taken)

    @on(facts.LockTaken)
    def on_lock(self, f: facts.LockTaken) -> None:
        """Look at what its taker holds, and where it is taken."""
        held = self.held.of[f.actor].locks
        if len(held) > 1 and order(held[-2]) >= order(f.lock):
            self.report(self.ORDER, actor=f.actor, lock=f.lock, held=str(held[-2]))
        if f.in_irq:
            taken = self.taken[f.lock]
            taken.in_handler = True
        elif not f.irqs_off:
            taken = self.taken[f.lock]
            taken.with_irqs_on = True
        else:
            return
        if taken.in_handler and taken.with_irqs_on:
            self.report(self.IRQS_ON, lock=f.lock)


def order(lock: LockId) -> tuple[int, int, int]:
    """Return where a lock stands in the order of nesting."""
    return (lock.rank, lock.vcpu, lock.intid)
