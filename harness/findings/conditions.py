"""What a scenario must do for a violation in it to be a known finding's."""

from harness.findings.finding import Case
from model.check.violation import LATE, LOST, Violation
from model.gic.registers import FIRST_LPI, FIRST_SPI
from model.guest import (
    ACTIVATE,
    CPU_OFF,
    DEACTIVATE,
    DISABLE,
    DIST,
    ENABLE,
    LPIS,
    PEND,
    PMR,
    PTIMER,
    SET_GROUP,
    SGI,
    TARGET,
    TIMER,
    TVAL,
    UNPEND,
)
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = [
    "activated_while_ended",
    "anywhere",
    "armed_again",
    "cleared_active",
    "cleared_elsewhere",
    "cleared_pending",
    "cleared_unnotified",
    "counted_before",
    "deactivated_by_another",
    "deactivated_while_high",
    "dir_by_another",
    "enabled_elsewhere",
    "enabled_level",
    "ended_by_write",
    "ended_in_place",
    "far_timer",
    "halted_twice",
    "idle_and_due",
    "idle_and_masked",
    "idle_and_parked",
    "level_made_pending",
    "lpis_disabled",
    "made_pending",
    "not_trapped_yet",
    "one_register",
    "outside_the_registers",
    "polled_device",
    "posted_to_gicv2",
    "powered_off",
    "recounted",
    "resampled",
    "routed_away_while_active",
    "routed_from_the_dead",
    "switched_off",
    "unnotified",
    "waits_for_register",
]

DEFAULT_LRS = 4


def anywhere(_violation: Violation, _case: Case) -> bool:
    """In any scenario."""
    return True


def uses(case: Case, code: int, vintid: int) -> bool:
    """Tell whether a guest has instruction ``code`` for ``vintid``, a private one of its own."""
    return any(
        i.code == code and i.a == vintid and i.of in (-1, v)
        for v, program in enumerate(case.programs)
        for i in program
    )


def has(case: Case, *codes: int) -> bool:
    """Tell whether a guest has one of these instructions."""
    return any(i.code in codes for program in case.programs for i in program)


def mentions(case: Case, code: int, vintid: int) -> bool:
    """Tell whether a guest has instruction ``code`` for ``vintid``, its own or another's."""
    return any(i.code == code and i.a == vintid for program in case.programs for i in program)


def timers_in_hardware(case: Case) -> tuple[int, ...]:
    """Return the interrupts of the guests' timers that are mapped: both where the host is VHE."""
    return (VTIMER_PPI, PTIMER_PPI) if case.knobs.get("host") == "vhe" else (VTIMER_PPI,)


def is_level(case: Case, vintid: int) -> bool:
    """Tell whether it is mapped to a level interrupt: a timer's in hardware, or a device's."""
    levels = [f.vintid for f in case.scenario.forward if f.kind == "level"]
    return vintid in timers_in_hardware(case) or vintid in levels


def is_mapped(case: Case, vintid: int) -> bool:
    """Tell whether it is mapped to a physical interrupt, level or edge, that can be active."""
    mapped = [f.vintid for f in case.scenario.forward if f.is_mapped]
    return vintid in timers_in_hardware(case) or vintid in mapped


def enabled_level(violation: Violation, case: Case) -> bool:
    """A guest enables it while its line may be high; of a PPI, with a GIC that lags."""
    vintid = violation.subject.vintid
    if not is_level(case, vintid) or not uses(case, ENABLE, vintid):
        return False
    if vintid >= FIRST_SPI:
        return True
    return case.era == "v7.2" and case.knobs.get("gic_messages") != "synchronous"


def armed_again(violation: Violation, case: Case) -> bool:
    """A guest programs its timer twice, and the fold reads the line before the GIC shows it."""
    vintid = violation.subject.vintid
    if vintid not in timers_in_hardware(case) or case.knobs.get("gic_messages") == "synchronous":
        return False
    arms = (TIMER, TVAL) if vintid == VTIMER_PPI else (PTIMER,)
    return any(sum(i.code in arms for i in program) > 1 for program in case.programs)


def posted_to_gicv2(_violation: Violation, case: Case) -> bool:
    """The distributor is a GICv2's, and takes writes later."""
    return case.knobs.get("posted_writes") == "1" and case.knobs.get("gic_version") == "2"


def deactivated_while_high(violation: Violation, case: Case) -> bool:
    """KVM deactivates the timer's interrupt for a guest that silences its timer only then.

    That is a GICv2's DIR, which traps always, a GICv3's while there are SPIs, or what is active
    outside the List Registers.
    """
    scenario, knobs = case.scenario, case.knobs
    timer = violation.subject.vintid in timers_in_hardware(case)
    if not timer or knobs.get("gic_messages") == "synchronous":
        return False
    spis = any(f.vintid < FIRST_LPI for f in scenario.forward)
    traps = is_split(case) and (spis or knobs.get("gic_version") == "2")
    return scenario.eoi_first and (traps or scenario.lrs < DEFAULT_LRS)


