"""Facts of a trace as text."""

from harness.log.registry import TIMERS, describe
from model import facts
from model.facts import Fact, traced

__all__ = ["tell"]

TEXTS: dict[type[Fact], str] = {
    traced.Gap: "a gap: {why}",
    traced.Meddled: "the interrupts of VCPU {vcpu} may have been changed",
    traced.ContextWentOn: "the context goes on",
    traced.ContextLeft: "the context gives its CPU away",
    traced.LeftArmed: "VCPU {vcpu} is entered with its background timer armed",
    traced.LevelGiven: "the timer of VCPU {vcpu} gives level {level:d} for vINTID {vintid}",
    traced.LevelTaken: "the vgic takes level {level:d} for vINTID {vintid} of VCPU {vcpu}",
    traced.QueueDecided: "vINTID {vintid} is found deliverable to VCPU {vcpu}",
    traced.KickCalled: "VCPU {vcpu} is kicked",
    traced.LoadBegan: "load of VCPU {vcpu} begins on CPU {pcpu}",
    traced.ExitTraced: "exit of VCPU {vcpu} is traced on CPU {pcpu}",
    traced.SwitchedOut: "the thread of VCPU {vcpu} gives CPU {pcpu} away",
    traced.CallbackEnded: (
        "the background timer's callback of VCPU {vcpu} ends (started again: {restarted})"
    ),
    traced.DeadlineSet: "background timer of VCPU {vcpu} for {expiry}, its timer is due at {due}",
    traced.PhysActiveAsked: (
        "the active state of vINTID {vintid} of VCPU {vcpu} is to be written: {value:d}"
    ),
    traced.PhysActiveDone: "an active state is written: {value:d}",
    traced.Populated: (
        "LR{index} is filled with vINTID {vintid}, mapped to {intid}: pending {pending}, "
        "active {active}"
    ),
    traced.ResampleCalled: "the fold looks at vINTID {vintid} (reads its line: {asked})",
    traced.FlushOwes: "the flush finds vINTID {vintid} of VCPU {vcpu} pending and enabled",
    traced.FoldEnded: "the fold of VCPU {vcpu} is over",
    traced.SoftwareSeen: (
        "software has vINTID {vintid}: enabled {enabled}, active {active}, line {line_level}, "
        "latch {pending_latch}"
    ),
    facts.Exited: "VCPU {vcpu} exits on CPU {pcpu}",
    facts.Injected: "inject vINTID {vintid} for VCPU {vcpu}: level {level:d}",
    facts.Folded: "fold vINTID {vintid}, LR state {state}",
    facts.TimerSaved: "KVM saves timer {timer} of VCPU {vcpu} (CTL {ctl:#x}, CVAL {cval:#x})",
    facts.TimerRestored: "KVM programs timer {timer} of VCPU {vcpu} (CTL {ctl:#x}, CVAL {cval:#x})",
    facts.TimerRead: "the timer {timer} of VCPU {vcpu}: level {level:d}",
}
"""Of facts that no log has, and of those of which a trace tells less than a log."""


def tell(fact: Fact) -> str:
    """Return the one-line text of a fact of a trace."""
    text = TEXTS.get(fact.__class__)
    if text is None:
        if getattr(fact, "timer", 0) not in TIMERS:
            return f"{fact.KIND} (timer {getattr(fact, 'timer', '')})"
        return describe(fact)
    return text.format_map({name: getattr(fact, name) for name in fact.__struct_fields__})
