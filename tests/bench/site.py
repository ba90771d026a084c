"""A scenario made ready to be measured, and measuring in turn."""

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tests.bench import bare
from tests.bench.product import ERAS, Product

SEEDS = {"timer-wfi": range(16), "migrate": range(8), "smp-mix": range(2)}
"""The scenarios, and the seeds run: about 2,500 steps an era, half random schedules, half pct."""
STARTS = range(60)
"""The seeds of executions of which only the first step is made."""
BARE_TIMES = 2
"""How often the bare engine walks over the same traces, so that its time can be measured."""
ONE_TIMES = 3
"""How often a single execution is run, so that its time can be measured."""


class Site:
    """The worlds of a scenario, one per era, and what their tasks do. Times are CPU seconds."""

    def __init__(self, product: Product, scenario: str) -> None:
        self.product = product
        self.scenario = scenario
        self.seeds = SEEDS[scenario]
        self.specs = [product.spec(scenario, era) for era in ERAS]
        self.worlds = {
            engine: [product.world(spec, engine) for spec in self.specs]
            for engine in ("direct", "trio")
        }
        self.without: list[Any] = []
        self.tasks = [product.tasks(world) for world in self.worlds["direct"]]
        self.traces = [[product.trace(w, s) for s in self.seeds] for w in self.worlds["direct"]]
        self.steps = sum(len(trace) for traces in self.traces for trace in traces)

    def run(self, engine: str, product: Product | None = None) -> float:
        """Time the executions of all seeds, in both eras."""
        product = product or self.product
        return sum(product.run(engine, w, self.seeds).seconds for w in self.worlds[engine])

    def run_without_guest(self) -> float:
        """Time the same executions without the guest's own rules."""
        if not self.without:
            self.without = [self.product.world_without_guest(spec) for spec in self.specs]
        return sum(self.product.run("direct", w, self.seeds).seconds for w in self.without)

    def bare(self) -> float:
        """Time as many steps and hand-overs of as many coroutines."""
        pairs = zip(self.tasks, self.traces, strict=True)
        return sum(bare.coroutines(n, traces, BARE_TIMES) for n, traces in pairs)

    def bare_step(self) -> float:
        """Time a bare step."""
        return self.bare() / self.steps

    def hand_offs(self) -> float:
        """Time the hand-overs of the traces, and those that start them, between bare Trio tasks."""
        return sum(bare.hand_offs(n, t) for n, t in zip(self.tasks, self.traces, strict=True))

    def start(self, engine: str) -> float:
        """Time executions that end after their first step, in both eras."""
        seconds = 0.0
        for world in self.worlds[engine]:
            with self.product.one_step(world):
                seconds += self.product.run(engine, world, STARTS).seconds
        return seconds

    def bare_start(self) -> float:
        """Time starting as many coroutines, letting one go once, and ending them."""
        return sum(bare.coroutines(n, [[0]] * len(STARTS)) for n in self.tasks)

    def start_hand_offs(self) -> float:
        """Time the hand-overs that start as many bare Trio tasks."""
        return sum(bare.hand_offs(n, [[0]] * len(STARTS)) for n in self.tasks)

    def recording(self, schedules: Sequence[Any]) -> float:
        """Time what a full recording adds, one schedule per era."""
        pairs = list(zip(self.specs, schedules, strict=True))
        recorded = sum(self.product.record(*pair) for pair in pairs)
        return recorded - sum(self.product.plain(*pair) for pair in pairs)

    def run_one(self) -> float:
        """Time the executions of the first seed, in both eras."""
        seeds = [self.seeds[0]] * ONE_TIMES
        worlds = self.worlds["direct"]
        return sum(self.product.run("direct", w, seeds).seconds for w in worlds) / ONE_TIMES

    def replay_step(self, made: Sequence[tuple[Any, list[Any], list[Any]]]) -> float:
        """Time a step of blind replay: whole prefixes, less what it takes to begin them."""
        seconds, steps = 0.0, 0
        for world, prefixes, starts in made:
            whole = self.product.replay(world, prefixes)
            begun = self.product.replay(world, starts)
            seconds += whole.seconds - begun.seconds
            steps += whole.steps - begun.steps
        return seconds / steps


def ratio(rounds: int, measure: Callable[[], float], *yardsticks: Callable[[], float]) -> float:
    """Measure in turn, and return the median ratio to the sum of the yardsticks."""
    measure()
    return median(measure() / sum(y() for y in yardsticks) for _ in range(rounds))


def traced() -> int:
    """Return the bytes that are held (tracemalloc), garbage collected."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def kept(
    product: Product,
    engine: str,
    world: Any,
    seeds: Sequence[int],
    first: Callable[[Any], object] = id,
) -> float:
    """Return how many bytes more per execution are held after running ``seeds`` than before.

    ``first`` is called with the world before each look.
    """
    first(world)
    before = traced()
    product.run(engine, world, seeds)
    first(world)
    return (traced() - before) / len(seeds)
