"""Which of its "sometimes" states a case reaches that was proved: a proof of little says little.

Random executions of the engine show most of them. The others are looked for in all states, with
what tells of them as a part of each; where that search ends, a state that was not met cannot be.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.search.case import Case
from harness.search.explore.explore import Exploration, graph_of
from harness.search.explore.explored import ExploreLimits
from harness.search.explore.graph import Graph
from harness.search.explore.store import Saved
from harness.search.explore.values import Values
from harness.strategies.random_walk import RandomWalk
from harness.verdict import PROVED
from model.rules.sometimes import NAMES, Seen
from model.rules.windows import EVERY

__all__ = ["EXECUTIONS", "Reached", "limits_of", "reaching"]

EXECUTIONS: Final = 100
"""So many random executions are made, at most."""
SECONDS_MIN: Final = 5.0


class Reached(msgspec.Struct, frozen=True):
    """What became of "sometimes" states at the size that was explored.

    Attributes:
        reached: an execution, or a step of one, shows it.
        never: none does, of all there are.
        unseen: none of those that were looked at did.

    """

    reached: tuple[str, ...]
    never: tuple[str, ...]
    unseen: tuple[str, ...]


class Noted(Values):
    """The values of what remembers the states that were met: always none, as far as states go."""

    __slots__ = ("bits",)

    def __init__(self, part: Seen) -> None:
        self.bits = 0
        super().__init__(part)

    def read(self) -> int:
        """Take note of what was met, and forget it."""
        part = self.part
        assert isinstance(part, Seen)
        self.bits |= part.bits
        part.bits = 0
        return super().read()


class Meeting(Exploration):
    """A search of all states that ends once it has met some "sometimes" states.

    Args:
        case: what is run.
        wanted: those states, as bits by position in EVERY.
        limits: when to give up.
        more: is asked now and then whether to go on.

    """

    def __init__(
        self, case: Case, wanted: int, limits: ExploreLimits, more: Callable[[], bool]
    ) -> None:
        self.wanted = wanted
        super().__init__(case, limits, shortest=False, watch=lambda _self: self.missing and more())

    def make_graph(self, saved: Saved | None) -> Graph:
        """Return the graph, with what tells of the states as a part of each."""
        assert saved is None
        graph = graph_of(self.case, self.reductions, states=True)
        values = graph.memo.rules.values
        n = next(n for n, each in enumerate(values) if isinstance(each.part, Seen))
        part = values[n].part
        assert isinstance(part, Seen)
        self.noted_states = values[n] = Noted(part)
        return graph

    @property
    def missing(self) -> bool:
        """Whether one has not been met yet."""
        return bool(self.wanted & ~self.noted_states.bits)


def reaching(
    case: Case,
    wanted: Sequence[str],
    limits: ExploreLimits,
    more: Callable[[], bool] = lambda: True,
) -> Reached:
    """Tell which "sometimes" states a case reaches that was proved.

    Args:
        case: what is run.
        wanted: the names of the states.
        limits: when to give up looking for those that random executions do not show.
        more: is asked now and then whether to go on.

    """
    bits = {name: 1 << EVERY.index(name) for name in wanted}
    met = by_chance(case, sum(bits.values()))
    left = sum(bits.values()) & ~met
    all_seen = True
    if left:
        search = Meeting(case, left, limits, more)
        all_seen = search.run().verdict == PROVED
        met |= search.noted_states.bits
    missing = tuple(name for name in wanted if not met & bits[name])
    return Reached(
        reached=tuple(name for name in wanted if met & bits[name]),
        never=missing if all_seen else (),
        unseen=() if all_seen else missing,
    )


def by_chance(case: Case, wanted: int) -> int:
    """Return the states, as bits, that random executions reach."""
    world = case.world(DirectEngine.task_class)
    engine = DirectEngine()
    met = 0
    for seed in range(EXECUTIONS):
        outcome = engine.execute(Execution(world, RandomWalk(seed)))
        if outcome is not None:
            met |= outcome.reached | outcome.windows << len(NAMES)
        if not wanted & ~met:
            break
    return met


def limits_of(limits: ExploreLimits, seconds: float) -> ExploreLimits:
    """Return the limits of looking for states after a proof that took so many seconds."""
    most = max(seconds, SECONDS_MIN)
    if limits.seconds is not None:
        most = min(most, max(limits.seconds - seconds, 0.1))
    return ExploreLimits(seconds=most, memory_mb=limits.memory_mb)
