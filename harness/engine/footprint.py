"""Footprints: from what a step says it reads and writes to two bit masks over a machine's parts.

A step is declared once, by references to kinds of parts (:class:`Step`); where it is made, by whom
and for whom, fills the references in (:class:`Ops`). The vocabulary is ``harness.resources``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from harness.contract import Op
from model.facts import Fact
from model.part import Part, bits_of

__all__ = ["Calls", "FootprintError", "Hearers", "Ops", "Ref", "Resource", "Resources", "Step"]

HERE, OWN, NTH, THIS, ALL = range(5)
"""Which of a kind: of the CPU it runs on, of the VCPU it works for, of device ``n``; the interrupt
it works on; all of them."""


Calls = tuple[tuple[str, int, str], ...]
"""Where in the code something happened, the innermost call first: file, line and function."""


class FootprintError(Exception):
    """A step touched what it had not announced, or a guard read what it had not declared.

    ``calls`` is where in the code, as far as that is known.
    """

    def __init__(self, text: str, calls: Calls = ()) -> None:
        super().__init__(text)
        self.calls = calls


class Ref:
    """A kind of parts, and which of them."""

    __slots__ = ("kind", "optional", "scope")

    def __init__(self, kind: str, scope: int, optional: bool) -> None:
        self.kind = kind
        self.scope = scope
        self.optional = optional


class Resource:
    """A kind of parts, with the references that a declaration can make to it.

    ``optional``: not every machine has one; a reference then adds nothing where there is none.
    """

    __slots__ = ("all", "here", "nth", "own", "this")

    def __init__(self, kind: str, *, optional: bool = False) -> None:
        self.here = Ref(kind, HERE, optional)
        self.own = Ref(kind, OWN, optional)
        self.nth = Ref(kind, NTH, optional)
        self.this = Ref(kind, THIS, optional)
        self.all = Ref(kind, ALL, True)


class Step:
    """An operation that a task can announce: its name, and what it reads and writes.

    ``name`` is what logs and messages call it: given, or that of the class attribute it is.
    """

    __slots__ = ("name", "reads", "writes")

    def __init__(
        self, reads: Iterable[Ref] = (), writes: Iterable[Ref] = (), name: str = ""
    ) -> None:
        self.name = name
        self.reads = tuple(reads)
        self.writes = tuple(writes)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class Ops(dict[Step, Op]):
    """The operations of one place: on CPU ``c``, for VCPU ``v``, device ``n``, an interrupt.

    Each is built when it is first asked for: a run uses few of the combinations that a large
    machine has.
    """

    def __init__(
        self, resources: "Resources", *, c: int, v: int, n: int, irq: int, also: int, touches: int
    ) -> None:
        self.resources = resources
        self.where = (c, v, n)
        self.irq = irq
        self.also = also
        self.touches = touches

    def place(self) -> tuple[int, ...]:
        """Return what tells this place from others of the same machine."""
        return (*self.where, self.irq, self.also)

    def __missing__(self, step: Step) -> Op:
        mask = self.resources.mask
        reads = mask(step.reads, *self.where, self.irq) | self.also
        writes = mask(step.writes, *self.where, self.irq) | self.touches
        told, heard = self.resources.hearing(step.name)
        op = self[step] = Op(step.name, reads, writes, told, heard)
        return op


class Hearers(Protocol):
    """What facts are told to: the Checker, with the parts of its views, rules and states."""

    @property
    def parts(self) -> Sequence[tuple[str, Part]]:
        """All parts, by name."""

    def writes_of(self, kind: type[Fact]) -> int:
        """Return what hearing a fact of this kind may write, as bits."""

    def reads_of(self, kind: type[Fact]) -> int:
        """Return what hearing a fact of this kind may read, as bits."""


class Resources:
    """The parts of a machine, by kind: one bit each, and the operations of each place."""

    def __init__(
        self, parts: Iterable[tuple[str, Part]], groups: Mapping[str, Mapping[int, Part]]
    ) -> None:
        self.parts = list(parts)
        for i, (_, part) in enumerate(self.parts):
            part.bit = 1 << i
        self.bits = {
            kind: {i: part.bit for i, part in group.items()} for kind, group in groups.items()
        }
        self.whole = {kind: sum(bits.values()) for kind, bits in self.bits.items()}
        self.hearers: Hearers | None = None
        self.tells: Mapping[str, tuple[type[Fact], ...]] = {}
        self.heard: dict[str, tuple[int, int]] = {}
        self.made: dict[tuple[int, int, int, int, int, int], Ops] = {}

    def hear(self, hearers: Hearers, tells: Mapping[str, tuple[type[Fact], ...]]) -> None:
        """Let ``hearers`` be what facts go to: each of its parts gets a bit, after the machine's.

        Args:
            hearers: what hears facts.
            tells: the kinds of facts that may come of a step, by the step's name.

        Raises:
            FootprintError: operations were made before, without it.

        """
        if self.made:
            raise FootprintError("operations were made before it was known who hears of them")
        self.hearers = hearers
        self.tells = tells
        for i, (_, part) in enumerate(hearers.parts, len(self.parts)):
            part.bit = 1 << i
        self.parts += hearers.parts

    def hearers_bits(self) -> int:
        """Return the bits of all parts of what hears facts."""
        return 0 if self.hearers is None else bits_of(part for _, part in self.hearers.parts)

    def hearing(self, step: str) -> tuple[int, int]:
        """Return what the facts that come of a step may write where they are heard, and read."""
        found = self.heard.get(step)
        if found is None:
            told = heard = 0
            if self.hearers is not None:
                for kind in self.tells.get(step, ()):
                    told |= self.hearers.writes_of(kind)
                    heard |= self.hearers.reads_of(kind)
            # Wide masks: the same ones in every place where the step is made.
            found = self.heard[step] = told, heard
        return found

    def ops(
        self, *, c: int = 0, v: int = 0, n: int = 0, irq: int = 0, also: int = 0, touches: int = 0
    ) -> Ops:
        """Return the operations of a place.

        Args:
            c: the CPU that the code runs on.
            v: the VCPU that it works for.
            n: the device that it is of.
            irq: the bit of the virtual interrupt that it works on.
            also: bits that each of them reads besides.
            touches: bits that each of them writes besides.

        """
        key = (c, v, n, irq, also, touches)
        ops = self.made.get(key)
        if ops is None:
            ops = self.made[key] = Ops(self, c=c, v=v, n=n, irq=irq, also=also, touches=touches)
        return ops

    def mask(self, refs: Iterable[Ref], c: int = 0, v: int = 0, n: int = 0, irq: int = 0) -> int:
        """Return the bits of references, seen from a place (as in :meth:`ops`).

        Raises:
            FootprintError: this machine has no such part.

        """
        mask = 0
        for ref in refs:
            if ref.scope == ALL:
                mask |= self.whole.get(ref.kind, 0)
                continue
            if ref.scope == THIS:
                mask |= irq
                continue
            index = (c, v, n)[ref.scope]
            bit = self.bits.get(ref.kind, {}).get(index, 0)
            if not bit and not ref.optional:
                raise FootprintError(f"no resource {ref.kind}{index}")
            mask |= bit
        return mask

    def names(self, mask: int) -> str:
        """Return the names in a mask, for messages."""
        return " ".join(name for name, part in self.parts if part.bit & mask) or "nothing"
