"""What the page's script draws: a run as plain values, positions in place of names."""

from typing import Any

from harness.report.arrows import arrows_of
from harness.report.brief import brief
from harness.report.course import Course, Who
from harness.report.followed import interrupts_in
from harness.report.lanes import GIC, order_of, title_of
from harness.report.loops import find_loops
from harness.report.machine import Changes
from harness.report.states import COLUMNS, NOTHING, Four, Interrupt, named
from harness.report.story import Line, Story
from model.facts import Fact, LockReleased, LockTaken

__all__ = ["fact_text", "interrupts_of", "run_data"]

LOCKS = (LockTaken, LockReleased)
KINDS = {"vcpu": "vcpu", "host-irq": "irq", "soft-timer": "soft", "worker": "soft"}


def run_data(story: Story, name: str, interrupts: list[Interrupt]) -> dict[str, Any]:
    """Return a run: its lanes, steps, interrupts with their states, messages, and the machine.

    Args:
        story: what is told of it; the rest of the execution is there as well.
        name: what the run is called beside another.
        interrupts: those to show; all of the run are among them (:func:`interrupts_of`).

    """
    course = story.course
    whos = sorted({turn.who for turn in course.turns}, key=order_of)
    lanes = {who: n for n, who in enumerate(whos)}
    numbers = {which: n for n, which in enumerate(interrupts)}
    told = {line.turn: line.marks for line in story.lines if isinstance(line, Line)}
    return {
        "name": name,
        "lanes": [lane(who) for who in whos],
        "columns": list(COLUMNS),
        "interrupts": [named(which) for which in interrupts],
        "steps": [
            {
                "n": turn.number,
                "lane": lanes[turn.who],
                "op": turn.op,
                "t": turn.t,
                "phase": turn.phase,
                "facts": [fact_text(f) for f in turn.facts if not isinstance(f, LOCKS)],
                "locks": [fact_text(f) for f in turn.facts if isinstance(f, LOCKS)],
                "about": sorted(
                    {numbers[Interrupt(*life[:2])] for life in turn.lives if life is not None}
                ),
                "marks": list(told.get(turn.index, ())),
                "told": turn.index in told,
            }
            for turn in course.turns
        ],
        "states": states_of(story, interrupts),
        "arrows": [
            [a.start, a.end, a.kind, a.what, numbers.get(a.which, -1) if a.which else -1]
            for a in arrows_of(course.turns)
        ],
        "loops": [[loop.first, loop.end, loop.period, loop.times] for loop in loops_of(course)],
        "shares": {str(turn): list(share) for turn, share in story.shares.items()},
        "machine": machine_data(story.followed.changes),
    }


def loops_of(course: Course) -> list[Any]:
    """Return the storms up to the break."""
    return list(find_loops(course.turns[: course.end + 1]))


def lane(who: Who) -> dict[str, str]:
    """Return a lane: its name in schedules, its title, and the group that colours it."""
    kind = who.actor.kind
    group = KINDS.get(kind) or ("gic" if kind in GIC else "etc")
    return {"task": who.task, "title": title_of(who), "group": group}


def fact_text(fact: Fact) -> str:
    """Return a fact in a few words; of locks, the kind of fact comes first."""
    if isinstance(fact, LockTaken | LockReleased):
        verb = "takes" if isinstance(fact, LockTaken) else "drops"
        return f"{verb} {fact.lock}"
    return brief(fact)


def interrupts_of(story: Story, *others: Story) -> list[Interrupt]:
    """Return all interrupts of some runs: those concerned first, then by VCPU and number."""
    seen = {which for one in (story, *others) for which in interrupts_in(one.course)}
    rest = sorted(seen - set(story.about), key=lambda x: (x.vcpu < 0, x))
    return [*story.about, *rest]


def states_of(story: Story, interrupts: list[Interrupt]) -> list[list[list[Any]]]:
    """Return for each turn which interrupts are in another state after it, and in which."""
    followed = story.followed
    before: dict[Interrupt, Four] = {}
    out = []
    for now in followed.after:
        changed: list[list[Any]] = []
        if now is not before:
            for n, which in enumerate(interrupts):
                four = now.get(which, NOTHING)
                if four != before.get(which, NOTHING):
                    changed.append([n, *four])
            before = now
        out.append(changed)
    return out


def machine_data(changes: Changes | str) -> dict[str, Any]:
    """Return the machine's state, or why it is not there."""
    if isinstance(changes, str):
        return {"why": changes}
    return {"fields": changes.fields, "begin": changes.begin, "after": changes.after}
