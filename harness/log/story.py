"""The two numbered lists at the end of the document, as data, and how to find them in a log.

Each numbered step is one to three events with conditions on their fields: the state change that
the sentence tells. The lists keep the document's own numbers (the second has no 3 and two 7s) and
are told of era ``v4.14``. In the idle list KVM's code does 11 (inject), 10 (active) and 9 (timer
registers) in this order, after 8 and before 12.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from model.facts import AckedByHost, Entered, Exited, Fact
from model.timer import VTIMER_PPI

__all__ = ["BUSY", "IDLE", "STORIES", "Clue", "Event", "Mark", "Story", "find_story", "story_for"]

Value = int | bool | str
Condition = tuple[str, Literal["is", "has", "at least"], Value]
"""A field, a test ("has": all these bits are set), and a value; "$name" is one remembered."""


class Clue(msgspec.Struct, frozen=True):
    """An event of a numbered step.

    ``change`` says in words which state changes, ``where`` in fields. ``keep`` names the fields
    that later clues compare with.
    """

    number: str
    event: str
    where: tuple[Condition, ...]
    change: str
    keep: tuple[str, ...] = ()


class Story(msgspec.Struct, frozen=True):
    """A numbered list: its clues in the order in which the events must come.

    ``sentences`` are the document's, by number.
    """

    name: str
    scenario: str
    sentences: tuple[tuple[str, str], ...]
    clues: tuple[Clue, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that matter for the search."""
        return frozenset(clue.event for clue in self.clues) | {
            Entered.KIND,
            Exited.KIND,
            AckedByHost.KIND,
        }


class Mark(msgspec.Struct, frozen=True):
    """An event that is a step of a story: the line ``seq`` of the log."""

    story: str
    number: str
    event: str
    change: str
    seq: int

    @property
    def label(self) -> str:
        """How views name it."""
        return f"document {self.story} {self.number}"


ENABLED = 1
PPI: Condition = ("intid", "is", VTIMER_PPI)
VPPI: Condition = ("vintid", "is", VTIMER_PPI)

RUNS = Clue("1", "entry", (), "the CPU goes from host to guest")
PROGRAMS = Clue(
    "2",
    "guest-timer",
    (("ctl", "has", ENABLED), ("deadline", "at least", "$t")),
    "the timer is enabled, its deadline lies ahead",
    keep=("deadline", "cval"),
)
STORES = Clue(
    "5",
    "timer-save",
    (("ctl", "has", ENABLED), ("cval", "is", "$cval"), ("left", "is", 0)),
    "memory holds the guest's CVAL and an enabled CTL; the hardware's CTL is 0",
)
INJECTS: tuple[Condition, ...] = (VPPI, ("level", "is", True), ("accepted", "is", True))
ACTIVE: tuple[Condition, ...] = (PPI, ("after", "is", True), ("cause", "is", "write"))
RESTORES: tuple[Condition, ...] = (("ctl", "has", ENABLED), ("cval", "is", "$cval"))

IDLE = Story(
    name="idle",
    scenario="timer-wfi",
    sentences=(
        ("1", "KVM runs the VCPU"),
        ("2", "The guest programs the time to fire in T+100"),
        ("3", "The guest is idle and calls WFI (wait-for-interrupts)"),
        ("4", "The hardware traps to the host"),
        ("5", "KVM stores the timer state to memory and disables the hardware timer"),
        ("6", "KVM schedules a soft timer to fire in T+(100 - time since step 2)"),
        ("7", "KVM puts the VCPU thread to sleep (on a waitqueue)"),
        ("8", "The soft timer fires, waking up the VCPU thread"),
        ("11", "KVM injects a forwarded physical interrupt to the guest"),
        ("10", "KVM marks the timer interrupt as active on the physical distributor"),
        ("9", "KVM reprograms the timer hardware with the VCPU's values"),
        ("12", "KVM runs the VCPU"),
    ),
    clues=(
        RUNS,
        PROGRAMS,
        Clue("3", "guest-wfi", (("completed", "is", False),), "the guest waits"),
        Clue("4", "exit", (("reason", "is", "wfi"),), "the CPU goes from guest to host"),
        STORES,
        Clue(
            "6",
            "soft-armed",
            (("expiry", "is", "$deadline"),),
            "the soft timer is armed for the deadline of step 2",
        ),
        Clue("7", "block", (), "the thread goes from running to sleeping"),
        Clue(
            "8", "soft-fired", (("early", "is", False),), "the soft timer goes from armed to fired"
        ),
        Clue("8", "wake", (), "the thread goes from sleeping to running"),
        Clue("11", "inject", INJECTS, "the virtual interrupt's line goes from low to high"),
        Clue("10", "active", ACTIVE, "the physical active bit goes from 0 to 1"),
        Clue("9", "timer-restore", RESTORES, "the hardware holds the guest's CVAL and CTL"),
        Clue("12", "entry", (), "the CPU goes from host to guest"),
    ),
)

