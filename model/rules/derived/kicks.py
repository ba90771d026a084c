"""Nobody runs past what it should be given: it is in a List Register, or a kick comes."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.possible import lacks
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Table, drop, get, put
from model.check.unknown import Debt
from model.check.views.guests import Guests
from model.check.views.hyp_control import HypControl
from model.check.views.ideal_gic import YES, IdealGic
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.virtual_enables import VirtualEnables
from model.gic.lr import PENDING
from model.gic.registers import FIRST_SPI, HCR_LRENPIE, HCR_NPIE, HCR_UIE, SGIS

__all__ = ["I12"]

EXITS_BY_ITSELF = HCR_NPIE | HCR_LRENPIE
"""With one of these the guest's progress brings the exit at which the rest is looked at.

UIE is none: the registers run empty only as the guest deactivates, and until then it would wait
with all of them active. Until 2025 KVM had no other: while one of them is pending, that is enough.
"""


Place = tuple[int, bool]
"""Where code runs: on which CPU, and whether in a handler (which interrupts other code)."""
NOWHERE: Place = (-1, False)
VMM: Place = (-1, True)
"""A thread of the VM monitor's, on no CPU that is modelled; that its IPI comes L1 and G9 tell."""


class Waiting(State):
    """What was injected for a VCPU and is in no List Register yet.

    ``left`` has all of it, by vINTID with the place of the injector; ``settled`` what of it the
    injector left to the thread to notice (it was not in its guest: no IPI was sent). ``ipi``: an
    IPI to the VCPU's CPU has not been taken yet; ``promise`` is the place of who has said to send
    one and has not done so yet; ``unkicked`` are the CPUs whose handlers have injected something
    (``OnCpu.unkicked``), as a mask.
    """

    left: Debt[Table[int, Place]] = ()
    settled: Debt[tuple[int, ...]] = ()
    ipi: bool = False
    promise: Place = NOWHERE
    unkicked: Debt[int] = 0


class Lists(State):
    """``owners``: on whose ap_list SPIs are, by vINTID."""

    owners: Table[int, int] = ()


class OnCpu(State):
    """``in_isr``: a handler runs there. ``unkicked``: what it injected, VCPU and vINTID.

    ``promised`` is the VCPU to which a thread there is about to send an IPI (-1: none), and
    ``isr_promised`` the one to which a handler is.
    """

    in_isr: bool = False
    unkicked: Debt[tuple[tuple[int, int], ...]] = ()
    promised: Debt[int] = -1
    isr_promised: Debt[int] = -1


