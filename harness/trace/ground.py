"""Where the rules hold, and whether a trace is from there: what it lacks, what it contradicts."""

from harness.errors import unknown_name
from harness.trace.line import Counts
from harness.trace.scene import Scene
from model import facts
from model.check.rule import Rule
from model.facts import Fact, traced
from model.rules.registry import RULES, TRACED

__all__ = ["ASSUMES", "CHECKED", "ERA", "KINDS_SHOWN", "Ground", "Witness", "parse_rules"]

ERA = "v7.2"
"""The era whose rules hold of kernels since 4.16."""
ASSUMES = "assumption: "
"""How a reason begins that is no missing fact, but an assumption which the trace contradicts."""
NOT_SHOWN = "what a trace shows by itself"
"""Of rules whose facts a trace is rebuilt from: that proves nothing."""
ONE_VM = "one VM in the trace"
NEW_ENOUGH = "Linux 4.16 or later, which writes the active state at each load"
NOT_NESTED = "no nested guest"
HAS_ACTIVE = "a host GIC with an active state"
IN_KERNEL = "the vgic is in the kernel"
CALLBACK_WAKES = "the callback of the background timer wakes its VCPU itself (4.20 or later)"
KICK_WAKES = "a kick that wakes a sleeper is seen to"
LOAD_WRITES = "each load writes the active state"

REUSED = ("R2b", "R3", "R4", "R5", "R12", "R15", "R26", "R29", "I1", "I3")
"""The rules about executions that a trace shows enough for, and that a kernel can break in one.

Of others a trace lacks facts; the rest says nothing there: what they are about is what a trace is
rebuilt from, or is told by a rule of ``TRACED`` that knows what real KVM may do besides.
"""
CHECKED: dict[str, type[Rule]] = {**{name: RULES[name] for name in REUSED}, **TRACED}

RARE: tuple[type[Fact], ...] = (
    traced.Gap,
    traced.Meddled,
    traced.ContextWentOn,
    traced.ContextLeft,
    traced.LeftArmed,
    facts.Cancelled,
    facts.HostMasked,
    facts.Unblocked,
    facts.UserLeft,
)
"""Facts that need not come: a trace in which they do not has none.

No trace tells that the host masks: Linux leaves the timers' PPIs enabled on each CPU that KVM has
(``kvm_timer_starting_cpu``, 7.2) and takes the active state.
"""
KINDS_SHOWN: frozenset[type[Fact]] = frozenset(
    {
        facts.AckedByGuest, facts.AckedByHost, facts.ActiveChanged, facts.Armed, facts.Blocked,
        facts.Cancelled, facts.DeactivatedByGuest, facts.Entered, facts.Exited, facts.Expired,
        facts.Folded, facts.HcrWritten, facts.HostMasked,
        facts.Injected, facts.IsrBegan, facts.IsrEnded,
        facts.Loaded, facts.LrMoved,
        facts.LrWritten, facts.PhysActiveWritten, facts.Placed, facts.Put, facts.Resampled,
        facts.TimerRead, facts.TimerRestored, facts.TimerSaved, facts.Unblocked, facts.UserLeft,
        facts.Woken, *traced.TracedFact.__subclasses__(),
    }
)  # fmt: skip
"""What can be told of a trace, if its events are there."""
NEEDS_TOO: dict[str, tuple[type[Fact], ...]] = {"R4": (traced.Populated,)}
"""What a rule needs in a trace besides what it hears: R4 learns there what is mapped."""

LEVELS_WITHOUT = 3
"""So many levels that no vgic takes, and none that one does, are a vgic in user space."""


def parse_rules(text: str) -> frozenset[str]:
    """Read ids of rules, divided by commas.

    Raises:
        UsageError: there is no such rule.

    """
    ids = [word.strip() for word in text.split(",")]
    known = {**RULES, **TRACED}
    for name in ids:
        if name not in known:
            raise unknown_name("rule", name, known)
    return frozenset(ids)


class Witness:
    """Counts what shows that a kernel does a thing in the way that a rule expects."""

    def __init__(self) -> None:
        self.callback_wakes = 0
        self.kick_wakes = 0
        self.expired: set[int] = set()
        self.kicked: dict[int, int] = {}
        self.kinds: dict[type[Fact], int] = {}

    def hear(self, fact: Fact) -> None:
        """Take notice of a fact."""
        kind = fact.__class__
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if isinstance(fact, facts.Woken):
            if fact.vcpu in self.expired:
                self.callback_wakes += 1
            if fact.vcpu in self.kicked.values():
                self.kick_wakes += 1
        elif isinstance(fact, facts.Expired):
            self.expired.add(fact.vcpu)
        elif isinstance(fact, traced.CallbackEnded):
            self.expired.discard(fact.vcpu)
        elif isinstance(fact, traced.KickCalled):
            self.kicked[fact.context] = fact.vcpu
        elif isinstance(fact, traced.ContextWentOn):
            self.kicked.pop(fact.context, None)
        elif isinstance(fact, traced.Gap):
            self.expired.clear()
            self.kicked.clear()


class Ground:
    """What a whole trace showed: which rules count, and why the others do not."""

    def __init__(self, scene: Scene, counts: Counts, witness: Witness) -> None:
        self.scene = scene
        self.counts = counts
        self.witness = witness

    def contradicted(self) -> str:
        """Return an assumption of all rules that the trace contradicts, or ""."""
        scene, names = self.scene, self.counts.names
        if scene.threads.several:
            return ONE_VM
        if scene.other_writes and not scene.load_writes:
            return NEW_ENOUGH
        if scene.nested or any("nested" in name for name in self.counts.unknown):
            return NOT_NESTED
        if names.get("timer_irq_eoi"):
            return HAS_ACTIVE
        return ""

    def missing(self, rule: type[Rule]) -> tuple[str, ...]:
        """Return the kinds of facts that a rule needs and the trace did not show, by name."""
        needs = rule.needs() | frozenset(NEEDS_TOO.get(rule.id, ()))
        there = {*self.witness.kinds}
        if facts.LrWritten in there and rule.id != "R3":
            # Guests that moved none: R3 is about their moves, others look at what there is.
            there.add(facts.LrMoved)
        if traced.ResampleCalled in there:
            # Folds that had no line to read.
            there.add(facts.Resampled)
        return tuple(sorted(x.KIND for x in needs if x not in there and x not in RARE))

    def why_not(self, rule: type[Rule]) -> tuple[str, ...]:
        """Return why a rule was not checked: facts by name, assumptions; nothing if it was."""
        if rule.id not in CHECKED:
            lacks = tuple(sorted(x.KIND for x in rule.needs() - KINDS_SHOWN))
            return lacks or (NOT_SHOWN,)
        if contradicted := self.contradicted():
            return (ASSUMES + contradicted,)
        names = self.counts.names
        missing = self.missing(rule)
        if rule.id == "T1" and missing:
            given = self.witness.kinds.get(traced.LevelGiven, 0)
            if given >= LEVELS_WITHOUT and traced.LevelTaken not in self.witness.kinds:
                return (*missing, ASSUMES + IN_KERNEL)
        if missing:
            return missing
        if rule.id == "T2" and not self.witness.callback_wakes:
            return (ASSUMES + CALLBACK_WAKES,)
        if rule.id == "T13" and not (names.get("sched_waking") or names.get("sched_wakeup")):
            return (facts.Woken.KIND,)
        if rule.id == "T13" and not self.witness.kick_wakes:
            return (ASSUMES + KICK_WAKES,)
        if rule.id == "T3" and not self.scene.load_writes:
            return (ASSUMES + LOAD_WRITES,)
        return ()
