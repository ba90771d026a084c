"""Which fields a step really touches, and what the clock and the timers make of them.

An announcement names whole parts, and for all cases; what a step does in one state is often a few
fields. Each real step, guard and rule of the explorer is looked at, field by field, and what it
read and wrote is kept with what it did: so that two steps are known to be independent that only
share parts. Besides the fields themselves there are bits for what follows from them:

- the values that a part derives from its state (``CACHES``), and the members of a rule's table;
- of a timer, its deadline: the clock looks at nothing else of it. ``sets`` are those bits, of steps
  that give a timer a deadline;
- of the clock, whether it has reached a time that somebody compares it with: that changes once.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from harness.search.explore.instant import Instant, plain
from model.check.state import Members, MembersPart
from model.check.views.clock import Moment
from model.host.thread import HrTimer
from model.part import Part
from model.timer import ENABLE, WRAP, Clock, HwTimer

__all__ = ["MEMBERS", "Bits", "Deadlines", "Times", "Touched", "member"]

MEMBERS: Final = 24
"""The bits of a table; keys beyond share them."""
DERIVED: Final = "derived"
DEADLINE: Final = "deadline"
SETS: Final = "sets"


class Times:
    """The times that the clock was compared with, each with a bit that says whether it has come.

    A read of the clock that is no comparison is in ``whole``.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.whole = 1 << first
        self.bits: dict[int, int] = {}

    def bit(self, time: int) -> int:
        """Return the bit of a time (virtual ns)."""
        found = self.bits.get(time)
        if found is None:
            found = self.bits[time] = 1 << self.first + 1 + len(self.bits)
        return found

    def passed(self, before: int, after: int) -> int:
        """Return what changes when the clock goes from one time to another."""
        mask = self.whole
        for time, bit in self.bits.items():
            if before < time <= after:
                mask |= bit
        return mask


class Bits:
    """A bit for each field of each part, and for what follows from fields.

    Args:
        parts: all parts, of the machine and of what hears facts, by name.

    """

    def __init__(self, parts: Iterable[tuple[str, Part]]) -> None:
        self.names: list[str] = []
        self.of: dict[int, dict[str, int]] = {}
        """By the identity of a part, the bit of each of its fields."""
        self.numbers: dict[int, dict[Any, int]] = {}
        """By the identity of a table, the keys that it was asked for, numbered."""
        self.clock: Clock | None = None
        clocks: list[Part] = []
        for name, part in parts:
            own = self.of[id(part)] = {}
            wanted = [*part.FIELDS]
            if isinstance(part, MembersPart):
                wanted = [f"member{n}" for n in range(MEMBERS)]
                self.numbers[id(part)] = {}
            if getattr(part, "CACHES", ()):
                wanted.append(DERIVED)
            if isinstance(part, HwTimer | HrTimer):
                wanted += [DEADLINE, SETS]
            if isinstance(part, Clock):
                self.clock = part
            if isinstance(part, Clock | Moment):
                clocks.append(part)
                continue
            for field in wanted:
                own[field] = 1 << len(self.names)
                self.names.append(f"{name}.{field}")
            for cache in getattr(part, "CACHES", ()):
                own[cache] = own[DERIVED]
        self.deadlines = self.sets = self.fields_of_timers = 0
        for own in self.of.values():
            self.deadlines |= own.get(DEADLINE, 0)
            self.sets |= own.get(SETS, 0)
            if DEADLINE in own:
                self.fields_of_timers |= sum(own.values())
        self.times = Times(len(self.names))
        for clock in clocks:
            self.of[id(clock)]["now"] = self.times.whole
        self.wholes = {part: sum(set(own.values())) for part, own in self.of.items()}

    def whole_of(self, part: Part) -> int:
        """Return all bits of a part."""
        return self.wholes[id(part)]

    def values(self, part: Part) -> dict[str, Any]:
        """Return what is in the fields of a part, by the names of their bits."""
        if isinstance(part, MembersPart):
            return self.members(part)
        names = (*part.FIELDS, *getattr(part, "CACHES", ()))
        return {name: getattr(part, name) for name in names}

    def members(self, part: "MembersPart[Any]") -> dict[str, Any]:
        """Return what is in the members of a table, by their bits."""
        numbers = self.numbers[id(part)]
        found: dict[str, Any] = {}
        for key, value in part.key():  # type: ignore[attr-defined]  # pairs
            name = member(numbers, key)
            found[name] = (*found.get(name, ()), key, value)
        return found

    def differ(self, part: Part, key: Any) -> int:
        """Return the fields of a part that are not as ``key`` says."""
        own, raw = self.of[id(part)], part.key()
        if raw == key or isinstance(part, MembersPart):
            return 0
        if len(part.FIELDS) == 1:
            return own[part.FIELDS[0]]
        triples = zip(part.FIELDS, raw, key, strict=True)  # type: ignore[call-overload]
        return sum(own[name] for name, a, b in triples if a != b)

    def name(self, mask: int) -> str:
        """Return the names in a mask, for messages."""
        found = [name for n, name in enumerate(self.names) if mask >> n & 1]
        found += ["clock.now"] * bool(mask & self.times.whole)
        found += [f"clock.now>={time}" for time, bit in self.times.bits.items() if mask & bit]
        return " ".join(found) or "nothing"


