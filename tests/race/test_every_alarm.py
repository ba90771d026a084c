"""Every place where a rule can complain has been seen to complain, in a running world.

The alarms are read from the source of the rules, and compared with those that the checker has. For
each there is a variant, a scenario and a schedule that raises it, with all other rules off; the era
is silent on the same schedule. A new alarm without an entry fails, and so does an entry whose
schedule raises it no more: look for another with ``running.outcomes``.
"""

import ast
from pathlib import Path

import msgspec
import pytest

import model.rules
from harness.kvm.kvm import Kvm
from harness.variants import ERAS, check_overrides, resolve_variant
from model.check.alarm import ALARMS
from model.rules.registry import RULES
from tests.race.mutants import MUTANTS
from tests.race.mutants_alarms import ALARMING
from tests.race.running import RaceWorld, on_both, on_direct, strategy, world_of

SCENARIOS = Path(__file__).parent / "scenarios"
GICV2 = (("gic_version", "2"),)
POLLED = (("lr_on_guest_deactivate", "polled"),)
BY_NAME = {cls.__name__: cls for cls in (*(mutant.broken for mutant in MUTANTS), *ALARMING)}


class Seen(msgspec.Struct, frozen=True):
    """Who raises an alarm: a mutant or a variant by name, in which schedule of which scenario."""

    variant: str
    scenario: str
    schedule: int
    knobs: tuple[tuple[str, str], ...] = ()

    def broken(self) -> type[Kvm]:
        """Return the class of the variant."""
        found = BY_NAME.get(self.variant)
        return resolve_variant(self.variant) if found is None else found

    def world(self, kvm: type[Kvm], rule: str | None) -> RaceWorld:
        """Make the world, with one rule or with all."""
        path = SCENARIOS / f"{self.scenario}.toml"
        scenario = str(path) if path.exists() else self.scenario
        return world_of(scenario, kvm, self.knobs, None if rule is None else frozenset({rule}))


