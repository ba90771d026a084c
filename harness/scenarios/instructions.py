"""The one registry of the instructions of guest programs: what each is called, takes and does.

``vgic-race list instructions`` prints it, the reader of scenarios and the shrinker are driven by
it, and a test runs each example.
"""

from typing import Any, Final

import msgspec

from model import guest
from model.guest import REGISTERS, Instruction
from model.timer import VTIMER_PPI

__all__ = ["ACKED", "BLOCKS", "END", "Arg", "Entry", "entries", "entry_of", "rows"]

NS_MAX, COUNT_MAX, TURNS_MAX, INTID_MAX, VCPU_MAX = 1_000_000_000, 1_000, 100, 1019, 31
LPI_MAX = 16383
ACKED: Final = -1
"""The vINTID of ``eoi``, ``dir`` and ``silence`` that name none: what IAR read last."""


class Arg(msgspec.Struct, frozen=True):
    """An argument: its ``name`` in the form, the ``field`` of the instruction, and its range.

    One that is ``optional`` has ``default`` if it is left out.
    """

    name: str
    field: str
    low: int
    high: int
    optional: bool = False
    default: int = -1


class Entry(msgspec.Struct, frozen=True):
    """An instruction of guest programs.

    ``words`` are those that it begins with, ``args`` the numbers that follow, ``fixed`` what it
    compiles to before these are filled in (a block's end has none). ``what`` says what it does,
    ``source`` where that is stated: a section of an Arm document, or the function of the kernel
    that emulates it. ``example`` is a program that has it, of a VCPU with another one beside it and
    a passthrough device that sends edges on vINTID 80; ``eoimode`` the EOImode that it is for.
    """

    words: tuple[str, ...]
    args: tuple[Arg, ...]
    fixed: Instruction | None
    what: str
    source: str
    example: tuple[str, ...]
    eoimode: int = 0

    @property
    def name(self) -> str:
        """What it begins with."""
        return " ".join(self.words)

    @property
    def form(self) -> str:
        """How it is written, as ``sgi N VCPU``."""
        args = [f"[{x.name}]" if x.optional else x.name for x in self.args]
        return " ".join([*self.words, *args])

    def has(self, name: str) -> bool:
        """Tell whether one of its arguments is called that."""
        return any(x.name == name for x in self.args)


V = Arg("V", "a", 0, INTID_MAX)
ANY = Arg("V", "a", 0, LPI_MAX)
OWNER = Arg("VCPU", "of", 0, VCPU_MAX, optional=True)
LPI = Arg("V", "a", 8192, LPI_MAX)
LAST = Arg("V", "a", 0, LPI_MAX, optional=True, default=ACKED)
NS = Arg("NS", "a", 0, NS_MAX)
N = Arg("N", "a", 0, COUNT_MAX)
MMIO = "Linux vgic-mmio.c, "
SEES = " Another VCPU's redistributor, of an SGI or PPI, is named last (GICv3)."


def line(
    words: str,
    *args: Arg,
    code: int = guest.WORK,
    does: str,
    by: str,
    example: str,
    eoimode: int = 0,
    a: int = 0,
) -> Entry:
    """Return an entry; ``example`` has its lines divided by semicolons."""
    lines = tuple(each.strip() for each in example.split(";"))
    return Entry(tuple(words.split()), args, Instruction(code, a), does, by, lines, eoimode)


