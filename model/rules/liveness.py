"""What must happen in the end: delivery, progress, wake-ups; and what must never: deadlock."""

from collections.abc import Iterator

from model import facts
from model.gic.registers import FIRST_SPI, SPECIAL
from model.identity import BG_TIMER, Actor, LockId
from model.rules.rule import EVENTUALLY, SCENE, Rule
from model.timer import PTIMER_PPI

__all__ = ["L1", "L2", "L3", "L5", "Deadlock", "LockOrder"]

STORM = 8
"""So many exits in a row without one guest instruction, and nothing new in between, are a storm."""
RETRIES = 16
"""So many times the same lock, with nothing else done by who takes it, are a livelock."""
IDLE_STORM = 64
"""So many WFIs in a row that neither block nor bring an interrupt are one, too."""


class L1(Rule):
    """Each interrupt of a timer or a device that the guest lets through is delivered."""

    id = "L1"
    section = "introduction (delivery)"
    title = "a guest that lets an interrupt through gets it"
    kind = EVENTUALLY
    needs = {
        facts.DeviceRaised: SCENE,
        facts.DeviceServed: SCENE,
        facts.GuestTimer: SCENE,
        facts.GuestMask: SCENE,
        facts.AckedByGuest: SCENE,
    }

    def at_rest(self) -> Iterator[str]:
        scene = self.scene
        for v in range(self.config.vcpus):
            if scene.owed(v) and scene.lets_through(v):
                yield f"the timer interrupt of VCPU {v}, due at {scene.deadline[v]} ns"
            if scene.powed(v) and scene.lets_through(v, PTIMER_PPI):
                yield f"the physical timer interrupt of VCPU {v}, due at {scene.pdeadline[v]} ns"
            if not scene.halted[v] and scene.takes_irqs(v):
                for vintid in scene.device_work[v]:
                    yield f"the interrupt of VCPU {v}'s device with vINTID {vintid}"


class L2(Rule):
    """No storm: exits without guest progress come to an end.

    Nor does a guest that idles get out of its WFI again and again for nothing: KVM finds something
    pending for it, so that it does not block, and presents nothing.
    """

    id = "L2"
    section = "Edge and Level, paragraph 2 (progress)"
    title = "a guest makes progress: exits without an instruction in between come to an end"
    kind = EVENTUALLY
    needs = {
        facts.Exited: "on_exit",
        facts.NeedResched: "on_stimulus",
        facts.Kicked: "on_kick",
        facts.AckedByHost: "on_ack",
        facts.Placed: "on_placed",
        facts.Ticked: "on_stimulus",
        facts.Blocked: "on_block",
        facts.AckedByGuest: "on_guest_ack",
    }

    def reset(self) -> None:
        self.count = [0] * self.config.vcpus
        self.idle = [0] * self.config.vcpus

    def on_block(self, f: facts.Blocked) -> None:
        self.idle[f.vcpu] = 0

    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        self.idle[self.scene.guest[f.pcpu]] = 0

    def on_exit(self, f: facts.Exited) -> None:
        if f.instructions:
            self.count[f.vcpu] = 0
            self.idle[f.vcpu] = self.idle[f.vcpu] + 1 if f.reason == "wfi" else 0
            if self.idle[f.vcpu] >= IDLE_STORM:
                self.fail(
                    f"the guest of VCPU {f.vcpu} idled {IDLE_STORM} times in a row without being "
                    "blocked or given an interrupt, and nothing new had happened"
                )
            return
        self.count[f.vcpu] += 1
        if self.count[f.vcpu] >= STORM:
            self.fail(
                f"VCPU {f.vcpu} left its guest on CPU {f.pcpu} {STORM} times in a row without "
                "executing an instruction, and nothing new had happened"
            )

    def on_stimulus(self, f: facts.NeedResched | facts.Ticked) -> None:
        self.reset()

    def on_kick(self, f: facts.Kicked) -> None:
        if f.ipi:
            self.count[f.vcpu] = self.idle[f.vcpu] = 0

    def on_ack(self, f: facts.AckedByHost) -> None:
        if FIRST_SPI <= f.intid < SPECIAL:
            self.reset()

    def on_placed(self, f: facts.Placed) -> None:
        self.count[f.vcpu] = self.idle[f.vcpu] = 0


