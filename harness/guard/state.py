"""Finds state that a variant keeps outside the machine: there an execution does not begin anew.

What an execution comes to is then not decided by its schedule: it depends on those before it in the
same process. A variant's own fields belong into ``vm_state``, ``vcpu_state`` and ``irq_state``.

Looked at are the variant itself, its classes, the globals of its modules, and what functions of
these keep (defaults, closures): by value, as far as containers and objects of the user's go.
"""

import dis
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from harness.guard.code import is_own
from harness.guard.faults import Fault
from harness.kvm.kvm import Kvm
from harness.places import shown

__all__ = ["OwnState"]

DEPTH = 6
ITEMS = 2_000
"""So deep, and so many values of each thing, are compared."""
ATOMS = (int, str, bytes, float, bool, type(None), complex)
SEQUENCES = (list, tuple, deque)
SETS = (set, frozenset)
WRITES = frozenset({"STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "DELETE_ATTR"})
READS = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME"})


class OwnState:
    """What a variant keeps, as it was when this was made."""

    def __init__(self, kvm: Kvm) -> None:
        self.kvm = kvm
        self.classes = [cls for cls in type(kvm).__mro__ if is_own(source_of(cls))]
        names = dict.fromkeys(cls.__module__ for cls in self.classes)
        self.modules = [sys.modules[name] for name in names if name in sys.modules]
        self.before = dict(self.values())

    def check(self) -> None:
        """Look again.

        Raises:
            Fault: something is other than it was.
        """
        now = dict(self.values())
        for what in [*self.before, *now]:
            if self.before.get(what) == now.get(what) and (what in now) == (what in self.before):
                continue
            owner, name = what
            at = self.written(name)
            raise Fault(
                f"keeps state in {owner}.{name}{at}, which no execution begins anew with: declare "
                "it in vm_state, vcpu_state or irq_state"
            )

    def values(self) -> Iterator[tuple[tuple[str, str], object]]:
        """Yield what is kept, by owner and name, each as a value that can be compared."""
        for name, value in vars(self.kvm).items():
            yield ("self", name), snapshot(value)
        for cls in self.classes:
            yield from self.members(cls.__name__, vars(cls))
        for module in self.modules:
            where = Path(getattr(module, "__file__", None) or module.__name__).stem
            yield from self.members(where, vars(module))

    def members(
        self, owner: str, found: Mapping[str, Any]
    ) -> Iterator[tuple[tuple[str, str], object]]:
        """Yield the values among the members of a class or a module, and what functions keep."""
        for name, value in found.items():
            if name.startswith("__") or isinstance(value, ModuleType):
                continue
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType) and is_own(function.__code__.co_filename):
                kept = (function.__defaults__, function.__kwdefaults__, cells(function))
                yield (owner, name), (snapshot(kept), snapshot(vars(function)))
            else:
                yield (owner, name), snapshot(value)

    def written(self, name: str) -> str:
        """Say where something of this name is written, or else used: " (FILE:LINE)"."""
        places: dict[bool, str] = {}
        for code in self.codes():
            for each in dis.get_instructions(code):
                if each.argval != name or each.opname not in WRITES | READS:
                    continue
                line = each.positions.lineno if each.positions else code.co_firstlineno
                if code.co_name != "__init__":
                    at = f" ({shown(Path(code.co_filename))}:{line})"
                    places.setdefault(each.opname in WRITES, at)
        return places.get(True) or places.get(False) or ""

    def codes(self) -> Iterator[CodeType]:
        """Yield the code of all functions of the variant's."""
        for holder in (*self.classes, *self.modules):
            for value in list(vars(holder).values()):
                function = getattr(value, "__func__", value)
                if isinstance(function, FunctionType) and is_own(function.__code__.co_filename):
                    yield from nested(function.__code__)


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and those in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def cells(function: FunctionType) -> tuple[Any, ...]:
    """Return what a function shares with those around it."""
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # empty, as yet
            continue
    return tuple(found)


def source_of(cls: type) -> str:
    """Return the file of a class; "<builtin>" where there is none."""
    module = sys.modules.get(cls.__module__)
    return getattr(module, "__file__", None) or "<builtin>"


def snapshot(value: Any) -> object:
    """Return a value that is equal as long as this one has not changed."""
    return Snapshots().of(value, DEPTH)


class Snapshots:
    """Makes one snapshot: of so many values at most, none of them twice."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.left = ITEMS

    def of(self, value: Any, depth: int) -> object:
        """Return the snapshot of a value; what is not looked into is known by its identity."""
        if isinstance(value, ATOMS):
            return value
        self.left -= 1
        if depth <= 0 or self.left <= 0 or id(value) in self.seen:
            return id(value)
        kind = type(value)
        if isinstance(value, SEQUENCES):
            self.seen.add(id(value))
            return kind.__name__, tuple(self.of(item, depth - 1) for item in value)
        if isinstance(value, SETS):
            return kind.__name__, frozenset(self.of(item, depth - 1) for item in value)
        if isinstance(value, bytearray):
            return bytes(value)
        if isinstance(value, dict):
            self.seen.add(id(value))
            pairs = [(self.of(k, depth - 1), self.of(v, depth - 1)) for k, v in value.items()]
            return kind.__name__, tuple(pairs)
        if isinstance(value, type) or not is_own(source_of(kind)):
            return id(value)
        self.seen.add(id(value))
        names = [*getattr(value, "__dict__", ()), *slots_of(kind)]
        kept = [(name, self.of(getattr(value, name, None), depth - 1)) for name in names]
        return id(value), tuple(kept)


def slots_of(kind: type) -> list[str]:
    """Return the names of the slots of a class and its bases."""
    found: list[str] = []
    for cls in kind.__mro__:
        slots = vars(cls).get("__slots__", ())
        found += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in found if name not in ("__dict__", "__weakref__")]
