"""The guest program, as part of its VCPU's task: one instruction, one step.

Before each instruction a physical interrupt that the CPU can take forces an exit instead, whatever
the guest's own PSTATE.I (HCR_EL2.IMO routes it to EL2). A virtual interrupt is taken as soon as it
is signalled and the guest lets it through; only the guest's own accesses and an entry change that.
"""

from harness.context import Context
from harness.contract import Guard, Op
from harness.engine.footprint import Step
from harness.guest.control import CONTROLS, GuestControl
from harness.guest.handlers import DirAtEl2
from harness.guest.steps import GuestSteps
from harness.runtime import Runtime
from model import facts
from model.gic.registers import FIRST_SPI
from model.guest import (
    ACTIVATE,
    AWAIT,
    BPR,
    CNTP_CTL,
    CNTP_TVAL,
    CPU_OFF,
    DEACTIVATE,
    DIR,
    DISABLE,
    DIST,
    ENABLE,
    EOI,
    GROUP,
    HALT,
    IAR,
    IDLE,
    LPIS,
    MASK,
    NOTHING,
    PEND,
    PIDLE,
    PMR,
    PTIMER,
    PTIMER_OFF,
    READ_ACTIVE,
    READ_CPU,
    READ_DIST,
    READ_ENABLED,
    READ_PENDING,
    READ_PRIORITY,
    READ_PTIMER,
    READ_TARGET,
    READ_VTIMER,
    REGISTERS,
    RETURN,
    SERVE,
    SET_GROUP,
    SET_PRIORITY,
    SGI,
    SPIN,
    TARGET,
    TIMER,
    TIMER_OFF,
    TVAL,
    UNPEND,
    USER,
    WAIT,
    WFI,
    WORK,
    Instruction,
)
from model.timer import ENABLE as CTL_ENABLE, VTIMER_PPI

__all__ = ["run_guest"]

IDLES = (IDLE, PIDLE, WAIT, SERVE, AWAIT)
ACCESSES = {
    PEND: ("pending", 1),
    UNPEND: ("pending", 0),
    READ_PENDING: ("pending", -1),
    ACTIVATE: ("active", 1),
    DEACTIVATE: ("active", 0),
    READ_ACTIVE: ("active", -1),
    READ_ENABLED: ("enabled", -1),
    READ_TARGET: ("target", -1),
    READ_PRIORITY: ("priority", -1),
}
"""What facts call the registers of the distributor, and what is written: 1 or 0; -1 is a read."""
WRITES = {TARGET: "target", SET_PRIORITY: "priority", SET_GROUP: "group"}
"""Those that are written with the instruction's second number."""
ENDS = {HALT: "halt", CPU_OFF: "psci"}
"""The exits of a guest that goes no further."""
TRAPS = (
    USER, HALT, CPU_OFF, SGI, PTIMER, PTIMER_OFF, READ_PTIMER, ENABLE, DISABLE, DIST, READ_DIST,
    LPIS, *WRITES, *ACCESSES,
)  # fmt: skip
"""The instructions that trap, whatever they are about."""
STEP_OF: dict[int, Step] = {
    **dict.fromkeys(TRAPS, GuestSteps.exit_trap),
    **dict.fromkeys((TIMER, TIMER_OFF, TVAL), GuestSteps.guest_timer),
    **dict.fromkeys((WORK, MASK, RETURN), GuestSteps.guest_work),
    **dict.fromkeys((PMR, BPR, GROUP), GuestSteps.guest_pmr),
    **dict.fromkeys((READ_CPU, READ_VTIMER), GuestSteps.guest_read),
    WFI: GuestSteps.guest_wfi,
    IAR: GuestSteps.guest_iar,
    EOI: GuestSteps.guest_eoir,
    DIR: GuestSteps.guest_dir,
}
STEPS: tuple[Step | None, ...] = tuple([STEP_OF.get(n) for n in range(max(STEP_OF) + 1)])
"""The steps of the instructions that are one, by code; of others the state decides."""
DIRECT = {
    PTIMER: GuestSteps.guest_ptimer,
    PTIMER_OFF: GuestSteps.guest_ptimer,
    READ_PTIMER: GuestSteps.guest_read_ptimer,
}
DIRECT_STEPS: tuple[Step | None, ...] = tuple([DIRECT.get(n, step) for n, step in enumerate(STEPS)])
"""The same where guests have the physical timer in hardware."""


