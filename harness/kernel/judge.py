"""The guests' rules over what guests did on a real kernel: the Checker of all producers.

Only rules about guests are asked, and of these the ones that rest on what guests do themselves. The
others are *not checked*, and what they lack is named.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.kernel.compile import devices_of
from harness.kernel.history import History
from harness.kernel.teller import Teller, facts_of
from harness.scenarios.schema import Scenario
from model import facts
from model.check.checker import Checker
from model.check.setting import Forwarded, Setting
from model.check.violation import Violation
from model.facts import Fact
from model.rules.registry import RULES

__all__ = ["ERA", "KINDS", "Found", "Judge", "setting_of"]

ERA = "v7.2"
KINDS: frozenset[type[Fact]] = frozenset(
    {
        # What guests say, and the exits and entries that follow from it.
        facts.AckedByGuest, facts.Completed, facts.DeactivatedByGuest, facts.DeviceRaised,
        facts.DeviceServed, facts.DeviceSignalled, facts.DeviceStillHigh, facts.DistRead,
        facts.Entered, facts.GuestDist,
        facts.EoiNotified, facts.Exited,
        facts.GuestAccess, facts.GuestControl, facts.GuestEnable, facts.GuestMask,
        facts.GuestRead, facts.GuestTimer, facts.Halted, facts.LrMoved, facts.PriorityWritten,
        facts.ReadTrapped, facts.RegisterRead, facts.SgiSent, facts.Ticked, facts.UserEntered,
        facts.UserLeft,
        # What never happens there, or makes a rule say less where it is not told.
        facts.AckedByHost, facts.Blocked, facts.CounterMoved, facts.Emulated, facts.GuestLpis,
        facts.IsrBegan, facts.IsrEnded, facts.KeptAsleep, facts.LineChanged, facts.Loaded,
        facts.LrWritten,
        facts.NeverAcknowledges, facts.Put, facts.RegisterWritten, facts.Trapped, facts.Unblocked,
        facts.VmReset, facts.Woken,
    }
)  # fmt: skip
"""The facts that rules may rest on."""
STALE = ("I7", "silent")
"""What is no fault where the timer fired before its guest wrote it last."""
PHYSICAL = ("I7", "ptimer")
"""The same of the physical timer, where the guest has it itself (a host with VHE)."""
FOUND_MAX = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A violation, and the history that has it."""

    violation: Violation
    history: History


class Judge:
    """Holds a Checker, and gives it histories; ``found`` is what it said."""

    def __init__(self, setting: Setting, *, vhe: bool = False) -> None:
        self.setting = setting
        self.vhe = vhe
        guests = [rule for rule in RULES.values() if rule.guest]
        self.checker = Checker(setting, ERA, rules=guests, states=(), kinds=KINDS)
        self.found: list[Found] = []
        self.histories = 0

    @property
    def checked(self) -> list[str]:
        """The ids of the rules that are checked."""
        return self.checker.checked

    @property
    def not_checked(self) -> dict[str, tuple[str, ...]]:
        """Of each other rule about guests, the facts that it lacks."""
        return self.checker.not_checked

    def read(self, histories: Iterable[History]) -> None:
        """Judge histories; what a cut one says after its cut nobody knows, so that is left out."""
        for history in histories:
            self.histories += 1
            if not history.cut and len(self.found) < FOUND_MAX:
                self.found += [Found(each, history) for each in self.violations(history)]

    def violations(self, history: History) -> Iterator[Violation]:
        """Yield what is wrong with a history."""
        checker, teller = self.checker, Teller(self.setting)
        checker.reset()
        for fact in facts_of(history, teller):
            checker.emit(fact)
            if not checker.violations:
                continue
            for violation in checker.violations:
                alarm = (violation.rule, violation.alarm)
                stale = alarm == STALE and teller.stale[violation.subject.vcpu]
                if not stale and not (alarm == PHYSICAL and self.vhe):
                    yield violation
            checker.violations.clear()
        if history.why != "stuck":
            yield from checker.at_rest()


def setting_of(scenario: Scenario, vcpus: int, gic: int) -> Setting:
    """Return what rules know of a scenario's guests on a real kernel.

    All devices are of software to them.
    """
    software = tuple(
        Forwarded(-1, each.intid, each.vcpu, -1, each.signals != "edge", each.priority)
        for each in devices_of(scenario)
    )
    return Setting(
        pcpus=vcpus,
        software=software,
        vcpus=vcpus,
        gic_version=gic,
        eoimode=scenario.eoimode,
        timer_priority=scenario.timer_priority,
        sgi_priority=scenario.sgi_priority,
    )
