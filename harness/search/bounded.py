"""Search by departures: first the default order itself, then every schedule with one, two, ...

Musuvathi and Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded Programs"
(PLDI 2007), with departures from an order in the place of preemptions (Emmi, Qadeer and Rakamaric,
"Delay-Bounded Scheduling", POPL 2011, count in this way, too). From a state that was reached before
with no more departures nothing is tried; that is for finding. A proof looks at every schedule, and
at every draw.
"""

from collections.abc import Hashable, Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from harness.contract import RunInfo, Task
from harness.engine.execution import Slot
from harness.engine.position import PositionError, position
from harness.search.follow import Follow
from harness.search.hunt import Hunt
from harness.search.passes import is_shorter
from harness.search.plan import Block, Draws, Plan
from harness.search.trial import Trial

__all__ = ["Proof", "find", "prove"]

STATE_STEPS: Final = 8
"""What reading a state costs, in steps."""
AFTER_FIRST: Final = 60
"""So many more schedules of a level are tried once one fails, for a shorter one."""
LEVELS_MAX: Final = 6
MET: Final = "a state that was reached before"
"""The bound of an outcome that was cut there."""
GUARDS: Final = ("not-before", "in-handler")
"""Draws that only hold an optional stimulus back: with 0 it may come whenever it may at all."""
COUNTS: Final = ("preemptions", "edges")
"""Draws of how often an optional stimulus comes: none has to, so the most includes less."""


class Drawn(NamedTuple):
    """A draw that was made: how many steps had begun, who drew what, and the number, out of k."""

    at: int
    task: str
    name: str
    n: int
    k: int


class Node(NamedTuple):
    """A schedule to try: the steps before the order takes over, and the draws that are given."""

    steps: tuple[Slot, ...]
    draws: Draws

    def plan(self) -> Plan:
        """Return it as a plan."""
        return Plan((), self.draws).with_blocks(Block(slot.name, 1) for slot in self.steps)


class Probe(Follow):
    """Follows a node, then the order; notes who else could have gone, and what else be drawn.

    With ``seen``, the states that were reached, it stops where it comes to one of them.
    """

    def __init__(
        self, hunt: Hunt, node: Node, then: str, seen: set[int] | None, *, all_draws: bool = False
    ) -> None:
        super().__init__(hunt.stage, node.plan(), then)
        self.hunt = hunt
        self.node = node
        self.seen = seen
        self.all_draws = all_draws
        self.eager = any(slot.eager for slot in hunt.stage.slots)

    def begin(self, info: RunInfo) -> bool:
        """Start from the first step."""
        self.masks: list[int] = []
        """Who could go behind the node, step by step."""
        self.draws_made: list[Drawn] = []
        self.where: list[Hashable] = []
        self.read = 0
        return super().begin(info)

    def beyond(self, enabled: Sequence[Task], mask: int) -> Slot | None:
        """Go on in the order, unless all that can come is known."""
        if self.seen is not None and mask & (mask - 1) and self.meets(self.seen):
            self.execution.cut(MET)
            return None
        self.masks.append(mask)
        return super().beyond(enabled, mask)

    def meets(self, seen: set[int]) -> bool:
        """Tell whether this state was reached before; it has been now.

        Where a variant remembers what no state can hold, none is known, which ``hunt`` notes.
        """
        try:
            return not self.hunt.opaque and self.is_known(seen)
        except PositionError:
            self.hunt.opaque = True
            return False

    def is_known(self, seen: set[int]) -> bool:
        """Tell whether this state was reached before.

        Raises:
            PositionError: a task of the variant remembers what no position can hold.

        """
        stage = self.hunt.stage
        self.hunt.budget.cost.steps += STATE_STEPS
        if not self.where or self.eager:
            self.where = [position(slot) for slot in stage.slots]
        else:
            for slot in {slot.index: slot for slot in self.made[self.read :]}.values():
                self.where[slot.index] = position(slot)
        self.read = len(self.made)
        order = self.behind.state if self.behind is not None else None
        last = self.made[-1].index if self.made else -1
        drawn = tuple(self.draws_made) if self.all_draws else tuple(self.asked.items())
        state = hash((stage.key(), tuple(self.where), order, last, drawn))
        if state in seen:
            return True
        seen.add(state)
        return False

    def draw(self, name: str, k: int) -> int:
        """Draw what is given; in a proof the most of a count, nothing that holds back."""
        owner = self.execution.chosen
        assert owner is not None
        if self.all_draws and name in GUARDS:
            n = 0
        elif self.all_draws and name.rstrip("0123456789") in COUNTS:
            n = k - 1
        else:
            n = super().draw(name, k)
            self.draws_made.append(Drawn(len(self.made), owner.name, name, n, k))
        return n

    def children(self, trial: Trial) -> Iterator[Node]:
        """Yield the nodes with one departure more."""
        first = len(self.node.steps)
        for at, mask in enumerate(self.masks, first):
            default = trial.made[at].bit if at < len(trial.made) else 0
            left = mask & ~default
            while left:
                lowest = left & -left
                slot = self.hunt.stage.slots[lowest.bit_length() - 1]
                yield Node((*trial.made[:at], slot), self.given(at))
                left ^= lowest

    def siblings(self, trial: Trial) -> Iterator[Node]:
        """Yield the nodes that draw another number, where none was given."""
        given = {(task, name): len(numbers) for task, name, numbers in self.node.draws}
        counts: dict[tuple[str, str], int] = {}
        for which, drawn in enumerate(self.draws_made):
            key = (drawn.task, drawn.name)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= given.get(key, 0):
                continue
            for n in range(drawn.k):
                if n != drawn.n:
                    made = (*self.draws_made[:which], drawn._replace(n=n))
                    yield Node(tuple(trial.made[: drawn.at]), in_order(made))

    def given(self, at: int) -> Draws:
        """Return the draws that were made before the step after ``at`` steps."""
        if not self.all_draws:
            return self.node.draws
        return in_order([drawn for drawn in self.draws_made if drawn.at <= at])


