"""Strategies of the user's own, named as ``path/file.py:Class``, with a watch on their answers."""

from collections.abc import Sequence
from typing import Any

from harness.contract import ABANDON, Abandon, RunInfo, Strategy, Task
from harness.engine.outcome import Outcome
from harness.errors import UsageError
from harness.user_code import load_class, named

__all__ = ["make_strategy"]

METHODS = ("begin", "choose", "draw", "end")


def make_strategy(name: str, seed: int) -> Strategy:
    """Make the user's strategy for one schedule.

    Args:
        name: ``path/file.py:Class`` or ``package.module:Class``.
        seed: what decides everything that it does, 0 to 2**64 - 1; its one argument.

    Raises:
        UsageError: it cannot be had, is no strategy, or cannot be made.

    """
    cls: Any = strategy_class(name)
    try:
        return Watched(cls(seed), named("strategy", name))
    except Exception as error:
        said = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise UsageError(
            f"{named('strategy', name)}: cannot be made with a seed, {cls.__name__}({seed}): {said}"
        ) from error


def strategy_class(name: str) -> type:
    """Import the class of a strategy; a file is looked for from the current folder.

    Raises:
        UsageError: it cannot be had, or lacks a method.

    """
    cls = load_class(name, "strategy")
    missing = [method for method in METHODS if not callable(getattr(cls, method, None))]
    if missing:
        raise UsageError(
            f"{named('strategy', name)}: {cls.__name__} lacks the method {missing[0]!r}, expected "
            f"{', '.join(METHODS)} (harness.contract.Strategy)"
        )
    return cls


class Watched:
    """Passes questions on to the user's strategy, and refuses answers that are none."""

    def __init__(self, inner: Any, said: str) -> None:
        self.inner = inner
        self.said = said
        self.every_step = bool(getattr(inner, "every_step", False))

    def begin(self, info: RunInfo) -> bool:
        """Begin as the other does.

        Raises:
            UsageError: it has nothing left; each schedule has one of its own.

        """
        if self.inner.begin(info) is False:
            raise UsageError(
                f"{self.said}: begin() says that nothing is left to try, but one is made for each "
                "schedule; expected True"
            )
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Choose as the other does.

        Raises:
            UsageError: it chose what cannot go.

        """
        chosen = self.inner.choose(enabled, pending, current)
        if chosen is ABANDON or any(chosen is task for task in enabled):
            return chosen  # type: ignore[no-any-return]  # it is one of these
        what = f"task {chosen.name}, which cannot go" if chosen in pending else repr(chosen)[:60]
        names = ", ".join(task.name for task in enabled)
        raise UsageError(f"{self.said}: choose() returned {what}; expected one of {names}")

    def draw(self, name: str, k: int) -> int:
        """Draw as the other does.

        Raises:
            UsageError: it drew what cannot be.

        """
        number = self.inner.draw(name, k)
        if type(number) is int and 0 <= number < k:
            return number
        raise UsageError(
            f"{self.said}: draw({name!r}, {k}) returned {number!r}, expected 0 to {k - 1}"
        )

    def end(self, outcome: Outcome) -> None:
        """End as the other does."""
        self.inner.end(outcome)