class L3(Rule):
    """No livelock: who drops its locks to take them in order does not try again for ever.

    Within one turn of its own (of the run loop, of a handler, of being scheduled) a context takes
    each lock a few times at most: once per operation, and once per retry that somebody else made
    necessary.
    """

    id = "L3"
    section = "vgic.c, vgic_queue_irq_unlock and vgic_prune_ap_list (retry loops)"
    title = "a loop that takes its locks again, because something has changed, comes to an end"
    kind = EVENTUALLY
    needs = {
        facts.LockTaken: "on_lock",
        facts.RequestsChecked: "on_turn",
        facts.Placed: "on_turn",
        facts.InterruptTaken: "on_taken",
        facts.Expired: "on_expired",
    }

    def reset(self) -> None:
        self.taken: dict[Actor, dict[LockId, int]] = {}

    def on_lock(self, f: facts.LockTaken) -> None:
        taken = self.taken.get(f.actor)
        if taken is None:
            taken = self.taken[f.actor] = {}
        n = taken[f.lock] = taken.get(f.lock, 0) + 1
        if n >= RETRIES:
            taken.clear()
            self.fail(
                f"{f.actor} took {f.lock} {RETRIES} times and did nothing else: it will try "
                "again for ever"
            )

    def on_turn(self, f: facts.RequestsChecked | facts.Placed) -> None:
        self.taken.pop(Actor("vcpu", vcpu=f.vcpu), None)

    def on_taken(self, f: facts.InterruptTaken) -> None:
        self.taken.pop(Actor("host-irq", pcpu=f.pcpu), None)

    def on_expired(self, f: facts.Expired) -> None:
        # The callback, and the work item that it queues.
        self.taken.pop(Actor("soft-timer", vcpu=f.vcpu, n=f.timer), None)
        self.taken.pop(Actor("worker", vcpu=f.vcpu), None)


class L5(Rule):
    """A soft timer that fires wakes its VCPU."""

    id = "L5"
    section = "The Architected Timer, first list, step 8"
    title = "the soft timer of a sleeping VCPU wakes it when it fires"
    kind = EVENTUALLY
    needs = {facts.Expired: "on_expired", facts.Woken: "on_wake", facts.Unblocked: "on_unblock"}

    def reset(self) -> None:
        self.fired = [False] * self.config.vcpus

    def on_expired(self, f: facts.Expired) -> None:
        if f.timer == BG_TIMER and not f.early and self.scene.asleep[f.vcpu]:
            self.fired[f.vcpu] = True

    def on_wake(self, f: facts.Woken) -> None:
        self.fired[f.vcpu] = False

    def on_unblock(self, f: facts.Unblocked) -> None:
        self.fired[f.vcpu] = False

    def at_rest(self) -> Iterator[str]:
        for v in range(self.config.vcpus):
            if self.fired[v] and self.scene.asleep[v]:
                yield f"VCPU {v} sleeps on although its soft timer fired"


class Deadlock(Rule):
    """When nothing can go any more, every guest has finished, or sleeps on what it is owed."""

    id = "deadlock"
    section = "host (any)"
    title = "no execution ends with a guest unfinished and nothing that can go"
    kind = EVENTUALLY
    needs = {facts.Halted: SCENE, facts.Blocked: SCENE}

    def at_rest(self) -> Iterator[str]:
        scene = self.scene
        for v in range(self.config.vcpus):
            owed = scene.owed(v) or scene.powed(v) or scene.device_work[v]
            if scene.halted[v] or (scene.asleep[v] and owed):
                continue
            state = "sleeps for good" if scene.asleep[v] else "is awake but cannot go on"
            yield f"VCPU {v} {state} and its guest has not finished"


class LockOrder(Rule):
    """Locks nest in one order, and one that a handler takes is never held with IRQs on.

    That is I9 but for sleep and for what may be changed without a lock: rule ``I9`` has those.
    """

    id = "lock-order"
    section = "vgic.c, comment on locking (I9)"
    title = "locks are taken in order, and with interrupts off where a handler takes them too"
    needs = {facts.LockTaken: "on_lock", facts.LockReleased: "on_unlock"}

    def reset(self) -> None:
        self.held: dict[Actor, list[LockId]] = {}
        self.in_handler: set[LockId] = set()
        self.with_irqs_on: set[LockId] = set()

    def on_lock(self, f: facts.LockTaken) -> None:
        held = self.held.setdefault(f.actor, [])
        if held and order(held[-1]) >= order(f.lock):
            self.fail(f"{f.actor} took {f.lock} while it held {held[-1]}")
        held.append(f.lock)
        if f.in_irq:
            self.in_handler.add(f.lock)
        elif not f.irqs_off:
            self.with_irqs_on.add(f.lock)
        else:
            return
        if f.lock in self.in_handler and f.lock in self.with_irqs_on:
            self.fail(
                f"{f.lock} is taken by a host IRQ handler, and elsewhere with interrupts on: the "
                "handler can come while it is held, and waits for ever"
            )

    def on_unlock(self, f: facts.LockReleased) -> None:
        held = self.held.get(f.actor, [])
        self.held[f.actor] = [x for x in held if x != f.lock]


def order(lock: LockId) -> tuple[int, int, int]:
    """Return where a lock stands in the order of nesting."""
    return (lock.rank, lock.vcpu, lock.intid)
