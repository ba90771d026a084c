"""The state of the whole machine after each step, had by running the schedule once more.

Kept as what changed from step to step: an execution of thousands of steps fits a page.
"""

from typing import TYPE_CHECKING

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.report.brief import short_lr
from harness.report.course import Course
from harness.report.states import Interrupt, software_letters
from model.gic.lr import Lr
from model.gic.state import Bank
from model.identity import Actor
from model.part import Part
from model.vgic.irq import VgicIrq

if TYPE_CHECKING:
    from harness.contract import Op
    from harness.engine.execution import Execution
    from harness.engine.slot import Slot
    from harness.world import VgicWorld

__all__ = ["Changes", "watch"]

BITS = frozenset({"enable", "latch", "line", "active", "edge", "group1"})
"""Fields that have a bit per INTID."""
ALL = (1 << 32) - 1
NEXT = "next"
"""The group of what each task is about to do."""


class Changes(msgspec.Struct, frozen=True):
    """The machine's state over an execution.

    Attributes:
        fields: each field as its part and its name; those of part "next" are the tasks.
        begin: what each was before the first step.
        after: for each turn of the course the fields that changed, as index and value.
        software: for each turn KVM's own state of every interrupt, in the letters of reports.

    """

    fields: list[tuple[str, str]]
    begin: list[str]
    after: list[list[tuple[int, str]]]
    software: list[dict[Interrupt, str]]


def watch(course: Course) -> Changes | str:
    """Run an execution again and note the machine's state after each of its turns.

    Returns:
        The changes; a sentence that says why not where the schedule cannot be run again, or comes
        out otherwise.

    """
    from harness.campaign.crash import naming_variant
    from harness.engine.direct_engine import DirectEngine
    from harness.engine.execution import Execution
    from harness.spec import RunSpec
    from harness.strategies.replay import Replay

    try:
        schedule = Schedule.parse(course.header.schedule)
        spec = RunSpec.from_schedule(schedule, frozenset(course.header.rules))
        with naming_variant(spec):
            world = spec.build(DirectEngine.task_class)
            watcher = Watcher(world)
            execution = Execution(world, Replay(schedule.choices))
            watcher.watch(execution)
            DirectEngine().execute(execution)
    except UsageError as error:
        return f"it cannot be run again here: {error}"
    watcher.note(execution.steps, end=True)
    same = [(turn.who.task, turn.op) for turn in course.turns if turn.who.task in watcher.names]
    if watcher.made[: len(same)] != same:
        return "the code has changed since, and runs otherwise"
    return watcher.changes(course)


class Watcher:
    """Notes the state of a world's machine at each step of an execution.

    ``after[n]`` is what changed in step ``n`` alone, ``late[n]`` what the engine did after it.
    """

    def __init__(self, world: "VgicWorld") -> None:
        self.world = world
        self.names = {slot.name for slot in world.slots}
        self.parts = world.machine.parts
        self.places: list[int] = []
        self.fields: list[tuple[str, str]] = []
        for name, part in self.parts:
            self.places.append(len(self.fields))
            self.fields += [(name, field) for field in part.FIELDS]
        self.tasks = len(self.fields)
        self.fields += [(NEXT, slot.name) for slot in world.slots]
        self.keys: list[object] = [part.key() for _, part in self.parts]
        self.values = [text_of(part, field) for _, part in self.parts for field in part.FIELDS]
        self.values += ["" for _ in world.slots]
        self.begin: list[str] = []
        self.after: dict[int, list[tuple[int, str]]] = {}
        self.late: dict[int, list[tuple[int, str]]] = {}
        self.made: list[tuple[str, str]] = []
        self.letters: dict[Interrupt, str] = {}
        self.software: dict[int, dict[Interrupt, str]] = {}
        """KVM's own state after step ``n``; shared where nothing changed."""

    def watch(self, execution: "Execution") -> None:
        """Have ``execution`` tell of its steps."""
        self.execution = execution
        execution.observer = self.on_step
        self.world.on_rest = lambda: self.note(execution.steps)

    def on_step(self, slot: "Slot", op: "Op") -> None:
        """Note the state before a step: that after the one before."""
        self.note(self.execution.steps - 1)
        self.made.append((slot.name, op.name))

    def note(self, step: int, *, end: bool = False) -> None:
        """Note what changed since the last time as that of ``step``."""
        changed = [] if end else self.announced()
        for n, (_, part) in enumerate(self.parts):
            key = part.key()
            if key != self.keys[n] or not self.begin:
                self.keys[n] = key
                changed += self.changed(part, self.places[n])
        if not self.begin:
            for index, value in changed:
                self.values[index] = value
            self.begin = list(self.values)
            return
        for index, value in changed:
            self.values[index] = value
        if changed:
            self.letters = self.software_now()
        self.software[step] = self.letters
        (self.late if step in self.after else self.after).setdefault(step, []).extend(changed)

    def changed(self, part: Part, at: int) -> list[tuple[int, str]]:
        """Return which fields of a part changed."""
        found = []
        for i, field in enumerate(part.FIELDS, at):
            value = text_of(part, field)
            if value != self.values[i]:
                found.append((i, value))
        return found

    def software_now(self) -> dict[Interrupt, str]:
        """Return KVM's own state of every interrupt."""
        machine = self.world.machine
        out = {Interrupt(v, n): self.letters_of(v, irq) for (v, n), irq in machine.private.items()}
        # An SPI is told under any VCPU: whose lives they are, the facts decide.
        for n, irq in machine.spis.items():
            for v in range(len(machine.threads)):
                out[Interrupt(v, n)] = self.letters_of(v, irq)
        return out

    def letters_of(self, v: int, irq: VgicIrq) -> str:
        """Return KVM's own state of an interrupt, as VCPU ``v`` sees it."""
        queued = "" if irq.vcpu < 0 else "q" if irq.vcpu == v else f"q{irq.vcpu}"
        return software_letters(
            irq.pending_latch, irq.line_level, irq.active, queued, not irq.enabled
        )

    def announced(self) -> list[tuple[int, str]]:
        """Return which tasks are about to do another thing, or wait where they did not."""
        enabled = self.execution.enabled
        found = []
        for i, slot in enumerate(self.world.slots, self.tasks):
            text = slot.op.name if slot.bit & enabled else f"{slot.op.name}, waits"
            if text != self.values[i]:
                found.append((i, text))
        return found

    def changes(self, course: Course) -> Changes:
        """Return the changes, turn by turn."""
        out = []
        software = []
        for turn in course.turns:
            step = turn.who.task in self.names
            out.append((self.after if step else self.late).pop(turn.number, []))
            software.append(self.software.get(turn.number, {}))
        return Changes(self.fields, self.begin, out, software)


def text_of(part: Part, field: str) -> str:
    """Return a field of a part as a reader wants it."""
    value = getattr(part, field)
    if isinstance(part, Bank) and field in BITS:
        if value == ALL:
            return "all"
        return " ".join(str(i) for i in range(value.bit_length()) if value >> i & 1) or "-"
    return plain(value)


def plain(value: object) -> str:
    """Return a value in a few letters."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Lr):
        return short_lr(value)
    if isinstance(value, Actor):
        return str(value)
    if isinstance(value, tuple):
        if len(value) > 3 and len(set(value)) == 1:
            return f"{len(value)} times {plain(value[0])}"
        return ", ".join(map(plain, value))
    return str(value)