SEEN: dict[tuple[str, str], Seen] = {
    ("G10", "not-sent"): Seen("SenderWrong", "two-senders", 0, (("gic_version", "2"),)),
    ("G15", "less"): Seen("SortsBackwards", "overflow", 13),
    ("I19", "not-loaded"): Seen("PutTwice", "spi-soft-level", 0),
    ("I19", "twice"): Seen("LoadsTwice", "spi-soft-level", 0),
    ("L4", "untold"): Seen("SignalsOnlySleepers", "reset", 14),
    ("G2", "group"): Seen("GroupAsAtFirst", "groups", 0),
    ("G14", "group"): Seen("PutEnablesGroup", "masked-over-exits", 0),
    ("G14", "masked"): Seen("PutForgetsMask", "masked-over-exits", 0),
    ("G14", "running"): Seen("PutForgetsRunning", "handles-over-exit", 0),
    ("I14", "left-on"): Seen("LeavesControlOn", "active-outside", 0),
    ("G13", "after-end"): Seen("GoesOnForEver", "timer-busy", 0),
    ("G13", "ended"): Seen("EndsEarly", "timer-wfi", 0),
    ("G13", "not-done"): Seen("DropsUserAccess", "many-exits", 0),
    ("G1", "wrong"): Seen("ReadsHaltNobody", "read-while-handled", 0),
    ("G1", "other"): Seen("PriorityIgnored", "registers", 3),
    ("G1", "unanswered"): Seen("ReadsUnanswered", "smp-mix", 0),
    ("G1", "switch"): Seen("SwitchReadsOn", "dist-switched", 0),
    ("G2", "taken"): Seen("DisableIgnored", "distributor", 0),
    ("G3", "nothing"): Seen("LatchKept", "spi-edge", 0),
    ("G4", "active"): Seen("ActiveWrittenWrong", "smp-mix", 13),
    ("G5", "elsewhere"): Seen("AllHaveTheSpi", "smp-mix", 0),
    ("G6", "device"): Seen("DirsAreItsOwn", "overflow-dir", 2),
    ("G6", "reads"): Seen("PrunesActive", "migrate", 40),
    ("G7", "untold"): Seen("SaysItKicks", "spi-edge", 20),
    ("G8", "held"): Seen("BlindHandler", "timer-wfi", 3),
    ("G8", "stayed"): Seen("SavesTimerWrong", "timer-busy", 0),
    ("G9", "owed"): Seen("SgiIgnored", "save", 0),
    ("G11", "missing"): Seen("SgisNowhere", "registers", 0),
    ("G11", "not-pending"): Seen("AnotherNumber", "registers", 0),
    ("G11", "running"): Seen("PrioritiesForgotten", "registers", 0),
    ("G12", "wrong"): Seen("OffsetForgotten", "registers", 0),
    ("R0", "missed"): Seen("HandlerInjectsNothing", "timer-wfi", 0),
    ("R1", "guest-runs"): Seen("WritesRunningGuest", "spi-level", 22),
    ("R1", "in-handler"): Seen("WritesInHandler", "spi-level", 4),
    ("R1", "interrupts-on"): Seen("SavesAfterUnmasking", "timer-busy", 1),
    ("R1", "none-loaded"): Seen("WritesAfterPut", "timer-wfi", 0),
    ("R2", "hollow"): Seen("CountsInactive", "migrate", 2),
    ("R2", "stale-at-entry"): Seen("SavesWithoutZeroing", "overflow", 1),
    ("R2", "stale-at-load"): Seen("SavesWithoutZeroing", "timer-wfi", 3),
    ("R2b", "elsewhere"): Seen("AllHaveTheSpi", "smp-mix", 0),
    ("R2b", "twice"): Seen("TwoRegisters", "timer-wfi", 0),
    ("R3", "moved"): Seen("V7_2OnAckEmpties", "timer-wfi", 0),
    ("R4", "not-mapped"): Seen("HwSgi", "save", 0),
    ("R4", "other"): Seen("WrongPhysicalId", "timer-wfi", 0),
    ("R5", "both"): Seen("PendingAndActive", "migrate", 40),
    ("R6", "in-flight"): Seen("v7.2+bound-3", "timer-busy", 7),
    ("R6", "left-active"): Seen("V7_2OnNeverInactive", "timer-wfi", 0),
    ("R6", "unsent"): Seen("V7_2OnNeverSent", "timer-wfi", 0),
    ("R7a", "inactive"): Seen("V7_2OnAckStaysInactive", "timer-busy", 0),
    ("R7a", "unasked"): Seen("V7_2OnActiveLpi", "lpi", 0),
    ("R7b", "not-pending"): Seen("V7_2OnGivenTwice", "overflow", 12),
    ("R7b", "nowhere"): Seen("V7_2OnCompletedComesBack", "timer-wfi", 0),
    ("R8", "left-out"): Seen("FoldLosesPending", "overflow-dir", 6),
    ("R8", "lost-by-access"): Seen("V7_2OnEoiDropsPending", "overflow", 0),
    ("R8", "lost-by-nobody"): Seen("V7_2OnMaskDropsPending", "timer-wfi", 0),
    ("R9", "none"): Seen("V7_2OnAckKeepsPending", "timer-wfi", 0),
    ("R9", "not-active"): Seen("V7_2OnAckKeepsBoth", "timer-wfi", 0),
    ("R9", "other"): Seen("V7_2OnAckEmpties", "timer-wfi", 0),
    ("R10", "left-active"): Seen("V7_2OnNeverInactive", "timer-wfi", 0, POLLED),
    ("R10", "moved"): Seen("V7_2OnArchAfterAll", "timer-wfi", 0, POLLED),
    ("R11", "still-active"): Seen("NeverPolls", "timer-wfi", 0, POLLED),
    ("R12", "not-set"): Seen("NeverActive", "timer-wfi", 0),
    ("R13", "deactivated"): Seen("HostDeactivates", "spi-edge", 0),
    ("R14", "not-dropped"): Seen("NoPriorityDrop", "timer-busy", 4),
    ("R15", "inactive"): Seen("NeverActive", "timer-wfi", 0),
    ("R16", "acknowledge"): Seen("V7_2OnLevelIsALatch", "timer-busy", 12),
    ("R16", "signal"): Seen("V7_2OnLevelIsALatch", "timer-busy", 6),
    ("R17", "went-on"): Seen("IrqsIgnored", "timer-busy", 0),
    ("R18", "entered"): Seen("v4.14+4", "timer-busy", 0),
    ("R18", "taken-again"): Seen("NotForwarded", "timer-busy", 0),
    ("R19", "line-low"): Seen("V7_2OnDeactivationLatches", "timer-wfi", 0),
    ("R20", "active"): Seen("V7_2OnTakenWhileActive", "spi-edge", 2),
    ("R21", "not-arrived"): Seen("V7_2OnSpiTwice", "spi-edge", 0),
    ("R21", "owed"): Seen("V7_2OnEdgeLostWhileActive", "spi-edge", 2),
    ("R22", "unlinked"): Seen("UnlinkedEdge", "spi-edge", 0),
    ("R23", "entered"): Seen("v4.14+1", "migrate", 2),
    ("R23", "loaded"): Seen("NotWrittenAtLoad", "migrate", 2),
    ("R24", "changed"): Seen("V7_2OnActiveLpi", "lpi", 0),
    ("R25", "not-arrived"): Seen("V7_2OnLpiTwice", "lpi", 0),
    ("R25", "owed"): Seen("V7_2OnLosesMessages", "lpi", 0),
    ("R26", "linked"): Seen("LinkedLpi", "lpi", 0),
    ("R27", "not-served"): Seen("QueuedUnkicked", "lpi", 9),
    ("R28", "not-held"): Seen("NeverPutOn", "migrate", 0),
    ("R28", "taken"): Seen("TimerLeftLoaded", "migrate", 2),
    ("R28", "values"): Seen("v7.2+14", "timer-wfi", 19),
    ("R28b", "level"): Seen("SavesTimerWrong", "timer-busy", 0),
    ("R28b", "source"): Seen("HandlerReadsMemory", "timer-busy", 0),
    ("R29", "not-written"): Seen("v4.14+3", "migrate", 1),
    ("R30", "early"): Seen("FiresAtOnce", "timer-wfi", 7),
    ("R30", "expiry"): Seen("SoftTimerLate", "timer-wfi", 1),
    ("R30", "still-on"): Seen("TimerLeftLoaded", "timer-wfi", 1),
    ("R31", "handled"): Seen("v4.14+bound-2", "timer-busy", 8),
    ("I1", "inactive"): Seen("v4.14+23", "timer-wfi", 4),
    ("I2", "enabled"): Seen("EnablesAndKeeps", "timer-busy", 0),
    ("I2", "entered"): Seen("SeedAlwaysActive", "timer-wfi", 0),
    ("I2", "left"): Seen("LeftActiveAtExit", "line-falls", 0),
    ("I2", "loaded"): Seen("AlwaysActive", "timer-wfi", 0),
    ("I3", "software"): Seen("SgisShareARegister", "senders-busy", 0, GICV2),
    ("I3", "both"): Seen("PendingAndActive", "migrate", 40),
    ("I4", "deactivated"): Seen("DirsAreItsOwn", "overflow-dir", 0),
    ("I4", "entered"): Seen("SavesWithoutZeroing", "migrate", 8),
    ("I4", "not-there"): Seen("TakenOffTwice", "timer-wfi", 0),
    ("I4", "twice"): Seen("MovesWithoutRemoving", "smp-mix", 43),
    ("I5", "elsewhere"): Seen("NeverMoves", "stays-behind", 0),
    ("I5", "entered"): Seen("PrunesActive", "migrate", 2),
    ("I5", "misplaced"): Seen("v4.14+prune-recheck", "retarget", 12),
    ("I5", "stray"): Seen("NeverQueuesSgis", "reset", 0),
    ("I6", "lost"): Seen("FoldLosesPending", "spi-edge", 2),
    ("I6", "made-up"): Seen("LatchKept", "spi-edge", 0),
    ("I6", "not-injected"): Seen("DeviceIgnored", "spi-edge", 0),
    ("I6", "owed"): Seen("NeverQueuesSgis", "reset", 0),
    ("I6", "sgi"): Seen("SgiIgnored", "save", 0),
    ("I7", "ptimer"): Seen("v7.2+27", "timer-phys", 0),
    ("I7", "silent"): Seen("EnablesUnsampled", "timer-busy", 0),
    ("I8", "again"): Seen("V7_2OnGivenTwice", "overflow", 12),
    ("I8", "folded"): Seen("FoldLosesActive", "migrate", 2),
    ("I8", "lost"): Seen("DropsActive", "migrate", 2),
    ("I8", "made-up"): Seen("v7.2+F2", "overflow-dir", 30),
    ("I9", "not-held"): Seen("FoldsUnlocked", "timer-wfi", 0),
    ("I9", "sleep"): Seen("YieldsInFold", "migrate", 2),
    ("I9", "unlocked"): Seen("FoldsUnlocked", "timer-wfi", 0),
    ("I10", "stuck"): Seen("SeedAlwaysActive", "timer-busy", 2),
    ("I11", "guest-uncovered"): Seen("v7.2+26-load", "timer-phys", 1),
    ("I11", "pending"): Seen("v7.2+29", "timer-wfi", 13),
    ("I11", "ptimer-uncovered"): Seen("v7.2+26", "timer-phys", 1),
    ("I11", "timer-uncovered"): Seen("v7.2+26", "timer-phys", 13),
    ("I12", "left-behind"): Seen("RequestsNotRechecked", "many-exits", 5),
    ("I12", "unkicked"): Seen("SaysItKicks", "spi-edge", 20),
    ("I13", "deaf"): Seen("NoEndOfUnclaimed", "timer-busy", 0),
    ("I14", "eoicount"): Seen("KeepsEoiCount", "overflow", 1),
    ("I14", "none-pending"): Seen("NpieForActive", "overflow-dir", 1),
    ("I14", "underflow"): Seen("v7.2", "one-register", 0),
    ("I15", "still-on"): Seen("TimerLeftOn", "migrate", 0),
    ("I16", "guest-pending"): Seen("V4_14OnEmptyGuestAck", "timer-wfi", 0),
    ("I16", "host-pending"): Seen("V7_2OnEmptyHostAck", "timer-busy", 0),
    ("I16", "nothing-raised"): Seen("V7_2OnSignalsNothing", "timer-wfi", 0),
    ("I17", "running"): Seen("CancelsAtOnce", "migrate", 255),
    ("I17", "still-armed"): Seen("KeepsEmulating", "timer-phys", 1),
    ("I18", "hw"): Seen("EoiBitOfAll", "timer-wfi", 0),
    ("I18", "no-exit"): Seen("NoEoiBit", "timer-phys", 0),
    ("I18", "source"): Seen("SourceOfAll", "timer-wfi", 0),
    ("L1", "device"): Seen("v7.2+57", "spi-level", 0),
    ("L1", "ptimer"): Seen("v7.2+26", "timer-phys", 1),
    ("L1", "timer"): Seen("ForgetsEnable", "timer-wfi", 7),
    ("L2", "idle"): Seen("v7.2+26-load", "timer-phys", 1),
    ("L2", "masked"): Seen("v7.2", "forgets-eoi", 0),
    ("L2", "nowhere"): Seen("NeverSleeps", "two-senders", 1),
    ("L2", "storm"): Seen("v4.14+4", "timer-busy", 5),
    ("L2", "turns"): Seen("NeverEnters", "timer-wfi", 0),
    ("L2", "woken"): Seen("v7.2", "idle-and-due", 0),
    ("L3", "again"): Seen("RetriesForEver", "timer-wfi", 0),
    ("L4", "again"): Seen("IgnoresSignals", "save", 80),
    ("L4", "asked"): Seen("IgnoresSignals", "save", 1),
    ("L4", "came-back"): Seen("BacksOutOfUserSpace", "save", 1),
    ("L4", "entered"): Seen("NobodyPauses", "smp-mix", 0),
    ("L4", "no-end"): Seen("NeverResumes", "smp-mix", 0),
    ("L4", "not-stopped"): Seen("NeverInUser", "save", 1),
    ("L4", "too-soon"): Seen("HaltWaitsForNobody", "smp-mix", 7),
    ("L5", "asleep"): Seen("CallbackDoesNothing", "timer-wfi", 1),
    ("L6", "active"): Seen("FoldLosesActive", "save", 2),
    ("L6", "active-after"): Seen("ForgetsActive", "save", 2),
    ("L6", "again"): Seen("SavesForEver", "save", 1),
    ("L6", "counter"): Seen("ForgetsCounter", "save", 1, (("counter", "stops"),)),
    ("L6", "changed"): Seen("SavesOnceEntered", "save", 26),
    ("L6", "entered"): Seen("SavesOnceLoaded", "save", 8),
    ("L6", "injected"): Seen("SavesRunningVm", "save", 6),
    ("L6", "level"): Seen("SoftTimerOutlives", "save", 2),
    ("L6", "loaded"): Seen("SavesRunningVm", "save", 2),
    ("L6", "pending-after"): Seen("ForgetsPending", "save", 9),
    ("L6", "timer"): Seen("ForgetsCval", "save", 1),
    ("deadlock", "stuck"): Seen("LockKept", "timer-wfi", 0),
    ("no-acknowledge", "storm"): Seen("v7.2", "never-acknowledges", 0),
    ("unpredictable", "dir"): Seen("v7.2", "dir-before-eoi", 0, GICV2),
    ("unpredictable", "order"): Seen("v7.2", "eoi-out-of-order", 0),
    ("unpredictable", "unasked"): Seen("v7.2", "eoi-without-iar", 0),
    ("waits-in-vain", "held-back"): Seen("v7.2", "never-enabled", 0),
    ("waits-in-vain", "nobody"): Seen("v7.2", "waits-in-vain", 0),
    ("lock-order", "irqs-on"): Seen("InjectsUnmasked", "timer-wfi", 0),
    ("lock-order", "order"): Seen("LocksSwapped", "timer-wfi", 0),
}
"""By rule and tag. One-register machines are too small for KVM as shipped (finding F7)."""


