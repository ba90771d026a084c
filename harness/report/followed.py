"""What every interrupt is after each turn of an execution.

Distributor, List Registers and guest are told from the facts. KVM's own state is the machine's
where the execution can be run again, so that it is right for a variant, too; else the facts tell.
"""

from typing import NamedTuple

from harness.report.course import Course
from harness.report.machine import Changes, watch
from harness.report.states import NOTHING, Four, Interrupt, States

__all__ = ["Followed", "follow", "interrupts_in"]


class Followed(NamedTuple):
    """``after[i]`` has every interrupt's state after turn ``i``.

    ``changes`` is the whole machine's, or a sentence that says why it is not known.
    """

    after: list[dict[Interrupt, Four]]
    changes: Changes | str

    def state(self, turn: int, which: Interrupt) -> Four:
        """Return the state of an interrupt after a turn."""
        return self.after[turn].get(which, NOTHING)


def interrupts_in(course: Course) -> list[Interrupt]:
    """Return the interrupts that an execution's facts are about, in the order of their first."""
    lives = (life for turn in course.turns for life in turn.lives if life is not None)
    return list(dict.fromkeys(Interrupt(*life[:2]) for life in lives))


def follow(course: Course) -> Followed:
    """Follow every interrupt of an execution."""
    changes = watch(course)
    states = States(course.header.setting, course.header.era)
    interrupts = interrupts_in(course)
    now: dict[Interrupt, Four] = dict.fromkeys(interrupts, NOTHING)
    after = []
    software: dict[Interrupt, str] = {}
    for turn in course.turns:
        for fact in turn.facts:
            states.hear(fact)
        before = software
        if isinstance(changes, Changes):
            software = changes.software[turn.index]
        if turn.facts or software is not before:
            now = {which: with_software(states.of(which), software, which) for which in interrupts}
        after.append(now)
    return Followed(after, changes)


def with_software(four: Four, software: dict[Interrupt, str], which: Interrupt) -> Four:
    """Return a state with KVM's part as the machine has it."""
    return four._replace(kvm=software[which]) if which in software else four