def member(numbers: dict[Any, int], key: Any) -> str:
    """Return the name of the bit of a table's member; ``numbers`` are those of all keys."""
    return f"member{numbers.setdefault(key, len(numbers) % MEMBERS)}"


class Deadlines:
    """The deadlines of the timers that a step reads, before the step and after it.

    A timer's deadline is when its line will rise, or its interrupt come, if nobody sets it anew.
    Where the step does not read the clock, the time is not known: then any deadline is to come.

    Args:
        bits: the fields of all parts.
        parts: those that the step reads.

    """

    def __init__(self, bits: Bits, parts: Sequence[Part]) -> None:
        self.bits = bits
        self.timers = [part for part in parts if isinstance(part, HwTimer | HrTimer)]
        clock = bits.clock
        self.now = clock.now if clock is not None and clock in parts else -1
        self.before = [self.of(timer) for timer in self.timers]

    def of(self, timer: HwTimer | HrTimer) -> tuple[int, int]:
        """Return the time of a deadline to come, and on which CPU (-1: no time, or CPU)."""
        if isinstance(timer, HrTimer):
            return (timer.expiry, timer.cpu) if timer.armed else (-1, -1)
        due = (timer.cval + timer.cntvoff) % WRAP
        return (due if timer.ctl == ENABLE and due > self.now else -1, -1)

    def changed(self) -> int:
        """Return the bits of the deadlines that are others now, and of those that are set anew."""
        mask = 0
        for timer, before in zip(self.timers, self.before, strict=True):
            after = self.of(timer)
            if after != before:
                own = self.bits.of[id(timer)]
                mask |= own[DEADLINE]
                if after[0] > self.now:
                    mask |= own[SETS]
        return mask


