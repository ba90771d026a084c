"""What the explorer says, held against searches that are too simple to be wrong."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from harness.contract import ABANDON, Abandon, Task
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Slot
from harness.search.case import Case
from harness.search.explore import memo as memo_module
from harness.search.explore.explore import LEFT_OUT
from harness.search.explore.explored import Reductions
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Memo
from harness.search.explore.task import ExploredTask
from harness.strategies.random_walk import RandomWalk
from model.check.violation import Violation
from model.rules.registry import RULES
from tests.race.explore.reference import BruteForce, Hashing, paths
from tests.race.explore.toys import Program, ToyWorld

__all__ = [
    "ALL_OFF", "ALL_ON", "Ends", "Make", "TooManyPathsError", "Whole", "agree", "by_brute_force",
    "by_hashing", "by_the_explorer", "of_case", "of_toys", "walks_stay_inside",
]  # fmt: skip

Make = Callable[[type[Slot]], Any]
"""Builds a world for an engine's tasks."""
ALL_ON = Reductions()
ALL_OFF = Reductions(dead=False, held_back=False)


class TooManyPathsError(Exception):
    """There are more paths than a search that is too simple to be wrong can take."""


class Ends(NamedTuple):
    """How executions end: the states where nothing has to happen any more, and what was broken."""

    machines: frozenset[Hashable]
    rules: frozenset[Hashable]
    broken: frozenset[tuple[Hashable, ...]]


def of_toys(program: Program) -> Make:
    """Return how to build the world of a toy program."""
    return lambda task_class: ToyWorld(program, task_class)


def of_case(case: Case) -> Make:
    """Return how to build the world of a case as the explorer does: with nothing that counts."""

    def build(task_class: type[Slot]) -> Any:
        rules = frozenset(RULES) if case.rules is None else frozenset(case.rules)
        world = case.world(task_class, rules=rules - {*LEFT_OUT})
        world.checker.states.clear()
        world.checker.subscribe(last={})
        return world

    return build


def said(violations: Iterable[Violation]) -> list[tuple[Hashable, ...]]:
    """Return violations without the step, which depends on the way, and without LATE or LOST."""
    return [(x.rule, x.alarm, x.subject, x.values) for x in violations]


def agree(one: Ends, other: Ends, *, raw: bool = False) -> None:
    """Hold what the engine's paths came to against what the explorer said.

    The explorer goes no further where something is owed, so then it knows a part only. ``raw``: it
    leaves nothing out, and may tell states apart that have equal canonical keys.
    """
    if any(alarm == "owed" for _, alarm, _, _ in other.broken):
        assert other.broken <= one.broken
        return
    assert other.broken == one.broken
    if raw:
        assert len(other.machines) >= len(one.machines)
        assert len(other.rules) >= len(one.rules)
        return
    assert other.machines == one.machines
    assert other.rules == one.rules


# -- the engine, path by path ----------------------------------------------------------------------


def by_brute_force(make: Make, most: int = 10_000) -> Ends:
    """Take every path."""
    return along(make, lambda _world: BruteForce(), most)


def by_hashing(make: Make, most: int = 200_000) -> Ends:
    """Take every path up to a state that was seen; nothing is left out of a state."""
    return along(make, Hashing, most)


def along(make: Make, search: Callable[[Any], BruteForce], most: int) -> Ends:
    """Run all executions of a search."""
    world = make(DirectTask)
    found: tuple[set[Any], set[Any], set[Any]] = set(), set(), set()
    resting: list[tuple[Hashable, Hashable]] = []
    world.on_rest = lambda: resting.append((world.machine.canonical(), world.checker.canonical()))
    strategy = search(world)
    for outcome in paths(world, strategy, most):
        if outcome.bound == "seen":
            resting.clear()
            continue
        assert not outcome.bound
        found[2].update(said(outcome.violations))
        if resting:  # else a rule was broken before
            found[0].add(resting[0][0])
            found[1].add(resting[0][1])
        resting.clear()
    if not strategy.done:
        raise TooManyPathsError(f"more than {most} paths: not all were taken")
    return Ends(*map(frozenset, found))


