"""What memoised steps give a campaign: CPU time on the direct engine, over that with them.

``python -m tests.walks_table [SCENARIO...]`` prints it as Markdown, after 200 schedules, 1,000 and
so on, half of them random and half of pct; each is held against the engine's. Where it is far
slower after 1,000 it is not gone on with.
"""

import sys
import time
from collections.abc import Sequence
from typing import Final

from harness.contract import Strategy
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution
from harness.scenarios.schema import builtin_names
from harness.search.explore.task import ExploredTask
from harness.search.explore.walks import Walks
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.variants import ERAS
from model.rules.state_names import NAMES

__all__ = ["HOPELESS", "MARKS", "Measured", "measure"]

MARKS: Final = (200, 1_000, 2_000, 4_000)
HOPELESS: Final = 0.5


class Measured:
    """How many times as fast it was, by the number of schedules; and what that took."""

    def __init__(self) -> None:
        self.ratios: dict[int, float] = {}
        self.misses = 0
        self.states = 0


def strategy(n: int) -> Strategy:
    """Return the strategy of schedule ``n``."""
    return Pct(n, 3, (100, 200)[n // 2 % 2]) if n % 2 else RandomWalk(n)


def measure(scenario: str, variant: str, marks: Sequence[int] = MARKS) -> Measured:
    """Run schedules both ways, one by one, to the last mark.

    Raises:
        AssertionError: one is not what it is on the engine.

    """
    spec, engine = RunSpec.make(scenario, variant), DirectEngine()
    execution = Execution(spec.build(DirectTask), RandomWalk(0))
    mine = Measured()
    direct = 0.0
    began = time.process_time()
    walks = Walks(spec.build(ExploredTask))
    walked = time.process_time() - began
    for n in range(marks[-1]):
        execution.strategy = strategy(n)
        began = time.process_time()
        outcome = engine.execute(execution)
        half = time.process_time()
        clean = walks.run(strategy(n))
        took = half - began
        direct += took
        walked += time.process_time() - half + (took if clean is None else 0.0)
        assert outcome is not None
        if clean is not None:
            reached = outcome.reached | outcome.windows << len(NAMES)
            assert (clean.steps, clean.reached) == (outcome.steps, reached)
            assert not outcome.violations
            assert not outcome.bound
        if n + 1 in marks:
            mine.ratios[n + 1] = direct / walked
            mine.misses, mine.states = walks.memo.misses, len(walks.nodes)
            if n + 1 >= MARKS[1] and direct / walked < HOPELESS:
                break
    return mine


def main(names: Sequence[str]) -> None:
    """Print the table."""
    print(f"| scenario | era | {' | '.join(f'{n:,}' for n in MARKS)} | steps learnt | states |")
    print("|---" * (len(MARKS) + 4) + "|")
    for name in names or builtin_names():
        for era in ERAS:
            mine = measure(name, era)
            ratios = [f"{mine.ratios[n]:.2f}" if n in mine.ratios else "" for n in MARKS]
            cells = (name, era, *ratios, f"{mine.misses:,}", f"{mine.states:,}")
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