async def run_guest(rt: Runtime, t: Context, forced_exit: Guard, write_dir: DirAtEl2) -> str:
    """Execute the guest of ``t`` until it leaves, or ``forced_exit`` says that its CPU must.

    Of a DIR that traps ``write_dir`` tells whether EL2 has carried it out, and the guest goes on.

    Returns:
        why: "irq", "wfi", "mmio", "sgi", "dir", "timer", "psci", "user",
        "device" (an access to one of the VM monitor's) or "halt".

    """
    cpu = GuestCpu(rt, t, write_dir)
    task, guest = t.task, cpu.guest
    forced = (t.here[GuestSteps.exit_irq], forced_exit)
    guest.trap = NOTHING
    while True:
        op = cpu.fetch()
        if await task.step(op, None, 0, forced):
            cpu.leave("irq")
            return "irq"
        guest.instructions += 1
        reason = cpu.execute(op)
        if reason:
            cpu.leave(reason)
            return reason


class GuestCpu(GuestControl):
    """A guest on a CPU for the length of one stay: references only, no state."""

    __slots__ = ("steps",)

    def __init__(self, rt: Runtime, t: Context, write_dir_at_el2: DirAtEl2) -> None:
        super().__init__(rt, t, write_dir_at_el2)
        self.steps = DIRECT_STEPS if rt.machine.direct_ptimer else STEPS

    def leave(self, reason: str) -> None:
        """Exit to EL2; host interrupts stay masked."""
        self.t.p.exit_guest(self.t.v, reason, self.guest.instructions)

    # -- fetch: which operation comes next, from the guest's own state ---------------------------

    def fetch(self) -> Op:
        """Return the operation of the next instruction."""
        guest, here = self.guest, self.t.here
        if self.gic.virq_signal(self.c):
            self.take_exception()
        if guest.isr:
            return self.fetch_isr()
        if self.has_deferred and self.comes_first():
            return here[GuestSteps.guest_dir]
        program = guest.program
        while True:
            instruction = program[guest.pc]
            code = instruction.code
            step = self.steps[code]
            if step is not None:
                return here[step if instruction.of < 0 else GuestSteps.exit_trap_far]
            if code in IDLES:
                # Mask, look, wait: so that no interrupt comes between the look and the WFI. With
                # an exit to come first, not even the mask is written yet.
                if not self.waited_for(instruction):
                    if not self.t.signals.any():
                        self.mask_irqs(True)
                    return here[GuestSteps.guest_wfi]
                if guest.irqs_masked and self.t.signals.any():
                    return here[GuestSteps.guest_work]  # to unmask is an instruction, too
                self.mask_irqs(False)
                self.next()
            elif code == SPIN:
                if guest.taken < instruction.a and guest.sub < instruction.b:
                    return here[GuestSteps.guest_work]
                self.next()
            elif not self.jump(instruction):
                return here[self.step_of_silence(instruction)]

    def waited_for(self, instruction: Instruction) -> bool:
        """Tell whether what the guest waits for has happened."""
        guest, machine = self.guest, self.machine
        code = instruction.code
        if code == IDLE:
            return guest.taken >= instruction.a
        if code == PIDLE:
            return guest.ptaken >= instruction.a
        if code == AWAIT:
            return instruction.a in guest.seen
        mine = [f for f in machine.forwards if code == SERVE or f.vcpu == self.t.v]
        return all(f.quiet() for f in mine) and not (code == SERVE and machine.vm.deferred)

    # -- execute -------------------------------------------------------------------------------

    def execute(self, op: Op) -> str:
        """Perform the instruction just announced as ``op``; return the exit it causes, or "".

        Another VCPU may have left something to be deactivated since: that comes next, not now.
        """
        guest = self.guest
        if guest.isr:
            return self.execute_isr()
        if op is self.t.here[GuestSteps.guest_dir] and self.comes_first():
            return self.deactivate_deferred()
        instruction = guest.program[guest.pc]
        code = instruction.code
        if code in (SPIN, WORK):
            guest.sub += 1
            if code == WORK and guest.sub >= instruction.a:
                self.next()
        elif code in (TIMER, TVAL):
            self.program_timer(instruction.a, tval=code == TVAL)
        elif code == TIMER_OFF:
            self.write_ctl(0)
            self.next()
        elif code in IDLES and op is self.t.here[GuestSteps.guest_work]:
            self.mask_irqs(False)
            self.next()
        elif code in IDLES:
            return self.wait_for_interrupt()
        elif code == MASK:
            self.mask_irqs(bool(instruction.a))
            self.next()
        elif code == PMR:
            self.write_pmr(instruction.a)
            self.next()
        elif code == PTIMER and guest.sub == 0:
            guest.sub = 1
            return self.access_ptimer(CNTP_TVAL, instruction.a)
        elif code in CONTROLS:
            return self.control(instruction)
        elif code in ENDS:
            return ENDS[code]
        else:
            self.next()
            return self.trap(instruction)
        return ""

    def trap(self, instruction: Instruction) -> str:
        """Make an access that KVM emulates; return the kind of exit."""
        guest, v, code = self.guest, self.t.v, instruction.code
        if code == USER:
            return "user"
        if code in (PTIMER, PTIMER_OFF):
            return self.access_ptimer(CNTP_CTL, CTL_ENABLE if code == PTIMER else 0)
        if code == READ_PTIMER and self.machine.direct_ptimer:
            self.read_register(instruction.a)
            return ""
        guest.trap = instruction
        if code == READ_PTIMER:
            self.rt.emit(facts.ReadTrapped(v, REGISTERS[instruction.a]))
            return "timer"
        if code == SGI:
            return self.send_sgi(instruction.a, instruction.b)
        if code in (DIST, READ_DIST):
            self.rt.emit(facts.GuestDist(v, instruction.a if code == DIST else -1))
            return "mmio"
        owner = v if instruction.of < 0 else instruction.of
        if code == LPIS:
            self.rt.emit(facts.GuestLpis(v, owner, bool(instruction.a)))
            return "mmio"
        owner = owner if instruction.a < FIRST_SPI else -1
        if code in ACCESSES:
            register, value = ACCESSES[code]
            self.rt.emit(facts.GuestAccess(v, owner, instruction.a, register, value))
        elif code in WRITES:
            register = WRITES[code]
            self.rt.emit(facts.GuestAccess(v, owner, instruction.a, register, instruction.b))
        else:
            on = code == ENABLE
            self.rt.emit(facts.GuestEnable(v, owner, instruction.a, on))
            if instruction.a == VTIMER_PPI:
                self.enable_timer_of(owner, on=on)
        return "mmio"

    def enable_timer_of(self, owner: int, *, on: bool) -> None:
        """Note that the guest of ``owner`` has its virtual timer's interrupt enabled, or not."""
        self.machine.guests[owner].enabled = on
        if owner == self.t.v:
            self.guest.say_mask()

    def write_pmr(self, value: int) -> None:
        """Write the priority mask; where that traps, EL2 does it, and comes back."""
        self.guest.pmr = value
        if self.gic.set_vpmr(self.c, value):
            self.gic.emulate_vpmr(self.c, value)
        self.guest.say_mask()

    def wait_for_interrupt(self) -> str:
        """WFI: completes at once if a virtual interrupt is signalled, masked or not; else traps."""
        completed = self.gic.virq_signal(self.c)
        self.mask_irqs(False)
        self.rt.emit(facts.GuestWfi(self.t.v, completed))
        return "" if completed else "wfi"

    def program_timer(self, delta_ns: int, *, tval: bool) -> None:
        """Write CVAL or TVAL, then CTL."""
        guest, timer = self.guest, self.machine.hw_timers[self.c]
        if guest.sub == 0:
            if tval:
                timer.write_tval(delta_ns)
            else:
                timer.cval = timer.count() + delta_ns
            guest.sub = 1
            self.tell_timer()
        else:
            self.write_ctl(CTL_ENABLE)
            self.next()
