"""What a step really touches: each real step of the explorer is audited, and each rule it asks."""

from collections.abc import Iterable
from typing import Any

from harness.search.explore.touched import Bits, Touched
from model.check.state import MembersPart
from model.part import Part

__all__ = ["Watch"]


class Watch:
    """Sees what is touched of some parts between :meth:`begin` and :meth:`end`.

    ``reads`` and ``writes`` are whole parts, ``fields_read`` and ``fields_written`` bits of fields.

    Args:
        parts: what is looked at.
        bits: the fields of these parts, and maybe of others.

    """

    def __init__(self, parts: Iterable[Part], bits: Bits) -> None:
        self.touched = Touched(bits)
        self.pairs: list[tuple[Any, type, type]] = []
        for part in parts:
            if isinstance(part, MembersPart):
                members = part.members
                self.pairs.append((members, type(members), self.touched.table(part)))
            else:
                self.pairs.append((part, type(part), self.touched.audited(part)))
        self.reads = self.writes = 0
        self.fields_read = self.fields_written = 0

    def begin(self) -> None:
        """Begin to look."""
        for part, _, cls in self.pairs:
            part.__class__ = cls
        self.touched.clear()

    def end(self) -> None:
        """End; what was touched can be asked for from here on."""
        touched = self.touched
        self.reads, self.writes = touched.reads, touched.writes
        self.fields_read, self.fields_written = touched.fields_read, touched.fields_written
        for part, cls, _ in self.pairs:
            part.__class__ = cls
