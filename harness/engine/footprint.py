"""Footprints: from the names in an operation's declaration to its two bit masks, and the audit.

An operation is declared by what it reads and writes, as resource names (see ``OpTable``). In tests
the audit (:class:`AuditedExecution`) records what was really touched: a touch outside the
announcement, or a guard that changed though nothing it reads was written, is an error.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.contract import Op
from harness.engine.execution import Execution, Slot
from model.part import Part

__all__ = ["AuditedExecution", "FootprintError", "OpTable", "Ops", "Resources"]

Declaration = tuple[str, str]


class FootprintError(Exception):
    """A step touched what it had not announced, or a guard read what it had not declared."""


class Resources:
    """The resources of a machine: one bit per part, and the names operations declare them by."""

    def __init__(self, parts: Iterable[tuple[str, Part]]) -> None:
        self.parts = list(parts)
        self.bits: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        for i, (name, part) in enumerate(self.parts):
            part.bit = 1 << i
            self.bits[name] = part.bit
            kind = name.rstrip("0123456789")
            self.kinds[kind] = self.kinds.get(kind, 0) | part.bit

    def mask(self, declared: str, cpu: int, vcpu: int, irq: str = "") -> int:
        """Return the bits of a declaration such as ``"bank@c irq@v timer* clock"``.

        ``@c`` is the CPU the operation runs on, ``@v`` its VCPU, ``@i`` the software interrupt it
        works on (``irq``; the VCPU's timer if not given), ``*`` all of that kind, and a
        ``?`` behind a name says that not every machine has it.
        """
        mask = 0
        for word in declared.split():
            if word.endswith("*"):
                mask |= self.kinds.get(word[:-1], 0)
                continue
            if word == "@i":
                word = irq or "irq@v"  # noqa: PLW2901
            name = word.replace("@c", str(cpu)).replace("@v", str(vcpu))
            if name.endswith("?"):
                mask |= self.bits.get(name[:-1], 0)
                continue
            if name not in self.bits:
                raise FootprintError(f"no resource {name!r} (declared as {word!r})")
            mask |= self.bits[name]
        return mask

    def names(self, mask: int) -> str:
        """Return the names in a mask, for messages."""
        return " ".join(name for name, part in self.parts if part.bit & mask) or "nothing"


class Ops:
    """The operations of one task on one CPU, as attributes named like the operations.

    Each is built when it is first asked for: a run uses few of the combinations of CPU, VCPU and
    interrupt that a large machine has.
    """

    def __init__(self, build: Callable[[str], Op]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> Op:
        op = self.__dict__[name] = self._build(name)
        return op


class OpTable:
    """Makes and keeps the operations of each (declarations, CPU, VCPU, interrupt)."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.made: dict[tuple[int, int, int, str, str], Ops] = {}
        self.kept: list[Mapping[str, Declaration]] = []

    def ops(
        self,
        declarations: Mapping[str, Declaration],
        cpu: int,
        vcpu: int,
        also_reads: str = "",
        irq: str = "",
    ) -> Ops:
        """Return the operations declared, with ``@c`` and ``@v`` filled in.

        ``also_reads`` is added to what each of them reads.
        """
        key = (id(declarations), cpu, vcpu, also_reads, irq)
        if key not in self.made:
            mask = self.resources.mask

            def build(name: str) -> Op:
                if name not in declarations:
                    raise FootprintError(f"operation {name!r} is not declared (see OPS)")
                reads, writes = declarations[name]
                return Op(
                    name,
                    mask(f"{reads} {also_reads}", cpu, vcpu, irq),
                    mask(writes, cpu, vcpu, irq),
                )

            self.kept.append(declarations)  # so that its id stays its own
            self.made[key] = Ops(build)
        return self.made[key]


class Touched:
    """What was read and written since the last look."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0


def audited(cls: type[Part], touched: Touched) -> type[Part]:
    """Return a subclass of ``cls`` that notes every access to a state field."""
    fields = frozenset(cls.FIELDS)
    get = object.__getattribute__
    put = object.__setattr__

    def getattribute(self: Any, name: str) -> Any:
        if name in fields:
            touched.reads |= get(self, "bit")
        return get(self, name)

    def setattribute(self: Any, name: str, value: Any) -> None:
        if name in fields:
            touched.writes |= get(self, "bit")
        put(self, name, value)

    return type(
        f"Audited{cls.__name__}",
        (cls,),
        {"__slots__": (), "__getattribute__": getattribute, "__setattr__": setattribute},
    )


class AuditedExecution(Execution):
    """An execution that checks every footprint and every guard."""

    __slots__ = ("audit_op", "resources", "touched")

    def __init__(self, world: Any, strategy: Any, resources: Resources) -> None:
        super().__init__(world, strategy)
        self.resources = resources
        self.touched = Touched()
        self.audit_op: Op | None = None

    def begin(self) -> bool:
        """Begin, with all parts swapped for audited ones."""
        self.audit_op = None
        begun = super().begin()
        classes: dict[type[Part], type[Part]] = {}
        for _, part in self.resources.parts:
            cls = type(part)
            if not cls.__name__.startswith("Audited"):
                if cls not in classes:
                    classes[cls] = audited(cls, self.touched)
                part.__class__ = classes[cls]
        self.touched.reads = self.touched.writes = 0
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
        """Compare what was touched since the last choice with what was announced."""
        touched = self.touched
        op = self.audit_op
        if not self.starting and op is not None:
            name = self.resources.names
            if bad := touched.writes & ~op.writes:
                raise FootprintError(f"{task.name}: {op.name} wrote {name(bad)} unannounced")
            if bad := touched.reads & ~(op.reads | op.writes):
                raise FootprintError(f"{task.name}: {op.name} read {name(bad)} unannounced")
        touched.reads = touched.writes = 0

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
        """Check that no guard changed behind the engine's back, then choose."""
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
        self.touched.reads = self.touched.writes = 0
        return chosen
