"""Classes of the user's own, named on the command line: ``path/file.py:Class``, ``package:Class``.

Variants, rules and strategies are found in the same way, and a file is executed once per process,
whatever it is asked for.
"""

from collections.abc import Iterable
from types import CodeType

from harness.errors import UsageError, unknown_name

__all__ = ["is_reference", "load_class", "named", "owner_of"]

GARBLES = ";,=\n"
"""What divides the fields of a schedule, and the names in an option."""

OWNERS: dict[tuple[str, str], str] = {}
"""By file and name of a class that was loaded: what it is, as messages call it."""


def is_reference(name: str) -> bool:
    """Tell the name of a class of the user's from the name of something built in."""
    return ":" in name


def named(what: str, name: str) -> str:
    """Return how messages call a class of the user's: ``rule 'mine.py:Mine'``."""
    return f"{what} {name!r}"


def load_class(name: str, what: str, kin: type | None = None) -> type:
    """Import the class that ``name`` names; a file is looked for from the current directory.

    Args:
        name: ``path/file.py:Class`` or ``package.module:Class``.
        what: what it is to be, for messages: "rule", "strategy".
        kin: what it must be a subclass of; None: any class will do.

    Raises:
        UsageError: it is no such name, cannot be imported, or is no such class.

    """
    from harness.variants import import_own  # the eras come with it: reading a log needs none

    said = named(what, name)
    where, _, attribute = name.rpartition(":")
    if not where or not attribute.isidentifier() or any(c in name for c in GARBLES):
        raise UsageError(f"{said}: expected path/file.py:Class or package.module:Class")
    module = import_own(where, said)
    found = getattr(module, attribute, None)
    if found is None:
        known = [k for k, v in vars(module).items() if isinstance(v, type) and fits(v, kin)]
        raise unknown_name(f"class in {said}: no class", attribute, known or ["(none)"])
    if not isinstance(found, type) or not fits(found, kin):
        expected = "a class" if kin is None else f"a subclass of {kin.__module__}.{kin.__name__}"
        raise UsageError(f"{said}: {attribute} is no {what}, expected {expected}")
    OWNERS[getattr(module, "__file__", None) or "", found.__qualname__] = said
    return found


def fits(cls: type, kin: type | None) -> bool:
    """Tell whether a class is a subclass, and not the class itself, of what is wanted."""
    return kin is None or (issubclass(cls, kin) and cls is not kin)


def owner_of(frames: Iterable[CodeType]) -> str:
    """Return whose code raised: what :func:`named` calls it; "" if it is no class loaded here.

    ``frames`` are the code objects of a traceback, the innermost last.
    """
    for code in reversed(list(frames)):
        for (file, cls), said in OWNERS.items():
            if code.co_filename == file and code.co_qualname.startswith(f"{cls}."):
                return said
    return ""