WAITS = (
    line(
        "idle", N, code=guest.IDLE,
        does="mask interrupts, look, and WFI until N interrupts of the virtual timer have been "
        "handled in all",
        by="DDI0487 D1.6.2 (WFI); Linux kvm_handle_wfx", example="timer 20; idle 1",
    ),
    line(
        "pidle", N, code=guest.PIDLE, does="the same for the physical timer",
        by="Linux kvm_handle_wfx", example="ptimer 20; pidle 1",
    ),
    line(
        "wait", code=guest.WAIT,
        does="WFI until the devices forwarded to this VCPU have been served for good",
        by="Linux kvm_handle_wfx", example="wait",
    ),
    line(
        "serve", code=guest.SERVE,
        does="WFI until all devices have, and no other VCPU left anything to deactivate",
        by="Linux kvm_handle_wfx", example="serve",
    ),
    line(
        "await", ANY, code=guest.AWAIT, does="WFI until vINTID V has been handled at least once",
        by="Linux kvm_handle_wfx", example="sgi 3 0; await 3",
    ),
    line(
        "wfi", code=guest.WFI,
        does="one WFI, whatever PSTATE.I is and whatever has been handled: it completes when an "
        "interrupt is signalled, and else traps",
        by="DDI0487 D1.6.2 (WFI); Linux kvm_handle_wfx",
        example="irqs off; sgi 3 0; wfi; irqs on; await 3",
    ),
)  # fmt: skip
CPU = (
    line("work", Arg("N", "a", 1, COUNT_MAX), code=guest.WORK,
         does="execute N instructions that do nothing", by="none", example="work 3"),
    line("spin", N, Arg("MAX", "b", 0, COUNT_MAX), code=guest.SPIN,
         does="execute until N interrupts of the virtual timer were handled, at most MAX "
         "instructions",
         by="none", example="timer 20; spin 1 9; idle 1"),
    line("irqs off", code=guest.MASK, a=1, does="mask interrupts (PSTATE.I = 1)",
         by="DDI0487 D1.3.6 (interrupt masking)", example="irqs off; work 1; irqs on"),
    line("irqs on", code=guest.MASK, a=0, does="unmask them (PSTATE.I = 0)",
         by="DDI0487 D1.3.6 (interrupt masking)", example="irqs off; sgi 3 0; irqs on; await 3"),
    line("cpu off", code=guest.CPU_OFF,
         does="power the VCPU off for good, by PSCI: nothing behind it is executed, and what its "
         "timer is set to stays",
         by="Linux kvm_psci_0_2_call (CPU_OFF), kvm_vcpu_sleep", example="work 1; cpu off"),
    line("user", code=guest.USER, does="an access that KVM hands to user space",
         by="Linux io_mem_abort", example="user"),
    line("iar", code=guest.IAR,
         does="acknowledge: read IAR, and remember what it gave (1023: there was nothing). The "
         "interrupt counts as handled",
         by="IHI0069 ICC_IAR1_EL1 (IHI0048 GICC_IAR)",
         example="irqs off; sgi 3 0; wfi; iar; eoi; irqs on; await 3"),
    line("eoi", LAST, code=guest.EOI,
         does="write EOIR, for V or for what was acknowledged last: priority drop, and in EOImode "
         "0 deactivation",
         by="IHI0069 ICC_EOIR1_EL1 (IHI0048 GICC_EOIR)",
         example="irqs off; priority 3 8; pmr 0x10; sgi 3 0; wfi; iar; eoi 3; pmr 0xF0; irqs on"),
    line("dir", LAST, code=guest.DIR, eoimode=1,
         does="write DIR, for V or for what was acknowledged last: deactivation in EOImode 1. It "
         "may trap",
         by="IHI0069 ICC_DIR_EL1; Linux vgic_v3_deactivate",
         example="irqs off; sgi 3 0; wfi; iar; eoi; dir; irqs on"),
    line("silence", LAST, code=guest.SILENCE,
         does="do what a driver does for the device of V, or of what was acknowledged last: turn "
         "the timer off, or serve the passthrough device",
         by="Documentation/virtual/kvm/arm/vgic-mapped-irqs.txt",
         example="irqs off; timer 10; wfi; iar; silence; eoi; irqs on"),
    line("pmr", Arg("P", "a", 0, 0xFF), code=guest.PMR,
         does="write the priority mask (0xF0 lets everything of the scenario through, 0 nothing)",
         by="IHI0069 ICC_PMR_EL1 (IHI0048 GICC_PMR)", example="pmr 0x80; work 1; pmr 0xF0"),
    line("bpr", Arg("N", "a", 0, 7), code=guest.BPR,
         does="write the binary point: which bits of a priority take part in preemption",
         by="IHI0069 ICC_BPR1_EL1, 4.8.3 (IHI0048 GICC_BPR)", example="bpr 5; work 1; bpr 3"),
    line("group off", code=guest.GROUP, a=0,
         does="disable the interrupt group at the VCPU's own CPU interface",
         by="IHI0069 ICC_IGRPEN1_EL1 (IHI0048 GICC_CTLR)",
         example="group off; sgi 3 0; work 2; group on; await 3"),
    line("group on", code=guest.GROUP, a=1, does="enable it",
         by="IHI0069 ICC_IGRPEN1_EL1 (IHI0048 GICC_CTLR)", example="group off; work 1; group on"),
    line("read rpr", code=guest.READ_CPU, a=0, does="read the running priority",
         by="IHI0069 ICC_RPR_EL1 (IHI0048 GICC_RPR)", example="read rpr"),
    line("read hppir", code=guest.READ_CPU, a=1, does="read which interrupt is the next to come",
         by="IHI0069 ICC_HPPIR1_EL1 (IHI0048 GICC_HPPIR)", example="sgi 3 0; read hppir; await 3"),
)  # fmt: skip
TIMERS = (
    line("timer", NS, code=guest.TIMER,
         does="program the virtual timer to fire in NS nanoseconds, by CVAL",
         by="DDI0487 D13.8 (CNTV_CVAL_EL0)", example="timer 20; idle 1"),
    line("timer off", code=guest.TIMER_OFF, does="disable it",
         by="DDI0487 D13.8 (CNTV_CTL_EL0)", example="timer 20; timer off"),
    line("tval", NS, code=guest.TVAL, does="program it by TVAL",
         by="DDI0487 D13.8 (CNTV_TVAL_EL0)", example="tval 20; idle 1"),
    line("ptimer", NS, code=guest.PTIMER,
         does="program the physical timer by TVAL: two accesses that trap",
         by="Linux kvm_arm_timer_write_sysreg", example="ptimer 20; pidle 1"),
    line("ptimer off", code=guest.PTIMER_OFF, does="disable it (a trap)",
         by="Linux kvm_arm_timer_write_sysreg", example="ptimer 500; ptimer off"),
    *(
        line(f"read {name}", code=guest.READ_VTIMER, a=REGISTERS.index(name),
             does=f"read {name.upper()}_EL0 of the virtual timer",
             by=f"DDI0487 D13.8 ({name.upper()}_EL0)",
             example=f"timer 20; read {name}; idle 1")
        for name in REGISTERS[2:5]
    ),
    *(
        line(f"read {name}", code=guest.READ_PTIMER, a=REGISTERS.index(name),
             does=f"read {name.upper()}_EL0 of the physical timer (a trap)",
             by="Linux kvm_arm_timer_read", example=f"ptimer 20; read {name}; pidle 1")
        for name in REGISTERS[5:]
    ),
)  # fmt: skip
DISTRIBUTOR = (
    line("ppi off", code=guest.DISABLE, a=VTIMER_PPI,
         does="disable the virtual timer's interrupt (a trap)",
         by=MMIO + "vgic_mmio_write_cenable", example="ppi off; work 1; ppi on"),
    line("ppi on", code=guest.ENABLE, a=VTIMER_PPI, does="enable it (a trap)",
         by=MMIO + "vgic_mmio_write_senable", example="ppi off; ppi on; timer 20; idle 1"),
    line("dist off", code=guest.DIST, a=0,
         does="switch the distributor off: GICD_CTLR (a trap). It then forwards nothing; what "
         "is pending stays so, what is active can be ended",
         by="IHI0069 GICD_CTLR (IHI0048 GICD_CTLR); Linux vgic_mmio_write_v3_misc, "
         "vgic_mmio_write_v2_misc",
         example="disable 80; dist off; work 2; dist on; enable 80; wait"),
    line("dist on", code=guest.DIST, a=1, does="switch it on again (a trap)",
         by="IHI0069 GICD_CTLR; Linux vgic_mmio_write_v3_misc, vgic_kick_vcpus",
         example="disable 80; dist off; dist on; enable 80; timer 20; idle 1"),
    line("lpis off", OWNER, code=guest.LPIS, a=0,
         does="disable the LPIs of its redistributor, or a VCPU's: GICR_CTLR.EnableLPIs (a trap). "
         "MSIs that come then are lost",
         by="IHI0069 GICR_CTLR; Linux vgic_mmio_write_v3r_ctlr, vgic_flush_pending_lpis",
         example="lpis off; work 2; lpis on"),
    line("lpis on", OWNER, code=guest.LPIS, a=1, does="enable them again (a trap)",
         by="IHI0069 GICR_CTLR; Linux vgic_mmio_write_v3r_ctlr, its_sync_lpi_pending_table",
         example="lpis off; lpis on; wait"),
    line("inv on", LPI, code=guest.ENABLE,
         does="enable LPI V: its configuration in memory, and the ITS's command INV (a trap)",
         by="IHI0069 5.3.4 (INV); Linux vgic_its_cmd_handle_inv, update_lpi_config",
         example="inv off 8192; inv on 8192; wait"),
    line("inv off", LPI, code=guest.DISABLE, does="disable it, in the same way (a trap)",
         by="IHI0069 5.3.4 (INV); Linux vgic_its_cmd_handle_inv, update_lpi_config",
         example="inv off 8192; work 3; inv on 8192; wait"),
    line("movi", LPI, Arg("VCPU", "b", 0, VCPU_MAX), code=guest.TARGET,
         does="let LPI V go to a VCPU: the ITS's command MOVI (a trap)",
         by="IHI0069 5.3.12 (MOVI); Linux vgic_its_cmd_handle_movi, update_affinity",
         example="movi 8192 0; wait"),
    line("clear", LPI, code=guest.UNPEND,
         does="clear the pending state of LPI V: the ITS's command CLEAR (a trap)",
         by="IHI0069 5.3.1 (CLEAR); Linux vgic_its_cmd_handle_clear", example="clear 8192"),
    line("read dist", code=guest.READ_DIST, does="read whether it is on (a trap)",
         by="Linux vgic_mmio_read_v3_misc, vgic_mmio_read_v2_misc",
         example="disable 80; dist off; read dist; dist on; enable 80"),
    line("sgi", Arg("N", "a", 0, 15), Arg("VCPU", "b", 0, VCPU_MAX), code=guest.SGI,
         does="send SGI N to a VCPU (a trap)",
         by="Linux vgic_v3_dispatch_sgi, vgic_mmio_write_sgir", example="sgi 3 0; await 3"),
    line("enable", V, OWNER, code=guest.ENABLE,
         does="write ISENABLER for vINTID V (a trap)." + SEES,
         by=MMIO + "vgic_mmio_write_senable", example="disable 80; enable 80; wait"),
    line("disable", V, OWNER, code=guest.DISABLE,
         does="write ICENABLER for it (a trap)",
         by=MMIO + "vgic_mmio_write_cenable", example="disable 80; work 2; enable 80; wait"),
    line("pend", V, OWNER, code=guest.PEND,
         does="write ISPENDR for it (a trap). The bits of a GICv2's SGIs ignore writes",
         by=MMIO + "vgic_mmio_write_spending", example="pend 3; work 1"),
    line("unpend", V, OWNER, code=guest.UNPEND, does="write ICPENDR for it (a trap)",
         by=MMIO + "vgic_mmio_write_cpending", example="irqs off; pend 3; unpend 3; irqs on"),
    line("activate", V, OWNER, code=guest.ACTIVATE, does="write ISACTIVER for it (a trap)",
         by=MMIO + "vgic_mmio_write_sactive", example="activate 3; deactivate 3"),
    line("deactivate", V, OWNER, code=guest.DEACTIVATE, does="write ICACTIVER for it (a trap)",
         by=MMIO + "vgic_mmio_write_cactive", example="activate 3; read active 3; deactivate 3"),
    line("priority", V, Arg("P", "b", 0, 0xFF), OWNER, code=guest.SET_PRIORITY,
         does="write IPRIORITYR for it (a trap); KVM keeps five bits, and looks at no interrupt "
         "that is pending already",
         by=MMIO + "vgic_mmio_write_priority", example="priority 80 0x60; wait"),
    line("igroup", V, Arg("G", "b", 0, 1), OWNER, code=guest.SET_GROUP,
         does="write IGROUPR for it (a trap): group 0 or 1. A GICv3's are in 1 at first; guests "
         "have not enabled 0: there it is held back; a GICv2's are in 0, and both are enabled",
         by="IHI0069 GICD_IGROUPR<n>, GICR_IGROUPR0; " + MMIO + "vgic_mmio_write_group",
         example="igroup 80 0; work 3; igroup 80 1; wait"),
    line("target", Arg("V", "a", 32, INTID_MAX), Arg("VCPU", "b", 0, VCPU_MAX), code=guest.TARGET,
         does="route SPI V to a VCPU: write IROUTER, or ITARGETSR (a trap)",
         by="Linux vgic_mmio_write_irouter, vgic_mmio_write_target",
         example="target 80 0; wait"),
    line("read enabled", V, OWNER, code=guest.READ_ENABLED, does="read ISENABLER for V (a trap)",
         by=MMIO + "vgic_mmio_read_enable", example="disable 3; read enabled 3; enable 3"),
    line("read pending", V, OWNER, code=guest.READ_PENDING, does="read ISPENDR for V (a trap)",
         by=MMIO + "vgic_mmio_read_pending", example="irqs off; pend 3; read pending 3; irqs on"),
    line("read active", V, OWNER, code=guest.READ_ACTIVE, does="read ISACTIVER for V (a trap)",
         by=MMIO + "vgic_mmio_read_active", example="activate 3; read active 3; deactivate 3"),
    line("read priority", V, OWNER, code=guest.READ_PRIORITY,
         does="read IPRIORITYR for V (a trap)",
         by=MMIO + "vgic_mmio_read_priority", example="priority 3 0x48; read priority 3"),
    line("read target", Arg("V", "a", 32, INTID_MAX), code=guest.READ_TARGET,
         does="read IROUTER, or ITARGETSR, for SPI V (a trap)",
         by="Linux vgic_mmio_read_irouter, vgic_mmio_read_target",
         example="target 80 0; read target 80; wait"),
)  # fmt: skip
BLOCKS: Final = (
    line("if-acked", ANY, code=guest.IF_ACKED,
         does="execute the lines up to end only if V was acknowledged last (1023: nothing)",
         by="none",
         example="irqs off; sgi 3 0; wfi; iar; if-acked 3; eoi; end; irqs on"),
    line("repeat", Arg("N", "a", 1, TURNS_MAX), code=guest.REPEAT,
         does="execute the lines up to end N times", by="none",
         example="repeat 2; sgi 3 0; work 1; end; await 3"),
)  # fmt: skip
"""What begins a block, which ``end`` closes; blocks may stand in each other."""
END: Final = Entry(
    ("end",), (), None, "the end of a block", "none", ("repeat 2", "work 1", "end"),
)  # fmt: skip

ENTRIES: Final = (*TIMERS[:1], *WAITS, *CPU, *TIMERS[1:], *DISTRIBUTOR, *BLOCKS, END)
BY_WORDS: Final = {entry.words: entry for entry in ENTRIES}


def entries() -> tuple[Entry, ...]:
    """Return all instructions, in the order in which they are listed."""
    return ENTRIES


def entry_of(words: list[str]) -> Entry | None:
    """Return the instruction that a line begins with, as words; None if there is none."""
    return BY_WORDS.get(tuple(words[:2])) or BY_WORDS.get(tuple(words[:1]))


def rows() -> list[dict[str, Any]]:
    """Return the instructions as ``vgic-race list`` has its rows: ``name`` and ``title``."""
    return [
        {
            "name": entry.form,
            "title": entry.what,
            "ranges": {x.name: [x.low, x.high] for x in entry.args},
            "source": entry.source,
            "example": list(entry.example),
        }
        for entry in ENTRIES
    ]
