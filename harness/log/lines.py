"""Lines of a log as ready-made types: for each kind of line, what it has and in which order.

A line is built from a :class:`Moment` in one go and encoded later, many at a time, both in C; so
writing everything down costs little more than taking the step. ``harness.log.flat`` says the same
for one fact at a time, and a test holds the two against each other.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from harness.log.flat import FLAT
from harness.log.lives import ABOUT
from harness.log.registry import NEGATED
from model.facts import Fact
from model.gic.lr import Lr

__all__ = ["FactLines", "Maker", "Moment", "fact_lines", "make_step"]

PCPU, VCPU, LIFE, FIRST_LR = 1, 2, 4, 8
"""Bits of a line's shape: what it has that another line of the same kind may lack.

From ``FIRST_LR`` on, a bit for each List Register of the fact: it names an interrupt.
"""
HEAD = ("seq", "t", "step", "task")


class Moment:
    """What is known when a line is written; ``pcpu`` and ``vcpu`` are the acting task's.

    ``before`` is the other value of a fact's one bit. What a line does not have is not looked at.
    """

    __slots__ = (
        "before", "fact", "life", "op", "pcpu", "phase", "seq", "step", "t", "task", "vc", "vcpu",
    )  # fmt: skip

    seq: int
    t: int
    step: int
    task: str
    op: str
    phase: str
    pcpu: int | None
    vcpu: int | None
    fact: Fact
    before: bool
    life: int | None
    vc: tuple[int, ...]


class Maker(NamedTuple):
    """A type of line, and what takes its values out of a moment: ``line(*values(moment))``."""

    line: Callable[..., Any]
    values: Callable[[Moment], tuple[Any, ...]]


def maker(kind: str, places: dict[str, str]) -> Maker:
    """Return the maker of lines with these fields, each from its place in a moment."""
    title = "".join(word.title() for word in kind.split("-"))
    line = msgspec.defstruct(
        f"{title}Line",
        [(name, Any) for name in places],
        tag_field="event",
        tag=kind,
        frozen=True,
        gc=False,
    )
    return Maker(line, attrgetter(*places.values()))


@cache
def make_step(pcpu: bool, vcpu: bool) -> Maker:
    """Return the maker of a step's lines; the task works on a CPU, for a VCPU, or not."""
    places = {name: name for name in (*HEAD, "op", "phase")}
    places |= {name: name for name, is_there in (("pcpu", pcpu), ("vcpu", vcpu)) if is_there}
    return maker("step", {**places, "vc": "vc"})


class FactLines:
    """How lines of one kind of fact are made; ``makers`` has those of the shapes met so far."""

    def __init__(self, cls: type[Fact]) -> None:
        self.cls = cls
        self.kind = cls.KIND
        self.is_about = cls in ABOUT
        self.negated = NEGATED.get(cls.KIND, "")
        fields = [field.name for field in msgspec.structs.fields(cls) if field.type is Lr]
        self.lrs = tuple(
            (FIRST_LR << i, attrgetter(f"{name}.vintid")) for i, name in enumerate(fields)
        )
        self.makers: dict[int, Maker] = {}

    def line(self, moment: Moment) -> Any:
        """Make the line of the moment's fact; ``moment.life`` is None where it has none."""
        shape = 0
        if moment.pcpu is not None:
            shape = PCPU
        if moment.vcpu is not None:
            shape |= VCPU
        if moment.life is not None:
            shape |= LIFE
        if self.lrs:
            for bit, vintid in self.lrs:
                if vintid(moment.fact):
                    shape |= bit
        elif self.negated:
            moment.before = not getattr(moment.fact, self.negated)
        made = self.makers.get(shape)
        if made is None:
            made = self.makers[shape] = make_fact(self.cls, shape)
        return made[0](*made[1](moment))


@cache
def fact_lines(cls: type[Fact]) -> FactLines:
    """Return how lines of a kind of fact are made."""
    return FactLines(cls)


def make_fact(cls: type[Fact], shape: int) -> Maker:
    """Return the maker of lines of a kind of fact and of one shape."""
    places = {name: name for name, bit in (("pcpu", PCPU), ("vcpu", VCPU)) if shape & bit}
    if cls.KIND in NEGATED:
        places["before"] = "before"
    bit = FIRST_LR
    for field in msgspec.structs.fields(cls):
        name, path = field.name, f"fact.{field.name}"
        if field.type not in FLAT:
            places[name] = path
            continue
        for part in field.type.__struct_fields__:
            places[f"{name}_{part}"] = f"{path}.{part}"
        if field.type is Lr:
            if shape & bit:
                places["vintid"] = f"{path}.vintid"
            bit <<= 1
    if shape & LIFE:
        places["life"] = "life"
    return maker(cls.KIND, {**{name: name for name in HEAD}, **places, "vc": "vc"})
