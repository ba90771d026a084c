"""The guest program, as part of its VCPU's task: one instruction, one step.

Before each instruction a physical interrupt that the CPU can take forces an exit instead, whatever
the guest's own PSTATE.I (HCR_EL2.IMO routes it to EL2). A virtual interrupt is taken as soon as it
is signalled and the guest lets it through; only the guest's own accesses and an entry change that.
"""

from typing import TYPE_CHECKING, Any

from harness.tasks.context import Context
from model import facts
from model.guest import (
    HALT,
    IDLE,
    MASK,
    PMR,
    PPI,
    SPIN,
    TIMER,
    TIMER_OFF,
    USER,
    WAIT,
    WORK,
    Guest,
    Instruction,
)
from model.messages import VTIMER_PPI
from model.timer import ENABLE

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["run_guest"]

NOTHING = 1020
"""INTIDs from here to 1023 are special: the acknowledge got nothing."""

ISR_IAR, ISR_DEVICE, ISR_EOIR, ISR_DIR, ISR_BODY = 1, 2, 3, 4, 5
"""Positions in the guest's handler; from ISR_BODY up, how much of its body is left."""


async def run_guest(world: "VgicWorld", t: Context) -> str:
    """Execute the guest until it leaves; returns "irq", "wfi", "mmio", "user" or "halt"."""
    cpu = GuestCpu(world, t)
    task, guest = t.task, cpu.guest
    forced = (t.o.exit_irq, world.kvm.forced_exit(t))
    while True:
        op = cpu.fetch()
        if await task.step(op, None, 0, forced):
            cpu.leave("irq")
            return "irq"
        guest.instructions += 1
        reason = cpu.execute()
        if reason:
            cpu.leave(reason)
            return reason