def in_order(made: Sequence[Drawn]) -> Draws:
    """Return draws as a plan has them."""
    numbers: dict[tuple[str, str], tuple[int, ...]] = {}
    for drawn in made:
        key = (drawn.task, drawn.name)
        numbers[key] = (*numbers.get(key, ()), drawn.n)
    return tuple((task, name, n) for (task, name), n in numbers.items())


def find(hunt: Hunt, draws: Draws, then: str, steps: int, levels: int = LEVELS_MAX) -> Trial | None:
    """Look for a failing schedule with few departures from an order; return a short one, or None.

    Args:
        hunt: what is looked for, and in which case.
        draws: what is drawn.
        then: the order, CALM or STAY.
        steps: how much of the budget may be spent.
        levels: how many departures at most.

    Raises:
        Spent: the whole budget is spent.

    """
    budget = hunt.budget.part(steps)
    seen: set[int] = set()
    level = [Node((), draws)]
    best: Trial | None = None
    for k in range(levels + 1):
        following: list[Node] = []
        left = AFTER_FIRST
        for node in level:
            hunt.budget.check()
            if budget.is_spent():
                return best
            probe = Probe(hunt, node, then, seen)
            trial = hunt.stage.follow(probe)
            if hunt.hits(trial):
                if best is None or is_shorter(trial, best):
                    best = trial
            elif best is None and k < levels:
                following.extend(probe.children(trial))
            left -= best is not None
            if not left:
                break
        if best is not None:
            return best
        # The order says nothing of who fails: so a budget that ends within a level is well spent.
        Random(k).shuffle(following)
        level = following
    return None


class Proof(NamedTuple):
    """What is known of the schedules with few departures: all with up to ``passed`` pass.

    -1: nothing is known. ``found`` is one with one more that fails, if one was met.
    """

    passed: int
    found: Trial | None


def prove(hunt: Hunt, then: str, departures: int, steps: int, *, by_state: bool = False) -> Proof:
    """Try every schedule with fewer than so many departures from an order, and every draw.

    With ``by_state`` nothing is tried from a state that was reached before; else none is
    remembered, so that nothing hangs on what a state is.

    Args:
        hunt: what is looked for, and in which case.
        then: the order, CALM or STAY.
        departures: how many are known to be enough.
        steps: how much of the budget may be spent.
        by_state: whether states are remembered.

    Raises:
        Spent: the whole budget is spent.

    """
    budget = hunt.budget.part(steps)
    seen: set[int] | None = set() if by_state else None
    level = [Node((), ())]
    for k in range(departures):
        following: list[Node] = []
        while level:
            hunt.budget.check()
            if budget.is_spent():
                return Proof(k - 1, None)
            node = level.pop()
            probe = Probe(hunt, node, then, seen, all_draws=True)
            trial = hunt.stage.follow(probe)
            if hunt.hits(trial):
                return Proof(k - 1, trial)
            if trial.outcome.bound not in ("", MET) or (by_state and hunt.opaque):
                return Proof(k - 1, None)  # it says nothing of what comes behind the bound
            level.extend(probe.siblings(trial))
            if k + 1 < departures:
                following.extend(probe.children(trial))
        level = following
    return Proof(departures - 1, None)
