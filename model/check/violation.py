"""A violation is data: which rule, by which alarm, about whom, and with which values."""

import msgspec

from model.check.alarm import ALARMS
from model.identity import Actor, LockId

__all__ = ["LATE", "LOST", "VIOLATION", "Subject", "Value", "Violation", "classify_late_or_lost"]

VIOLATION, LATE, LOST = "violation", "late", "lost"
"""The types of a violation: broken then; owed at rest until an unrelated exit; owed for good."""

OWN_FAULT = "guest: "
"""How the text of a violation begins by which a guest program itself is at fault."""

Value = bool | int | str


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a violation is about, as far as each applies (-1 and None: it does not)."""

    actor: Actor | None = None
    lock: LockId | None = None
    pcpu: int = -1
    vcpu: int = -1
    intid: int = -1
    vintid: int = -1


SUBJECT = frozenset(Subject.__struct_fields__)


class Violation(msgspec.Struct, frozen=True):
    """A rule that was broken after ``step`` steps (or what the producer counts).

    ``alarm`` is the tag of the place that saw it; ``values`` are the other things it says, as pairs
    sorted by name.
    """

    rule: str
    alarm: str
    subject: Subject = Subject()
    values: tuple[tuple[str, Value], ...] = ()
    step: int = 0
    type: str = VIOLATION

    @property
    def said(self) -> dict[str, object]:
        """Everything that it says, by name."""
        return {**msgspec.structs.asdict(self.subject), **dict(self.values)}

    @property
    def text(self) -> str:
        """What happened, in one sentence."""
        alarm = ALARMS.get((self.rule, self.alarm))
        if alarm is None:
            # Of a rule that this version does not have: say what there is.
            said = {**{k: v for k, v in self.said.items() if v not in (-1, None)}}
            words = ", ".join(f"{name} {value}" for name, value in said.items())
            text = f"{self.alarm} ({words})" if words else self.alarm
        else:
            text = alarm.text(self.said)
        if text.startswith(OWN_FAULT):
            return text  # nothing that anyone owes
        if self.type == LOST:
            return f"LOST: {text}"
        if self.type == LATE:
            return f"LATE: {text} (an unrelated exit would still deliver it)"
        return text


def classify_late_or_lost(late: list[Violation], lost: list[Violation]) -> list[Violation]:
    """Tell what only came late from what is lost.

    ``late`` is what was owed when nothing could go on, ``lost`` what is still owed after each VCPU
    had an unrelated exit. The same rule, alarm and subject mean the same debt, whatever the values.
    """
    replace = msgspec.structs.replace
    gone = {(x.rule, x.alarm, x.subject) for x in lost}
    known = {(x.rule, x.alarm, x.subject) for x in late}
    out = [replace(x, type=LOST if (x.rule, x.alarm, x.subject) in gone else LATE) for x in late]
    out += [replace(x, type=LOST) for x in lost if (x.rule, x.alarm, x.subject) not in known]
    return out
