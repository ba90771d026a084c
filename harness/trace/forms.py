"""How a text is read as an event: the forms of which ``harness.trace.formats`` is made.

Three: ``name=value`` pairs, in any order, as kprobe events and the scheduler print them; a list, as
``trace setup`` has it printed; and a sentence, for which there is a regular expression. A text that
says something else is malformed: ``Malformed``.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_type_hints

from harness.trace import events as ev
from harness.trace.events import Event

__all__ = [
    "Format", "Malformed", "Parse", "ap_list", "nothing", "number", "pairs", "says", "word",
]  # fmt: skip

Parse = Callable[[bytes], Event]


class Malformed(Exception):  # noqa: N818  # no error: such a line is counted
    """The text is not what the event of this name prints."""


class Format(NamedTuple):
    """How an event is read; ``same``: the same text comes again and again."""

    parse: Parse
    same: bool


U64 = 1 << 64
LIMITS = {
    "vcpu": 1 << 9,
    "group": 2,
    "prio": 256,
    "cpuid": 1 << 9,
    "tgt_id": 1 << 9,
    "cpu": 1 << 12,
    "orig_cpu": 1 << 12,
    "dest_cpu": 1 << 12,
    "intid": 1 << 32,
    "vintid": 1 << 32,
    "hwintid": 1 << 32,
    "irq": 1 << 31,
    "host_irq": 1 << 31,
    "pid": 1 << 31,
    "prev_pid": 1 << 31,
    "next_pid": 1 << 31,
    "lr": 16,
    "used": 17,
    "len": 1 << 16,
    "num": 1 << 32,
    "which": 4,
    "timer": 16,
}
"""What a number must be below (KVM_MAX_VCPUS, NR_CPUS, ...); any other fits 64 bits."""
SIGNED = frozenset({"dv", "dp", "ev", "ep", "level", "tgt_id", "vcpu", "cpu"})
"""These may be -1: none."""
NODE = re.compile(rb"([ni])(\d)=(\S+)")
HEAD = re.compile(rb"head=(\S+)")
VCPU = re.compile(rb"vcpu=(\S+)")
PAIR = re.compile(rb"([\w.]+)=(\S+)")
LR = re.compile(rb"lr(\d+)")
LONGEST = 24
"""No number is printed with more digits."""


def number(text: bytes | None, name: str, base: int = 0) -> int:
    """Return the number, decimal or (``base`` 16, or by a 0x) hexadecimal.

    Raises:
        Malformed: it is none, or larger than it can be.

    """
    if text is None or len(text) > LONGEST or b"_" in text:
        raise Malformed(name)
    try:
        value = int(text, 16 if base == 16 or text.startswith(b"0x") else 10)
    except ValueError:
        raise Malformed(name) from None
    if 0 <= value < LIMITS.get(name, U64) or (value == -1 and name in SIGNED):
        return value
    raise Malformed(name)


def bit(text: bytes | None, name: str) -> bool:
    """Return a bit, printed as 0 or 1.

    Raises:
        Malformed: it is neither.

    """
    if text not in (b"0", b"1", b"0x0", b"0x1"):
        raise Malformed(name)
    return text[-1:] == b"1"


def word(text: bytes | None, _name: str = "") -> str:
    """Return a text; "" if there is none."""
    return "" if text is None else text.decode("utf-8", "replace")


def kind_of(hint: Any) -> Callable[[bytes | None, str], Any]:
    """Return what reads a field of this type."""
    args = get_args(hint) or (hint,)
    if bool in args:
        return bit
    return number if int in args else word


# -- pairs -----------------------------------------------------------------------------------------


def pairs(cls: type[Event], *, required: tuple[str, ...] | None = None, **fixed: int) -> Format:
    """Return the format of an event that prints ``name=value`` pairs.

    ``required`` are those that it always prints (None: those without a default); ``fixed`` are
    fields that the event's name says.
    """
    hints = get_type_hints(cls)
    fields = [f for f in cls.__struct_fields__ if f not in fixed and f != "lrs"]
    read = {name.encode(): (name, kind_of(hints[name])) for name in fields}
    with_lrs = "lrs" in cls.__struct_fields__
    must = required
    if must is None:
        optional = len(cls.__struct_defaults__)
        whole = cls.__struct_fields__
        must = tuple(f for f in whole[: len(whole) - optional] if f in fields)

    def parse(text: bytes) -> Event:
        found: dict[str, Any] = dict(fixed)
        lrs: dict[int, int] = {}
        for name, value in PAIR.findall(text):
            reader = read.get(name)
            if reader is not None:
                if value != b"(fault)":
                    found[reader[0]] = reader[1](value, reader[0])
            elif with_lrs and (lr := LR.fullmatch(name)) and value != b"(fault)":
                lrs[number(lr[1], "lr")] = number(value, "")
        if any(name not in found for name in must):
            raise Malformed(text)
        if with_lrs:
            shown = 0
            while shown in lrs:
                shown += 1
            found["lrs"] = tuple(lrs[i] for i in range(shown))
        return cls(**found)

    return Format(parse, same=True)


def ap_list(cls: type[ev.FlushList | ev.EntryList]) -> Format:
    """Return the format of an event that prints a list: its head, its nodes, their INTIDs.

    The node whose address is the head's ends the list; what is printed behind it is noise, and so
    is what a node says that could not be read.
    """

    def parse(text: bytes) -> Event:
        vcpu, head = VCPU.search(text), HEAD.search(text)
        if vcpu is None or head is None or head[1] == b"(fault)":
            raise Malformed(text)
        nodes = {(kind, n): value for kind, n, value in NODE.findall(text)}
        listed: list[int] = []
        for n in map(b"%d".__mod__, range(10)):
            node, intid = nodes.get((b"n", n)), nodes.get((b"i", n))
            if node is None or b"(fault)" in (node, intid):
                break
            if node == head[1]:
                return cls(number(vcpu[1], "vcpu"), tuple(listed), whole=True)
            listed.append(number(intid, "intid"))
        return cls(number(vcpu[1], "vcpu"), tuple(listed), whole=False)

    return Format(parse, same=True)


# -- sentences -------------------------------------------------------------------------------------


def says(
    cls: type[Event], *patterns: str, same: bool = True, base: dict[str, int] | None = None
) -> Format:
    """Return the format of an event that prints a sentence; its groups are the fields by name.

    The first pattern that is found counts; ``base`` names the fields printed in hexadecimal
    without a 0x.
    """
    hints = get_type_hints(cls)
    forms = []
    for pattern in patterns:
        form = re.compile(pattern.encode())
        fields = [(name, i, kind_of(hints[name])) for name, i in form.groupindex.items()]
        forms.append((form.search, fields))
    bases = base or {}

    def parse(text: bytes) -> Event:
        for search, fields in forms:
            found = search(text)
            if found is not None:
                return cls(**{
                    name: number(found[i], name, bases[name]) if name in bases else
                    read(found[i], name)
                    for name, i, read in fields
                    if found[i] is not None
                })  # fmt: skip
        raise Malformed(text)

    return Format(parse, same)


def nothing(cls: type[Event]) -> Format:
    """Return the format of an event whose arguments do not matter."""
    return Format(lambda _text: cls(), same=True)
