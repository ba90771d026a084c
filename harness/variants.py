"""Variants: names of the hypervisor under test, to the class that is it.

``v4.14`` and ``v7.2`` are the eras; ``v4.14+14`` or ``v7.2+14`` an exhibit of the museum in an era,
``14`` the same in each era that can express it; ``package.module:Class`` and ``path/file.py:Class``
a user's own, a subclass of an era.
"""

import difflib
import importlib
import importlib.util
import os
import sys
from pathlib import Path

from harness.errors import UsageError, unknown_name
from harness.kvm.flow import Kvm
from harness.kvm.museum import exhibits
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2

__all__ = ["ERAS", "expand_variant", "resolve_variant", "variant_names"]

ERAS: dict[str, type[Kvm]] = {"v4.14": V4_14, "v7.2": V7_2}
REQUIRED = ("run_once", "vcpu_load", "vcpu_put", "handle_wfi", "timer_isr", "soft_timer_expired")


def variant_names() -> list[str]:
    """List the names of all built-in variants."""
    return [
        *ERAS,
        *(
            f"{era}+{x.id}"
            for x in exhibits().values()
            for era, cls in x.eras.items()
            if not isinstance(cls, str)
        ),
    ]


def expand_variant(name: str) -> list[str]:
    """Return the variants a name stands for: an exhibit without an era means it in each era."""
    exhibit = exhibits().get(name)
    if exhibit is None:
        return [name]
    return [f"{era}+{name}" for era, cls in exhibit.eras.items() if not isinstance(cls, str)]


def resolve_variant(name: str) -> type[Kvm]:
    """Return the class of a variant.

    Raises:
        UsageError: it is unknown, cannot be imported, is no variant, or lacks a method.

    """
    if name in ERAS:
        return ERAS[name]
    if ":" in name:
        return load_class(name)
    era, dash, number = name.partition("+")
    if dash and era in ERAS and number in exhibits():
        cls = exhibits()[number].eras.get(era, f"not expressed in era {era!r}")
        if isinstance(cls, str):
            raise UsageError(f"variant {name!r} cannot be expressed: {cls}")
        return cls
    raise unknown_name("variant", name, [*variant_names(), *exhibits()])


def load_class(name: str) -> type[Kvm]:
    """Import a user's variant."""
    where, _, attribute = name.rpartition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    if where.endswith(".py"):
        module = load_path(Path(where), name)
    else:
        try:
            module = importlib.import_module(where)
        except (Exception, SystemExit) as error:  # whatever the user's module raises
            raise UsageError(f"variant {name!r}: cannot import {where!r}: {error!r}") from None
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
    if cls.era not in ERAS:
        raise UsageError(
            f"variant {name!r}: {attribute}.era is {cls.era!r}, expected 'v4.14' or 'v7.2'"
        )
    return cls


def check_overrides(cls: type[Kvm], name: str) -> None:
    """Refuse a method that no era has but whose name is nearly one of theirs: a misspelt override.

    A variant may have methods of its own; one that is called nowhere in its source, and is one slip
    away from an era's, would run as the era itself and find nothing.
    """
    base = next(c for c in cls.__mro__ if c in ERAS.values())
    known = [m for m in dir(base) if not m.startswith("_")]
    used: set[str] = set()
    own = [m for c in cls.__mro__[: cls.__mro__.index(base)] for m in vars(c).items()]
    for _, member in own:
        code = getattr(member, "__code__", None)
        if code is not None:
            used.update(code.co_names)
    for method, member in own:
        if method.startswith("_") or method in known or not callable(member) or method in used:
            continue
        near = difflib.get_close_matches(method, known, n=1, cutoff=0.85)
        if near:
            raise UsageError(
                f"variant {name!r}: {cls.__name__}.{method} overrides nothing and is called "
                f"nowhere; did you mean {near[0]!r}?"
            )


def load_path(path: Path, name: str) -> object:
    """Import a module from a file, once per process."""
    given = str(path)
    try:
        path = path.resolve()
    except (OSError, ValueError) as error:
        raise UsageError(f"variant {name!r}: not a path: {error}") from None
    key = f"_vgic_race_variant_{path}"
    if key in sys.modules:
        return sys.modules[key]
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise UsageError(f"variant {name!r}: no file {given!r}")
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's file raises
        del sys.modules[key]
        raise UsageError(f"variant {name!r}: cannot import {given!r}: {error!r}") from None
    return module
