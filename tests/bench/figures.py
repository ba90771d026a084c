"""What is measured, what each figure may come to, and the judgement.

A figure is a ratio, a count, or bytes; only ``--help`` is also held to an absolute CPU time.
Seconds are CPU seconds of this process (or of the child measured). What a ratio compares runs in
turn, round after round, and the figure is the median of the rounds' ratios, so that the speed of
the machine and whoever else uses it cancel. Garbage collection is left as Python has it, as in
production; what is garbage before a group is collected first.

The limits are those of the design's section 10, in units that a machine's speed does not change:
``expected`` is the design's own figure where it is a ratio, else what was measured when the
design's absolute figure was last seen to hold; ``slack`` is what noise and other machines may add.
A timed group with a figure over its limit is measured again, with twice the rounds, and that
counts.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

from tests.bench.product import Product, process
from tests.bench.site import SEEDS, Site, kept, ratio

LEARN = {"timer-wfi": 100, "migrate": 80, "smp-mix": 100}
"""Executions after which the tables of what was met have learnt nearly all of a scenario."""
AGAIN = {"timer-wfi": 60, "migrate": 30, "smp-mix": 16}
"""Executions over which the memory they keep is measured."""


class Figure(NamedTuple):
    """A figure and its limit: ``expected`` x ``slack``."""

    name: str
    value: float
    expected: float
    slack: float

    @property
    def limit(self) -> float:
        return self.expected * self.slack

    @property
    def over(self) -> bool:
        return self.value > self.limit

    def __str__(self) -> str:
        end = "  OVER" if self.over else ""
        share = self.value / self.limit
        return f"{self.name:54}{self.value:9.3f}{self.limit:9.3f}{self.slack:7.2f}{share:6.0%}{end}"


HEAD = f"{'':54}{'measured':>9}{'limit':>9}{'slack':>7}{'used':>6}"
Sites = Sequence[Site]
Group = Callable[[Sites, int], Iterator[Figure]]


def direct(sites: Sites, rounds: int) -> Iterator[Figure]:
    """CPU time of whole executions on the direct engine, all rules on, to the bare coroutines.

    Starting and ending the executions counts on both sides. The design wants 150,000 steps/s.
    """
    expected = {"timer-wfi": 3.7, "migrate": 3.7, "smp-mix": 3.9}
    for site in sites:
        value = ratio(rounds, partial(site.run, "direct"), site.bare)
        yield Figure(f"direct / bare, {site.scenario}", value, expected[site.scenario], 1.25)


def guest_rules(sites: Sites, rounds: int) -> Iterator[Figure]:
    """What the guest's own rules (``model.rules.guest``) add to a step: at most 15 %.

    ``--rules kvm`` leaves them out, and the other rules of what a guest suffers with them.
    """
    for site in sites:
        value = ratio(rounds, partial(site.run, "direct"), site.run_without_guest)
        yield Figure(f"all rules / without the guest's own, {site.scenario}", value, 1.10, 1.045)


def trio(sites: Sites, rounds: int) -> Iterator[Figure]:
    """CPU time of the same executions under Trio, to direct plus their bare Trio hand-offs.

    The Trio engine's start and the making of its actors do not count; starting each execution does.
    """
    for site in sites:
        direct_too, under_trio = (partial(site.run, engine) for engine in ("direct", "trio"))
        value = ratio(rounds, under_trio, direct_too, site.hand_offs)
        yield Figure(f"trio / (direct + bare hand-offs), {site.scenario}", value, 1.25, 1.04)


def execution(sites: Sites, rounds: int) -> Iterator[Figure]:
    """What an execution costs beside its steps: executions that end after their first step.

    Direct, to as many bare coroutines started, let go once and ended. Trio, to that of direct plus
    the bare hand-offs that start as many Trio tasks. The design wants 150 and 250 us.
    """
    expected = {"timer-wfi": 2.8, "migrate": 2.55, "smp-mix": 2.65}
    for site in sites:
        direct_too, under_trio = (partial(site.start, engine) for engine in ("direct", "trio"))
        name = site.scenario
        value = ratio(rounds, direct_too, site.bare_start)
        yield Figure(f"direct execution / bare, {name}", value, expected[name], 1.25)
        value = ratio(rounds, under_trio, direct_too, site.start_hand_offs)
        yield Figure(f"trio execution / (direct + bare hand-offs), {name}", value, 1.25, 1.2)


def guards(sites: Sites, rounds: int) -> Iterator[Figure]:
    """How many guards are asked per step, counted: a guard whose reads nobody wrote is not asked.

    ``rounds`` does not matter: the count is the same every time.
    """
    expected = {"timer-wfi": 1.8, "migrate": 2.0, "smp-mix": 2.9}
    for site in sites:
        asked = steps = 0
        for world in site.worlds["direct"]:
            for seed in site.seeds:
                counts = site.product.guards_asked(world, seed)
                asked += counts[0]
                steps += counts[1]
        name = f"guards asked per step, {site.scenario}"
        yield Figure(name, asked / steps, expected[site.scenario], 1.15)


def choices(sites: Sites, rounds: int) -> Iterator[Figure]:
    """What recording the steps' choices adds to executions on the direct engine (first scenario).

    To the same executions by the same engine with the recording taken out of its source.
    """
    site = sites[0]
    without = site.product.unrecorded()
    value = ratio(2 * rounds, partial(site.run, "direct"), partial(site.run, "direct", without))
    yield Figure(f"recording choices: with / without, {site.scenario}", value, 1.05, 1.0)


def recording(sites: Sites, rounds: int) -> Iterator[Figure]:
    """What a step costs that is recorded into a file, as ``record`` does it, to a plain step.

    Executions of one schedule per era, whole: the file, its header and its footer count. Building
    the world, which ``record`` does each time, does not: it is timed without recording, too, and
    only what recording adds counts, plus the plain execution on a world that is there. A recorded
    step may cost three plain ones, and a quarter more as noise; 140 steps (timer-wfi) also carry
    the file.
    """
    limit = {"timer-wfi": 4.5, "migrate": 3.0, "smp-mix": 3.0}
    for site in sites:
        schedules = [site.product.schedule(spec, site.seeds[0]) for spec in site.specs]
        value = 1 + ratio(max(7, rounds), partial(site.recording, schedules), site.run_one)
        yield Figure(f"recorded / plain step, {site.scenario}", value, limit[site.scenario], 1.25)


def prefix(sites: Sites, rounds: int) -> Iterator[Figure]:
    """Blind replay of whole recorded prefixes, without what it takes to begin, per bare step.

    The bare step is that of the same scenario's traces. The design wants 1.5 us a step.
    """
    expected = {"timer-wfi": 1.1, "migrate": 1.05, "smp-mix": 1.1}
    for site in sites:
        made = [site.product.prefixes(spec, site.seeds) for spec in site.specs]
        value = ratio(rounds, partial(site.replay_step, made), site.bare_step)
        name = f"blind replay, a step / bare, {site.scenario}"
        yield Figure(name, value, expected[site.scenario], 1.3)


def memory(sites: Sites, rounds: int) -> Iterator[Figure]:
    """Bytes (by tracemalloc) that an execution leaves behind; a leak of 150 bytes is over.

    "Again": executions that ran before, so that no table of what was met has anything to learn;
    what stays is kept per execution. Direct engine, and the first scenario under Trio, too.
    "New": executions never run before, after LEARN others, in which tables may still learn a
    little; without the engine's table of candidates, which goes on learning up to a bound.
    ``rounds`` does not matter: nothing here is timed.
    """
    for site in sites:
        product, spec, count = site.product, site.specs[-1], AGAIN[site.scenario]
        for engine in ("direct", "trio") if site is sites[0] else ("direct",):
            tracemalloc.start()
            try:
                world = product.world(spec, engine)
                again = [kept(product, engine, world, range(count)) for _ in range(3)]
                name = f"{site.scenario} {engine}"
                yield Figure(f"bytes kept per execution, again, {name}", again[-1], 50, 2.0)
                if engine == "direct":
                    learnt = LEARN[site.scenario]
                    product.run(engine, world, range(learnt))
                    seeds = range(learnt, learnt + count)
                    new = kept(product, engine, world, seeds, product.forget_candidates)
                    yield Figure(f"bytes kept per execution, new, {name}", new, 75, 2.0)
            finally:
                tracemalloc.stop()


def help_text(sites: Sites, rounds: int) -> Iterator[Figure]:
    """CPU time, user and system, of a process that prints ``vgic-race --help``.

    To a process that only imports click; and by itself, which the design holds under 0.3 s.
    """
    seconds: list[float] = []

    def measured() -> float:
        seconds.append(sites[0].product.help())
        return seconds[-1]

    value = ratio(max(5, rounds // 2), measured, lambda: process("import click"))
    yield Figure("--help / import click", value, 1.3, 1.3)
    yield Figure("--help, CPU seconds", median(seconds), 0.3, 1.0)


GROUPS: tuple[Group, ...] = (
    direct, guest_rules, trio, execution, guards, choices, recording, prefix, memory, help_text,
)  # fmt: skip

COUNTED: tuple[Group, ...] = (guards, memory)
"""Groups that come to the same every time: measuring them again is of no use."""


def measure(
    product: Product,
    groups: Sequence[Group] = GROUPS,
    scenarios: Sequence[str] = tuple(SEEDS),
    *,
    rounds: int = 11,
) -> list[Figure]:
    """Measure the groups on the scenarios; what is over its limit once more (see above)."""
    sites = [Site(product, scenario) for scenario in scenarios]
    figures = []
    for group in groups:
        gc.collect()
        measured = list(group(sites, rounds))
        if group not in COUNTED and any(figure.over for figure in measured):
            measured = list(group(sites, 2 * rounds))
        figures += measured
    return figures


def judge(figures: Sequence[Figure]) -> list[str]:
    """Return the names of the figures over their limits."""
    return [figure.name for figure in figures if figure.over]


def table(title: str, figures: Sequence[Figure]) -> str:
    """Return the figures as text."""
    return "\n".join(["", title, HEAD, *map(str, figures)])
