"""All rules, by id, in the order of the document: what each module of this folder defines.

A rule is found by being here.
"""

import re
from importlib import import_module
from pkgutil import walk_packages

import model.rules
from model.check.rule import ALWAYS, Rule

__all__ = ["ENDS_ALL", "FAULTS", "GUEST", "HARDWARE", "RULES", "TRACED"]

GROUPS = ("R", "I", "L", "G", "T")
"""Rules of the document, invariants and liveness derived from it, the guest's own view, of traces;
others come last.
"""


def place(cls: type[Rule]) -> tuple[int, int, str]:
    """Return where a rule stands: by group, then by number, then by letter."""
    found = re.fullmatch(r"([A-Z])(\d+)(\w*)", cls.id)
    if found is None:
        return len(GROUPS), 0, cls.id
    group, number, letter = found.groups()
    return GROUPS.index(group), int(number), letter


def rules_in(name: str) -> list[type[Rule]]:
    """Return the rules that a module defines."""
    defined = vars(import_module(name)).values()
    return [
        cls
        for cls in defined
        if isinstance(cls, type)
        and issubclass(cls, Rule)
        and cls.__module__ == name
        and hasattr(cls, "id")
    ]


OF_TRACES = "model.rules.traced."
MODULES = sorted(
    module.name
    for module in walk_packages(model.rules.__path__, "model.rules.")
    if not module.ispkg and module.name != __name__
)


def by_id(names: list[str]) -> dict[str, type[Rule]]:
    """Return the rules of these modules by id, in order."""
    return {cls.id: cls for cls in sorted((c for name in names for c in rules_in(name)), key=place)}


RULES = by_id([name for name in MODULES if not name.startswith(OF_TRACES)])
TRACED = by_id([name for name in MODULES if name.startswith(OF_TRACES)])
"""Rules that only traces of a real kernel are judged by, beside those of ``RULES``."""
FAULTS: frozenset[str] = frozenset(name for name, cls in RULES.items() if cls.fault)
"""The ids of the rules by which a guest program is at fault itself."""
ENDS_ALL: frozenset[str] = frozenset(name for name in FAULTS if RULES[name].kind == ALWAYS)
"""Those after which nothing else is said of an execution."""
GUEST: frozenset[str] = frozenset(name for name, cls in RULES.items() if cls.guest)
"""The ids of the rules that speak of what a guest or its user suffers."""
HARDWARE: frozenset[str] = frozenset(name for name, cls in RULES.items() if cls.hardware)
"""The ids of those that speak of the machine; what is left speaks of KVM."""
