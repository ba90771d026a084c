"""How building a world, its memory and its steps grow with the number of VCPUs.

Worlds of ``SIZES`` VCPUs on as many pCPUs, v7.2, of two kinds: timer-wfi with the same guest on
each VCPU, and pairs of VCPUs that each do what smp-mix does (both timers, an SGI, an edge SPI, an
LPI, preemptions, reading the distributor). Each size is held against the smallest, in CPU time
measured in turn or in bytes:

- building, per VCPU (where that is linear, the ratio is 1);
- memory of a world that ran one execution (tracemalloc), per VCPU (likewise);
- CPU time per step on the direct engine, random walks, starting the executions included; less what
  guards must: a larger world asks more guards per step (counted), each at what one costs in the
  smallest world (measured: every guard at every step, against only those due).
"""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.bench.plants import Asks
from tests.bench.product import SIZES, Product

POWER = 0
"""Building and memory per VCPU may grow with this power of the size; 0 is linear in total.

Not yet linear: every actor makes its operations for each pCPU, VCPU and interrupt beforehand.
"""
BUILD_SLACK = 1.3
STEP = (1.3, 1.1)
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
        """Return the CPU seconds of building a world, per VCPU."""
        return self.product.build_seconds(self.specs[size]) / size

    def memory(self, size: int) -> float:
        """Return the bytes of a world that ran one execution, per VCPU."""
        gc.collect()
        tracemalloc.start()
        try:
            world = self.product.world(self.specs[size])
            self.product.run("direct", world, [0])
            gc.collect()
            return tracemalloc.get_traced_memory()[0] / size
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
    least, *larger = SIZES
    build: dict[int, list[float]] = {size: [] for size in SIZES}
    step: dict[int, list[float]] = {size: [] for size in SIZES}
    guard: list[float] = []
    asks = Asks()
    more_asked = scale.asked(least, asks) - scale.asked(least)
    for size in SIZES:
        scale.step(size)  # tables of what was met fill up
    for _ in range(rounds):
        for size in SIZES:
            build[size].append(scale.build(size))
            step[size].append(scale.step(size))
        guard.append((scale.step(least, asks) - step[least][-1]) / more_asked / step[least][-1])
    memory = {size: scale.memory(size) for size in SIZES}
    for size in larger:
        what = f"{kind}, {size} to {least} VCPUs"
        value = median(x / y for x, y in zip(build[size], build[least], strict=True))
        may = (size / least) ** POWER
        yield Figure(f"building, per VCPU, {what}", value, may, BUILD_SLACK)
        yield Figure(f"memory, per VCPU, {what}", memory[size] / memory[least], may, BUILD_SLACK)
        value = median(x / y for x, y in zip(step[size], step[least], strict=True))
        guards = max(0.0, scale.asked(size) - scale.asked(least)) * median(guard)
        yield Figure(f"a step, less {guards:.2f} for guards, {what}", value - guards, *STEP)
