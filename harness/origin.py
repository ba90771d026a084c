"""What an execution was made with, as digests of sources: to say so when something has changed.

They are of the text that was read, never of a revision: an edited checkout differs from a clean
one, and an installed package has no history. Line ends do not count.
"""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from harness.engine.schedule import Origin
from harness.kvm.kvm import Kvm
from harness.scenarios.schema import Scenario
from harness.user_rules import load_rule

__all__ = ["CODE", "changed", "code_digest", "origin", "scenario_digest", "variant_digest"]

LENGTH = 8
"""The letters of a digest in a schedule: enough to notice a change, short enough for a line."""
ROOT = Path(__file__).resolve().parents[1]
CODE = (
    "model",
    "harness/actors",
    "harness/engine",
    "harness/guard/locks.py",
    "harness/guest",
    "harness/kvm",
    "harness/scenarios",
    "harness/context.py",
    "harness/contract.py",
    "harness/resources.py",
    "harness/runtime.py",
    "harness/spec.py",
    "harness/tells.py",
    "harness/user_code.py",
    "harness/user_rules.py",
    "harness/world.py",
)
"""The sources that decide what an execution does, as files and whole folders of this project."""
CHAINED = ("harness.museum.", "harness.kvm.v4_14", "harness.kvm.v7_2")
"""Sources that belong to a variant, and not to the code that all variants share."""


def origin(scenario: Scenario, variant: type[Kvm], own: Iterable[str] = ()) -> Origin:
    """Return the origin of the executions of a scenario and a variant in this program.

    ``own`` are the names of the user's rules that are checked.

    Raises:
        UsageError: one of these cannot be had.

    """
    rules = tuple(cls for name in own for cls in load_rule(name).__mro__)
    return Origin(
        scenario_digest(scenario)[:LENGTH],
        variant_digest(variant)[:LENGTH],
        code_digest()[:LENGTH],
        digest_of(rules)[:LENGTH] if rules else "",
    )


def changed(old: Origin, new: Origin) -> list[str]:
    """Say what differs, as ends of a sentence; what is not known on both sides does not count."""
    what = {
        "scenario": "the scenario has changed",
        "variant": "the variant's source has changed",
        "code": "vgic-race's own code has changed",
        "rules": "the source of your rules has changed",
    }
    out = []
    for name, text in what.items():
        before, now = getattr(old, name), getattr(new, name)
        size = min(len(before), len(now))
        if before[:size] != now[:size]:
            out.append(f"{text} ({name} digest {before}, here {now})")
    return out


def scenario_digest(scenario: Scenario) -> str:
    """Return what tells a scenario from a changed one; fields left at their default say nothing.

    Nor does what is for exhaustive searches alone.
    """
    stated = {
        field.name: getattr(scenario, field.name)
        for field in msgspec.structs.fields(scenario)
        if getattr(scenario, field.name) != field.default and field.name != "explore"
    }
    return hashlib.sha256(msgspec.json.encode(stated, order="sorted")).hexdigest()[:16]


def variant_digest(variant: type[Kvm]) -> str:
    """Return the digest of a variant: the files of its classes down to its era, and their names.

    What these files import is not followed. It is "" where a source cannot be had.
    """
    return digest_of((*variant.__mro__, *variant.machine_class.__mro__))


@cache
def digest_of(classes: tuple[type, ...]) -> str:
    """Return the digest of the sources of those of the classes that are not shared code."""
    sha = hashlib.sha256()
    for cls in classes:
        name = cls.__module__
        shared = name.partition(".")[0] in ("model", "harness") and not name.startswith(CHAINED)
        if shared or name == "builtins":
            continue
        module = sys.modules.get(name)
        text = source(Path(getattr(module, "__file__", None) or ""))
        if not text:
            return ""
        sha.update(cls.__qualname__.encode() + b"\0" + text + b"\0")
    return sha.hexdigest()[:16]


@cache
def code_digest() -> str:
    """Return the digest of the sources in :data:`CODE`, without those that belong to a variant.

    It is "" where a source cannot be had.
    """
    sha = hashlib.sha256()
    for path in code_files():
        text = source(path)
        if not text and path.stat().st_size:
            return ""
        sha.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + text + b"\0")
    return sha.hexdigest()[:16]


def code_files() -> list[Path]:
    """List the sources in :data:`CODE`, in an order that is the same everywhere."""
    found: list[Path] = []
    for entry in CODE:
        path = ROOT / entry
        found += path.rglob("*.py") if path.is_dir() else [path]
    return sorted(
        (path for path in found if not name_of(path).startswith(CHAINED)),
        key=lambda path: path.relative_to(ROOT).parts,
    )


def name_of(path: Path) -> str:
    """Return the name of the module in a file of this project."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def source(path: Path) -> bytes:
    """Return a source as it counts here; nothing if it cannot be read."""
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except OSError:
        return b""
