"""The story of a failure: of all the turns of an execution those that a reader needs.

These are the first turn of each block (a block is what one task does in a row), the turns with a
fact that the broken rule or a view of its needs and that is about the interrupt concerned, those in
which the guest acknowledges or deactivates that, the steps of the deciding pair and of the cause,
and the break. A loop is told once. What is still too
long leaves out first the blocks in which nothing of that kind happens, then what is farthest back.
"""

from collections.abc import Iterable, Sequence

import msgspec

from harness.report.course import Course, Turn
from harness.report.followed import Followed, follow
from harness.report.loops import Loop, find_loops
from harness.report.states import Four, Interrupt
from harness.search.explanation import Explanation
from harness.user_rules import rule_of
from model import facts
from model.check.violation import Subject
from model.facts import Fact
from model.gic.registers import FIRST_SPI
from model.timer import VTIMER_PPI

__all__ = [
    "ALWAYS", "BREAK", "CAUSE", "FIRST", "LINES_MAX", "SECOND", "Line", "Repeat", "Story", "tell",
]  # fmt: skip

LINES_MAX = 48
FILLED_MAX = 30
"""Of a story that is too long, blocks in which nothing matters are told up to so many lines."""
FIRST, SECOND, CAUSE, BREAK = "first", "second", "cause", "break"
"""What may be special of a line: a step of the deciding pair, the cause, the broken rule."""
UNTOLD = (facts.LockTaken, facts.LockReleased)
"""Facts that no line tells: they say little to most readers. (A rule about locks has its own.)"""
ALWAYS = frozenset({facts.AckedByGuest, facts.DeactivatedByGuest, facts.Emulated})
"""Facts that matter whatever rule is broken: how the guest handles the interrupt."""
NOISE = (facts.GuestMask, facts.Signalled, facts.TimerRead, facts.RequestsChecked, facts.IpiSent)
"""Facts that are told where the broken rule needs them, or nothing else is to be told."""


class Line(msgspec.Struct, frozen=True):
    """A turn that is told.

    Attributes:
        turn: the index of the turn.
        marks: what is special of it.
        told: its facts that are told.
        state: what the interrupt is after it.
        changed: which columns of ``state`` are not as in the line before.

    """

    turn: int
    marks: tuple[str, ...]
    told: tuple[Fact, ...]
    state: Four
    changed: tuple[bool, ...]


class Repeat(msgspec.Struct, frozen=True):
    """The steps ``first`` to ``last``, just told, come ``times`` times in all."""

    first: int
    last: int
    times: int


class Story(msgspec.Struct, frozen=True):
    """What is told of an execution, and of which interrupt the states are.

    Attributes:
        course: the execution.
        about: the interrupts concerned, the first one that of the lines' states.
        lines: what is told, in order.
        left: how many turns would be told as well if there were room.
        followed: what every interrupt is after each turn, and the whole machine.
        shares: for the turns after which it was measured, how many of the executions that go on
            from there fail alike, of how many.

    """

    course: Course
    about: tuple[Interrupt, ...]
    lines: tuple[Line | Repeat, ...]
    left: int
    followed: Followed
    shares: dict[int, tuple[int, int]] = {}

    @property
    def turns(self) -> list[Turn]:
        """The turns that are told, in order."""
        return [self.course.turns[x.turn] for x in self.lines if isinstance(x, Line)]


def tell(
    course: Course,
    explanation: Explanation | None = None,
    lines_max: int = LINES_MAX,
    like: Story | None = None,
) -> Story:
    """Choose what to tell of an execution.

    Args:
        course: the execution; without a violation its end is told.
        explanation: what is known of it, if it was looked into.
        lines_max: how many lines at most; the marked ones are told in any case.
        like: the story of a failing execution beside which a passing one stands: of this the same
            is told.

    """
    followed = follow(course)
    teller = Teller(course, explanation, like, followed)
    keep, left = teller.chosen(lines_max)
    shares = {
        course.at(share.step): (share.failed, share.drawn)
        for share in (explanation.shares if explanation is not None else ())
    }
    return Story(course, teller.about, tuple(teller.lines(keep)), left, followed, shares)


