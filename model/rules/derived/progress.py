"""No storm and no livelock: what is tried again comes to an end."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guests import Guests
from model.check.views.loaded_vcpus import LoadedVcpus
from model.gic.registers import FIRST_SPI, SPECIAL
from model.identity import Actor, LockId

__all__ = ["L2", "L3"]

STORM = 8
"""So many exits in a row without one guest instruction, and nothing new in between, are a storm."""
RETRIES = 16
"""So many times the same lock, with nothing else done by who takes it, are a livelock."""
IDLE_STORM = 32
"""So many WFIs in a row that neither block nor bring an interrupt are one, too."""
TURNS = 32
"""So many turns of the run loop without an entry, and nothing new, are for ever."""
NAPS = 16
"""So many sleeps in a row without an entry, and nothing new in between, are wake-ups for ever."""


class Streak(State):
    """In a row: ``exits`` without an instruction, and ``wfis`` that brought nothing.

    ``turns`` of the run loop that did not come to an entry, and ``naps``: sleeps from which the
    thread was woken for nothing. While it is ``paused``, because another halts the guests, it has
    nothing to run for.
    """

    exits: Debt[int] = 0
    wfis: Debt[int] = 0
    naps: Debt[int] = 0
    turns: Debt[int] = 0
    paused: Debt[bool] = False


class L2(Rule):
    """No storm: exits without guest progress come to an end.

    Nor does a guest that idles get out of its WFI again and again for nothing: KVM finds something
    pending for it, so that it does not block, and presents nothing; or wakes it and finds nothing,
    so that it sleeps again. The guest's: it gets no time, or its user pays for a CPU that does
    nothing.
    """

    id = "L2"
    section = "Edge and Level, paragraph 2 (progress)"
    title = "a guest makes progress: exits without an instruction in between come to an end"
    kind = EVENTUALLY
    guest = True
    trusts = (
        "a turn of the run loop is counted, and what halts the guests ends a streak: both only "
        "date what entries and exits show"
    )
    by_cycles = True

    IDLE = alarm(
        "idle",
        "the guest of VCPU {vcpu} idled {n} times in a row without being blocked or given an "
        "interrupt, and nothing new had happened",
    )
    MASKED = alarm(
        "masked",
        "guest: VCPU {vcpu} idles, and lets nothing through: it has not completed what it "
        "acknowledged, or disabled its interrupt group",
    )
    WOKEN = alarm(
        "woken",
        "VCPU {vcpu} was woken {n} times in a row and had nothing to run for, and nothing new had "
        "happened",
    )
    TURNS = alarm(
        "turns",
        "VCPU {vcpu} went round its run loop {n} times in a row and never entered its guest, and "
        "nothing new had happened",
    )
    NOWHERE = alarm(
        "nowhere",
        "VCPU {vcpu} has CPU {pcpu} and did not enter its guest in the last {n} steps, in which "
        "everyone who could go went in turn",
    )
    EXITS = alarm(
        "storm",
        "VCPU {vcpu} left its guest on CPU {pcpu} {n} times in a row without executing an "
        "instruction, and nothing new had happened",
    )

    guests: Guests
    loaded: LoadedVcpus
    priorities: GuestPriorities

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Streak)

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """It may sleep, but not be woken for nothing time after time."""
        self.of[f.vcpu].wfis = 0
        self.nap(f.vcpu)

    @on(facts.KeptAsleep)
    def on_kept_asleep(self, f: facts.KeptAsleep) -> None:
        """Nor may one that is powered off; who is paused is woken by who halted the guests."""
        self.nap(f.vcpu)

    def nap(self, v: int) -> None:
        """Count a sleep."""
        of = self.of[v]
        of.turns = 0
        if not of.paused:
            of.naps += 1
        if of.naps > NAPS:
            self.report(self.WOKEN, vcpu=v, n=NAPS)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It was woken for something."""
        of = self.of[f.vcpu]
        of.naps = of.turns = 0

    @on(facts.RequestsChecked)
    def on_turn(self, f: facts.RequestsChecked) -> None:
        """A turn of the run loop begins: it leads into the guest, or the next one does."""
        of = self.of[f.vcpu]
        of.turns += 1
        if of.turns > TURNS:
            self.report(self.TURNS, vcpu=f.vcpu, n=TURNS)

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """So is what is injected: it is woken for it, and sleeps on if it is masked."""
        if f.accepted:
            of = self.of[f.vcpu]
            of.naps = of.turns = 0

    @on(facts.Halting)
    def on_halting(self, f: facts.Halting) -> None:
        """Who halts the guests lets them go on, and wakes them, when it is done."""
        for v, of in enumerate(self.of):
            of.paused = v != f.vcpu
            of.naps = of.turns = 0

    @on(facts.Resumed)
    def on_resumed(self, f: facts.Resumed) -> None:
        """It may run again."""
        of = self.of[f.resumed]
        of.paused = False
        of.naps = 0

    @on(facts.Bypassed)
    def on_bypassed(self, f: facts.Bypassed) -> None:
        """So does irq bypass."""
        of = self.of[f.vcpu]
        of.paused = f.halted
        of.naps = of.turns = 0

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """It was given something."""
        self.of[self.guests.on[f.pcpu].vcpu].wfis = 0

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """One more, or progress."""
        of = self.of[f.vcpu]
        if f.instructions:
            of.exits = 0
            of.wfis = of.wfis + 1 if f.reason == "wfi" else 0
            if of.wfis >= IDLE_STORM:
                own = self.priorities.of[f.vcpu]
                if own.running or not own.group:
                    # No wonder: KVM looks at neither before it blocks (kvm_vgic_vcpu_pending_irq).
                    self.report(self.MASKED, vcpu=f.vcpu)
                else:
                    self.report(self.IDLE, vcpu=f.vcpu, n=IDLE_STORM)
            return
        of.exits += 1
        if of.exits >= STORM:
            self.report(self.EXITS, vcpu=f.vcpu, pcpu=f.pcpu, n=STORM)

    @on(facts.NeedResched, facts.Ticked)
    def on_stimulus(self, _f: facts.NeedResched | facts.Ticked) -> None:
        """Something new happened, to all."""
        for of in self.of:
            of.exits = of.wfis = of.naps = of.turns = 0

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """A device's interrupt is something new."""
        if FIRST_SPI <= f.intid < SPECIAL:
            for of in self.of:
                of.exits = of.wfis = 0

    @on(facts.IpiSent)
    def on_ipi(self, f: facts.IpiSent) -> None:
        """So is a kick, for the VCPU that it forces out."""
        v = self.loaded.on[f.target].vcpu
        if v >= 0:
            of = self.of[v]
            of.exits = of.wfis = 0

    @on(facts.Placed)
    def on_placed(self, f: facts.Placed) -> None:
        """It was scheduled."""
        of = self.of[f.vcpu]
        of.exits = of.wfis = 0

    @on(facts.GotNowhere)
    def on_nowhere(self, f: facts.GotNowhere) -> None:
        """It goes round in a loop where nothing else is told of it."""
        self.report(self.NOWHERE, vcpu=f.vcpu, pcpu=f.pcpu, n=f.n)


