"""What a search knows that outlives its session: the values of parts, places, what was learnt."""

from typing import Any

from harness.search.explore.memo import Memo
from harness.search.explore.place import Place, Recipe
from harness.search.explore.stubborn import Stubborn
from harness.search.explore.touched import member

__all__ = ["plain_of", "restore", "tables_of", "take_up"]


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
