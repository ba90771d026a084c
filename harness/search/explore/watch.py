"""What a step really touches of the machine: each real step of the explorer is audited."""

from harness.engine.audit import Touched, audited
from model.part import Part

__all__ = ["Watch"]


class Watch:
    """Sees what is touched of the machine between :meth:`begin` and :meth:`end`."""

    def __init__(self, parts: list[Part]) -> None:
        self.touched = Touched()
        classes = {type(part): audited(type(part), self.touched) for part in parts}
        self.pairs = [(part, type(part), classes[type(part)]) for part in parts]
        self.reads = self.writes = 0

    def begin(self) -> None:
        """Begin to look."""
        for part, _, cls in self.pairs:
            part.__class__ = cls
        self.touched.reads = self.touched.writes = 0

    def end(self) -> None:
        """End; what was touched is in ``reads`` and ``writes``."""
        self.reads, self.writes = self.touched.reads, self.touched.writes
        for part, cls, _ in self.pairs:
            part.__class__ = cls
