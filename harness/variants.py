"""Variants: names of the hypervisor under test, to the class that is it.

``v4.14`` and ``v7.2`` are the eras; ``v7.2+14`` a patch of the museum on an era, ``v7.2+44+F2``
two at once, ``v7.2+shipped`` all faults of KVM as shipped that the era is mended for; ``14`` the
patch on each era that can express it; ``package.module:Class`` and ``path/file.py:Class`` a user's
own, a subclass of an era.
"""

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
from functools import cache
from pathlib import Path

from harness.errors import UsageError, unknown_name
from harness.guard.code import place_of_traceback, told_place
from harness.guard.faults import Fault
from harness.guard.watch import watch
from harness.kvm.hooks import ERA_LISTS, Hooks, hooks, own_state
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.museum import patches
from harness.museum.patch import Patch
from model.machine import Machine

__all__ = ["ERAS", "SHIPPED", "expand_variant", "resolve_variant", "variant_names"]

ERAS: dict[str, type[Kvm]] = {"v4.14": V4_14, "v7.2": V7_2}
SHIPPED = "shipped"
REQUIRED = ("run_once", "vcpu_load", "vcpu_put", "handle_wfi", "timer_isr", "soft_timer_expired")


def variant_names() -> list[str]:
    """List the names of all built-in variants: eras, and each patch on each era it fits."""
    return [
        *ERAS,
        *(
            f"{era}+{patch.id}"
            for patch in patches().values()
            for era in ERAS
            if era not in patch.refused
        ),
    ]


def expand_variant(name: str) -> list[str]:
    """Return the variants a name stands for: a patch without an era means it on each era.

    Where no era can express it all eras are named, so that each says why not.
    """
    parts = name.split("+")
    known = patches()
    if not all(part in known or part == SHIPPED for part in parts):
        return [name]
    able = [
        era
        for era in ERAS
        if not any(part in known and era in known[part].refused for part in parts)
    ]
    return [f"{era}+{name}" for era in able or ERAS]


def resolve_variant(name: str) -> type[Kvm]:
    """Return the class of a variant.

    Raises:
        UsageError: it is unknown, cannot be imported or put together, is no variant, or lacks a
            method.

    """
    if name in ERAS:
        return ERAS[name]
    if ":" in name:
        return load_class(name)
    era, plus, rest = name.partition("+")
    if not plus or era not in ERAS:
        known = [*variant_names(), *patches()]
        raise unknown_name("variant", name, known)
    chosen: list[Patch] = []
    for part in rest.split("+"):
        if part == SHIPPED:
            shipped = [x for x in patches().values() if x.shipped and era not in x.refused]
            chosen += [x for x in shipped if x not in chosen]
        elif part in patches():
            if patches()[part] not in chosen:
                chosen.append(patches()[part])
        else:
            nearest = [f"{era}+{known}" for known in (*patches(), SHIPPED)]
            raise unknown_name("variant", f"{era}+{part}", nearest)
    return compose(name, era, chosen)


@cache
def made(name: str, bases: tuple[type, ...]) -> type[Kvm]:
    """Make the class of a variant, the same one each time."""
    cls: type[Kvm] = type(name, bases, {"__doc__": f"{name}."})
    return cls


def compose(name: str, era: str, chosen: list[Patch]) -> type[Kvm]:
    """Lay patches over an era.

    Raises:
        UsageError: one cannot be expressed in the era, or two change the same hook.

    """
    layers: list[type[Hooks]] = []
    owners: dict[str, Patch] = {}
    for patch in chosen:
        layer = patch.hooks_in(era)
        if isinstance(layer, str):
            raise UsageError(f"variant {name!r} cannot be expressed: {layer}")
        for member in vars(layer):
            if member.startswith("_") or member.endswith("_state"):
                continue  # fields of its own are added to those of the others
            if member in owners:
                raise UsageError(
                    f"variant {name!r} cannot be put together: patches {owners[member].id} and "
                    f"{patch.id} both change {member!r}"
                )
            owners[member] = patch
        layers.append(layer)
    cls = made(name, (*layers, ERAS[era]))
    check_own_state(cls, name)
    return cls


def load_class(name: str) -> type[Kvm]:
    """Import a user's variant.

    Raises:
        UsageError: it cannot be imported, is no variant, or overrides what it cannot.

    """
    where, _, attribute = name.rpartition(":")
    module = import_own(where, f"variant {name!r}")
    cls = getattr(module, attribute, None)
    if cls is None:
        known = [k for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Kvm)]
        raise unknown_name(f"class in variant {name!r}: no class", attribute, known or ["(none)"])
    if not isinstance(cls, type) or not issubclass(cls, Kvm):
        raise UsageError(
            f"variant {name!r}: {attribute} is no variant, expected a subclass of "
            "harness.kvm.v4_14:V4_14 or harness.kvm.v7_2:V7_2"
        )
    missing = [m for m in REQUIRED if getattr(cls, m, None) in (None, getattr(Kvm, m))]
    if missing:
        raise UsageError(
            f"variant {name!r}: {attribute} lacks the method {missing[0]!r}; expected a subclass "
            "of an era (harness.kvm.v4_14:V4_14 or harness.kvm.v7_2:V7_2), which has it"
        )
    check_overrides(cls, name)
    check_own_state(cls, name)
    base = next((era for era in ERAS.values() if issubclass(cls, era)), None)
    if base is not None and cls.era != base.era:
        raise UsageError(
            f"variant {name!r}: {attribute}.era is {cls.era!r}, expected {base.era!r}: it is a "
            f"subclass of that era's class"
        )
    if not isinstance(cls.machine_class, type) or not issubclass(cls.machine_class, Machine):
        raise UsageError(
            f"variant {name!r}: {attribute}.machine_class is {cls.machine_class!r}, expected a "
            "subclass of model.machine:Machine"
        )
    if not isinstance(cls.era, str) or cls.era not in ERAS:
        raise UsageError(
            f"variant {name!r}: {attribute}.era is {cls.era!r}, expected 'v4.14' or 'v7.2'"
        )
    return cls


