"""A fact in a few words, for reports in which the operation, the actor and the state stand beside.

What is not here is told as in logs (``harness.log.registry``).
"""

from harness.log.registry import describe, hcr_text
from model import facts
from model.facts import Fact
from model.gic.lr import ACTIVE, PENDING, Lr

__all__ = ["brief"]

WORDS: dict[type[Fact], str] = {
    facts.LineChanged: "line {intid} {level}",
    facts.PendingChanged: "latch {intid} {after}",
    facts.ActiveChanged: "{intid} {after} ({cause})",
    facts.IpiSent: "SGI {intid} to CPU {target}",
    facts.AckedByHost: "IAR = {intid}",
    facts.PriorityDropped: "EOIR {intid}",
    facts.Signalled: "pin {level}",
    facts.DeactivationSent: "deactivation of {intid} leaves",
    facts.DeactivationArrived: "deactivation of {intid} arrives",
    facts.LrWritten: "LR{index}: {before} -> {after}",
    facts.LrMoved: "LR{index}: {before} -> {after}",
    facts.AckedByGuest: "IAR = {vintid}",
    facts.Completed: "EOIR {vintid}",
    facts.DeactivatedByGuest: "deactivates {vintid}",
    facts.GuestTimer: "CTL {ctl}, CVAL {cval} (at {deadline})",
    facts.GuestMask: "IRQs off {irqs_masked}, PMR {pmr}, timer enabled {enabled}",
    facts.GuestWfi: "WFI",
    facts.Halted: "finished",
    facts.Entered: "guest of VCPU {vcpu} on CPU {pcpu}",
    facts.Exited: "exit: {reason}",
    facts.Loaded: "VCPU {vcpu} on CPU {pcpu}",
    facts.Put: "VCPU {vcpu} off CPU {pcpu}",
    facts.InterruptTaken: "CPU {pcpu} ({source})",
    facts.IsrBegan: "handler of {intid}",
    facts.IsrEnded: "handler of {intid} ends",
    facts.EdgeArrived: "edge of {intid} arrives",
    facts.DeviceRaised: "event of {intid}",
    facts.DeviceServed: "serves the device of {vintid}",
    facts.DeviceSignalled: "VM monitor signalled {vintid}",
    facts.DeviceStillHigh: "device of {vintid} still high",
    facts.EoiNotified: "end of {vintid} notified",
    facts.NeedResched: "VCPU {vcpu} shall leave CPU {pcpu} for {target}",
    facts.Placed: "VCPU {vcpu} gets CPU {pcpu}",
    facts.TimerRead: "{level} in {source}",
    facts.TimerSaved: "CTL {ctl}, CVAL {cval}; left {left}",
    facts.TimerRestored: "CTL {ctl}, CVAL {cval}",
    facts.PhysActiveWritten: "{intid} {value}",
    facts.Ticked: "to {now} ns",
    facts.Armed: "CPU {pcpu}, for {expiry}",
    facts.Cancelled: "was armed: {armed}",
    facts.Expired: "fires on CPU {pcpu}",
    facts.Injected: "{vintid} {level} for VCPU {vcpu}",
    facts.Folded: "{vintid}: {active}, line {line_level}, latch {pending_latch}",
    facts.SoftwareChanged: "{vintid}: {active}, line {line_level}, latch {pending_latch}",
    facts.Resampled: "{vintid} {level}",
    facts.Requested: "request for VCPU {vcpu}",
    facts.Kicked: "kick of VCPU {vcpu}",
    facts.Blocked: "VCPU {vcpu} sleeps",
    facts.KeptAsleep: "VCPU {vcpu} is kept asleep",
    facts.Woken: "VCPU {vcpu} woken",
    facts.Unblocked: "VCPU {vcpu} stops blocking",
    facts.HcrWritten: "HCR {value}",
    facts.Queued: "{vintid} on the ap_list of VCPU {vcpu}",
    facts.Unqueued: "{vintid} off the ap_list of VCPU {vcpu}",
    facts.Emulated: "deactivates {vintid} for VCPU {vcpu} ({cause})",
    facts.SgiSent: "SGI {vintid} to VCPU {target}",
}
LEVELS = ("low", "high")
ACTIVITY = ("inactive", "active")
LATCHED = ("clear", "set")
BITS: dict[str, tuple[str, str]] = {
    "level": LEVELS,
    "line_level": LEVELS,
    "active": ACTIVITY,
    "value": ACTIVITY,
    "pending_latch": LATCHED,
}


def brief(fact: Fact) -> str:
    """Return what a fact says in a few words."""
    words = WORDS.get(type(fact))
    if words is None:
        return describe(fact)
    values = {name: short(fact, name) for name in fact.__struct_fields__}
    text = words.format_map(values)
    if isinstance(fact, facts.DeviceRaised) and fact.intid < 0:
        return f"event of the device of {fact.vintid}"
    if isinstance(fact, facts.Injected) and not fact.accepted:
        return f"{text}, not accepted"
    if isinstance(fact, facts.DeactivationArrived) and not fact.was_active:
        return f"{text}, was inactive"
    return text


def short(fact: Fact, name: str) -> str:
    """Return a field's value."""
    value = getattr(fact, name)
    if isinstance(value, Lr):
        return short_lr(value)
    if isinstance(fact, facts.HcrWritten) and name == "value":
        return hcr_text(fact.value)
    if isinstance(value, bool):
        bits = BITS.get(name, ("no", "yes"))
        if name == "after":
            bits = ACTIVITY if isinstance(fact, facts.ActiveChanged) else LATCHED
        return bits[value]
    return str(value)


def short_lr(lr: Lr) -> str:
    """Return a List Register in the letters of states."""
    state = "P" * bool(lr.state & PENDING) + "A" * bool(lr.state & ACTIVE)
    return f"{lr.vintid} {state}{'H' * lr.hw}" if state else "-"
