"""Locks of the machine: what is said when one changes hands, is missing, or hid a change."""

from collections.abc import Callable

import pytest

from model import facts
from model.facts import Fact
from model.gic.lr import PENDING
from model.identity import AP_LIST, CONFIG, IRQ, Actor, LockId
from model.machine import Config, Forward, Machine
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq

THREAD, HANDLER = Actor("vcpu", vcpu=0), Actor("host-irq", pcpu=0)
AP_LIST_LOCK, TIMER_LOCK = LockId(AP_LIST, 0), LockId(IRQ, 0, VTIMER_PPI)


class Bench:
    """A machine of one CPU with its timer's virtual interrupt and a device's, and what is told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        config = Config(forwards=(Forward(40, 50, 0, 0, True, 1),))
        self.machine = Machine(config, self.facts.append)
        self.vgic = self.machine.vgics[0]
        self.irq = self.machine.private[0, VTIMER_PPI]
        self.facts.clear()

    def hold(self, *locks: object, actor: Actor = THREAD) -> None:
        """Take locks, without a trace in what is told."""
        for lock in locks:
            lock.acquire(actor, irqs_off=True, in_irq=False)  # type: ignore[attr-defined]
        self.facts.clear()

    def missing(self) -> list[tuple[Actor, LockId, str]]:
        return [(f.actor, f.lock, f.what) for f in self.facts if isinstance(f, facts.LockNotHeld)]

    def changes(self) -> list[facts.SoftwareChanged]:
        return [f for f in self.facts if isinstance(f, facts.SoftwareChanged)]


# -- taking and giving back ----------------------------------------------------------------------


def test_who_takes_and_who_gives_back() -> None:
    b = Bench()
    for part, lock in (
        (b.irq, TIMER_LOCK),
        (b.vgic, AP_LIST_LOCK),
        (b.machine.dist, LockId(CONFIG)),
        (b.machine.spis[50], LockId(IRQ, -1, 50)),
    ):
        assert part.free()
        part.acquire(HANDLER, irqs_off=True, in_irq=True)
        assert (part.free(), part.holder) == (False, HANDLER)
        part.release(HANDLER)
        assert (part.free(), part.holder) == (True, None)
        assert b.facts == [
            facts.LockTaken(HANDLER, lock, True, True),
            facts.LockReleased(HANDLER, lock),
        ]
        b.facts.clear()


def test_a_release_by_who_does_not_hold_it() -> None:
    b = Bench()
    for part, lock in ((b.irq, TIMER_LOCK), (b.vgic, AP_LIST_LOCK)):
        b.hold(part, actor=HANDLER)
        part.release(THREAD)
        assert b.missing() == [(THREAD, lock, "release it")]
        assert part.free()
        b.facts.clear()
        part.release(THREAD)  # and of a lock that nobody holds
        assert b.missing() == [(THREAD, lock, "release it")]


def test_who_holds_it_is_a_value() -> None:
    """So a state that was written down and read again has the same holder."""
    b = Bench()
    b.hold(b.irq, b.vgic)
    again = Actor("vcpu", vcpu=0)
    assert again is not THREAD
    b.irq.assert_held(again, "look")
    b.irq.release(again)
    b.vgic.release(again)
    assert b.missing() == []


# -- assert_held ---------------------------------------------------------------------------------


def test_a_lock_that_is_held_is_not_missed() -> None:
    b = Bench()
    b.hold(b.irq)
    b.irq.assert_held(THREAD, "look")
    assert b.facts == []
    b.irq.assert_held(HANDLER, "look")
    assert b.missing() == [(HANDLER, TIMER_LOCK, "look")]


@pytest.mark.parametrize("change", ["queue", "unqueue"])
@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ((), (AP_LIST_LOCK, TIMER_LOCK)),
        (("irq",), (AP_LIST_LOCK,)),
        (("vgic",), (TIMER_LOCK,)),
        (("vgic", "irq"), ()),
    ],
    ids=str,
)
def test_an_ap_list_changes_under_its_lock_and_the_interrupts(
    change: str, held: tuple[str, ...], missing: tuple[LockId, ...]
) -> None:
    b = Bench()
    b.hold(*(getattr(b, name) for name in held))
    getattr(b.vgic, change)(THREAD, b.irq)
    assert {(actor, lock) for actor, lock, _ in b.missing()} == {(THREAD, x) for x in missing}
    assert all("ap_list" in what for _, _, what in b.missing())
    # It is said, and done all the same: a variant may be wrong, and its run goes on.
    assert isinstance(b.facts[-1], facts.Queued if change == "queue" else facts.Unqueued)
    assert b.irq.vcpu == (0 if change == "queue" else -1)


def test_the_lock_of_another_does_not_do() -> None:
    b = Bench()
    b.hold(b.vgic, b.irq, actor=HANDLER)
    b.vgic.queue(THREAD, b.irq)
    assert [lock for _, lock, _ in b.missing()] == [AP_LIST_LOCK, TIMER_LOCK]


def test_nobody_listens() -> None:
    b = Bench()
    b.machine.tell(None)
    b.vgic.queue(THREAD, b.irq)
    b.irq.release(THREAD)
    assert b.facts == []
    assert b.vgic.ap_list == (VTIMER_PPI,)


# -- changes that nothing else told ----------------------------------------------------------------


def by_hand(field: str, value: bool) -> Callable[[VgicIrq], None]:
    return lambda irq: setattr(irq, field, value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (by_hand("active", True), facts.SoftwareChanged(0, VTIMER_PPI, True, True, False, False)),
        (by_hand("enabled", False), facts.SoftwareChanged(0, VTIMER_PPI, False, *[False] * 3)),
        (
            by_hand("line_level", True),
            facts.SoftwareChanged(0, VTIMER_PPI, True, False, True, False),
        ),
        (
            by_hand("pending_latch", True),
            facts.SoftwareChanged(0, VTIMER_PPI, True, False, False, True),
        ),
    ],
)
def test_a_change_by_hand_is_said_at_the_release(
    change: Callable[[VgicIrq], None], told: facts.SoftwareChanged
) -> None:
    b = Bench()
    b.hold(b.irq)
    change(b.irq)
    assert b.facts == []
    b.irq.release(THREAD)
    assert b.facts == [told, facts.LockReleased(THREAD, TIMER_LOCK)]
    # It is said once: the next hold begins with what is.
    b.hold(b.irq)
    b.irq.release(THREAD)
    assert b.changes() == []


def test_what_is_changed_back_is_no_change() -> None:
    b = Bench()
    b.hold(b.irq)
    b.irq.active = True
    b.irq.active = False
    b.irq.release(THREAD)
    assert b.changes() == []


@pytest.mark.parametrize(
    "says",
    [
        lambda irq: irq.inject(0, 0, True, accepted=True),
        lambda irq: irq.resampled(0, True),
        lambda irq: (by_hand("active", True)(irq), irq.folded(0, PENDING)),
        lambda irq: (by_hand("enabled", False)(irq), irq.written(0, "icenabler")),
    ],
)
def test_a_change_that_something_told_is_not_said_again(says: Callable[[VgicIrq], object]) -> None:
    b = Bench()
    b.hold(b.irq)
    says(b.irq)
    assert len(b.facts) == 1
    b.irq.release(THREAD)
    assert b.changes() == []
    # But what is changed after it was told is.
    b.hold(b.irq)
    says(b.irq)
    b.irq.pending_latch = not b.irq.pending_latch
    b.irq.release(THREAD)
    assert [f.pending_latch for f in b.changes()] == [True]


def test_it_is_said_of_whose_list_it_is_on() -> None:
    b = Bench()
    irq = b.machine.spis[50]
    irq.vcpu, irq.target = -1, 0
    b.hold(irq)
    irq.active = True
    irq.release(THREAD)
    irq.vcpu = 3
    b.hold(irq)
    irq.active = False
    irq.release(THREAD)
    assert [f.vcpu for f in b.changes()] == [3]