class I12(Rule):
    """What was injected is in a List Register at entry, or a kick is on its way.

    A kick of a VCPU that is in its guest, or about to be, is an IPI: what counts is that the
    distributor was told to send it.
    """

    id = "I12"
    section = "introduction, paragraph 2 (derived)"
    title = "no guest is entered with an injected interrupt left behind and no kick under way"
    trusts = (
        "that an IPI is to be sent is taken as a promise, which the distributor must see kept "
        "(IpiSent) before its maker goes on; what is cleared or disabled waits for no kick, and "
        "a write only claimed is told by G2 and G3"
    )

    UNKICKED = alarm(
        "unkicked",
        "CPU {pcpu} injected vINTID {vintid} while VCPU {vcpu} ran its guest on CPU {runs_on}, and "
        "ended its handler without a kick",
    )
    LEFT_BEHIND = alarm(
        "left-behind",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} injected but in no List "
        "Register, and neither a kick nor an exit for it is to come",
    )

    guests: Guests
    loaded: LoadedVcpus
    lrs: ListRegisters
    control: HypControl
    enables: VirtualEnables
    ideal: IdealGic

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Waiting)
        self.on = self.each_pcpu(OnCpu)
        self.lists = self.one(Lists)

    # -- what waits ----------------------------------------------------------------------------

    def drop(self, v: int, vintid: int) -> None:
        """Drop an interrupt that needs no more looking after."""
        of = self.of[v]
        if of.left:
            of.left = drop(of.left, vintid)
        if vintid in of.settled:
            of.settled = tuple([x for x in of.settled if x != vintid])

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """It waits from here on, or is over."""
        if not f.accepted:
            return
        self.drop(f.vcpu, f.vintid)
        # Who has it on its list from before it was routed here gives it up at its next exit.
        if f.level and get(self.lists.owners, f.vintid, f.vcpu) == f.vcpu:
            of = self.of[f.vcpu]
            if f.pcpu < 0:
                of.left = put(of.left, f.vintid, VMM)
                return
            here = self.on[f.pcpu]
            of.left = put(of.left, f.vintid, (f.pcpu, here.in_isr))
            if here.in_isr:
                here.unkicked = (*here.unkicked, (f.vcpu, f.vintid))
                of.unkicked |= 1 << f.pcpu

    @on(facts.Resampled)
    def on_resample(self, f: facts.Resampled) -> None:
        """A low line is nothing to wait for."""
        if not f.level:
            self.drop(f.vcpu, f.vintid)

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """It is in a List Register."""
        v = self.loaded.on[f.pcpu].vcpu
        if v >= 0 and f.after.state & PENDING:
            self.drop(v, f.after.vintid)

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """An SPI goes where it is routed to when it is queued, whatever was known before."""
        if f.vintid < FIRST_SPI:
            return
        self.lists.owners = put(self.lists.owners, f.vintid, f.vcpu)
        for v, of in enumerate(self.of):
            where = NOWHERE if v == f.vcpu else get(of.left, f.vintid, NOWHERE)
            if where != NOWHERE:
                self.drop(v, f.vintid)
                self.of[f.vcpu].left = put(self.of[f.vcpu].left, f.vintid, where)

    @on(facts.Unqueued)
    def on_unqueue(self, f: facts.Unqueued) -> None:
        """It is on no list."""
        if f.vintid >= FIRST_SPI:
            self.lists.owners = drop(self.lists.owners, f.vintid)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The guest took it back, or disabled it."""
        if f.register in ("icpendr", "icenabler", "reset"):
            for v in range(self.setting.vcpus) if f.vintid >= FIRST_SPI else (f.owner,):
                self.drop(v, f.vintid)

    @on(facts.Retargeted)
    def on_retarget(self, f: facts.Retargeted) -> None:
        """Who has it queued must give it up first, at its next exit; nobody kicks for that."""
        for v in range(self.setting.vcpus):
            self.drop(v, f.vintid)

    # -- kicks ---------------------------------------------------------------------------------

    @on(facts.Kicked)
    def on_kick(self, f: facts.Kicked) -> None:
        """What the kicker injected is left to the thread, unless an IPI is under way or to come.

        With an IPI under way already a further kick sends none, and needs none.
        """
        if f.pcpu < 0:
            if f.ipi:
                self.of[f.vcpu].promise = VMM
            return
        on_cpu, of = self.on[f.pcpu], self.of[f.vcpu]
        here = (f.pcpu, on_cpu.in_isr)
        self.promise_is_over(here)
        covered = of.ipi or of.promise != NOWHERE
        if covered or self.guests.of[f.vcpu].pcpu < 0:
            self.was_kicked(f.pcpu, f.vcpu)
        if f.ipi:
            covered = True
            of.promise = here
            if here[1]:
                on_cpu.isr_promised = f.vcpu
            else:
                on_cpu.promised = f.vcpu
        self.settle(f.vcpu, here, covered)

    @on(facts.DeviceSignalled)
    def on_signalled(self, f: facts.DeviceSignalled) -> None:
        """Its call is over: what it injected is left to the thread, or an IPI comes.

        What was disabled is on no list: who enables it queues it, and kicks, after this entry.
        """
        for v, of in enumerate(self.of):
            covered = of.ipi or of.promise != NOWHERE or not self.enables.is_enabled(v, f.vintid)
            if not covered and get(of.left, f.vintid, NOWHERE) == VMM:
                of.settled = (*of.settled, f.vintid)

    def settle(self, v: int, place: Place, covered: bool) -> None:
        """What was injected at ``place`` is the thread's to notice, unless it is ``covered``.

        What is disabled is on no list: who enables it queues it, and kicks.
        """
        of = self.of[v]
        if of.left or of.settled:
            enabled = self.enables.is_enabled
            mine = [n for n, where in of.left if where == place and enabled(v, n)]
            others = [x for x in of.settled if x not in mine]
            of.settled = tuple(others if covered else others + mine)

    def was_kicked(self, c: int, v: int) -> None:
        """What a handler on CPU ``c`` injected for VCPU ``v`` needs no other kick."""
        of = self.of[v]
        if of.unkicked >> c & 1:
            of.unkicked ^= 1 << c
            on_cpu = self.on[c]
            on_cpu.unkicked = tuple([x for x in on_cpu.unkicked if x[0] != v])

    @on(facts.IpiSent)
    def on_ipi(self, f: facts.IpiSent) -> None:
        """An IPI goes to the CPU where a VCPU is loaded: it forces it out of its guest."""
        v = self.loaded.on[f.target].vcpu
        if v < 0:
            return
        of = self.of[v]
        of.ipi = True
        self.was_kicked(f.pcpu, v)
        promise = of.promise
        if promise == VMM:
            of.promise = NOWHERE
        elif promise[0] == f.pcpu:
            of.promise = NOWHERE
            self.forget_promise(promise)

    def forget_promise(self, place: Place) -> int:
        """Nobody at ``place`` is about to send an IPI; return to whom it was to go, or -1."""
        on_cpu = self.on[place[0]]
        if place[1]:
            v, on_cpu.isr_promised = on_cpu.isr_promised, -1
        else:
            v, on_cpu.promised = on_cpu.promised, -1
        return v

    def promise_is_over(self, place: Place) -> None:
        """Whoever ran at ``place`` has gone on: an IPI that it has not sent will not come."""
        v = self.forget_promise(place)
        if v >= 0 and self.of[v].promise == place:
            self.of[v].promise = NOWHERE
            self.settle(v, place, covered=False)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """It is out of its guest, and looks at everything before it enters again."""
        of = self.of[f.vcpu]
        of.ipi = False
        promise, of.promise = of.promise, NOWHERE
        if promise not in (NOWHERE, VMM):
            self.forget_promise(promise)

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The IPI was taken, perhaps by an entry that was given up: it covers nothing later."""
        v = self.loaded.on[f.pcpu].vcpu
        if f.intid < SGIS and v >= 0:
            self.of[v].ipi = False

    @on(facts.Woken)
    def on_wake(self, f: facts.Woken) -> None:
        """Who is woken needs no kick."""
        for c in range(self.setting.pcpus):
            self.was_kicked(c, f.vcpu)

    @on(facts.RequestsChecked)
    def on_turn(self, f: facts.RequestsChecked) -> None:
        """The thread begins another turn: whatever it had to kick, it has."""
        c = self.loaded.of[f.vcpu].pcpu
        if c >= 0 and self.on[c].promised >= 0:
            self.promise_is_over((c, False))

    @on(facts.IsrBegan)
    def on_isr(self, f: facts.IsrBegan) -> None:
        """A handler begins."""
        self.on[f.pcpu].in_isr = True

    @on(facts.IsrEnded)
    def on_isr_end(self, f: facts.IsrEnded) -> None:
        """It has kicked whom it had to."""
        on_cpu = self.on[f.pcpu]
        on_cpu.in_isr = False
        self.promise_is_over((f.pcpu, True))
        unkicked = on_cpu.unkicked
        if not unkicked:
            return
        on_cpu.unkicked = ()
        for v in dict(unkicked):
            self.of[v].unkicked &= ~(1 << f.pcpu)
        for v, vintid in unkicked:
            c = self.guests.of[v].pcpu
            waits = get(self.of[v].left, vintid, NOWHERE) != NOWHERE
            if c >= 0 and waits and self.enables.is_enabled(v, vintid):
                self.report(self.UNKICKED, pcpu=f.pcpu, vintid=vintid, vcpu=v, runs_on=c)

    # -- entries -------------------------------------------------------------------------------

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Nothing that was left to the thread may be left behind."""
        settled = self.of[f.vcpu].settled
        hcr, used = self.control.on[f.pcpu].hcr, self.lrs.on[f.pcpu].used
        if not settled or hcr & EXITS_BY_ITSELF:
            return
        if self.era == "v4.14" and hcr & HCR_UIE and any(lr.state == PENDING for _, lr in used):
            return
        if self.lrs.has_a_turn(f.pcpu):
            return
        for vintid in settled:
            if not self.enables.is_enabled(f.vcpu, vintid):
                continue
            # What is, or may be, active must be ended first: LRENPIE has the exit for that.
            if not lacks(self.ideal.irq(f.vcpu, vintid).active, YES):
                continue
            held = [lr for _, lr in used if lr.vintid == vintid]
            # One with the EOI bit makes the guest exit when it completes.
            if not any(lr.hw or lr.eoi or lr.state & PENDING for lr in held):
                self.report(self.LEFT_BEHIND, vcpu=f.vcpu, pcpu=f.pcpu, vintid=vintid)
                return
