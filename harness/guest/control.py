"""What programs do with their own CPU interface, and how they go: loops, conditions, handlers.

A handler that is a program runs like the rest of it, between an exception and the return from it:
taking one masks interrupts (PSTATE.I) and keeps what the program was about; the return restores
that. What it does, and in which order, is its own business: it may forget an EOIR, or write one
too many.
"""

from harness.engine.footprint import Step
from harness.guest.handlers import GuestIsr
from harness.guest.steps import GuestSteps
from model import facts
from model.gic.registers import FIRST_LPI, FIRST_SPI, SPECIAL, SPURIOUS
from model.guest import (
    AGAIN,
    BPR,
    CNTP_CTL,
    DIR,
    EOI,
    GROUP,
    IAR,
    IF_ACKED,
    READ_CPU,
    READ_VTIMER,
    REGISTERS,
    REPEAT,
    RETURN,
    SILENCE,
    WFI,
    Instruction,
)
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = ["CONTROLS", "GuestControl"]

CONTROLS = (WFI, IAR, EOI, DIR, SILENCE, BPR, GROUP, READ_CPU, READ_VTIMER, RETURN)
"""The instructions that are carried out here."""
CNTP = frozenset(name for name in REGISTERS if name.startswith("cntp"))


class GuestControl(GuestIsr):
    """The part of a guest on a CPU that executes them."""

    __slots__ = ()

    # -- where it goes ---------------------------------------------------------------------------

    def next(self) -> None:
        """Go to the next instruction."""
        self.guest.pc += 1
        self.guest.sub = 0

    def jump(self, instruction: Instruction) -> bool:
        """Go on behind a condition, or the beginning or the end of a loop; these take no time.

        Returns:
            whether it was one of them.
        """
        guest, code = self.guest, instruction.code
        if code == IF_ACKED:
            if self.plain(guest.acked) == instruction.a:
                self.next()
            else:
                guest.pc = instruction.b
        elif code == REPEAT:
            guest.loops = (*guest.loops, instruction.a)
            self.next()
        elif code == AGAIN:
            *outer, left = guest.loops
            if left > 1:
                guest.loops = (*outer, left - 1)
                guest.pc = instruction.a
            else:
                guest.loops = tuple(outer)
                self.next()
        else:
            return False
        return True

    def comes_first(self) -> bool:
        """Tell whether it writes DIR for what was left to it, before it goes on.

        It does so outside its handlers, and not where its program says that it writes one now.
        """
        guest = self.guest
        if guest.frames or guest.program[guest.pc].code == DIR:
            return False
        return self.has_deferred and self.to_deactivate() != ()

    def take_exception(self) -> None:
        """Go to the handler, if the guest lets the interrupt through.

        With an exit to come first it does not: its CPU takes the physical interrupt before.
        """
        guest = self.guest
        if guest.vector < 0:
            super().take_exception()
        elif not guest.irqs_masked and not self.t.signals.any():
            frame = (guest.pc, guest.sub, guest.loops, guest.acked)
            guest.frames = (*guest.frames, frame)
            guest.pc, guest.sub = guest.vector, 0
            guest.loops, guest.acked = (), SPURIOUS
            guest.excepted()
            self.mask_irqs(True)

    def return_from_exception(self) -> None:
        """Go back to what was interrupted (ERET): there interrupts are not masked."""
        guest = self.guest
        guest.pc, guest.sub, guest.loops, guest.acked = guest.frames[-1]
        guest.frames = guest.frames[:-1]
        self.mask_irqs(False)

    def mask_irqs(self, masked: bool) -> None:
        """Write PSTATE.I."""
        if self.guest.irqs_masked != masked:
            self.guest.irqs_masked = masked
            self.guest.say_mask()

    # -- what it does ----------------------------------------------------------------------------

    def control(self, instruction: Instruction) -> str:
        """Carry out one of :data:`CONTROLS`; return the exit that it causes, or ""."""
        code = instruction.code
        vintid = self.guest.acked if instruction.a < 0 else instruction.a
        if code == RETURN:
            self.return_from_exception()
            return ""
        self.next()
        if code == WFI:
            return self.wait_once()
        if code == IAR:
            self.read_iar()
        elif code == EOI:
            self.settle_own_deactivations()
            self.deactivate(self.gic.veoir(self.c, vintid, self.group()))
        elif code == DIR:
            return "" if SPECIAL <= self.plain(vintid) <= SPURIOUS else self.write_dir(vintid)
        elif code == SILENCE:
            return self.silence(self.plain(vintid))
        elif code == BPR:
            self.gic.set_vbpr(self.c, self.group(), instruction.a)
            self.say_control()
        elif code == GROUP:
            self.gic.set_vgroup_enable(self.c, self.group(), bool(instruction.a))
            self.say_control()
        else:
            self.read_register(instruction.a)
        return ""

    def group(self) -> int:
        """Return the group of all its interrupts: 1, and 0 in a GICv2 (``VgicIrq.group``)."""
        return int(self.gic.version == 3)

    def plain(self, vintid: int) -> int:
        """Return the INTID without the source that a GICv2 has above that of an SGI."""
        return vintid & 0x3FF if self.gic.version == 2 else vintid

    def wait_once(self) -> str:
        """WFI, without a look before it: it completes if an interrupt is signalled, else traps."""
        completed = self.gic.virq_signal(self.c)
        self.rt.emit(facts.GuestWfi(self.t.v, completed))
        return "" if completed else "wfi"

    def read_iar(self) -> None:
        """Read IAR: what it gives counts as handled."""
        guest = self.guest
        guest.acked = self.gic.viar(self.c, self.group())
        guest.unread = 0
        vintid = self.plain(guest.acked)
        if not SPECIAL <= vintid <= SPURIOUS:
            self.count_handled(vintid)

    def step_of_silence(self, instruction: Instruction) -> Step:
        """Return the step in which a driver silences its device."""
        vintid = self.plain(self.guest.acked if instruction.a < 0 else instruction.a)
        if vintid == VTIMER_PPI:
            return GuestSteps.guest_timer
        if vintid == PTIMER_PPI:
            return self.ptimer_step()
        if vintid in self.rt.exiting_spis:
            return GuestSteps.exit_trap
        return GuestSteps.guest_device if is_device(vintid) else GuestSteps.guest_work

    def silence(self, vintid: int) -> str:
        """Silence the device of ``vintid``; return the exit that it causes, or ""."""
        if vintid == VTIMER_PPI:
            self.write_ctl(0)
        elif vintid == PTIMER_PPI:
            return self.access_ptimer(CNTP_CTL, 0)
        elif is_device(vintid):
            return self.serve(vintid)
        return ""

    def say_control(self) -> None:
        """Say what its group enable and its binary point are from here on."""
        group, vmcr = self.group(), self.gic.save_vmcr(self.c)
        on = vmcr.enable1 if group else vmcr.enable0
        self.rt.emit(facts.GuestControl(self.t.v, on, self.gic.vbpr(self.c, group)))

    # -- registers that do not trap ----------------------------------------------------------------

    def read_register(self, number: int) -> None:
        """Read register ``number`` of ``model.guest.REGISTERS``."""
        machine, register = self.machine, REGISTERS[number]
        timer = (machine.hw_ptimers if register in CNTP else machine.hw_timers)[self.c]
        if number == 0:
            value = self.gic.vrpr(self.c)
        elif number == 1:
            value = self.plain(self.gic.vhppir(self.c, self.group()))
        elif register.endswith("ctl"):
            value = timer.read_ctl()
        elif register.endswith("cval"):
            value = timer.cval
        else:
            value = timer.read_tval()
        self.rt.emit(facts.GuestRead(self.t.v, register, value))


def is_device(vintid: int) -> bool:
    """Tell whether it is a device's: an SPI or an LPI."""
    return FIRST_SPI <= vintid < SPECIAL or vintid >= FIRST_LPI
