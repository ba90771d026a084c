"""The strategy of trials: a plan is followed as far as it fits, and then an order, or chance.

Steps that cannot be made are left out and counted, as ``harness.strategies.replay`` does it with
``skip``. It notes what was done on the way: blocks, draws, who would have gone by default.
"""

from collections.abc import Callable, Sequence
from inspect import CORO_CLOSED, getcoroutinestate
from random import Random
from typing import Final, Protocol

from harness.contract import ABANDON, Abandon, RunInfo, Task
from harness.engine.execution import Execution, Slot
from harness.engine.outcome import Outcome
from harness.search.order import CALM, STAY, Order
from harness.search.plan import Plan

__all__ = ["CUT", "DRAIN", "END", "RANDOM", "STORM", "Follow", "Staged"]

DRAIN, RANDOM, CUT = "drain", "random", "cut"
"""How a trial goes on behind its plan, beside ``order.CALM`` and ``order.STAY``."""
END: Final = "the plan ends here"
"""The bound of an outcome that was cut."""
STORM: Final = "a storm has begun"
"""The bound of an outcome that was cut because its stage has seen enough of a storm."""


class Staged(Protocol):
    """What it needs of a stage."""

    slots: tuple[Slot, ...]
    named: dict[str, Slot]
    order: Order
    weary: Callable[[], bool] | None


class Follow:
    """Follows ``plan``, and then goes on as ``then`` says (``trial.Stage.run`` has the words).

    ``execution`` must be set before it begins. Afterwards:

    Attributes:
        made: the task of each step that was chosen.
        defaults: the task that the stage's order would have let go there, None if nobody.
        starts: where in ``made`` each block begins.
        lefts: the operation at which each block left its task; "" if it had returned.
        drawn: the numbers drawn, by task and name.
        kept: how many steps there are to the last one that is not what would have gone on by
            itself: of the plan, and of these those to the last that departs from ``then``.
        departed: how many steps of the plan depart from ``then``.
        skipped: how many steps of the plan could not be made.
        preemptive: how many switches left a task that could have gone on.

    """

    every_step = True
    execution: Execution

    def __init__(
        self, stage: Staged, plan: Plan, then: str = CALM, *, aligned: bool = False, seed: int = 0
    ) -> None:
        self.order = stage.order
        self.then = then
        self.behind = stage.order if then == stage.order.name else None
        if self.behind is None and then in (CALM, STAY):
            self.behind = Order(then, stage.slots)
        self.random = Random(seed) if then == RANDOM else None
        self.aligned = aligned
        self.weary = stage.weary
        named = stage.named
        self.blocks = [
            (named[b.task], b.count, b.until, b.times) for b in plan.blocks if b.task in named
        ]
        self.unknown = sum(b.count for b in plan.blocks if b.task not in named)
        self.draws = {(task, name): numbers for task, name, numbers in plan.draws}

    def begin(self, info: RunInfo) -> bool:  # noqa: ARG002
        """Start from the first block."""
        self.order.begin()
        if self.behind is not None:
            self.behind.begin()
        self.made: list[Slot] = []
        self.defaults: list[Slot | None] = []
        self.starts: list[int] = []
        self.lefts: list[str] = []
        self.drawn: dict[tuple[str, str], list[int]] = {}
        self.asked: dict[tuple[str, str], int] = {}
        self.skipped = self.unknown
        self.preemptive = 0
        self.kept = 0
        self.departed = 0
        self.at = 0
        self.done = 0
        self.met = 0
        self.current: Slot | None = None
        return True

    def choose(
        self,
        enabled: Sequence[Task],
        pending: Sequence[Task],  # noqa: ARG002
        current: Task | None,  # noqa: ARG002
    ) -> Task | Abandon:
        """Take the next step of the plan that can be made; behind it, go on as asked."""
        if self.weary is not None and self.weary():
            self.execution.cut(STORM)
            return ABANDON
        mask = self.execution.enabled
        default = self.order.next(mask)
        chosen = self.planned(mask)
        if chosen is None:
            chosen = self.beyond(enabled, mask)
            if chosen is None:
                return ABANDON
        elif self.behind is None or chosen is not self.behind.next(mask):
            self.kept = len(self.made) + 1
            self.departed += 1
        last = self.current
        if chosen is not last:
            if last is not None:
                self.leave(last)
                if last.bit & mask:
                    self.preemptive += 1
            self.starts.append(len(self.made))
            self.current = chosen
        self.made.append(chosen)
        self.defaults.append(default)
        self.order.ran(chosen.index)
        if self.behind is not None and self.behind is not self.order:
            self.behind.ran(chosen.index)
        return chosen

    def planned(self, mask: int) -> Slot | None:
        """Return the task that the plan lets go, of those in ``mask``; None: it is over."""
        blocks = self.blocks
        while self.at < len(blocks):
            slot, count, until, times = blocks[self.at]
            if self.aligned and until:
                self.met += self.done > 0 and slot.op.name == until
                over = self.met == times
            else:
                over = self.done == count
            if not over:
                if slot.bit & mask:
                    self.done += 1
                    return slot
                self.skipped += max(count - self.done, 0)
            self.at += 1
            self.done = self.met = 0
        return None

    def beyond(self, enabled: Sequence[Task], mask: int) -> Slot | None:
        """Return who goes behind the plan; None: nobody by choice any more."""
        if self.behind is not None:
            return self.behind.next(mask)
        if self.random is not None:
            found: Slot = enabled[int(self.random.random() * len(enabled))]  # type: ignore[assignment]  # tasks are slots
            return found
        if self.then == CUT:
            self.execution.cut(END)
        return None

    def leave(self, slot: Slot) -> None:
        """Note where a block leaves its task."""
        state = CORO_CLOSED if slot.coroutine is None else getcoroutinestate(slot.coroutine)
        self.lefts.append("" if state == CORO_CLOSED else slot.op.name)

    def draw(self, name: str, k: int) -> int:
        """Draw what was drawn by that task under that name; behind it 0, or by chance."""
        owner = self.execution.chosen
        assert owner is not None  # a draw is made within a step, or as a task starts
        for key in ((owner.name, name), ("", name)):
            numbers = self.draws.get(key, ())
            used = self.asked.get(key, 0)
            if used < len(numbers):
                self.asked[key] = used + 1
                n = min(numbers[used], k - 1)
                break
        else:
            n = 0 if self.random is None else int(self.random.random() * k)
        self.drawn.setdefault((owner.name, name), []).append(n)
        return n

    def end(self, outcome: Outcome) -> None:  # noqa: ARG002
        """Note where the last block leaves its task, and what of the plan was never reached."""
        if self.current is not None:
            self.leave(self.current)
        for _, count, *_ in self.blocks[self.at :]:
            self.skipped += count
        self.skipped -= self.done if self.at < len(self.blocks) else 0
