"""The engines by name. Trio is imported only for its own."""

from collections.abc import Generator
from typing import Protocol

from harness.engine.execution import Execution, Outcome, Slot

__all__ = ["Engine", "make_engine"]


class Engine(Protocol):
    """What the two engines have in common."""

    name: str
    task_class: type[Slot]

    def drive(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Run each execution that ``campaign`` yields and send its outcome back."""


def make_engine(name: str) -> Engine:
    """Return the engine called ``name``.

    Raises:
        ValueError: there is none.

    """
    if name == "trio":
        from harness.engine.trio_engine import TrioEngine

        return TrioEngine()
    if name == "direct":
        from harness.engine.direct_engine import DirectEngine

        return DirectEngine()
    raise ValueError(f"no engine {name!r}, expected 'trio' or 'direct'")