class GuestCpu:
    """A guest on a CPU for the length of one stay: references only, no state."""

    __slots__ = ("c", "eoimode", "gic", "guest", "messages", "o", "t", "world")

    def __init__(self, world: "VgicWorld", t: Context) -> None:
        machine = world.machine
        self.world = world
        self.t = t
        self.o = t.o
        self.c = t.c
        self.gic = machine.gic
        self.guest: Guest = machine.guests[t.v]
        self.messages = machine.messages
        self.eoimode = machine.config.eoimode

    def leave(self, reason: str) -> None:
        """Exit to EL2; host interrupts stay masked."""
        self.t.p.guest = False
        self.world.emit(facts.Exited(self.t.v, self.c, reason, self.guest.instructions))

    # -- fetch: which operation comes next, from the guest's own state ---------------------------

    def fetch(self) -> Any:
        """Return the operation of the next instruction."""
        guest, o = self.guest, self.o
        if not guest.isr and not guest.irqs_masked and self.gic.virq_signal(self.c):
            guest.isr = ISR_IAR
        if guest.isr:
            return self.fetch_isr()
        while True:
            instruction = guest.program[guest.pc]
            code = instruction.code
            if code in (IDLE, WAIT):
                # Mask, look, wait: so that no interrupt comes between the look and the WFI.
                if not self.waited_for(instruction):
                    self.mask_irqs(True)
                    return o.guest_wfi
                self.mask_irqs(False)
                self.next()
            elif code == SPIN:
                if guest.taken < instruction.a and guest.sub < instruction.b:
                    return o.guest_work
                self.next()
            elif code in (TIMER, TIMER_OFF):
                return o.guest_timer
            elif code == PMR:
                return o.guest_pmr
            elif code in (PPI, USER, HALT):
                return o.exit_trap
            else:
                return o.guest_work

    def fetch_isr(self) -> Any:
        """Return the operation of the handler's next instruction."""
        o, isr = self.o, self.guest.isr
        if isr == ISR_IAR:
            return o.guest_iar
        if isr == ISR_DEVICE:
            return o.guest_timer if self.guest.vintid == VTIMER_PPI else o.guest_device
        if isr >= ISR_BODY:
            return o.guest_work
        return o.guest_eoir if isr == ISR_EOIR else o.guest_dir

    def waited_for(self, instruction: Instruction) -> bool:
        """Tell whether what the guest waits for has happened."""
        if instruction.code == IDLE:
            return self.guest.taken >= instruction.a
        return all(f.quiet() for f in self.world.machine.forwards if f.vcpu == self.t.v)

    def next(self) -> None:
        """Go to the next instruction."""
        self.guest.pc += 1
        self.guest.sub = 0

    # -- execute -------------------------------------------------------------------------------

    def execute(self) -> str:
        """Perform the instruction just announced; returns the exit it causes, or ""."""
        guest = self.guest
        if guest.isr:
            self.execute_isr()
            return ""
        instruction = guest.program[guest.pc]
        code = instruction.code
        if code in (SPIN, WORK):
            guest.sub += 1
            if code == WORK and guest.sub >= instruction.a:
                self.next()
        elif code == TIMER:
            self.program_timer(instruction.a)
        elif code == TIMER_OFF:
            self.write_ctl(0)
            self.next()
        elif code in (IDLE, WAIT):
            return self.wait_for_interrupt()
        elif code == MASK:
            self.mask_irqs(bool(instruction.a))
            self.next()
        elif code == PMR:
            guest.pmr = instruction.a
            self.gic.set_vpmr(self.c, instruction.a)
            self.tell_mask()
            self.next()
        elif code == PPI:
            guest.enabled = bool(instruction.a)
            self.tell_mask()
            self.next()
            return "mmio"
        elif code == USER:
            self.next()
            return "user"
        else:
            return "halt"
        return ""

    def wait_for_interrupt(self) -> str:
        """WFI: completes at once if a virtual interrupt is signalled, masked or not; else traps."""
        completed = self.gic.virq_signal(self.c)
        self.mask_irqs(False)
        self.world.emit(facts.GuestWfi(self.t.v, completed))
        return "" if completed else "wfi"

    def program_timer(self, delta_ns: int) -> None:
        """Write CVAL, then CTL."""
        guest, timer = self.guest, self.world.machine.timers[self.c]
        if guest.sub == 0:
            timer.cval = timer.clock.now - timer.cntvoff + delta_ns
            guest.sub = 1
            self.tell_timer()
        else:
            self.write_ctl(ENABLE)
            self.next()

    def write_ctl(self, ctl: int) -> None:
        """Write CNTV_CTL_EL0."""
        self.world.machine.timers[self.c].ctl = ctl
        self.tell_timer()

    def tell_timer(self) -> None:
        """State what the guest has its timer programmed to."""
        timer = self.world.machine.timers[self.c]
        deadline = timer.cval + self.world.machine.vtimers[self.t.v].cntvoff
        self.world.emit(facts.GuestTimer(self.t.v, timer.cval, timer.ctl, deadline))

    def mask_irqs(self, masked: bool) -> None:
        """Write PSTATE.I."""
        if self.guest.irqs_masked != masked:
            self.guest.irqs_masked = masked
            self.tell_mask()

    def tell_mask(self) -> None:
        """State what the guest lets through."""
        guest = self.guest
        self.world.emit(facts.GuestMask(self.t.v, guest.irqs_masked, guest.pmr, guest.enabled))

    # -- the handler ---------------------------------------------------------------------------

    def execute_isr(self) -> None:
        """One access of the guest's interrupt handler."""
        guest, isr = self.guest, self.guest.isr
        if isr == ISR_IAR:
            guest.vintid = self.gic.viar(self.c)
            first = ISR_EOIR if guest.eoi_first else ISR_DEVICE
            guest.isr = 0 if guest.vintid >= NOTHING else first
        elif isr == ISR_DEVICE:
            # A driver silences its device before it completes the interrupt, if it is a good one.
            if guest.vintid == VTIMER_PPI:
                self.write_ctl(0)
            else:
                self.serve(guest.vintid)
            if guest.eoi_first:
                self.end_of_isr()
                return
            body = guest.handler
            guest.isr = ISR_BODY + body - 1 if body else ISR_EOIR
        elif isr >= ISR_BODY:
            guest.isr = isr - 1 if isr > ISR_BODY else ISR_EOIR
        elif isr == ISR_EOIR:
            self.settle_own_deactivations()
            self.deactivate(self.gic.veoir(self.c, guest.vintid))
            if self.eoimode:
                guest.isr = ISR_DIR
            else:
                self.completed()
        else:
            self.settle_own_deactivations()
            self.deactivate(self.gic.vdir(self.c, guest.vintid))
            self.completed()

    def serve(self, vintid: int) -> None:
        """Do what the device asks for; that lowers its line."""
        for forward in self.world.machine.forwards:
            if forward.vintid == vintid:
                work = forward.work
                forward.serve()
                self.world.emit(facts.DeviceServed(self.t.v, forward.intid, vintid, work))

    def settle_own_deactivations(self) -> None:
        """With ``quirk`` the physical active bit is looked at behind this CPU's own messages."""
        if self.world.config.lr_on_guest_deactivate == "quirk":
            self.messages.deliver_deactivations(self.c)

    def deactivate(self, pintid: int) -> None:
        """Send the physical deactivation that the List Register asked for."""
        if pintid >= 0:
            self.messages.send_deactivation(self.c, pintid)

    def completed(self) -> None:
        """Go on behind the deactivation."""
        if self.guest.eoi_first:
            self.guest.isr = ISR_DEVICE
        else:
            self.end_of_isr()

    def end_of_isr(self) -> None:
        """Return from the handler."""
        self.guest.isr = 0
        self.guest.taken += 1
