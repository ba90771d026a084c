"""What a known finding is, and what tells that a violation is one."""

from collections.abc import Callable, Mapping

import msgspec

from harness.scenarios.schema import Scenario
from model.check.violation import Violation
from model.guest import Instruction

__all__ = ["Case", "Condition", "Finding"]


class Case(msgspec.Struct, frozen=True):
    """What a violation was found in, as far as it tells one fault from another.

    ``builtin`` says that the scenario comes with the tool: there no era is excused. ``patches``
    are those of the variant, ``knobs`` what was set, ``programs`` the guests', compiled.
    """

    scenario: Scenario
    builtin: bool
    era: str
    patches: tuple[str, ...]
    knobs: Mapping[str, str]
    programs: tuple[tuple[Instruction, ...], ...]


class Condition(msgspec.Struct, frozen=True):
    """Which violations are a finding's.

    ``eras`` are those that have the fault; with a ``patch`` only where the variant has it, with a
    ``knob`` ("NAME=VALUE") only where that is set, and else only in scenarios of a user's own, as
    an era is clean on those that come with the tool, unless these say that it is not; ``builtin``
    marks what may show there all the same, under a strategy that is none of the tool's. ``broken``
    has what may be broken, as "RULE" or "RULE:ALARM"; ``holds`` looks at the rest.
    """

    eras: tuple[str, ...]
    broken: tuple[str, ...]
    holds: Callable[[Violation, Case], bool]
    patch: str = ""
    knob: str = ""
    builtin: bool = False

    def covers(self, violation: Violation, case: Case) -> bool:
        """Tell whether the violation, found in ``case``, is of this kind."""
        if case.era not in self.eras or not self.may_be_in(case):
            return False
        alarm = f"{violation.rule}:{violation.alarm}"
        if violation.rule not in self.broken and alarm not in self.broken:
            return False
        return self.holds(violation, case)

    @property
    def text(self) -> str:
        """What must be so for a violation to be the finding's, in a line."""
        where = "any scenario" if self.builtin else "a scenario of a user's own"
        where = f"patch {self.patch}" if self.patch else where
        where = f"--knob {self.knob}" if self.knob else where
        told = (self.holds.__doc__ or "of the user's own making").partition("\n")[0].rstrip(".")
        return f"{' and '.join(self.eras)} with {where}, {', '.join(self.broken)}: {told}"

    def may_be_in(self, case: Case) -> bool:
        """Tell whether the variant has the patch, the run the knob, or the user the scenario."""
        if self.knob:
            name, _, value = self.knob.partition("=")
            return case.knobs.get(name) == value
        if self.patch:
            return self.patch in case.patches
        return self.builtin or not case.builtin or case.era in case.scenario.unclean


class Finding(msgspec.Struct, frozen=True):
    """A fault of KVM as shipped.

    ``since`` says which kernels have it, ``title`` what it is and ``what`` what happens, in a
    sentence or two; ``see`` what shows it: options of ``vgic-race stress``, or a test. ``source``
    is where it is in Linux, ``confirmed`` on which real kernel it was seen, ``upstream`` what was
    done about it there. With no ``conditions`` no violation is it, and ``unseen`` says why: what
    the machine lacks, or which rule leaves it out.
    """

    id: str
    title: str
    since: str
    what: str
    see: str
    source: str
    confirmed: str = ""
    upstream: str = ""
    conditions: tuple[Condition, ...] = ()
    unseen: str = ""

    @property
    def eras(self) -> tuple[str, ...]:
        """The eras that show it, in order; none where only a real kernel does."""
        return tuple(sorted({era for condition in self.conditions for era in condition.eras}))