def is_split(case: Case) -> bool:
    """Tell whether guests deactivate by DIR."""
    return case.knobs.get("eoimode", str(case.scenario.eoimode)) == "1"


def made_pending(violation: Violation, case: Case) -> bool:
    """A guest makes a mapped interrupt pending."""
    vintid = violation.subject.vintid
    return is_mapped(case, vintid) and uses(case, PEND, vintid)


def level_made_pending(violation: Violation, case: Case) -> bool:
    """A guest makes a level interrupt pending: a device's, or that of one of its timers."""
    vintid = violation.subject.vintid
    level = vintid == PTIMER_PPI or is_level(case, vintid)
    return level and uses(case, PEND, vintid)


def cleared_active(violation: Violation, case: Case) -> bool:
    """A guest clears the active state of a mapped interrupt."""
    vintid = violation.subject.vintid
    return is_mapped(case, vintid) and uses(case, DEACTIVATE, vintid)


def cleared_pending(violation: Violation, case: Case) -> bool:
    """A guest clears the pending state of a mapped interrupt."""
    vintid = violation.subject.vintid
    return is_mapped(case, vintid) and uses(case, UNPEND, vintid)


def far_timer(violation: Violation, case: Case) -> bool:
    """A guest writes another VCPU's redistributor for the virtual timer's interrupt."""
    if VTIMER_PPI not in (violation.subject.vintid, violation.subject.intid):
        return False
    writes = (ENABLE, PEND, UNPEND, ACTIVATE, DEACTIVATE)
    return any(
        i.code in writes and i.a == VTIMER_PPI and i.of not in (-1, v)
        for v, program in enumerate(case.programs)
        for i in program
    )


def one_register(_violation: Violation, case: Case) -> bool:
    """The machine has one List Register."""
    return case.scenario.lrs == 1


def deactivated_by_another(violation: Violation, case: Case) -> bool:
    """Another VCPU deactivates an interrupt of the device whose guest waits, late."""
    if violation.type != LATE or case.scenario.deactivate != "other":
        return False
    return is_split(case) and (violation.rule == "deadlock" or is_device(violation, case))


def recounted(violation: Violation, case: Case) -> bool:
    """Another VCPU deactivates an SPI, and a level of software may be high again when it ends."""
    scenario = case.scenario
    if not is_device(violation, case) or scenario.deactivate != "other" or not is_split(case):
        return False
    if violation.type != LOST and violation.rule != "G1":
        return False
    levels = [f for f in scenario.forward if f.level and not f.is_mapped]
    return any(
        scenario.eoi_first or f.events > 1 or f.signals == "resample" or uses(case, PEND, f.vintid)
        for f in levels
    )


def not_trapped_yet(violation: Violation, case: Case) -> bool:
    """Another VCPU deactivates a device's SPI, and that is lost."""
    if violation.type != LOST or (case.era == "v7.2" and recounted(violation, case)):
        return False  # F28 is likelier by far
    return dir_by_another(violation, case)


def dir_by_another(violation: Violation, case: Case) -> bool:
    """Another VCPU deactivates a device's SPI: what comes of it then waits behind that."""
    spis = [f.vintid for f in case.scenario.forward if f.intid < FIRST_LPI]
    other = case.scenario.deactivate == "other" and len(case.programs) > 1
    return other and is_split(case) and violation.subject.vintid in spis


def is_device(violation: Violation, case: Case) -> bool:
    """Tell whether it is about a passthrough device's interrupt."""
    return violation.subject.vintid in [f.vintid for f in case.scenario.forward]


def polled_device(violation: Violation, case: Case) -> bool:
    """It is about a device's interrupt that a List Register links, and whose DIR does not trap."""
    linked = [f.vintid for f in case.scenario.forward if f.intid < FIRST_LPI]
    if not linked or is_split(case):
        return False
    # What a guest waits for, or idles in vain for, is named by no vINTID.
    return violation.subject.vintid in (-1, *linked)


def idle_and_due(violation: Violation, case: Case) -> bool:
    """A guest that idles does not let its timer through: disabled, masked, off, or made active."""
    timers = (VTIMER_PPI, PTIMER_PPI)
    return switched_off(violation, case) or any(
        (i.code == PMR and uses_timer(case)) or (i.code in (DISABLE, ACTIVATE) and i.a in timers)
        for program in case.programs
        for i in program
    )


def uses_timer(case: Case) -> bool:
    """Tell whether a guest has a timer, or user space gave it one."""
    given = any(spec.timer is not None or spec.ptimer is not None for spec in case.scenario.vcpu)
    timers = (TIMER, TVAL, PTIMER)
    return given or has(case, *timers)


def idle_and_masked(_violation: Violation, case: Case) -> bool:
    """A guest idles while something is pending for it that is active, or below its priority mask.

    It stays active where the guest made it so, or leaves its deactivation to another VCPU.
    """
    if case.scenario.deactivate == "other":
        return True
    return has(case, PMR, ACTIVATE)


def idle_and_parked(_violation: Violation, case: Case) -> bool:
    """A guest puts an interrupt into a group that it has not enabled, and idles."""
    return has(case, SET_GROUP)


