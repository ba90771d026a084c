"""How building, memory and steps grow with the size of a machine: as many pCPUs as VCPUs.

Two kinds of worlds, of 2 to 32 VCPUs: ``timer-wfi`` (everybody for themselves), and pairs that send
each other SGIs and share SPIs and LPIs. Measured, each in turn with the smaller sizes:

- CPU time of building a world, per VCPU, and its memory (tracemalloc), per VCPU: compared with a
  world of 8, of which what a world costs by itself is no large part any more. Linear is 1; what
  grows with the square comes to 4 at 32 VCPUs, and to 2 at 16;
- memory of a world that ran one execution, likewise: with what was learnt on the way, such as who
  waits for what. That is a little more per VCPU in a large world, where more places are met and a
  mask of parts is longer;
- CPU time per step on the direct engine, random walks, starting the executions included; less what
  guards must: a larger world asks more guards per step (counted), each at what one costs in the
  smallest world (measured: every guard at every step, against only those due). So a step of 32
  VCPUs may come to 1.3 steps of 2, plus those guards. What is left above 1 is no loop over VCPUs,
  but for that of the clock over its timers: with more tasks the same one goes on less often, and a
  hand-over resumes a stack of coroutines.
"""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.bench.plants import Asks
from tests.bench.product import SIZES, Product
from tests.bench.site import traced

LINEAR_FROM = 8
"""The size that building and memory per VCPU are compared with."""
BUILD = (1.0, 1.3)
BUILT = (1.0, 1.1)
RAN = (1.25, 1.15)
"""What building, the memory of a world, and that of one that ran, may come to per VCPU."""
STEP = (1.3, 1.25)
"""What a step may come to, less the guards."""
WALKS = 32
"""Executions of the smallest world in a slice, times its size: larger worlds run fewer."""


def pairs(folder: Path, size: int) -> str:
    """Write a scenario of ``size`` VCPUs, two by two, and return its path."""
    lines = ['name = "pairs"', 'title = "pairs of VCPUs that do what smp-mix does"']
    lines += ["preemptions = 2", "handler = 1", f"pcpus = {size}"]
    for a in range(0, size, 2):
        b = a + 1
        edge, lpi = 100 + a, 100 + b
        for intid, vintid, kind, vcpu, pcpu in (
            (50 + a, edge, "edge", a, b), (8192 + a, lpi, "lpi", b, a),
        ):  # fmt: skip
            lines += ["[[forward]]", f"intid = {intid}", f"vintid = {vintid}", f'kind = "{kind}"']
            lines += [f"vcpu = {vcpu}", f"pcpu = {pcpu}", "events = 1"]
        first = ["timer 60", f"sgi 1 {b}", "work 2", "wait", "idle 1"]
        second = ["ptimer 40", "await 1", "timer 40", f"read active {edge}"]
        second += ["idle 1", "pidle 1", "wait"]
        for program in (first, second):
            lines += ["[[vcpu]]", f"program = {program}"]
    path = folder / f"pairs-{size}.toml"
    path.write_text("\n".join(lines).replace("'", '"'), encoding="utf-8")
    return str(path)


class Scale:
    """One kind of world in all sizes."""

    def __init__(self, product: Product, kind: str, folder: Path) -> None:
        self.product = product
        self.kind = kind
        self.specs = {}
        for size in SIZES:
            name = pairs(folder, size) if kind == "pairs" else kind
            self.specs[size] = product.spec(name, "v7.2", size, steps_max=100_000)
        self.worlds = {size: product.world(self.specs[size]) for size in SIZES}
        self.seeds = {size: range(0, max(2, 2 * WALKS // size), 2) for size in SIZES}

    def build(self, size: int) -> float:
        """Return the CPU seconds of building a world, per VCPU; what was built before is gone."""
        gc.collect()
        return self.product.build_seconds(self.specs[size]) / size

    def memory(self, size: int) -> tuple[float, float]:
        """Return the bytes of a world, and of one that ran an execution, per VCPU."""
        gc.collect()
        tracemalloc.start()
        try:
            world = self.product.world(self.specs[size])
            built = traced()
            self.product.run("direct", world, [0])
            return built / size, traced() / size
        finally:
            tracemalloc.stop()

    def step(self, size: int, product: Product | None = None) -> float:
        """Return the CPU seconds of a step."""
        timed = (product or self.product).run("direct", self.worlds[size], self.seeds[size])
        return timed.seconds / timed.steps

    def asked(self, size: int, product: Product | None = None) -> float:
        """Return the guards asked per step."""
        asked, steps = (product or self.product).guards_asked(self.worlds[size], 0)
        return asked / steps


def measure_scaling(
    product: Product, kind: str, folder: Path, *, rounds: int = 5
) -> Iterator[Figure]:
    """Measure one kind of world."""
    scale = Scale(product, kind, folder)
    yield from growth(scale, rounds)
    yield from steps(scale, rounds)


def growth(scale: Scale, rounds: int) -> Iterator[Figure]:
    """Measure building and memory."""
    large = [size for size in SIZES if size >= LINEAR_FROM]
    build = [{size: scale.build(size) for size in large} for _ in range(rounds)]
    memory = {size: scale.memory(size) for size in large}
    built, ran = memory[LINEAR_FROM]
    for size in large[1:]:
        what = f"per VCPU, {scale.kind}, {size} to {LINEAR_FROM} VCPUs"
        value = median(seconds[size] / seconds[LINEAR_FROM] for seconds in build)
        yield Figure(f"building, {what}", value, *BUILD)
        yield Figure(f"memory, {what}", memory[size][0] / built, *BUILT)
        yield Figure(f"memory once it ran, {what}", memory[size][1] / ran, *RAN)


def steps(scale: Scale, rounds: int) -> Iterator[Figure]:
    """Measure steps, and what a guard costs."""
    least, *larger = SIZES
    step: dict[int, list[float]] = {size: [] for size in SIZES}
    guard: list[float] = []
    asks = Asks()
    more_asked = scale.asked(least, asks) - scale.asked(least)
    for size in SIZES:
        scale.step(size)  # tables of what was met fill up
    for _ in range(rounds):
        for size in SIZES:
            step[size].append(scale.step(size))
        guard.append((scale.step(least, asks) - step[least][-1]) / more_asked / step[least][-1])
    for size in larger:
        value = median(x / y for x, y in zip(step[size], step[least], strict=True))
        more = max(0.0, scale.asked(size) - scale.asked(least))
        name = f"a step, less {more:.1f} guards, {scale.kind}, {size} to {least} VCPUs"
        yield Figure(name, value - more * median(guard), *STEP)
