"""What is not known can be passed on, and not looked at; what is known of it counts."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from model.check.table import Keys, Table, UnknownTable, add, drop, get, has, put, remove
from model.check.unknown import NO_BITS, UNKNOWN, Unknown, UnknownBits

LOOKS: tuple[Callable[[Any], object], ...] = (
    bool, len, list, str, hash, operator.neg, operator.invert, operator.index,
    lambda x: x == 1, lambda x: x == 1, lambda x: x != 1, lambda x: x < 1, lambda x: x > 1,
    lambda x: x + 1, lambda x: 1 + x, lambda x: x & 1, lambda x: 1 | x, lambda x: x >> 1,
    lambda x: x.state, lambda x: x[0], lambda x: 1 in x, lambda x: [1][x], lambda x: {x: 1},
    lambda x: f"{x:#x}", lambda x: (x, 2) != (1, 2), lambda x: max(x, 1),
)  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_at_what_is_not_known_learns_so(look: Callable[[Any], object]) -> None:
    with pytest.raises(Unknown):
        look(UNKNOWN)


def test_it_may_be_kept_and_passed_on() -> None:
    kept = (UNKNOWN, 1)
    value, one = kept
    assert value is UNKNOWN
    assert one == 1
    assert repr(kept) == "(UNKNOWN, 1)"


WIDTH = 6
masks = st.integers(0, 2**WIDTH - 1)


def possible(value: int, known: int) -> list[int]:
    """All numbers that a mask may stand for."""
    return [x for x in range(2**WIDTH) if x & known == value & known]


def answers(ask: Callable[[Any], Any], value: int, known: int) -> set[Any]:
    return {ask(x) for x in possible(value, known)}


QUESTIONS: tuple[Callable[[Any], Any], ...] = (
    bool,
    lambda x: bool(x >> 3 & 1),
    lambda x: bool(x & 0b101),
    lambda x: bool((x | 0b10) >> 1 & 1),
    lambda x: bool((x & ~0b10) >> 1 & 1),
    lambda x: bool(~x & 0b11),
)


@given(masks, masks, st.sampled_from(QUESTIONS))
def test_a_mask_known_in_part_answers_what_is_certain(
    value: int, known: int, ask: Callable[[Any], Any]
) -> None:
    # Bits beyond the width are known to be clear.
    mask = UnknownBits(value, known | ~(2**WIDTH - 1))
    certain = answers(ask, value, known)
    try:
        answer = ask(mask)
    except Unknown:
        assert len(certain) == 2
    else:
        assert certain == {answer}


def test_a_mask_becomes_known_bit_by_bit() -> None:
    mask: Any = NO_BITS
    mask |= 1 << 27
    assert mask >> 27 & 1
    with pytest.raises(Unknown):
        bool(mask >> 26 & 1)
    mask &= ~(1 << 26)
    assert not mask >> 26 & 1
    assert mask & (1 << 27 | 1 << 26) == 1 << 27


def test_a_table_becomes_known_key_by_key() -> None:
    table: Table[int, str] = UnknownTable(universe=(0, 1, 2))  # type: ignore[assignment]
    table = put(table, 1, "a")
    assert get(table, 1, "") == "a"
    with pytest.raises(Unknown):
        get(table, 0, "")
    with pytest.raises(Unknown):
        len(table)
    with pytest.raises(Unknown):
        list(table)
    table = drop(table, 0)
    assert get(table, 0, "none") == "none"
    table = put(table, 2, "b")
    assert table == ((1, "a"), (2, "b"))


def test_so_does_a_set() -> None:
    keys: Keys[int] = UnknownTable(universe=(4, 7), is_set=True)  # type: ignore[assignment]
    keys = remove(keys, 7)
    assert not has(keys, 7)
    with pytest.raises(Unknown):
        has(keys, 4)
    assert add(keys, 4) == (4,)
