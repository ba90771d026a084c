"""How an execution ends: its bounds, the violations it showed, and its outcome."""

import msgspec

from harness.engine.choice import Choice
from model.check.violation import Violation

__all__ = ["Limits", "Outcome", "Violation"]


class Limits(msgspec.Struct, frozen=True):
    """Bounds of an execution. Reaching one is a verdict of its own, never a pass.

    ``time_ns_max`` is virtual time in nanoseconds.
    """

    steps_max: int = 4_000
    drain_steps_max: int = 6_000
    time_ns_max: int = 1_000_000_000
    idle_exits_max: int = 64
    """VM exits in a row without a guest instruction, and with nothing in flight at entry."""


class Outcome(msgspec.Struct):
    """How an execution ended.

    ``choices`` are the strategy's, in the order in which they were made. ``bound`` names the bound
    that was reached, or is empty. ``reached`` are the "sometimes" states seen, as bits, and
    ``windows`` those in which something happened that KVM saw (``model.rules.windows``).
    ``drained_from`` is the number of steps made before the drain began, or -1 if there was none.
    """

    steps: int
    handovers: int
    choices: list[Choice]
    violations: list[Violation]
    bound: str
    reached: int
    drained_from: int
    windows: int = 0