BUSY = Story(
    name="busy",
    scenario="timer-busy",
    sentences=(
        ("1", "KVM runs the VCPU"),
        ("2", "The guest programs the time to fire in T+100"),
        ("4", "At T+100 the timer fires and a physical IRQ causes the VM to exit"),
        ("5", "KVM stores the virtual timer state to memory and disables the virtual hw timer"),
        (
            "6",
            "KVM looks at the timer state (in memory) and injects a forwarded physical interrupt",
        ),
        ("7", "KVM marks the timer interrupt as active on the physical distributor"),
        ("7", "KVM enables the timer, enables interrupts, and runs the VCPU"),
    ),
    clues=(
        RUNS,
        PROGRAMS,
        Clue("4", "tick", (("now", "at least", "$deadline"),), "time reaches T+100"),
        Clue("4", "line", (PPI, ("level", "is", True)), "the timer's line goes from low to high"),
        Clue("4", "exit", (("reason", "is", "irq"),), "the CPU goes from guest to host"),
        STORES,
        Clue(
            "6",
            "timer-read",
            (("source", "is", "memory"), ("level", "is", True)),
            "KVM concludes from memory that the timer has expired",
        ),
        Clue("6", "inject", INJECTS, "the virtual interrupt's line goes from low to high"),
        Clue("7", "active", ACTIVE, "the physical active bit goes from 0 to 1"),
        Clue("7", "timer-restore", RESTORES, "the hardware timer is enabled again"),
        Clue("7", "entry", (), "the CPU goes from host to guest, its interrupts on"),
    ),
)

STORIES = (IDLE, BUSY)


def story_for(scenario: str, era: str) -> Story | None:
    """Return the story that a scenario tells in an era, if it tells one."""
    if era != "v4.14":
        return None
    return next((story for story in STORIES if story.scenario == scenario), None)


class Event(msgspec.Struct, frozen=True):
    """An event of a log as the search sees it."""

    seq: int
    t: int
    fact: Fact


def find_story(story: Story, events: Iterable[Event]) -> list[Mark]:
    """Return the marks of the first whole telling of ``story``, in its order; [] if there is none.

    All of it happens to one VCPU, on one pCPU from one entry to the next; between two clues the
    guest is neither entered nor left, and the host never acknowledges the timer's interrupt.
    """
    relevant = [event for event in events if event.fact.KIND in story.kinds]
    for start, event in enumerate(relevant):
        if story.clues[0].event == event.fact.KIND:
            marks = follow(story, relevant[start:])
            if marks:
                return marks
    return []


def follow(story: Story, events: Sequence[Event]) -> list[Mark]:
    """Match the clues from the first event on."""
    vcpu, cpu = (getattr(events[0].fact, name, None) for name in ("vcpu", "pcpu"))
    kept: dict[str, Value] = {}
    marks: list[Mark] = []
    for event in events:
        clue = story.clues[len(marks)]
        fact = event.fact
        if getattr(fact, "vcpu", vcpu) != vcpu:
            continue
        if not hasattr(fact, "vcpu") and getattr(fact, "pcpu", cpu) != cpu:
            continue
        if clue.event == fact.KIND and matches(clue, fact, {**kept, "t": event.t}):
            kept.update({name: getattr(fact, name) for name in clue.keep})
            marks.append(Mark(story.name, clue.number, clue.event, clue.change, event.seq))
            if len(marks) == len(story.clues):
                return marks
        elif breaks_off(fact):
            return []
    return []


def breaks_off(fact: Fact) -> bool:
    """Tell whether the fact cannot come between two clues."""
    if isinstance(fact, AckedByHost):
        return fact.intid == VTIMER_PPI
    return isinstance(fact, Entered | Exited)


def matches(clue: Clue, fact: Fact, kept: dict[str, Value]) -> bool:
    """Tell whether the fact's fields are as the clue says."""
    for name, test, stated in clue.where:
        value = getattr(fact, name)
        remembered = isinstance(stated, str) and stated.startswith("$")
        wanted: Any = kept[str(stated)[1:]] if remembered else stated
        if test == "is" and value != wanted:
            return False
        if test == "has" and value & wanted != wanted:
            return False
        if test == "at least" and value < wanted:
            return False
    return True