# -- the explorer ----------------------------------------------------------------------------------


class Whole:
    """All states that the explorer's graph has; it goes on behind a violation, elsewhere."""

    def __init__(self, make: Make, reductions: Reductions) -> None:
        self.graph = Graph(Memo(make(ExploredTask), reductions))
        todo = list(self.graph.beginnings())
        self.states = set(todo)
        while todo:
            for state in self.graph.successors(todo.pop()):
                if state not in self.states:
                    self.states.add(state)
                    todo.append(state)

    def resting(self) -> Iterator[tuple[int, ...]]:
        """Yield the rows of the states in which nothing has to happen any more."""
        for state in self.states:
            row = self.graph.packing.unpack(state)
            self.graph.ready(row)
            if not self.graph.enabled & self.graph.urgent:
                yield row


def by_the_explorer(make: Make, reductions: Reductions = ALL_ON) -> Ends:
    """Ask the explorer the same."""
    whole = Whole(make, reductions)
    memo = whole.graph.memo
    machines: set[Hashable] = set()
    rules: set[Hashable] = set()
    for row in whole.resting():
        numbers = row[memo.tasks :]
        machines.add(tuple([v.keys[n] for v, n in zip(memo.values, numbers, strict=False)]))
        numbers = numbers[len(memo.values) :]
        rules.add(tuple([v.keys[n] for v, n in zip(memo.rules.values, numbers, strict=True)]))
    broken = {each for b in whole.graph.broken for each in said(b.violations)}
    return Ends(frozenset(machines), frozenset(rules), frozenset(broken))


class Watched(RandomWalk):
    """A random walk of the real engine that asks of each state whether the explorer has it."""

    every_step = True
    execution: Execution

    def __init__(self, seed: int, whole: Whole, world: Any, *, dead: bool) -> None:
        super().__init__(seed)
        self.dead = dead
        self.whole = whole
        self.world = world
        self.looked = 0
        self.owing = {each.state for each in whole.graph.broken if each.task < 0}

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Look, then choose at random."""
        memo, graph = self.whole.graph.memo, self.whole.graph
        tasks = self.execution.tasks
        position_of = vars(memo_module)["position"]  # where a planted fault would be
        places = [
            table[where].number
            for table, where in zip(memo.numbers, map(position_of, tasks), strict=True)
        ]
        machine, checker = self.world.machine, self.world.checker
        of_machine = machine.canonical() if self.dead else machine.key()
        keys = (*of_machine, *checker.canonical())  # the rules leave out what is dead in any case
        values = (*memo.values, *memo.rules.values)
        numbers = [each.numbers[key] for each, key in zip(values, keys, strict=True)]
        row = (*places, *numbers)
        for group in graph.packing.groups:
            assert row[group.start : group.stop] in group.numbers, "parts that never met"
        state = graph.packing.pack(row)
        assert state in self.whole.states, "a state that the explorer has not"
        expected = [memo.slots[hot[9].task].name for hot in graph.ready(row)]
        assert [task.name for task in enabled] == expected
        self.looked += 1
        if state in self.owing:
            return ABANDON  # the explorer looks no further, either
        return super().choose(enabled, pending, current)


def walks_stay_inside(make: Make, walks: int, *, dead: bool = True) -> int:
    """Hold random walks of the engine against what was explored; return how many states passed."""
    whole = Whole(make, Reductions(dead=dead, held_back=False))
    world = make(DirectTask)
    looked = 0
    for seed in range(walks):
        walk = Watched(seed, whole, world, dead=dead)
        walk.execution = Execution(world, walk)
        DirectEngine().execute(walk.execution)
        looked += walk.looked
    return looked
