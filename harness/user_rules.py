"""Rules of the user's own, beside those of ``model.rules``: named as ``path/file.py:Class``.

Wherever the ids of the rules to be checked are kept (a specification, a case that is shrunk), such
a rule stands among them by that name, so that whoever has the names can find it, in any process.
Logs and violations have its id, as of any rule.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from itertools import pairwise
from typing import Any

from harness.errors import UsageError
from harness.user_code import is_reference, load_class, named
from model.check.listener import Assembly
from model.check.rule import ALWAYS, ERAS, EVENTUALLY, Report, Rule
from model.rules.registry import RULES, TRACED

__all__ = ["ids_of", "load_rule", "own_of", "referred", "rule_of", "spelt", "with_own"]

ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")
GROUPS = ("all", "guest", "kvm", "hardware")
LOADED: dict[str, type[Rule]] = {}
"""By id the rules of the user's that this process has loaded."""


def load_rule(name: str) -> type[Rule]:
    """Import a rule of the user's, and check it as far as that goes without running it.

    A file is looked for from the current folder.

    Raises:
        UsageError: it cannot be had, or is no rule that could be checked: what, and what was
            expected.

    """
    return checked(name, load_class(name, "rule", Rule))


@cache
def checked(name: str, cls: Any) -> type[Rule]:
    """Return the class of a rule with its guard.

    Raises:
        UsageError: it is no rule that could be checked.

    """
    said = named("rule", name)
    id_ = getattr(cls, "id", None)
    if not isinstance(id_, str) or not ID.match(id_) or id_ in GROUPS:
        raise UsageError(
            f"{said}: id is {id_!r}, expected a word of letters, digits and hyphens, such as 'X1'"
        )
    if id_ in RULES or id_ in TRACED:
        raise UsageError(f"{said}: id {id_!r} is that of a rule of vgic-race, expected another")
    for attribute in ("section", "title"):
        if not isinstance(getattr(cls, attribute, None), str):
            raise UsageError(f"{said}: {cls.__name__}.{attribute} is missing, expected a text")
    if cls.kind not in (ALWAYS, EVENTUALLY):
        raise UsageError(f"{said}: kind is {cls.kind!r}, expected {ALWAYS!r} or {EVENTUALLY!r}")
    if not cls.eras or set(cls.eras) - set(ERAS):
        raise UsageError(f"{said}: eras are {cls.eras!r}, expected some of {', '.join(ERAS)}")
    if not cls.alarms:
        raise UsageError(f"{said}: it has no alarm, so it can complain of nothing")
    if not cls.HEARS and cls.at_rest is Rule.at_rest:
        raise UsageError(f"{said}: it hears no fact (@on) and asks nothing at rest (at_rest)")
    LOADED[id_] = cls
    return guarded(cls, said)


def guarded(cls: type[Rule], said: str) -> type[Rule]:
    """Return the rule with a guard: what it remembers must be a State, or executions would mix."""

    def begin(self: Any, assembly: Assembly, report: Report) -> None:
        cls.__init__(self, assembly, report)
        ours = set(vars(Bare(assembly, report)))
        for name, value in vars(self).items():
            if name not in ours and not value and isinstance(value, list | dict | set):
                raise UsageError(f"{said}: self.{name} is a {type(value).__name__}, {NO_STATE}")
        vars(self)["is_made"] = True

    def put(self: Any, name: str, value: object) -> None:
        if "is_made" in vars(self):
            raise UsageError(f"{said}: it sets self.{name} while it runs, {NO_STATE}")
        object.__setattr__(self, name, value)

    members = {"__init__": begin, "__setattr__": put, "__module__": cls.__module__}
    return type(cls.__name__, (cls,), {**members, "__doc__": cls.__doc__})


NO_STATE = "which would pass from one execution to the next; expected a State, made in setup()"


class Bare(Rule):
    """A rule with nothing of its own: what every rule has when it is made."""


def own_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the names that are the user's rules, sorted."""
    return tuple(sorted(name for name in names if is_reference(name)))


def ids_of(names: Collection[str]) -> frozenset[str]:
    """Return the ids that names stand for.

    Raises:
        UsageError: a rule of the user's cannot be had, or two have the same id.

    """
    own = {name: load_rule(name).id for name in own_of(names)}
    for name, other in pairwise(sorted(own, key=lambda each: own[each])):
        if own[name] == own[other]:
            raise UsageError(f"rules {name!r} and {other!r} have the same id, {own[name]!r}")
    return frozenset(own.get(name, name) for name in names)


def referred(ids: Iterable[str], own: Iterable[str]) -> frozenset[str]:
    """Return ids with those of the user's rules ``own`` replaced by their names.

    None of these is loaded as long as all ids are of rules of vgic-race. An id that is nobody's,
    such as that of a rule of another version, stays as it is.

    Raises:
        UsageError: a rule of the user's cannot be had.

    """
    ids = frozenset(ids)
    left = {name for name in ids - RULES.keys() if not is_reference(name)}
    names = {load_rule(name).id: name for name in own} if left else {}
    return frozenset(names.get(id_, id_) for id_ in sorted(ids))


def with_own(own: Collection[str]) -> frozenset[str] | None:
    """Return the names of all rules and the user's ``own``; None, which is all, if there is none.

    Raises:
        UsageError: one of these cannot be had.

    """
    for name in own:
        load_rule(name)
    return frozenset(RULES) | frozenset(own) if own else None


def spelt(names: Collection[str] | None, *, own: Collection[str] = ()) -> str:
    """Return what ``--rules`` takes for these.

    It is "" where nothing need be said: they are all of vgic-race, and those of the user's that are
    known anyway, ``own``, as to who has a schedule.
    """
    if names is None or set(names) == RULES.keys() | set(own):
        return ""
    if RULES.keys() <= set(names):
        return ",".join(("all", *own_of(names)))
    return ",".join(sorted(names))


def rule_of(id_: str) -> type[Rule] | None:
    """Return the rule with an id: one of vgic-race, or one of the user's that was loaded here."""
    return RULES.get(id_) or LOADED.get(id_)
