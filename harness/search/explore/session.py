"""A search, from one session to another: where it is, and what a memo knows of its states."""

from harness.search.explore.explore import Exploration
from harness.search.explore.packed import WIDTH
from harness.search.explore.space import FewSwitches
from harness.search.explore.store import Saved
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.tables import plain_of, tables_of, take_up
from harness.spec import portable

__all__ = ["resume", "saved_of"]


def saved_of(exploration: Exploration) -> Saved:
    """Return a search as a value, so that it can go on another time."""
    graph, search = exploration.graph, exploration.search
    width = (WIDTH * len(graph.packing.groups) + 31) // 8
    spec = exploration.case.spec
    futures = plain_of(exploration.space) if isinstance(exploration.space, Stubborn) else None
    return Saved(
        schedule=str(portable(spec.schedule_of(()))),
        bounds=(exploration.limits.switches, exploration.limits.preemptions),
        dead=exploration.reductions.dead,
        held_back=exploration.reductions.held_back,
        stubborn=exploration.reductions.stubborn,
        symmetric=exploration.reductions.symmetric,
        tables={**tables_of(graph.memo), **graph.packing.tables(), "futures": futures},
        progress={
            "path": search.path,
            "todo": search.todo,
            "depth": search.depth,
            "transitions": graph.transitions,
            "ends": graph.ends,
            "misses": graph.memo.misses,
            "checked": exploration.sample.checked,
            "unfair": exploration.unfair,
            "passes": exploration.passes,
            "cut": exploration.space.cut if isinstance(exploration.space, FewSwitches) else 0,
            "before": (exploration.seconds(), exploration.cpu_seconds()),
        },
        width=width,
        seen=b"".join([state.to_bytes(width, "little") for state in search.seen]),
    )


def resume(exploration: Exploration, saved: Saved) -> None:
    """Go to where an earlier session stopped."""
    graph, search, progress = exploration.graph, exploration.search, saved.progress
    search.seen = saved.states()
    search.path = progress["path"]
    search.todo = progress["todo"]
    search.depth = progress["depth"]
    graph.transitions = progress["transitions"]
    graph.ends = progress["ends"]
    graph.memo.misses = progress["misses"]
    exploration.sample.checked = progress["checked"]
    exploration.unfair = progress["unfair"]
    if isinstance(exploration.space, FewSwitches):
        exploration.space.cut = progress["cut"]
    exploration.before = progress["before"]
    exploration.passes = progress["passes"]
    if isinstance(exploration.space, Stubborn):
        take_up(exploration.space, saved.tables["futures"])
    exploration.noted = len(search.seen)
