"""A search, from one session to another: where it is, and what a memo knows of its states."""

from typing import TYPE_CHECKING, Any

from harness.search.explore.memo import Memo
from harness.search.explore.packed import WIDTH
from harness.search.explore.place import Place, Recipe
from harness.search.explore.space import FewSwitches
from harness.search.explore.store import Saved
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.touched import member
from harness.spec import portable

if TYPE_CHECKING:
    from harness.search.explore.explore import Exploration

__all__ = ["restore", "resume", "saved_of", "tables_of"]


def tables_of(memo: Memo) -> dict[str, Any]:
    """Return what states are made of, and how places are come to, as plain values."""
    return {
        "values": [values.keys for values in (*memo.values, *memo.rules.values)],
        "places": [[place.recipe.plain() for place in places] for places in memo.places],
    }


def restore(memo: Memo, tables: dict[str, Any]) -> None:
    """Take up the tables of an earlier session: walk to each place, and look what is there.

    Raises:
        ValueError: they are not of this case.
        FootprintError: a walk leads elsewhere.

    """
    for values, keys in zip((*memo.values, *memo.rules.values), tables["values"], strict=True):
        values.restore(keys)
    for task, plain in enumerate(tables["places"]):
        places = memo.places[task]
        nowhere = Recipe(None, 0, (), (), ())
        places += [Place(task, n, None, nowhere) for n in range(len(plain))]
        for place, (before, k, slots, numbers, given, depth) in zip(places, plain, strict=True):
            at = None if before < 0 else places[before]
            place.recipe = Recipe(at, k, slots, numbers, given)
            place.recipe.depth = depth
        for place in sorted(places, key=lambda place: place.recipe.depth):
            coroutine = memo.take(place)
            memo.numbers[task][place.key] = place
            if not place.returned:
                place.parked.append(coroutine)
        if len(memo.numbers[task]) < len(places):
            raise ValueError("two places are one and the same")


def saved_of(exploration: "Exploration") -> Saved:
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


def resume(exploration: "Exploration", saved: Saved) -> None:
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


def plain_of(space: Stubborn) -> dict[str, Any]:
    """Return what a search has learnt of its tasks, as plain values."""
    bits, futures = space.memo.bits, space.futures
    numbers = {node: n for n, node in enumerate(futures.nodes)}
    return {
        "nodes": futures.plain(),
        "times": list(bits.times.bits),
        "members": [list(keys) for keys in bits.numbers.values()],
        "ticks": [(numbers[node], span) for node, span in space.ticks],
        "believed": space.believed(),
    }


def take_up(space: Stubborn, plain: dict[str, Any]) -> None:
    """Let a search know what an earlier session has learnt.

    Raises:
        ValueError: it is not of this case.

    """
    bits, futures = space.memo.bits, space.futures
    for time in plain["times"]:
        bits.times.bit(time)
    for known, keys in zip(bits.numbers.values(), plain["members"], strict=True):
        known.clear()
        for key in keys:
            member(known, key)
    futures.restore(plain["nodes"])
    space.ticks = {(futures.nodes[n], span): None for n, span in plain["ticks"]}
    space.believe()
    if not plain["believed"]:
        space.trusted -= 1
