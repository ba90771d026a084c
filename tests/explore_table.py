"""What exploring says: each built-in scenario in each era, and each patch of the museum.

``python -m tests.explore_table [scenarios|museum|PATCH]`` prints it as Markdown, at the sizes of
the scenarios' ``[explore]`` tables. Seconds and states a second are of CPU time.
"""

import sys
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from harness.catalogue.shows import SHOWS
from harness.scenarios.schema import ForwardSpec, Scenario, VcpuSpec, builtin_names, load_builtin
from harness.search.case import Case
from harness.search.explore.entry import Entry, smaller
from harness.search.explore.explore import explore
from harness.search.explore.explored import Explored, ExploreLimits
from harness.spec import RunSpec
from harness.variants import ERAS
from harness.verdict import VIOLATED

__all__ = ["OWN", "PATCHES", "case_of", "case_of_patch", "main", "museum", "scenarios"]

LIMITS: Final = ExploreLimits(seconds=3_600, memory_mb=3_000)
WITHOUT: Final = ExploreLimits(states=1_000_000, memory_mb=3_000)
"""So far the era without a patch is looked at."""


def forward(kind: str, events: int) -> tuple[ForwardSpec, ...]:
    """Return a passthrough device of the second CPU."""
    return (ForwardSpec(kind, 8192 if kind == "lpi" else 50, pcpu=1, events=events),)  # type: ignore[arg-type]


def programs(*lines: str) -> tuple[VcpuSpec, ...]:
    """Return guests, each given by its lines with commas between them."""
    return tuple(VcpuSpec(tuple(x.strip() for x in each.split(","))) for each in lines)


TWO_CPUS: Final[dict[str, Any]] = {"pcpus": 2, "preemptions": 0}
OVERFLOW: Final[dict[str, Any]] = {"vcpu": programs("timer 60, wait, idle 1"), "preemptions": 0}
SMALLEST_F3: Final = Scenario(
    name="F3 at its smallest",
    title="another VCPU makes an SPI active",
    pcpus=2,
    vcpu=programs("work 1", "activate 80"),
    forward=(ForwardSpec(intid=50, kind="edge", events=1),),
)
F3_VARIANTS: Final = "tests/race/explore/f03_variants.py"
MODES_MOVED, RECHECKED = f"{F3_VARIANTS}:ModesMoved", f"{F3_VARIANTS}:Rechecked"
F3: Final = ("v7.2+F3", MODES_MOVED, RECHECKED)
"""As shipped, and two ways to mend it: all at the smallest size, for the rule that F3 breaks."""
REMOTE: Final = load_builtin("remote")
WITH_HANDLER: Final[dict[str, Any]] = {
    "vcpu": (*programs("read active 2 1"), REMOTE.vcpu[1]),
    "forward": REMOTE.forward,
}
OWN: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "4": ("the PPI masked", {"vcpu": programs("timer 100, spin 1 2, ppi off, timer 50, spin 2 2")}),
    "30": ("a second CPU", {**TWO_CPUS, "forward": forward("level", 1)}),
    "57": ("a second CPU", {**TWO_CPUS, "forward": forward("level", 2)}),
    "31": ("a second CPU", {**TWO_CPUS, "forward": forward("lpi", 2)}),
    "44": ("a fourth interrupt", OVERFLOW),
    "prune-recheck": ("a second CPU", {"pcpus": 2}),
    "F2": ("a second CPU", {"pcpus": 2}),
    "F10": (
        "a second guest and CPU",
        {**TWO_CPUS, "vcpu": programs("ptimer 60, work 1", "timer 80")},
    ),
    "bound-3": ("the PPI masked", {"vcpu": programs("timer 100, spin 1 2, ppi off")}),
    "ipi-lost": (
        "a second guest and CPU",
        {**TWO_CPUS, "vcpu": programs("work 1", "activate 80"), "forward": forward("lpi", 1)},
    ),
    "12": ("its own handler and device", WITH_HANDLER),
    "50-end": ("its own handler and device", WITH_HANDLER),
    "43-far": ("a second CPU", {"pcpus": 2}),
    "F9": ("a timer switched off", {"vcpu": programs("ptimer 60, ptimer off")}),
}
"""What patches need that stay proved at the scenario's own size, and that in its fields."""

