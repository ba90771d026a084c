"""States: made from annotations, parts like those of the machine; members by key."""

import pytest

from model.check.state import MembersPart, State
from model.check.table import Keys, Table, add, drop, get, has, put, remove
from model.check.unknown import UNKNOWN, Bits, Unknown


class Two(State):
    """Two fields."""

    n: int = 3
    name: str = ""


class Three(Two):
    """And a mask."""

    bits: Bits = 0


def test_fields_and_their_initial_values() -> None:
    state = Three()
    assert Three.FIELDS == ("n", "name", "bits")
    assert (state.n, state.name, state.bits) == (3, "", 0)
    assert state.key() == (3, "", 0)


def test_a_field_without_initial_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"n has no initial value"):
        type("Bad", (State,), {"__annotations__": {"n": int}})


def test_reset_key_and_restore() -> None:
    state = Three()
    state.n, state.bits = 7, 5
    key = state.key()
    state.reset()
    assert state.key() == Three().key() != key
    state.restore(key)
    assert (state.n, state.name, state.bits) == (7, "", 5)


def test_one_field_is_its_own_key() -> None:
    class One(State):
        n: int = 0

    state = One()
    state.restore(4)
    assert (state.n, state.key()) == (4, 4)


def test_members_are_made_when_asked_for_and_only_count_if_changed() -> None:
    part: MembersPart[Two] = MembersPart(Two)
    assert part.members[5].n == 3
    assert part.key() == ()
    part.members[9].n = 1
    part.members[2].n = 1
    assert part.key() == ((2, (1, "")), (9, (1, "")))
    other: MembersPart[Two] = MembersPart(Two)
    other.members[1].n = 8
    other.restore(part.key())
    assert other.key() == part.key()
    part.copy_to(other)
    part.reset()
    assert (part.key(), part.members) == ((), {})
    assert other.key() != ()


def test_forgotten_fields_are_unknown_but_those_excepted() -> None:
    state = Three()
    state.n = 4
    state.forget({(state, "n")})
    assert state.n == 4
    assert state.name is UNKNOWN
    with pytest.raises(Unknown):
        bool(state.bits)


def test_forgotten_members_are_unknown_and_so_are_new_ones() -> None:
    part: MembersPart[Two] = MembersPart(Two)
    part.members[1].n = 1
    part.forget()
    assert part.members[1].n is UNKNOWN
    assert part.members[2].n is UNKNOWN
    part.members[2].n = 5
    assert part.members[2].n == 5
    part.reset()
    assert part.members[2].n == 3


def test_tables_and_sets() -> None:
    table: Table[int, str] = ()
    table = put(put(put(table, 5, "b"), 1, "a"), 5, "c")
    assert table == ((1, "a"), (5, "c"))
    assert get(table, 5, "") == "c"
    assert get(table, 6, "none") == "none"
    assert put(drop(table, 1), 5, "d") == ((5, "d"),)
    assert drop(table, 6) == table
    keys: Keys[int] = ()
    keys = add(add(add(keys, 4), 2), 4)
    assert keys == (2, 4)
    assert has(keys, 4)
    assert not has(remove(keys, 4), 4)
    assert remove(keys, 9) == keys