def import_own(where: str, said: str) -> object:
    """Import a module of the user's, and see that it comes to an end.

    Args:
        where: ``path/file.py``, which is executed once per process, or ``package.module``.
        said: what wants it, as it begins a message.

    Raises:
        UsageError: it cannot be had, or its code raises, hangs, or ends the process.

    """
    add_current_folder()
    try:
        with watch.importing(said):
            if where.endswith(".py"):
                return load_path(Path(where), said)
            return importlib.import_module(where)
    except BaseException as error:  # whatever the user's module raises
        if isinstance(error, (UsageError, KeyboardInterrupt)):
            raise
        raise UsageError(f"{said}{not_imported(where, error)}") from error


def add_current_folder() -> None:
    """Make the current folder importable, behind the tool's own packages: it never hides these."""
    here = os.getcwd()
    if here in sys.path:
        return
    own = str(Path(__file__).resolve().parents[1])
    sys.path.insert(sys.path.index(own) + 1 if own in sys.path else len(sys.path), here)


def not_imported(where: str, error: BaseException) -> str:
    """Say that a module cannot be imported, and why, with the line of the user's that is wrong."""
    if isinstance(error, Fault):
        return f" {error}"
    if isinstance(error, SyntaxError):
        at = f" ({error.filename}:{error.lineno})" if error.filename else ""
        why = f"{type(error).__name__}: {error.msg}{at}"
    else:
        at = told_place(place_of_traceback(error.__traceback__))
        why = f"{type(error).__name__}: {error}{at}"
    return f": cannot import {where!r}: {why}".replace("\n", " ")


def check_own_state(cls: type[Kvm], name: str) -> None:
    """Refuse fields of its own that cannot be.

    Raises:
        UsageError: a value may change, or two patches add a field of the same name.

    """
    try:
        own_state(cls)
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"variant {name!r}: {error}") from None


def check_overrides(cls: type[Kvm], name: str) -> None:
    """Refuse an override of what is no hook, and a method that is nearly one: a misspelt override.

    A variant may have methods of its own; one that is called nowhere in its source, and is one slip
    away from a hook's name, would run as the era itself and find nothing.

    Raises:
        UsageError: it overrides what its era does not call through the list of hooks.

    """
    base = next((era for era in ERAS.values() if issubclass(cls, era)), Kvm)
    allowed = hooks(base.era)
    used: set[str] = set()
    own = [m for c in cls.__mro__[: cls.__mro__.index(base)] for m in vars(c).items()]
    for _, member in own:
        code = getattr(member, "__code__", None)
        if code is not None:
            used.update(code.co_names)
    for method, member in own:
        if method in allowed:
            check_kind(base, method, member, f"variant {name!r}: {cls.__name__}.{method}")
        # What is neither a method nor a property is a setting (``machine_class``, ...).
        if method.startswith("_") or method in allowed or isinstance(member, type):
            continue
        if not hasattr(type(member), "__get__"):
            continue
        near = difflib.get_close_matches(method, allowed, n=1, cutoff=0.85)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        what = f"variant {name!r}: {cls.__name__}.{method}"
        if method in hooks():
            other = next(era for era, group in ERA_LISTS.items() if hasattr(group, method))
            raise UsageError(f"{what} is a hook of {other}, and {base.era} never calls it")
        if hasattr(base, method):
            raise UsageError(
                f"{what} is no hook: the parts of KVM rely on "
                f"it{hint or ' (vgic-race list hooks prints those that can be overridden)'}"
            )
        if near and method not in used:
            raise UsageError(f"{what} overrides nothing and is called nowhere{hint}")


def check_kind(base: type[Kvm], method: str, member: object, what: str) -> None:
    """Refuse an override that is awaited where its era's is not, or the other way.

    Nobody would await it, and what it returns would be true whatever it decides.

    Raises:
        UsageError: the one is an ``async def``, and the other is not.

    """
    original = getattr(base, method, None)
    if not (inspect.isfunction(original) and inspect.isfunction(member)):
        return
    awaited = inspect.iscoroutinefunction(original)
    if awaited != inspect.iscoroutinefunction(member):
        expected = "'async def'" if awaited else "'def', not 'async def'"
        raise UsageError(f"{what}: expected {expected}, as in its era")


def load_path(path: Path, said: str) -> object:
    """Import a module from a file, once per process.

    Raises:
        UsageError: there is no such file, or its code raises.

    """
    given = str(path)
    try:
        path = path.resolve()
    except (OSError, ValueError) as error:
        raise UsageError(f"{said}: not a path: {error}") from None
    key = f"_vgic_race_variant_{path}"
    if key in sys.modules:
        return sys.modules[key]
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise UsageError(f"{said}: no file {given!r}")
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[key]
        raise
    return module