def declared() -> set[tuple[str, str]]:
    """The alarms that the source declares: calls of ``alarm`` in a rule's class, or its base's.

    Rules of traces alone have tests of their own.
    """
    classes: dict[str, tuple[str, list[str], list[str]]] = {}
    for path in sorted(Path(model.rules.__path__[0]).rglob("*.py")):
        if path.parent.name == "traced":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                classes[node.name] = (own_id(node), own_tags(node), bases)

    def tags(name: str) -> list[str]:
        _, own, bases = classes.get(name, ("", [], []))
        return [*own, *(tag for base in bases for tag in tags(base))]

    return {(rule, tag) for name, (rule, _, _) in classes.items() if rule for tag in tags(name)}


def own_id(node: ast.ClassDef) -> str:
    """The id that a class gives itself, or ""."""
    for each in node.body:
        match each:
            case ast.Assign(targets=[ast.Name(id="id")], value=ast.Constant(value=str(own))):
                return own
    return ""


def own_tags(node: ast.ClassDef) -> list[str]:
    """The tags of the alarms that a class declares itself."""
    calls = [each.value for each in node.body if isinstance(each, ast.Assign)]
    return [
        str(ast.literal_eval(call.args[0]))
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "alarm"
    ]


def test_every_alarm_has_an_entry_and_no_entry_is_stale() -> None:
    source = declared()
    assert source == {key for key in ALARMS if key[0] in RULES}
    assert set(SEEN) == source


@pytest.mark.parametrize("key", SEEN, ids="-".join)
async def test_it_is_raised_and_the_era_is_silent(key: tuple[str, str]) -> None:
    rule, _ = key
    seen = SEEN[key]
    broken = seen.broken()
    outcome = await on_both(seen.world(broken, rule), lambda _: strategy(seen.schedule))
    assert key in {(violation.rule, violation.alarm) for violation in outcome.violations}
    if broken not in ERAS.values():
        clean = on_direct(seen.world(ERAS[broken.era], None), strategy(seen.schedule))
        assert (clean.violations, clean.bound) == ([], "")


@pytest.mark.parametrize("variant", ALARMING, ids=lambda cls: cls.__name__)
def test_what_raises_it_is_a_variant_that_a_user_could_write(variant: type[Kvm]) -> None:
    check_overrides(variant, variant.__name__)
    assert variant.__name__ in {seen.variant for seen in SEEN.values()}