def ended_by_write(violation: Violation, case: Case) -> bool:
    """A guest makes a software device's level pending, and its active state is cleared.

    By ICACTIVER, or by another VCPU's DIR while a List Register has it.
    """
    vintid = violation.subject.vintid
    levels = [f.vintid for f in case.scenario.forward if f.kind == "software"]
    if vintid not in levels or not mentions(case, PEND, vintid):
        return False
    by_dir = case.era == "v7.2" and dir_by_another(violation, case)
    return by_dir or mentions(case, DEACTIVATE, vintid)


def resampled(violation: Violation, case: Case) -> bool:
    """It is about a device of software with a resamplefd, which hears of its guest's end."""
    devices = [f.vintid for f in case.scenario.forward if f.signals == "resample"]
    return violation.subject.vintid in devices or (violation.rule == "deadlock" and bool(devices))


def cleared_elsewhere(violation: Violation, case: Case) -> bool:
    """A guest of several VCPUs clears an SPI's pending state."""
    vintid = violation.subject.vintid
    return vintid >= FIRST_SPI and len(case.programs) > 1 and uses(case, UNPEND, vintid)


def cleared_unnotified(violation: Violation, case: Case) -> bool:
    """A guest writes ICACTIVER for a level that has a resamplefd."""
    return resampled(violation, case) and mentions(case, DEACTIVATE, violation.subject.vintid)


def unnotified(violation: Violation, case: Case) -> bool:
    """Another VCPU deactivates a level that has a resamplefd."""
    scenario = case.scenario
    return scenario.deactivate == "other" and is_split(case) and resampled(violation, case)


def switched_off(_violation: Violation, case: Case) -> bool:
    """A guest switches its distributor off."""
    return any(i.code == DIST and not i.a for program in case.programs for i in program)


def powered_off(_violation: Violation, case: Case) -> bool:
    """A guest powers its VCPU off."""
    return has(case, CPU_OFF)


def halted_twice(_violation: Violation, case: Case) -> bool:
    """Irq bypass halts the guests as well."""
    return case.scenario.bypasses > 0


def outside_the_registers(violation: Violation, case: Case) -> bool:
    """More may be active or pending than there are List Registers, or another VCPU deactivates."""
    if switched_off(violation, case):
        return False  # F29 comes before that
    if case.scenario.deactivate == "other" and is_split(case):
        return True
    own = {i.a for program in case.programs for i in program if i.code == SGI}
    most = len(case.scenario.forward) + 2 + len(own)
    return most > case.scenario.lrs


def counted_before(violation: Violation, case: Case) -> bool:
    """A guest routes an SPI, and more may be pending than there are List Registers."""
    return has(case, TARGET) and outside_the_registers(violation, case)


def ended_in_place(violation: Violation, case: Case) -> bool:
    """A guest makes an interrupt active, and more may be than there are List Registers."""
    return has(case, ACTIVATE) and outside_the_registers(violation, case)


def waits_for_register(violation: Violation, case: Case) -> bool:
    """More may be pending than there are List Registers, so that the timer has to wait for one."""
    return outside_the_registers(violation, case)


def lpis_disabled(violation: Violation, case: Case) -> bool:
    """A guest disables the LPIs of a VCPU, and acknowledges one."""
    disables = any(i.code == LPIS and not i.a for program in case.programs for i in program)
    return disables and violation.subject.vintid >= FIRST_LPI


def enabled_elsewhere(violation: Violation, case: Case) -> bool:
    """A guest routes a device's interrupt away, disables it and enables it; it comes late."""
    if violation.type == LOST:
        return False  # F16
    needed = {TARGET, DISABLE, ENABLE}
    for vintid in [f.vintid for f in case.scenario.forward]:
        used = {code for code in needed if uses(case, code, vintid)}
        if used == needed and (violation.rule == "deadlock" or violation.subject.vintid == vintid):
            return True
    return False


def activated_while_ended(violation: Violation, case: Case) -> bool:
    """A guest makes a device's interrupt active that has a HW List Register; the GIC lags."""
    vintid = violation.subject.vintid
    if vintid < FIRST_SPI or case.knobs.get("gic_messages") == "synchronous":
        return False
    return is_mapped(case, vintid) and uses(case, ACTIVATE, vintid)


def routed_from_the_dead(violation: Violation, case: Case) -> bool:
    """A guest routes a device's interrupt away, and that is never delivered."""
    if violation.type != LOST:
        return False
    routed = [i.a for program in case.programs for i in program if i.code == TARGET]
    return violation.subject.vintid in routed or (violation.rule == "deadlock" and bool(routed))


def routed_away_while_active(violation: Violation, case: Case) -> bool:
    """A guest routes an edge elsewhere that no List Register links to a physical interrupt."""
    vintid = violation.subject.vintid
    edges = [
        f.vintid for f in case.scenario.forward if f.kind == "software" and f.signals == "edge"
    ]
    return vintid in edges and mentions(case, TARGET, vintid)
