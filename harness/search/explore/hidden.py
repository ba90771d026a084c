"""What a variant remembers outside the machine: an exhaustive search does not see it, and refuses.

A variant is a user's code. What it keeps in an attribute of its own, of its class or of its module
is in no state, so that two states would be taken for one. It is looked at after each step that is
really made.
"""

from collections.abc import Hashable, Iterator
from types import FunctionType
from typing import Any

from harness.errors import UsageError
from harness.kvm.hooks import Hooks

__all__ = ["Hidden", "RemembersError"]

OURS = ("harness.", "model.")
DEEP = 6
"""So far containers within containers are looked into."""
SCALARS = (int, float, str, bytes, bool, type(None))


class RemembersError(UsageError):
    """A variant remembers something that is not in the machine."""


class Hidden:
    """Watches what is not in the machine: the hypervisor's attributes, its classes', its modules'.

    Args:
        kvm: the hypervisor under test.
        variant: its name, for messages.

    """

    def __init__(self, kvm: Hooks, variant: str) -> None:
        self.variant = variant
        self.kvm = kvm
        theirs = [c for c in type(kvm).__mro__ if not is_ours(c)]
        theirs += [c for c in type(kvm.machine).__mro__ if not is_ours(c)]
        self.watched: list[tuple[str, dict[str, Any]]] = [("self", vars(kvm))]
        for cls in theirs:
            self.watched.append((cls.__name__, vars(cls)))  # type: ignore[arg-type]  # a proxy
            for function in vars(cls).values():
                if isinstance(function, FunctionType):
                    names = function.__code__.co_names
                    own = {n: function.__globals__[n] for n in names if n in function.__globals__}
                    self.watched.append((function.__module__, own))
                    self.watched.append((function.__qualname__, cells(function)))
        self.before = list(self.look())

    def look(self) -> Iterator[tuple[str, Hashable]]:
        """Yield the name and the content of all that is watched."""
        for where, names in self.watched:
            for name, value in names.items():
                if not name.startswith("__"):
                    yield f"{where}.{name}", content(value, DEEP)

    def check(self) -> None:
        """Compare with the beginning.

        Raises:
            RemembersError: something is other than it was.

        """
        now = list(self.look())
        if now == self.before:
            return
        before = dict(self.before)
        name = next((n for n, value in now if before.get(n, ()) != value), now[-1][0])
        raise RemembersError(
            f"variant {self.variant!r} remembers something in {name}, which is not part of the "
            "machine: an exhaustive search would not see it; expected vm_state, vcpu_state or "
            "irq_state (vgic-race list hooks)"
        )


def is_ours(cls: type) -> bool:
    """Tell whether a class is of this project, or Python's own."""
    return cls.__module__.startswith(OURS) or cls.__module__ == "builtins"


def cells(function: FunctionType) -> dict[str, Any]:
    """Return what a function closes over, by name."""
    names = function.__code__.co_freevars
    found = {}
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def content(value: Any, deep: int) -> Hashable:
    """Return what is in a value, as far as it could be changed in place."""
    if isinstance(value, SCALARS):
        return (type(value).__name__, value)
    if deep:
        if isinstance(value, dict):
            return ("dict", *((content(k, 0), content(v, deep - 1)) for k, v in value.items()))
        if isinstance(value, list | tuple):
            return (type(value).__name__, *(content(item, deep - 1) for item in value))
        if isinstance(value, set | frozenset):
            return (type(value).__name__, frozenset(content(item, 0) for item in value))
        theirs = not type(value).__module__.startswith(OURS)
        if theirs and hasattr(value, "__dict__") and not isinstance(value, type | FunctionType):
            return (id(value), content(vars(value), deep - 1))
    return id(value)