class Touched:
    """What was read and written since the last look.

    ``reads`` and ``writes`` are of whole parts (``Part.bit``), the others of fields.
    """

    def __init__(self, bits: Bits) -> None:
        self.bits = bits
        self.reads = self.writes = 0
        self.fields_read = self.fields_written = 0

    def clear(self) -> None:
        """Begin anew."""
        self.reads = self.writes = 0
        self.fields_read = self.fields_written = 0

    def compares(self, time: int) -> None:
        """Note that it was asked whether a time has come."""
        self.fields_read |= self.bits.times.bit(time)

    def audited(self, part: Part) -> type[Part]:
        """Return a subclass of a part's class that notes each access to its state."""
        cls, own, touched = type(part), self.bits.of[id(part)], self
        get, put = object.__getattribute__, cls.__setattr__
        if isinstance(part, Clock | Moment):
            return self.audited_clock(part)

        def getattribute(self: Any, name: str) -> Any:
            if name in own:
                touched.fields_read |= own[name]
                touched.reads |= get(self, "bit")
            return get(self, name)

        def setattribute(self: Any, name: str, value: Any) -> None:
            if name in own:
                touched.fields_written |= own[name]
                touched.writes |= get(self, "bit")
                value = touched.kept(value)
            put(self, name, value)

        names: dict[str, Any] = {
            "__slots__": (), "__getattribute__": getattribute, "__setattr__": setattribute,
        }  # fmt: skip
        if isinstance(part, HwTimer):
            names["output"] = self.output_of(part)
        return type(f"Audited{cls.__name__}", (cls,), names)

    def kept(self, value: Any) -> Any:
        """Return a value that is kept somewhere, without readings of the clock: they are used."""
        found = plain(value)
        if found is not value:
            self.use()
        return found

    def use(self) -> None:
        """Note that the time itself was read."""
        self.fields_read |= self.bits.times.whole

    def audited_clock(self, part: Part) -> type[Part]:
        """Return a subclass of a clock, the machine's or that of the rules."""
        cls, touched = type(part), self
        get, put = object.__getattribute__, cls.__setattr__
        whole = self.bits.times.whole

        def getattribute(self: Any, name: str) -> Any:
            if name != "now":
                return get(self, name)
            touched.reads |= get(self, "bit")
            return Instant(get(self, name))

        def setattribute(self: Any, name: str, value: Any) -> None:
            if name == "now":
                touched.fields_written |= whole
                touched.writes |= get(self, "bit")
                value = touched.kept(value)
            put(self, name, value)

        names = {"__slots__": (), "__getattribute__": getattribute, "__setattr__": setattribute}
        return type(f"Audited{cls.__name__}", (cls,), names)

    def output_of(self, timer: HwTimer) -> Callable[[Any], bool]:
        """Return what reads the level of a timer's line, and compares the clock with one time."""
        own, touched = self.bits.of[id(timer)], self
        clock = self.bits.clock
        get = object.__getattribute__

        def output(self: Any) -> bool:
            touched.reads |= get(self, "bit")
            touched.fields_read |= own["ctl"]
            if get(self, "ctl") != ENABLE:
                return False
            assert clock is not None
            touched.fields_read |= own["cval"] | own["cntvoff"]
            touched.reads |= get(clock, "bit")
            now, cval, cntvoff = get(clock, "now"), get(self, "cval"), get(self, "cntvoff")
            if now >= cntvoff and cval + cntvoff < WRAP:
                touched.compares(cval + cntvoff)
            else:
                touched.fields_read |= touched.bits.times.whole
            return bool((now - cntvoff) % WRAP >= cval)

        return output

    def table(self, part: "MembersPart[Any]") -> type[Members[Any]]:
        """Return a class of tables that notes which members are asked for."""
        own, touched = self.bits.of[id(part)], self
        whole = sum(own.values())
        numbers = self.bits.numbers[id(part)]

        def note(key: Any) -> None:
            bit = own[member(numbers, key)]
            touched.fields_read |= bit
            touched.fields_written |= bit

        def getitem(self: Any, key: Any) -> Any:
            note(key)
            return dict.__getitem__(self, key)

        def all_of(name: str) -> Callable[..., Any]:
            method = getattr(dict, name)

            def looks(self: Any, *arguments: Any) -> Any:
                touched.fields_read |= whole
                touched.fields_written |= whole
                return method(self, *arguments)

            return looks

        def setitem(self: Any, key: Any, value: Any) -> None:
            note(key)
            dict.__setitem__(self, key, value)

        names: dict[str, Any] = {"__getitem__": getitem, "__setitem__": setitem}
        for name in ("get", "items", "values", "keys", "__iter__", "__contains__", "__len__",
                     "pop", "__delitem__", "setdefault"):  # fmt: skip
            names[name] = all_of(name)
        return type("AuditedMembers", (Members,), names)
