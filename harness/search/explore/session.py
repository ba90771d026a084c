"""What a memo knows that states are made of, from one session to another."""

from typing import Any

from harness.search.explore.memo import Memo
from harness.search.explore.place import Place, Recipe

__all__ = ["restore", "tables_of"]


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
