"""What a planted fault is."""

from collections.abc import Callable
from typing import Any, NamedTuple

from harness.kvm.hooks import Hooks

__all__ = ["Decision", "Fault"]

Decision = Callable[..., Any]


class Fault(NamedTuple):
    """A fault, by its ``id``; ``title`` says what is wrong.

    Either ``decision`` of ``model.vgic.decide`` is replaced by what ``wrong`` makes of it, or
    ``hooks`` are laid over the era. ``shown`` says whether the traces that the project has go where
    it would show; those that none goes to are here for the traces to come.
    """

    id: str
    title: str
    decision: str = ""
    wrong: Callable[[Decision], Decision] | None = None
    hooks: type[Hooks] | None = None
    shown: bool = True
