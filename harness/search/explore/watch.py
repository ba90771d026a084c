"""What a step really touches: each real step of the explorer is audited, and each rule it asks."""

from collections.abc import Iterable
from typing import Any

from harness.engine.audit import Touched as Whole, audited
from harness.search.explore.instant import Instant
from harness.search.explore.touched import Bits, Touched
from model.check.state import MembersPart
from model.part import Part

__all__ = ["PartsOnly", "Swap", "Watch"]

Swap = tuple[Any, type, type]
"""A part or a table, its class, and the one that it has while it is looked at."""


class Watch:
    """Sees what is touched of some parts between :meth:`begin` and :meth:`end`.

    ``reads`` and ``writes`` are whole parts, ``fields_read`` and ``fields_written`` bits of fields.
    A field that is set to what it is already counts as read, not as written: that it stays so
    hangs on its value, and nobody sees that it was set.

    Args:
        parts: what is looked at.
        bits: the fields of these parts, and maybe of others.

    """

    def __init__(self, parts: Iterable[Part], bits: Bits) -> None:
        self.touched = Touched(bits)
        self.pairs: list[Swap] = []
        for part in parts:
            if isinstance(part, MembersPart):
                members = part.members
                self.pairs.append((members, type(members), self.touched.table(part)))
            else:
                self.pairs.append((part, type(part), self.touched.audited(part)))
        self.swapped = self.pairs
        self.reads = self.writes = 0
        self.fields_read = self.fields_written = 0
        self.before: list[tuple[Part, dict[str, Any]]] = []

    def subset(self, parts: Iterable[Part]) -> list[Swap]:
        """Return what :meth:`begin` needs to look at these parts only."""
        wanted = [id(part.members) if isinstance(part, MembersPart) else id(part) for part in parts]
        return [swap for swap in self.pairs if id(swap[0]) in wanted]

    def begin(self, written: Iterable[Part] = (), only: list[Swap] | None = None) -> None:
        """Begin to look.

        Args:
            written: parts that may be written, as they are now.
            only: what is looked at (of :meth:`subset`); None: all parts.

        """
        bits = self.touched.bits
        self.before = [(part, bits.values(part)) for part in written]
        self.swapped = self.pairs if only is None else only
        for part, _, cls in self.swapped:
            part.__class__ = cls
        self.touched.clear()
        Instant.recorder = self.touched

    def kept(self, value: Any) -> Any:
        """Return a value that the step keeps, without readings of the clock."""
        return self.touched.kept(value)

    def late(self) -> int:
        """Return what was read since the end, of what the step keeps; no more is looked at."""
        Instant.recorder = None
        return self.touched.fields_read

    def end(self) -> None:
        """End; what was touched can be asked for from here on. See also :meth:`late`."""
        touched = self.touched
        self.reads, self.writes = touched.reads, touched.writes
        self.fields_read, self.fields_written = touched.fields_read, touched.fields_written
        for part, cls, _ in self.swapped:
            part.__class__ = cls
        same = 0
        for part, before in self.before:
            own = touched.bits.of[id(part)]
            changed = 0
            after = touched.bits.values(part)
            for name in {*before, *after}:
                if before.get(name) != after.get(name):
                    changed |= own[name]
            same |= touched.bits.whole_of(part) & ~changed
        same &= self.fields_written
        self.fields_written ^= same
        self.fields_read |= same


class PartsOnly(Watch):
    """Sees which parts are touched; of fields nothing need be known where nothing is left out.

    Args:
        parts: what is looked at.

    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self.seen = Whole()
        self.pairs = [(part, type(part), audited(type(part), self.seen)) for part in parts]
        self.swapped = self.pairs
        self.reads = self.writes = self.fields_read = self.fields_written = 0

    def subset(self, parts: Iterable[Part]) -> list[Swap]:  # noqa: ARG002  # as the other has it
        """Return that no rule is looked at."""
        return []

    def begin(
        self,
        written: Iterable[Part] = (),  # noqa: ARG002
        only: list[Swap] | None = None,
    ) -> None:
        """Begin to look."""
        self.swapped = self.pairs if only is None else only
        for part, _, cls in self.swapped:
            part.__class__ = cls
        self.seen.reads = self.seen.writes = 0

    def kept(self, value: Any) -> Any:
        """Return a value as it is: the clock is read as it stands."""
        return value

    def late(self) -> int:
        """Return that no field was read since: none is looked at."""
        return 0

    def end(self) -> None:
        """End; what was touched can be asked for from here on."""
        self.reads, self.writes = self.seen.reads, self.seen.writes
        for part, cls, _ in self.swapped:
            part.__class__ = cls
