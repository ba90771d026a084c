"""Lines made in one go have the bytes that the plain way gives, for every kind and shape."""

from itertools import product
from typing import Any

import msgspec
import pytest

from harness.log.flat import fact_fields
from harness.log.lines import Moment, fact_lines, make_step
from harness.log.lives import ABOUT
from harness.log.writer import MemoryLog, ordered
from model.facts import KINDS, Fact
from model.gic.lr import EMPTY, Lr
from tests.unit.log.test_registry import sample

PLACES: tuple[tuple[int | None, int | None], ...] = ((None, None), (7, None), (None, 8), (7, 8))


def moment(pcpu: int | None, vcpu: int | None) -> Moment:
    at = Moment()
    at.seq, at.t, at.step, at.task, at.vc = 5, 100, 9, "v0", (1, 0, 22)
    at.pcpu, at.vcpu = pcpu, vcpu
    return at


def places(at: Moment) -> dict[str, int]:
    both = {"pcpu": at.pcpu, "vcpu": at.vcpu}
    return {name: value for name, value in both.items() if value is not None}


def plainly(at: Moment, event: str, fields: dict[str, Any]) -> bytes:
    head = {"seq": at.seq, "t": at.t, "step": at.step, "task": at.task}
    return msgspec.json.encode(ordered(event, {**head, **fields, "vc": at.vc})) + b"\n"


def quickly(line: Any) -> bytes:
    log = MemoryLog()
    log.put(line)
    return log.data()


def variations(kind: str) -> list[Fact]:
    """Facts of a kind; of one with List Registers, with and without a vINTID in each."""
    fact = sample(kind)
    names = [name for name in fact.__struct_fields__ if isinstance(getattr(fact, name), Lr)]
    some: list[Fact] = []
    for lrs in product((EMPTY, Lr(vintid=60, state=2)), repeat=len(names)):
        some.append(msgspec.structs.replace(fact, **dict(zip(names, lrs, strict=True))))
    return some


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact(kind: str) -> None:
    for fact, place, life in product(variations(kind), PLACES, (None, 0, 4)):
        if life is not None and type(fact) not in ABOUT:
            continue
        at = moment(*place)
        at.fact, at.life = fact, life
        fields = places(at) | fact_fields(fact)
        if life is not None:
            fields["life"] = life
        assert quickly(fact_lines(type(fact)).line(at)) == plainly(at, kind, fields)


def test_a_step() -> None:
    for place in PLACES:
        at = moment(*place)
        at.op, at.phase = 'a "b"', "search"
        line, values = make_step(at.pcpu is not None, at.vcpu is not None)
        fields = {"op": at.op, "phase": at.phase, **places(at)}
        assert quickly(line(*values(at))) == plainly(at, "step", fields)