class Turn(State):
    """The locks that an actor has taken in its present turn, one by one."""

    locks: Debt[tuple[LockId, ...]] = ()


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
    trusts = "a turn of the run loop only ends a count of locks, which tell of themselves"
    by_cycles = True

    AGAIN = alarm(
        "again", "{actor} took {lock} {n} times and did nothing else: it will try again for ever"
    )

    def setup(self) -> None:
        """Make the states, by actor."""
        self.taken = self.members(Turn)
        self.threads = [Actor("vcpu", vcpu=v) for v in range(self.setting.vcpus)]
        self.handlers_of = [Actor("host-irq", pcpu=c) for c in range(self.setting.pcpus)]
        devices = len(self.setting.drivers) if self.setting.software else 0
        self.vmm = [Actor("software", n=n) for n in range(devices)]

    @on(facts.LockTaken)
    def on_lock(self, f: facts.LockTaken) -> None:
        """One more."""
        turn = self.taken[f.actor]
        turn.locks = locks = (*turn.locks, f.lock)
        if len(locks) >= RETRIES and locks.count(f.lock) >= RETRIES:
            turn.locks = ()
            self.report(self.AGAIN, actor=f.actor, lock=f.lock, n=RETRIES)

    @on(facts.RequestsChecked, facts.Placed)
    def on_turn(self, f: facts.RequestsChecked | facts.Placed) -> None:
        """A thread begins a turn of its run loop, or was scheduled."""
        self.taken[self.threads[f.vcpu]].locks = ()

    @on(facts.DeviceSignalled)
    def on_signalled(self, _f: facts.DeviceSignalled) -> None:
        """A call of the VM monitor's has returned; which of its threads made it does not matter."""
        for actor in self.vmm:
            self.taken[actor].locks = ()

    @on(facts.InterruptTaken)
    def on_taken(self, f: facts.InterruptTaken) -> None:
        """A handler begins."""
        self.taken[self.handlers_of[f.pcpu]].locks = ()

    @on(facts.Expired)
    def on_expired(self, f: facts.Expired) -> None:
        """A soft timer's callback was called; it may queue a work item."""
        self.taken[Actor("soft-timer", vcpu=f.vcpu, n=f.timer)].locks = ()
        self.taken[Actor("worker", vcpu=f.vcpu)].locks = ()
