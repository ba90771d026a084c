"""The audit of footprints: in tests, what a step really touched is held against its announcement.

A touch outside the announcement, or a guard that changed though nothing it reads was written, is an
error.
"""

import sys
from collections.abc import Callable
from traceback import walk_stack
from typing import Any

from harness.contract import Op
from harness.engine.execution import Execution, Slot
from harness.engine.footprint import Calls, FootprintError, Resources
from model.part import Part

__all__ = ["AuditedExecution"]

CALLS_MAX = 40


class Touched:
    """What was read and written since the last look.

    ``readable`` and ``writable`` are what the step that is being made may touch; -1: anything, no
    step is being made. ``calls`` is where in the code it first touched something else.
    """

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.readable = self.writable = -1
        self.calls: Calls = ()

    def clear(self) -> None:
        """Begin anew: nothing has been touched, and no step is being made."""
        self.reads = self.writes = 0
        self.readable = self.writable = -1
        self.calls = ()

    def note(self) -> None:
        """Note who touches something that was not announced, the innermost call first."""
        if not self.calls:
            frames = walk_stack(sys._getframe(2))
            calls = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in frames]
            self.calls = tuple(calls[:CALLS_MAX])


def audited(cls: type[Part], touched: Touched) -> type[Part]:
    """Return a subclass of ``cls`` that notes every access to its state, and to what it derives."""
    fields = frozenset((*cls.FIELDS, *getattr(cls, "CACHES", ())))
    get = object.__getattribute__
    put = cls.__setattr__  # which may be looking, too

    def getattribute(self: Any, name: str) -> Any:
        if name in fields:
            bit = get(self, "bit")
            touched.reads |= bit
            if bit & ~touched.readable:
                touched.note()
        return get(self, name)

    def setattribute(self: Any, name: str, value: Any) -> None:
        if name in fields:
            bit = get(self, "bit")
            touched.writes |= bit
            if bit & ~touched.writable:
                touched.note()
        put(self, name, value)

    return type(
        f"Audited{cls.__name__}",
        (cls,),
        {"__slots__": (), "__getattribute__": getattribute, "__setattr__": setattribute},
    )


class AuditedExecution(Execution):
    """An execution that checks every footprint and every guard.

    Without ``heard`` the parts of what hears facts are left out: a variant may tell in a step what
    KVM does not.
    """

    __slots__ = ("audit_op", "free", "resources", "touched")

    def __init__(
        self, world: Any, strategy: Any, resources: Resources, *, heard: bool = True
    ) -> None:
        super().__init__(world, strategy)
        self.free = 0 if heard else resources.hearers_bits()
        self.resources = resources
        self.touched = Touched()
        self.audit_op: Op | None = None

    def begin(self) -> bool:
        """Begin, with all parts swapped for audited ones."""
        self.audit_op = None
        begun = super().begin()
        classes: dict[type[Part], type[Part]] = {}
        for _, part in self.resources.parts:
            if part.bit & self.free:
                continue
            cls = type(part)
            if not cls.__name__.startswith("Audited"):
                if cls not in classes:
                    classes[cls] = audited(cls, self.touched)
                part.__class__ = classes[cls]
        self.touched.clear()
        return begun

    def end_audit(self) -> None:
        """Give the parts their own classes back."""
        for _, part in self.resources.parts:
            if type(part).__name__.startswith("Audited"):
                part.__class__ = type(part).__mro__[1]

    def advance(self, task: Slot) -> Slot | None:
        """Check the step just done, then go on."""
        self.check(task)
        if task.guard is not None:
            task.guard = self.watched(task, task.guard, task.guard_reads, "guard")
        if task.alt is not None:
            op2, condition = task.alt
            allowed = task.op.reads & op2.reads
            task.alt = (op2, self.watched(task, condition, allowed, "condition"))
        return super().advance(task)

    def retire(self, task: Slot) -> Slot | None:
        """Check the last step of a task that returned."""
        self.check(task)
        return super().retire(task)

    def check(self, task: Slot) -> None:
        """Compare what was touched since the last choice with what was announced.

        Raises:
            FootprintError: something was touched that had not been announced.

        """
        touched = self.touched
        op = self.audit_op
        if not self.starting and op is not None:
            name = self.resources.names
            writes = op.writes | op.told | self.free
            said = f"{task.name}: {op.name}"
            if bad := touched.writes & ~writes:
                raise FootprintError(f"{said} wrote {name(bad)} unannounced", touched.calls)
            if bad := touched.reads & ~(op.reads | op.heard | writes):
                raise FootprintError(f"{said} read {name(bad)} unannounced", touched.calls)
        touched.clear()

    def watched(
        self, task: Slot, function: Callable[[], bool], allowed: int, what: str
    ) -> Callable[[], bool]:
        """Wrap a guard so that it may read only what it declared, and write nothing."""
        touched = self.touched

        def evaluate() -> bool:
            reads, writes = touched.reads, touched.writes
            touched.reads = touched.writes = 0
            value = function()
            bad = touched.reads & ~allowed
            wrote = touched.writes
            touched.reads, touched.writes = reads, writes
            if bad or wrote:
                names = self.resources.names(bad or wrote)
                verb = "wrote" if wrote else "read"
                raise FootprintError(f"{task.name}: {what} of {task.op.name} {verb} {names}")
            return value

        evaluate.__wrapped__ = function  # type: ignore[attr-defined]  # for positions
        return evaluate

    def pick(self, current: Slot | None) -> Slot | None:
        """Check that no guard changed behind the engine's back, then choose.

        Raises:
            FootprintError: a guard's answer is another, though nothing that it reads was written.

        """
        for t in self.tasks:
            if t.guard is not None and t.guard() != bool(self.enabled & t.bit):
                raise FootprintError(
                    f"guard of {t.name} ({t.op.name}) changed, but nothing it reads was written"
                )
        chosen = super().pick(current)
        if chosen is None:
            self.end_audit()
        else:
            alt = chosen.alt
            self.audit_op = alt[0] if alt is not None and self.k else chosen.op
        touched, op = self.touched, self.audit_op
        touched.clear()
        if chosen is not None and op is not None:
            touched.writable = op.writes | op.told | self.free
            touched.readable = op.reads | op.heard | touched.writable
        return chosen
