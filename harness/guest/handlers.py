"""The guest's interrupt handler: acknowledge, silence the device, complete; and what comes after.

With EOImode 1 the completion has two halves. Who deactivates is the scenario's choice: the handler
itself, the same VCPU later and in any order, or another VCPU. With nested handlers an interrupt of
higher priority comes in between; they complete strictly in the reverse order of their acknowledges.
"""

from collections.abc import Callable

from harness.context import Context
from harness.contract import Op
from harness.engine.encoding import wiring
from harness.engine.footprint import Step
from harness.guest.steps import GuestSteps
from harness.runtime import Runtime
from model import facts
from model.device import serve_device
from model.gic.registers import FIRST_LPI, FIRST_SPI, SPECIAL, SPURIOUS, TRAP
from model.guest import CNTP_CTL, CNTP_TVAL, DRIVER, SGI, WAKE_SGI, Guest, Instruction
from model.identity import PTIMER, VTIMER
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = ["DirAtEl2", "GuestIsr"]

DirAtEl2 = Callable[[Context, int], bool]
"""What EL2 makes of a guest's DIR that traps: whether it carried it out (``VgicHooks``)."""

DEACTIVATION = -1
"""The code of a trapped DIR; it is no line of a program."""

ISR_IAR, ISR_DEVICE, ISR_EOIR, ISR_DIR, ISR_WAKE, ISR_AGAIN, ISR_BODY = 1, 2, 3, 4, 5, 6, 7
"""Positions in the guest's handler; from ISR_BODY up, how much of its body is left."""


