"""Symmetry: executions that are others with the VCPUs, and their CPUs, renamed.

Where all VCPUs run the same program, none of which names a VCPU, where each has a CPU of its own to
begin with, and where no device belongs to one of them, a renaming of VCPUs and CPUs makes an
execution of an execution. Executions begin in several ways, by what the host scheduler has drawn:
whom it preempts first, and where it puts that thread. Of beginnings that are renamings of each
other one is searched: what is broken behind one is broken behind all. (Clarke, Enders, Filkorn and
Jha, "Exploiting Symmetry in Temporal Logic Model Checking", 1996, do so with each state; here the
beginnings are all that is worth it.)

That the code treats VCPUs alike is not taken on trust: the first states behind two such beginnings
are counted, level by level and task by task.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Final

from harness.scenarios.schema import Scenario
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Beginning
from harness.search.explore.place import Draws

__all__ = ["is_symmetric", "mirrors"]

PRIVATE: Final = frozenset(
    ("idle", "irqs", "pidle", "pmr", "ppi", "ptimer", "spin", "timer", "tval", "user", "work")
)
"""The instructions that name no VCPU, and no device."""
COMPARED: Final = 2_000
"""So many states behind two beginnings are counted."""
OF_VCPU, OF_CPU = "vsq", "ildpm"
"""The first letters of the names of tasks that a VCPU has, and a CPU."""
VCPUS_MAX: Final = 4


def is_symmetric(scenario: Scenario) -> bool:
    """Tell whether VCPUs can be renamed in a scenario, as far as it says."""
    programs = {vcpu.program for vcpu in scenario.vcpu}
    return (
        1 < len(scenario.vcpu) == scenario.pcpus <= VCPUS_MAX
        and len(programs) == 1
        and all(line.split()[0] in PRIVATE for line in scenario.vcpu[0].program)
        and not scenario.device
        and not scenario.forward
        and not scenario.resets
        and not scenario.saves
    )


def mirrors(scenario: Scenario, graph: Graph, roots: Mapping[int, Beginning]) -> dict[int, int]:
    """Return the beginnings that need not be searched, each with the one that it mirrors.

    Args:
        scenario: what is run.
        graph: its states.
        roots: all beginnings, by their states.

    """
    if not is_symmetric(scenario):
        return {}
    by_draws = {root.draws: state for state, root in roots.items()}
    found: dict[int, int] = {}
    for names in permutations(range(len(scenario.vcpu))):
        for state, root in roots.items():
            other = by_draws.get(renamed(root.draws, names))
            if state in found or other is None or other == state or other in found:
                continue
            if other < state:  # one of each pair
                continue
            ahead = levels(graph, state, names)
            if ahead is not None and ahead == levels(graph, other, range(len(names))):
                found[other] = state
    return found


def renamed(made: Draws, names: Sequence[int]) -> Draws:
    """Return draws with VCPUs and CPUs renamed."""
    return tuple(
        (name, names[n] if name in ("preempted-vcpu", "placed-on") else n, k) for name, n, k in made
    )


def levels(graph: Graph, root: int, names: Sequence[int]) -> list[Counter[tuple[str, int]]] | None:
    """Count the steps to each distance from a beginning, by task; None: something is broken.

    ``names`` renames the VCPUs and CPUs in the names of tasks.
    """
    slots = graph.memo.slots
    renames = []
    for slot in slots:
        kind, number = slot.name[0], slot.name[1:]
        renamed = number.isdigit() and kind in OF_VCPU + OF_CPU
        renames.append((kind, names[int(number)]) if renamed else (slot.name, 0))
    counted, broken = (graph.transitions, graph.ends), len(graph.broken)
    level, seen = [root], {root}
    found: list[Counter[tuple[str, int]]] = []
    while level and len(seen) < COMPARED:
        steps: Counter[tuple[str, int]] = Counter()
        fresh = []
        for state in level:
            for then, task in zip(graph.successors(state), graph.movers, strict=True):
                steps[renames[task]] += 1
                if then not in seen:
                    seen.add(then)
                    fresh.append(then)
        steps["states", len(fresh)] += 1
        found.append(steps)
        level = fresh
    graph.transitions, graph.ends = counted
    if len(graph.broken) > broken:
        del graph.broken[broken:]
        return None
    return found