class Teller:
    """Chooses the lines of a story."""

    def __init__(
        self,
        course: Course,
        explanation: Explanation | None,
        like: Story | None,
        followed: Followed,
    ) -> None:
        self.course = course
        self.followed = followed
        self.end = course.end
        self.turns = course.turns[: self.end + 1]
        self.about = like.about if like else concerned(course, followed)
        self.loops = find_loops(self.turns)
        self.levels: dict[tuple[int, int], bool] = {}
        """What KVM last read each timer's output as."""
        self.marks = counterparts(like, self.turns) if like else self.marked(explanation)
        violation = like.course.violation if like else course.violation
        self.subject = violation.subject if violation else Subject()
        rule = rule_of(violation.rule) if violation else None
        self.needs = ALWAYS | (rule.needs() if rule else frozenset())

    def marked(self, explanation: Explanation | None) -> dict[int, tuple[str, ...]]:
        """Return what is special, by turn."""
        marks: dict[int, tuple[str, ...]] = {self.end: (BREAK,)} if self.turns else {}
        named = []
        if explanation is not None:
            if explanation.pairs:
                pair = explanation.pairs[0]
                named += [(pair.first.step, FIRST), (pair.second.step, SECOND)]
            if explanation.cause is not None:
                named.append((explanation.cause.step, CAUSE))
        for step, mark in named:
            index = self.course.at(step)
            if self.turns and index <= self.end:
                marks[index] = (*marks.get(index, ()), mark)
        return marks

    # -- what matters --------------------------------------------------------------------------

    def matters(self, turn: Turn) -> bool:
        """Tell whether the turn has a fact that the broken rule needs, of what it concerns."""
        return any(
            type(fact) in self.needs
            and not isinstance(fact, UNTOLD)
            and self.is_about(fact, life)
            and not self.is_old(fact)
            for fact, life in turn.told
        )

    def is_old(self, fact: Fact) -> bool:
        """Tell whether a fact says nothing new: it found what was found before, or nothing."""
        if isinstance(fact, facts.TimerRead):
            key = fact.vcpu, fact.timer
            before = self.levels.get(key, False)
            self.levels[key] = fact.level
            return fact.level == before
        if isinstance(fact, facts.RequestsChecked):
            return not fact.seen
        return isinstance(fact, facts.Injected) and not fact.accepted

    def told(self, turn: Turn) -> tuple[Fact, ...]:
        """Return the facts of a turn to tell: of other interrupts, and of the pin, only alone."""
        facts_ = [(f, life) for f, life in turn.told if not isinstance(f, UNTOLD)]
        own = tuple(
            f
            for f, life in facts_
            if (life is None or Interrupt(*life[:2]) in self.about)
            and (type(f) in self.needs or not isinstance(f, NOISE))
        )
        return own or tuple(f for f, _ in facts_[:1])

    def is_about(self, fact: Fact, life: tuple[int, int, int] | None) -> bool:
        """Tell whether a fact is about an interrupt concerned, or else about its VCPU or CPU."""
        if life is not None and not isinstance(fact, facts.GuestMask):
            return Interrupt(*life[:2]) in self.about
        subject = self.subject
        intid = getattr(fact, "intid", -1)
        if intid >= 0 and intid != subject.intid:
            return False  # one of the host's own IPIs, or nothing was acknowledged
        vcpu, pcpu = getattr(fact, "vcpu", None), getattr(fact, "pcpu", None)
        if vcpu is not None and subject.vcpu >= 0:
            return bool(vcpu == subject.vcpu)
        if pcpu is not None and subject.pcpu >= 0:
            return bool(pcpu == subject.pcpu)
        return not isinstance(fact, facts.Ticked)

    def blocks(self) -> list[tuple[int, int]]:
        """Return each block as its first turn and the one after its last."""
        starts = [
            i for i, turn in enumerate(self.turns) if not i or turn.who != self.turns[i - 1].who
        ]
        return list(zip(starts, [*starts[1:], len(self.turns)], strict=True))

    # -- the lines -----------------------------------------------------------------------------

    def chosen(self, lines_max: int) -> tuple[set[int], int]:
        """Return the turns to tell, and for how many there was no room."""
        hidden = {i for loop in self.loops for i in range(loop.first + loop.period, loop.end)}
        hidden -= self.marks.keys()
        matter = {i for i, t in enumerate(self.turns) if i not in hidden and self.matters(t)}
        blocks = self.blocks()
        firsts = {first for first, _ in blocks if first not in hidden}
        busy = {first for first, end in blocks if any(i in matter for i in range(first, end))}
        wanted = matter | firsts | self.marks.keys()
        room = lines_max - 2 * len(self.loops)
        # What matters, the latest first; then blocks where it does; then the other blocks.
        if len(wanted) <= room:
            return wanted, 0
        keep = set(self.marks)
        for some, most in ((matter, room), (firsts & busy, room), (firsts, min(room, FILLED_MAX))):
            spare = sorted(some - keep, reverse=True)
            keep.update(spare[: max(most - len(keep), 0)])
        return keep, len(wanted - keep)

    def lines(self, keep: set[int]) -> Iterable[Line | Repeat]:
        """Yield the lines of the turns to ``keep``, with the state after each."""
        after = {loop.first + loop.period - 1: loop for loop in self.loops}
        main = self.about[0] if self.about else Interrupt(-1, VTIMER_PPI)
        before = Four()
        for turn in self.turns:
            if turn.index in keep:
                now = self.followed.state(turn.index, main)
                changed = tuple(a != b for a, b in zip(before, now, strict=True))
                yield Line(
                    turn.index, self.marks.get(turn.index, ()), self.told(turn), now, changed
                )
                before = now
            if loop := after.get(turn.index):
                yield repeat_of(loop, self.turns)