class GuestIsr:
    """The handler's part of a guest on a CPU."""

    __slots__ = (
        "c", "config", "gic", "guest", "has_deferred", "machine", "messages", "rt", "t",
        "write_dir_at_el2",
    )  # fmt: skip

    def __init__(self, rt: Runtime, t: Context, write_dir_at_el2: DirAtEl2) -> None:
        machine = rt.machine
        self.rt = rt
        self.write_dir_at_el2 = write_dir_at_el2
        self.machine = machine
        self.t = t
        self.c = t.c
        self.gic = machine.gic
        self.guest: Guest = machine.guests[t.v]
        self.messages = machine.messages
        self.config = machine.config
        self.has_deferred = self.config.eoimode == 1 and self.config.deactivate != "handler"

    # -- fetch ---------------------------------------------------------------------------------

    def take_exception(self) -> None:
        """Go to the handler, if the guest lets the interrupt through.

        A handler that lets others in does so between its acknowledge and its return; one that
        completes first, until then, or a level that it has still to silence would come for ever.
        """
        guest = self.guest
        if not guest.isr:
            if not guest.irqs_masked:
                guest.isr = ISR_IAR
        elif self.config.nested and guest.isr != ISR_IAR:
            if self.config.eoi_first and guest.isr != ISR_EOIR:
                return
            guest.stack = (*guest.stack, (guest.vintid, guest.isr))
            guest.isr = ISR_IAR

    def fetch_isr(self) -> Op:
        """Return the operation of the handler's next instruction."""
        here, isr = self.t.here, self.guest.isr
        if isr == ISR_IAR:
            return here[GuestSteps.guest_iar]
        if isr == ISR_DEVICE:
            vintid = self.number()
            if vintid == PTIMER_PPI:
                return here[self.ptimer_step()]
            if vintid in self.rt.exiting_spis:
                return here[GuestSteps.exit_trap]
            if vintid >= FIRST_SPI:
                return here[GuestSteps.guest_device]
            timer = vintid == VTIMER_PPI
            return here[GuestSteps.guest_timer if timer else GuestSteps.guest_work]
        if isr >= ISR_BODY:
            return here[GuestSteps.guest_work]
        if isr == ISR_WAKE:
            return here[GuestSteps.exit_trap]
        completes = isr == ISR_EOIR or (isr == ISR_AGAIN and not self.config.eoimode)
        return here[GuestSteps.guest_eoir if completes else GuestSteps.guest_dir]

    # -- execute -------------------------------------------------------------------------------

    def execute_isr(self) -> str:
        """One access of the guest's interrupt handler; returns the exit it causes, or ""."""
        guest, isr = self.guest, self.guest.isr
        reason = ""
        if isr == ISR_IAR:
            self.acknowledge()
        elif isr == ISR_DEVICE:
            # A driver silences its device before it completes the interrupt, if it is a good one.
            vintid = self.number()
            if vintid == VTIMER_PPI:
                self.write_ctl(0)
            elif vintid == PTIMER_PPI:
                reason = self.access_ptimer(CNTP_CTL, 0)
            elif vintid >= FIRST_SPI:
                reason = self.serve(vintid)
            if self.config.eoi_first:
                if self.serves_for_another(vintid) and not self.other_deactivates():
                    guest.isr = ISR_WAKE
                else:
                    self.end_of_isr()
            else:
                body = self.config.handler
                guest.isr = ISR_BODY + body - 1 if body else ISR_EOIR
        elif isr >= ISR_BODY:
            guest.isr = isr - 1 if isr > ISR_BODY else ISR_EOIR
        elif isr == ISR_EOIR or (isr == ISR_AGAIN and not self.config.eoimode):
            self.settle_own_deactivations()
            self.deactivate(self.gic.veoir(self.c, guest.vintid))
            if not self.config.eoimode or self.number() >= FIRST_LPI:
                self.deactivated()  # an LPI has nothing left to be deactivated
            elif not self.defer(self.number()):
                guest.isr = ISR_DIR
        elif isr in (ISR_DIR, ISR_AGAIN):
            vintid = guest.vintid
            self.deactivated()
            return self.write_dir(vintid)
        else:
            return self.wake()
        return reason

    def acknowledge(self) -> None:
        """Read IAR; with nothing to take, go back to what was interrupted."""
        guest = self.guest
        guest.vintid = self.gic.viar(self.c)
        if SPECIAL <= guest.vintid <= SPURIOUS:
            self.leave_handler()
        else:
            guest.isr = ISR_EOIR if self.config.eoi_first else ISR_DEVICE

    def serve(self, vintid: int) -> str:
        """Do what the device asks for; that lowers its line, and sets off those that follow.

        Returns:
            the exit that it causes: the VM monitor does it for some of its devices; or "".

        """
        if vintid in self.rt.exiting_spis:
            self.guest.trap = Instruction(DRIVER, vintid)
            return "device"
        serve_device(self.machine.forwards, vintid, self.t.v)
        return ""

    def settle_own_deactivations(self) -> None:
        """With ``quirk`` the physical active bit is looked at behind this CPU's own messages."""
        if self.config.lr_on_guest_deactivate == "quirk":
            self.messages.deliver_deactivations(self.c)

    def deactivate(self, pintid: int) -> None:
        """Send the physical deactivation that the List Register asked for."""
        if pintid >= 0:
            self.messages.send_deactivation(self.c, pintid)

    def write_dir(self, vintid: int) -> str:
        """Write DIR. It may trap; on a GICv2 where KVM does not map GICV_DIR it always does."""
        self.settle_own_deactivations()
        unmapped = self.gic.version == 2 and self.machine.gicv_dir_traps
        pintid = TRAP if unmapped else self.gic.vdir(self.c, vintid)
        if pintid != TRAP:
            self.deactivate(pintid)
            return ""
        if self.write_dir_at_el2(self.t, vintid):
            return ""
        source = vintid >> 10 if self.gic.version == 2 else 0
        number = vintid - (source << 10)
        self.guest.trap = Instruction(DEACTIVATION, number, source)
        owner = self.t.v if number < FIRST_SPI else -1
        self.rt.emit(facts.GuestAccess(self.t.v, owner, number, "active", 0))
        return "dir"

    def number(self) -> int:
        """Return the INTID that was acknowledged; GICv2 has an SGI's source above it."""
        vintid = self.guest.vintid
        return vintid & 0x3FF if self.gic.version == 2 else vintid

    # -- deferred deactivation -----------------------------------------------------------------

    def defer(self, vintid: int) -> bool:
        """Leave the deactivation to later or to another VCPU; return whether it was."""
        how, machine, v = self.config.deactivate, self.machine, self.t.v
        if how == "handler":
            return False
        if how == "other" and vintid >= FIRST_SPI and self.config.vcpus > 1:
            other = (v + 1) % self.config.vcpus
            machine.vm.deferred = (*machine.vm.deferred, (vintid, other))
            self.guest.isr = ISR_WAKE
        else:
            self.guest.deferred = (*self.guest.deferred, self.guest.vintid)
            self.completed()
        return True

    def to_deactivate(self) -> tuple[int, ...]:
        """Return what this VCPU has to deactivate, outside its handlers."""
        vm = self.machine.vm.deferred
        if not vm:
            return self.guest.deferred
        v = self.t.v
        return (*self.guest.deferred, *(vintid for vintid, w in vm if w == v))

    def deactivate_deferred(self) -> str:
        """Write DIR for any of what is left to this VCPU."""
        guest, vm = self.guest, self.machine.vm
        left = self.to_deactivate()
        vintid = left[self.t.task.choose("deactivated", len(left))]
        if vintid in guest.deferred:
            i = guest.deferred.index(vintid)
            guest.deferred = guest.deferred[:i] + guest.deferred[i + 1 :]
        else:
            vm.deferred = tuple(x for x in vm.deferred if x != (vintid, self.t.v))
        return self.write_dir(vintid)

    def wake(self) -> str:
        """Tell the VCPU that shall deactivate, or that waits for this device, by an SGI."""
        guest, v = self.guest, self.t.v
        vintid = self.number()
        if self.config.deactivate == "other":
            target = (v + 1) % self.config.vcpus
        else:
            target = next(f.vcpu for f in self.machine.forwards if f.vintid == vintid)
        if self.config.eoi_first and self.other_deactivates():
            guest.isr = ISR_DEVICE
        else:
            self.end_of_isr()
        guest.trap = Instruction(SGI, WAKE_SGI, target)
        return self.send_sgi(WAKE_SGI, target)

    def send_sgi(self, sgi: int, target: int) -> str:
        """Write ICC_SGI1R_EL1 (GICD_SGIR): it always traps."""
        self.rt.emit(facts.SgiSent(self.t.v, target, sgi))
        return "sgi"

    # -- the end -------------------------------------------------------------------------------

    def deactivated(self) -> None:
        """Go on behind the deactivation; a faulty driver does it again."""
        if self.guest.isr != ISR_AGAIN and self.number() == self.config.twice:
            self.guest.isr = ISR_AGAIN
        else:
            self.completed()

    def completed(self) -> None:
        """Go on behind the completion."""
        if self.config.eoi_first:
            self.guest.isr = ISR_DEVICE
        elif self.serves_for_another(self.number()):
            self.guest.isr = ISR_WAKE
        else:
            self.end_of_isr()

    def serves_for_another(self, vintid: int) -> bool:
        """Tell whether another VCPU may wait for the device just served.

        It would have deactivated it, with EOImode 1, or the SPI was routed here meanwhile.
        """
        if vintid < FIRST_SPI or not self.config.wakes:
            return False
        if self.config.deactivate == "other":
            return True
        forwards = self.machine.forwards
        return any(f.vintid == vintid and f.vcpu != self.t.v for f in forwards)

    def other_deactivates(self) -> bool:
        """Tell whether another VCPU is woken to deactivate an SPI: before its device is served."""
        return self.config.eoimode == 1 and self.config.deactivate == "other"

    def end_of_isr(self) -> None:
        """Return from the handler."""
        self.count_handled(self.number())
        self.leave_handler()

    def count_handled(self, vintid: int) -> None:
        """Count an interrupt for those lines of programs that wait for it."""
        guest = self.guest
        guest.taken += vintid == VTIMER_PPI
        guest.ptaken += vintid == PTIMER_PPI
        if vintid not in guest.seen:
            guest.seen = (*guest.seen, vintid)

    def leave_handler(self) -> None:
        """Go back to the program, or to the handler that was interrupted."""
        guest = self.guest
        guest.isr = 0
        if guest.stack:
            guest.vintid, guest.isr = guest.stack[-1]
            guest.stack = guest.stack[:-1]

    # -- the timers' registers ------------------------------------------------------------------

    def access_ptimer(self, code: int, value: int) -> str:
        """Write CNTP_TVAL_EL0 or CNTP_CTL_EL0, which traps unless the host is VHE."""
        machine = self.machine
        if not machine.direct_ptimer:
            self.guest.trap = Instruction(code, value)
            return "timer"
        timer = machine.hw_ptimers[self.c]
        if code == CNTP_TVAL:
            timer.write_tval(value)
        else:
            timer.ctl = value
        self.rt.emit(facts.GuestTimer(self.t.v, PTIMER, timer.cval, timer.ctl, timer.cval))
        return ""

    def ptimer_step(self) -> Step:
        """Return the step of a write to the physical timer."""
        return GuestSteps.guest_ptimer if self.machine.direct_ptimer else GuestSteps.exit_trap

    def write_ctl(self, ctl: int) -> None:
        """Write CNTV_CTL_EL0."""
        self.machine.hw_timers[self.c].ctl = ctl
        self.tell_timer()

    def tell_timer(self) -> None:
        """State what the guest has its timer programmed to."""
        timer = self.machine.hw_timers[self.c]
        deadline = timer.cval + self.machine.timers[self.t.v][VTIMER].cntvoff
        self.rt.emit(facts.GuestTimer(self.t.v, VTIMER, timer.cval, timer.ctl, deadline))


wiring(GuestIsr, lambda cpu: (cpu.t.actor, cpu.c))