ELSEWHERE: Final[dict[str, str]] = {
    "v4.14+8": "timer-busy",
    "v7.2+F9": "timer-phys",
    "v4.14+ipi-lost": "lpi",
    "v7.2+ipi-lost": "lpi",
}
"""Patches that another scenario's smaller one shows sooner than that of the sampled tests, or that
those do not show."""
PATCHES: Final = (*SHOWS, *[x for x in (*ELSEWHERE, *F3) if x not in SHOWS])
"""All rows of the table of the museum."""
AS_THEY_ARE: Final = frozenset({"v4.14+30", "v4.14+57"})
"""Patches that need nothing of their own in this era."""


def case_of(scenario: str, variant: str) -> Case:
    """Return a built-in scenario at the size at which it is explored."""
    return Case.of(RunSpec.make(scenario, variant, toml=smaller(scenario)))


def case_of_patch(variant: str) -> tuple[Case, str]:
    """Return the case in which a patch is looked for, and what it has of its own."""
    if variant in F3:
        return Case(SMALLEST_F3, variant, rules=("I8",)), f"{SMALLEST_F3.name}, rule I8"
    scenario = ELSEWHERE.get(variant) or SHOWS[variant][0]
    case = case_of(scenario, variant)
    patch = variant.partition("+")[2]
    if patch not in OWN or variant in AS_THEY_ARE:
        return case, scenario
    words, fields = OWN[patch]
    return case.replace(**fields), f"{scenario}, with {words}"


def era_of(variant: str) -> str:
    """Return the era that a patch changes."""
    return next((era for era in ERAS if variant.startswith(f"{era}+")), "v7.2")


def said(explored: Explored) -> str:
    """Return the verdict in words."""
    if explored.verdict != VIOLATED:
        return explored.verdict + (f" ({explored.bound})" if explored.bound else "")
    failure = explored.failure
    assert failure is not None
    rules = ", ".join(sorted({violation.rule for violation in failure.violations}))
    if failure.stem >= 0:
        return (
            f"{explored.verdict}: livelock of {failure.cycle} steps behind {failure.stem} ({rules})"
        )
    return f"{explored.verdict} in {failure.steps} steps: {rules}"


def row(case: Case, explored: Explored) -> str:
    """Return a line of the table of scenarios."""
    cpu = max(explored.cpu_seconds, 1e-3)
    cells = (
        case.scenario.name,
        case.variant,
        f"{explored.states:,}",
        f"{explored.transitions:,}",
        f"{explored.depth}",
        f"{explored.cpu_seconds:.1f}",
        f"{explored.states / cpu:,.0f}",
        f"{explored.memory_mb:.0f}",
        said(explored),
    )
    return f"| {' | '.join(cells)} |"


def scenarios(names: Iterable[str]) -> None:
    """Print the table of scenarios, and their bounds."""
    print("| scenario | era | states | steps | depth | s | states/s | MiB | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    bounds = []
    for name in names:
        for era in ERAS:
            case = case_of(name, era)
            print(row(case, explore(case, LIMITS)), flush=True)
        bounds.append(f"- **{name}**: {Entry(case).bounds(LIMITS)}")
    print()
    print("\n".join(bounds))


def museum(variants: Iterable[str]) -> None:
    """Print the table of the museum; the era without the patch is looked at in the same case."""
    print("| patch | scenario | states | s | verdict | without it |")
    print("|---|---|---|---|---|---|")
    eras: dict[bytes, Explored] = {}
    for variant in variants:
        case, where = case_of_patch(variant)
        explored = explore(case, LIMITS)
        era = msgspec.structs.replace(case, variant=era_of(variant))
        without = eras.get(era.id)
        if without is None:
            without = eras[era.id] = explore(era, WITHOUT, shortest=False)
        cells = (
            variant, where, f"{explored.states:,}", f"{explored.cpu_seconds:.1f}", said(explored),
            f"{said(without)}, {without.states:,} states",
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


def main(which: str) -> None:
    """Print the tables."""
    if which in ("scenarios", "whole"):
        scenarios([name for name in builtin_names() if load_builtin(name).explore is not None])
    if which in ("museum", "whole"):
        museum(PATCHES)
    elif which != "scenarios":
        museum([which])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "whole")