def repeat_of(loop: Loop, turns: Sequence[Turn]) -> Repeat:
    """Return the line of a loop."""
    last = turns[loop.first + loop.period - 1]
    return Repeat(turns[loop.first].number, last.number, loop.times)


def places(state: Four) -> int:
    """Return in how many places an interrupt is anything."""
    return sum(text != "-" for text in state)


def counterparts(like: Story, turns: Sequence[Turn]) -> dict[int, tuple[str, ...]]:
    """Return where the deciding pair of a failing execution is in another one.

    A step's counterpart is the same operation of the same task, the same time that it makes it.
    """
    marks: dict[int, tuple[str, ...]] = {}
    for line in like.lines:
        if not isinstance(line, Line):
            continue
        for mark in line.marks:
            if mark in (FIRST, SECOND):
                step = like.course.turns[line.turn]
                nth = sum(alike(step, turn) for turn in like.course.turns[: line.turn])
                same = [turn.index for turn in turns if alike(step, turn)]
                if nth < len(same):
                    marks[same[nth]] = (*marks.get(same[nth], ()), mark)
    return marks


def alike(one: Turn, other: Turn) -> bool:
    """Tell whether two turns are the same operation of the same task."""
    return (one.who.task, one.op) == (other.who.task, other.op)


def concerned(course: Course, followed: Followed) -> tuple[Interrupt, ...]:
    """Return the interrupts that the violation is about, the one whose state is told first.

    A violation may name a vINTID of a VCPU, a physical INTID (of a CPU), only a VCPU, or none of
    these; then it is the one that is something in most places at the break, and of several the one
    that was last heard of.
    """
    heard: dict[Interrupt, int] = {}
    for turn in course.turns[: course.end + 1]:
        for life in turn.lives:
            if life is not None:
                heard.pop(key := Interrupt(*life[:2]), None)
                heard[key] = turn.index
    recent = list(reversed(heard))
    violation = course.violation
    if violation is None:
        return tuple(recent[:1])
    subject = violation.subject
    forwards = course.header.setting.forwards
    vintid = subject.vintid
    if vintid < 0:
        linked = {f.intid: f.vintid for f in forwards}
        vintid = linked.get(subject.intid, subject.intid)
    found = [
        key
        for key in recent
        if key.vintid == vintid
        and (subject.vcpu in (-1, key.vcpu) or vintid >= FIRST_SPI or key.vcpu < 0)
    ]
    if vintid < 0:
        found = [key for key in recent if subject.vcpu in (-1, key.vcpu)]
        found.sort(key=lambda key: (key.vcpu < 0, -places(followed.state(course.end, key))))
        found = found[:1]
    return tuple(found or recent[:1])
