"""How locks are to be taken (vgic.c, the comment on locking)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.held_locks import HeldLocks
from model.gic.registers import FIRST_SPI
from model.identity import CONFIG, IRQ, Actor, LockId

__all__ = ["I9", "LockOrder"]

MONITOR = Actor("user-space")


class Seen(State):
    """``all``: whatever it holds it was seen to take."""

    all: bool = True


class I9(Rule):
    """No sleep under a spinlock; and who changes an active state holds that interrupt's lock.

    So does whoever does anything else that needs a lock, as far as the machine asserts it, and only
    who holds a lock gives it back. The rest of I9, the order of the locks and that handlers cannot
    come while one of theirs is held, is rule ``lock-order``.
    """

    id = "I9"
    section = "vgic.c, comment on locking (derived; Linux 2e2f6c3c0b08)"
    title = "no thread sleeps with a spinlock held; an active state changes under its lock only"
    trusts = "the claim is only the moment at which the lock must be held"

    SLEEP = alarm("sleep", "the thread of VCPU {vcpu} gave its CPU away while it held {lock}")
    UNLOCKED = alarm("unlocked", "VCPU {vcpu} changed the state of vINTID {vintid} without {lock}")
    NOT_HELD = alarm("not-held", "{actor} does not hold {lock} and was about to {what}")

    held: HeldLocks

    def setup(self) -> None:
        """Name the threads."""
        self.threads = [Actor("vcpu", vcpu=v) for v in range(self.setting.vcpus)]
        self.seen = self.each_vcpu(Seen)
        self.seen_of_monitor = self.one(Seen, "monitor")

    @on(facts.Put, facts.Placed)
    def on_sleep(self, f: facts.Put | facts.Placed) -> None:
        """A thread gives its CPU away; a mutex it may hold."""
        self.seen[f.vcpu].all = True
        held = [x for x in self.held.of[self.threads[f.vcpu]].locks if x.kind != CONFIG]
        if held:
            self.report(self.SLEEP, vcpu=f.vcpu, lock=held[-1])

    @on(facts.Folded, facts.RegisterWritten)
    def on_change(self, f: facts.Folded | facts.RegisterWritten) -> None:
        """The state of an interrupt changes; the VM monitor's writes come from its own context."""
        owner = f.owner if isinstance(f, facts.RegisterWritten) else f.vcpu
        lock = LockId(IRQ, -1 if f.vintid >= FIRST_SPI else owner, f.vintid)
        held = self.held.of
        if lock in held[self.threads[f.vcpu]].locks or lock in held[MONITOR].locks:
            return
        reset = isinstance(f, facts.RegisterWritten) and f.register == "reset"
        if (self.seen_of_monitor if reset else self.seen[f.vcpu]).all:
            self.report(self.UNLOCKED, vcpu=f.vcpu, vintid=f.vintid, lock=lock)

    @on(facts.Stopping)
    def on_stopping(self, _f: facts.Stopping) -> None:
        """The VM monitor begins, without locks: what it takes from here on is seen."""
        self.seen_of_monitor.all = True

    @on(facts.LockNotHeld)
    def on_missing(self, f: facts.LockNotHeld) -> None:
        """What needs a lock is done without it."""
        self.report(self.NOT_HELD, actor=f.actor, lock=f.lock, what=f.what)


class Taken(State):
    """A lock was taken by a host IRQ handler; elsewhere with interrupts on."""

    in_handler: Debt[bool] = False
    with_irqs_on: Debt[bool] = False


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
