"""What is known of a failure once it was looked into: values only, which reports show.

The steps that are named are those of one execution: the failing one that differs as little as can
be from one that passes (``Explanation.failing``).
"""

import msgspec

from harness.engine.choice import Choice
from model.check.violation import Violation
from model.identity import Actor

__all__ = ["Explanation", "Moment", "Pair", "Share", "Symptom", "Window"]


class Moment(msgspec.Struct, frozen=True):
    """A step of an execution: its number (from 1), whose it is, and the name of its operation.

    ``task`` is the actor's short name in schedules. The number is 0 where the execution ended
    before that step; then it is one that another execution makes. ``instead`` is what the task does
    there in the failing execution where that is something else: a forced exit, say, that comes
    instead of the instruction ``op``.
    """

    step: int
    task: str
    actor: Actor
    op: str
    instead: str = ""


class Window(msgspec.Struct, frozen=True):
    """Where a departure from the calm order may lie so that the execution still fails.

    ``what`` is the step that comes out of turn; the task that it interrupts is parked ``after`` one
    of its steps and ``before`` another (None: from its first step on, or to its last).
    """

    what: Moment
    after: Moment | None
    before: Moment | None


class Pair(msgspec.Struct, frozen=True):
    """Two steps of different actors whose order alone decides: ``first`` before ``second`` fails.

    Both are numbered as in the failing execution; in the passing one they come the other way.
    """

    first: Moment
    second: Moment


class Share(msgspec.Struct, frozen=True):
    """Of ``drawn`` executions that keep the first ``step`` steps, ``failed`` fail alike."""

    step: int
    failed: int
    drawn: int


class Symptom(msgspec.Struct, frozen=True):
    """The first thing that a guest or its user suffers, and how it was looked for.

    ``violation`` is None where none was found in ``drawn`` executions that go on from the failing
    one in other ways.
    """

    violation: Violation | None
    drawn: int


class Explanation(msgspec.Struct, frozen=True):
    """Why an execution fails.

    Attributes:
        violation: the rule that is broken.
        calm: whether the calm order itself fails, so that no departure is needed.
        preemptive: the fewest preemptive switches with which a schedule was seen to fail.
        proved: whether every schedule with fewer was tried, and none fails.
        fewer: whether fewer departures from an order would do, in one sentence ("": not known).
        windows: one for each departure from the calm order.
        pairs: the deciding pair of each departure; the first one is the one to show.
        failing: the choices of the execution that is told of.
        passing: those of the nearest one that passes: it differs in the order of the first pair
            (empty: there is none).
        shares: how sure the failure is after each step, for the steps at which it was measured.
        inevitable: the number of the first step from which on all draws fail (0: unknown).
        cause: the first step after which the run with the fault and that of the base era differ.
        symptom: what the guest suffers of it.
        base: the violation that the unmodified era shows in the same scenario, if it does.

    """

    violation: Violation
    calm: bool = False
    preemptive: int = -1
    proved: bool = False
    fewer: str = ""
    windows: tuple[Window, ...] = ()
    pairs: tuple[Pair, ...] = ()
    failing: tuple[Choice, ...] = ()
    passing: tuple[Choice, ...] = ()
    shares: tuple[Share, ...] = ()
    inevitable: int = 0
    cause: Moment | None = None
    symptom: Symptom | None = None
    base: Violation | None = None
