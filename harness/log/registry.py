"""The one registry of what can stand in a log: its records, their types, a line of text for each.

A log line is one JSON object. ``event`` names its kind. The log's own kinds are ``header``,
``step``, ``rest``, ``violation`` and ``footer``; every other kind is a fact of ``model.facts``. All
lines but the header are flat: ``harness.log.flat`` says how.
"""

import msgspec

from model import facts
from model.check.setting import Setting
from model.check.violation import Violation
from model.facts import KINDS, Fact
from model.gic.lr import STATES, Lr
from model.gic.registers import (
    HCR_EN,
    HCR_EOICOUNT,
    HCR_EOICOUNT_SHIFT,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_TC,
    HCR_TDIR,
    HCR_UIE,
)
from model.identity import BG_TIMER, PTIMER, VTIMER

__all__ = [
    "FORMAT",
    "NEGATED",
    "REGISTRY",
    "Footer",
    "Header",
    "Kind",
    "Meta",
    "Rest",
    "Step",
    "ViolationLine",
    "describe",
]

FORMAT = 2
"""The version of the log format. A reader refuses any other."""


class Header(msgspec.Struct, frozen=True, tag_field="event", tag="header"):
    """The first line: everything the execution depends on, and what checking it again needs.

    ``format`` is the version of this format, ``version`` that of vgic-race. ``tasks`` gives the
    order of the numbers in every vector clock. ``scenario_digest`` tells a changed scenario file.
    ``setting`` and ``era`` are what rules know of machine and hypervisor. ``facts`` are the kinds
    of facts that the log has, if they happened: whoever leaves a kind out takes its name out here,
    and rules that need it are then not checked. ``rules`` are the rules that were checked live.
    """

    seq: int
    format: int
    version: str
    scenario: str
    scenario_digest: str
    variant: str
    era: str
    seed: int | None
    schedule: str
    setting: Setting
    tasks: tuple[str, ...]
    facts: tuple[str, ...]
    rules: tuple[str, ...]
    knobs: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no kind of fact was left out."""
        return KINDS.keys() <= set(self.facts)


class Meta(msgspec.Struct, frozen=True):
    """What every line between header and footer tells besides its own fields.

    ``seq`` is the line's number in the file, ``t`` virtual nanoseconds, ``step`` the number of
    the step, ``vc`` the vector clock of its task (numbers in the order of ``Header.tasks``).
    ``life`` counts the lives of the interrupt that the line is about (``harness.log.lives``).
    """

    seq: int
    t: int
    step: int
    task: str
    event: str
    pcpu: int | None = None
    vcpu: int | None = None
    intid: int | None = None
    vintid: int | None = None
    life: int | None = None
    vc: tuple[int, ...] = ()


class Step(msgspec.Struct, frozen=True, tag_field="event", tag="step"):
    """A step was chosen: ``task`` performs ``op``; ``phase`` is "search", "drain" or "nudged"."""

    seq: int
    t: int
    step: int
    task: str
    op: str
    phase: str
    pcpu: int | None = None
    vcpu: int | None = None
    vc: tuple[int, ...] = ()


class Rest(msgspec.Struct, frozen=True, tag_field="event", tag="rest"):
    """No task can go any more, and what is owed now is late or lost.

    ``phase`` is "drain" where unrelated exits might still help, "nudged" after these.
    """

    seq: int
    t: int
    step: int
    phase: str


class ViolationLine(msgspec.Struct, frozen=True, tag_field="event", tag="violation"):
    """A rule was broken: the ``violation`` (written as its fields), and its ``text``."""

    seq: int
    t: int
    violation: Violation
    text: str


class Footer(msgspec.Struct, frozen=True, tag_field="event", tag="footer"):
    """The last line. ``counts`` (written as ``count.KIND``) has the number of lines of each kind.

    ``violations`` are the ids of the broken rules; ``bound`` names the bound that was hit, or is
    empty; ``dropped`` is the number of events that were lost on the way, always 0.
    """

    seq: int
    t: int
    verdict: str
    bound: str
    violations: tuple[str, ...]
    steps: int
    events: int
    dropped: int
    counts: dict[str, int] = {}


class Kind(msgspec.Struct, frozen=True):
    """An entry of the registry: a kind of line, its type, and how it reads as text."""

    name: str
    type: type[msgspec.Struct]
    text: str


TEXTS: dict[type[Fact], str] = {
    facts.LineChanged: "line of INTID {intid} {before} -> {level}",
    facts.PendingChanged: "pending latch of INTID {intid}: {before} -> {after}",
    facts.ActiveChanged: "INTID {intid}: {before} -> {after} ({cause})",
    facts.IpiSent: "CPU {pcpu} sends SGI {intid} to CPU {target}",
    facts.AckedByHost: "host IAR = {intid}",
    facts.PriorityDropped: "host EOIR {intid}, running priority {running}",
    facts.Signalled: "IRQ pin of CPU {pcpu} {before} -> {level}",
    facts.DeactivationSent: "deactivation of INTID {intid} sent through the HW bit",
    facts.DeactivationArrived: "deactivation of INTID {intid} arrived (was active: {was_active})",
    facts.LrWritten: "KVM writes LR{index} on CPU {pcpu}: {before} -> {after}",
    facts.LrMoved: "guest {access} moves LR{index} on CPU {pcpu}: {before} -> {after}",
    facts.AckedByGuest: "guest IAR = {vintid}",
    facts.Completed: "guest EOIR {vintid}",
    facts.DeactivatedByGuest: "guest deactivates vINTID {vintid}",
    facts.GuestTimer: "guest programs its {timer}: CTL {ctl}, CVAL {cval} (at {deadline})",
    facts.GuestMask: "guest masks: IRQs off {irqs_masked}, PMR {pmr}, timer enabled {enabled}",
    facts.GuestControl: "guest's CPU interface: group enabled {group}, binary point {bpr}",
    facts.GuestRead: "guest reads {register}: {value}",
    facts.NeverAcknowledges: "guest's handler was called {n} times and read no IAR",
    facts.ReadTrapped: "guest's read of {register} traps",
    facts.GuestWfi: "guest WFI (completes at once: {completed})",
    facts.Halted: "guest of VCPU {vcpu} has finished",
    facts.Entered: "VCPU {vcpu} enters its guest on CPU {pcpu}",
    facts.Exited: "VCPU {vcpu} exits on CPU {pcpu}: {reason}, after {instructions} instructions",
    facts.Loaded: "VCPU {vcpu} loaded on CPU {pcpu}",
    facts.Put: "VCPU {vcpu} put, nothing of it is left on CPU {pcpu}",
    facts.UserLeft: "VCPU {vcpu} returns to user space",
    facts.UserEntered: "VCPU {vcpu} comes back from user space",
    facts.InterruptTaken: "CPU {pcpu} takes an interrupt ({source})",
    facts.IsrBegan: "host handler of INTID {intid} begins",
    facts.IsrEnded: "host handler of INTID {intid} ends (line as read: {line})",
    facts.EdgeArrived: "edge of INTID {intid} reaches the distributor",
    facts.DeviceRaised: "device with INTID {intid} has an event (VCPU {vcpu}, vINTID {vintid})",
    facts.DeviceServed: "guest serves the device with vINTID {vintid} (work to do: {work})",
    facts.DeviceSignalled: (
        "the VM monitor has signalled vINTID {vintid} (VCPU {vcpu}; looks again: {again})"
    ),
    facts.DeviceStillHigh: "the device with vINTID {vintid} still holds its line (VCPU {vcpu})",
    facts.EoiNotified: "resamplefd: the guest of VCPU {vcpu} has ended vINTID {vintid}",
    facts.HostMasked: "the host masks INTID {intid}: {masked}",
    facts.NeedResched: "host scheduler: VCPU {vcpu} on CPU {pcpu} shall go, next on CPU {target}",
    facts.Placed: "thread of VCPU {vcpu} gets CPU {pcpu} (before: {before})",
    facts.LockTaken: "{actor} takes {lock} (IRQs off {irqs_off}, in IRQ {in_irq})",
    facts.LockReleased: "{actor} gives {lock} back",
    facts.GotNowhere: "VCPU {vcpu} has CPU {pcpu} and did not enter its guest for {n} steps",
    facts.LockNotHeld: "{actor} does not hold {lock} ({what})",
    facts.TimerRead: "KVM reads the {timer} of VCPU {vcpu} from {source}: {level}",
    facts.TimerSaved: "KVM saves the {timer} (CTL {ctl}, CVAL {cval}) and leaves CTL {left}",
    facts.TimerRestored: "KVM programs the {timer} of CPU {pcpu}: CTL {ctl}, CVAL {cval}",
    facts.PhysActiveWritten: "KVM writes active state of INTID {intid} on CPU {pcpu}: {value}",
    facts.Ticked: "time moves to {now}",
    facts.Armed: "{timer} soft timer of VCPU {vcpu} armed on CPU {pcpu} for {expiry}",
    facts.Cancelled: "{timer} soft timer of VCPU {vcpu} cancelled (was armed: {armed})",
    facts.Expired: "{timer} soft timer of VCPU {vcpu} fires on CPU {pcpu} (early: {early})",
    facts.Injected: "inject vINTID {vintid} for VCPU {vcpu}: {level} (accepted: {accepted})",
    facts.Folded: (
        "fold vINTID {vintid}: LR {state} -> {active}, line {line_level}, latch {pending_latch}"
    ),
    facts.SoftwareChanged: (
        "vINTID {vintid} of VCPU {vcpu} became: enabled {enabled}, active {active}, "
        "line {line_level}, latch {pending_latch}"
    ),
    facts.Resampled: "KVM samples the line of vINTID {vintid} again: {level}",
    facts.Requested: "request for VCPU {vcpu}",
    facts.RequestsChecked: "VCPU {vcpu} checks its requests (seen: {seen})",
    facts.Kicked: "VCPU {vcpu} kicked (IPI: {ipi})",
    facts.Blocked: "thread of VCPU {vcpu} sleeps",
    facts.KeptAsleep: "thread of VCPU {vcpu} sleeps, kept out of its guest",
    facts.Woken: "thread of VCPU {vcpu} woken",
    facts.Unblocked: "thread of VCPU {vcpu} leaves its blocking loop",
    facts.HcrWritten: "KVM writes HCR of CPU {pcpu}: {value}",
    facts.Queued: "vINTID {vintid} goes on the ap_list of VCPU {vcpu}",
    facts.Unqueued: "vINTID {vintid} leaves the ap_list of VCPU {vcpu}",
    facts.Rechecked: "KVM looks again for VCPU {vcpu}: {window}",
    facts.Trapped: "guest DIR {vintid} traps to KVM",
    facts.Emulated: (
        "KVM deactivates vINTID {vintid} of VCPU {vcpu}, outside the LRs, with INTID {intid} "
        "({cause})"
    ),
    facts.SgiSent: "guest sends SGI {vintid} to VCPU {target}",
    facts.GuestAccess: "guest accesses the {register} state of vINTID {vintid}: {value}",
    facts.GuestDist: "guest accesses GICD_CTLR: {value}",
    facts.DistRead: "guest reads GICD_CTLR: {value}",
    facts.GuestLpis: "guest enables the LPIs of VCPU {owner}: {enabled}",
    facts.GuestEnable: "guest enables vINTID {vintid}: {enabled}",
    facts.RegisterWritten: "KVM emulates a write to {register} for vINTID {vintid}",
    facts.PriorityWritten: "KVM emulates a write to IPRIORITYR for vINTID {vintid}: {priority}",
    facts.RegisterRead: "guest reads {register} for vINTID {vintid}: {value}",
    facts.Retargeted: "SPI {vintid} goes to VCPU {target} from here on",
    facts.Halting: "VCPU {vcpu} halts the guests (all have left: {halted})",
    facts.Resumed: "VCPU {vcpu} lets VCPU {resumed} go on",
    facts.Bypassed: "irq bypass halts VCPU {vcpu}: {halted}",
    facts.Stopping: "the VM monitor stops VCPU {vcpu}: {stop}",
    facts.VmReset: "the VM monitor resets VCPU {vcpu}",
    facts.VmSaved: "the VM monitor saves the {part} of VCPU {vcpu}: {level}, active {active}",
    facts.CounterMoved: "the counter of VCPU {vcpu} moves: what it waits for is {shift} ns later",
    facts.VmRestored: "the VM monitor restores the {part} of VCPU {vcpu}",
}

REGISTRY: dict[str, Kind] = {
    "header": Kind("header", Header, "{scenario}, variant {variant}"),
    "step": Kind("step", Step, "{op}"),
    "rest": Kind("rest", Rest, "no task can go any more ({phase})"),
    "violation": Kind("violation", ViolationLine, "{rule}: {text}"),
    "footer": Kind("footer", Footer, "{verdict} after {steps} steps"),
    **{name: Kind(name, cls, TEXTS[cls]) for name, cls in KINDS.items()},
}

HCR_BITS = {
    "En": HCR_EN, "UIE": HCR_UIE, "LRENPIE": HCR_LRENPIE, "NPIE": HCR_NPIE, "TC": HCR_TC,
    "TDIR": HCR_TDIR,
}  # fmt: skip
LEVELS = {"level", "line", "line_level"}
NEGATED = {"line": "level", "pending": "after", "active": "after", "signal": "level"}
"""Facts of a change of one bit: "before" in the log is the opposite of this field."""

LATCH, ACTIVE = ("clear", "set"), ("inactive", "active")
WORDS = {
    ("pending", "before"): LATCH,
    ("pending", "after"): LATCH,
    ("active", "before"): ACTIVE,
    ("active", "after"): ACTIVE,
    (facts.Folded.KIND, "active"): ACTIVE,
    (facts.Folded.KIND, "pending_latch"): LATCH,
    (facts.PhysActiveWritten.KIND, "value"): ACTIVE,
}
"""The words for bits that are neither a level (low, high) nor an answer (no, yes)."""

TIMERS = {BG_TIMER: "background", PTIMER: "physical timer", VTIMER: "virtual timer"}


def describe(record: msgspec.Struct) -> str:
    """Return the one-line text of a record or fact."""
    kind = record.KIND if isinstance(record, Fact) else str(record.__struct_config__.tag)
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    if kind not in REGISTRY:  # a kind of fact that only traces of kernels have
        return " ".join([kind, *(f"{name} {value}" for name, value in values.items())])
    if isinstance(record, ViolationLine):
        values["rule"] = record.violation.rule
    if kind in NEGATED:
        values["before"] = not values[NEGATED[kind]]
    high_low = LEVELS | ({"before"} if NEGATED.get(kind) == "level" else set())
    if kind == "fold":
        values["state"] = STATES[values["state"]]
    if "timer" in values:
        values["timer"] = TIMERS[values["timer"]]
    if kind == "hcr":
        values["value"] = hcr_text(values["value"])
    return REGISTRY[kind].text.format_map(
        {name: pretty(value, words_of(kind, name, high_low)) for name, value in values.items()}
    )


def hcr_text(value: int) -> str:
    """Return ICH_HCR_EL2 as the names of its set bits."""
    names = [name for name, bit in HCR_BITS.items() if value & bit]
    if value & HCR_EOICOUNT:
        names.append(f"EOIcount={value >> HCR_EOICOUNT_SHIFT}")
    return "+".join(names) or "0"


def words_of(kind: str, name: str, high_low: set[str]) -> tuple[str, str]:
    """Return the two words for a field that is a bit."""
    if name in high_low:
        return ("low", "high")
    return WORDS.get((kind, name), ("no", "yes"))


def pretty(value: object, words: tuple[str, str]) -> str:
    """Return a field's value as a reader wants it; ``words`` are for a bit."""
    if isinstance(value, bool):
        return words[value]
    if isinstance(value, Lr):
        if value.state == 0:
            return "inactive" if value.vintid else "empty"
        hw = f" HW {value.pintid}" if value.hw else ""
        return f"{STATES[value.state]} vINTID {value.vintid}{hw}"
    return "-" if value is None else str(value)
