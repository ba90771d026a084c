"""What a mark ``race`` says, checked, and the plan of a campaign that comes of it."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from harness.campaign.plan import DEPTH, MIX, STRATEGIES, Plan
from harness.errors import UsageError, unknown_name
from harness.places import shown
from harness.rule_choice import choose_rules
from harness.spec import RunSpec, parse_knobs
from harness.user_code import is_reference
from harness.user_strategy import make_strategy
from harness.variants import ERAS, expand_variant, resolve_variant

__all__ = ["Wanted", "make_plan", "read_mark"]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mark says; each as in ``vgic-race stress``; classes as such, or by name.

    ``schedules`` is how many each variant gets; ``expect`` what the test is about: that nothing is
    found, or that something is ("violated"); ``shrink`` whether a failure is made short.
    """

    scenario: str
    variant: Any = None
    schedules: int = 100
    strategy: Any = MIX
    seed: int = 0
    depth: int = DEPTH
    knobs: dict[str, Any] = {}
    rules: Any = None
    pcpus: int | None = None
    vcpus: int | None = None
    lrs: int | None = None
    expect: Literal["clean", "violated"] = "clean"
    shrink: bool = True


def read_mark(said: Mapping[str, Any]) -> Wanted:
    """Read the arguments of a mark.

    Raises:
        UsageError: one is unknown, missing or of the wrong type or range, and what was expected.

    """
    for argument in said:
        if argument not in Wanted.__struct_fields__:
            raise unknown_name("argument", argument, Wanted.__struct_fields__)
    if "scenario" not in said:
        raise UsageError("scenario is missing, expected scenario='NAME' or a path of a .toml file")
    try:
        wanted = msgspec.convert(dict(said), Wanted, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"{error}".replace("`$.", "`")) from None
    for argument, least in (("schedules", 1), ("seed", 0), ("depth", 1)):
        if getattr(wanted, argument) < least:
            raise UsageError(f"{argument} is {getattr(wanted, argument)}, expected {least} or more")
    return wanted


def make_plan(wanted: Wanted, folders: Iterable[Path]) -> Plan:
    """Return the campaign that a mark asks for; ``folders`` are looked in for files.

    Raises:
        UsageError: there is no such scenario, variant, rule, strategy or knob, or a size cannot be.

    """
    folders = tuple(folders)
    strategy = found(named_as(wanted.strategy, "strategy"), folders)
    if is_reference(strategy):
        make_strategy(strategy, 0)
    elif strategy not in STRATEGIES:
        raise unknown_name("strategy", strategy, STRATEGIES)
    variants = [found(named_as(each, "variant"), folders) for each in many(wanted.variant)]
    rules = [
        found(each.strip(), folders)
        for rule in many(wanted.rules)
        for each in named_as(rule, "rules").split(",")
    ]
    only = choose_rules(",".join(rules) if rules else None)
    knobs = parse_knobs([f"{knob}={value}" for knob, value in wanted.knobs.items()])
    specs = tuple(
        RunSpec.make(
            found(wanted.scenario, folders), variant, pcpus=wanted.pcpus, vcpus=wanted.vcpus,
            lrs=wanted.lrs, knobs=knobs, rules=only,
        )
        for variant in dict.fromkeys(v for each in variants or ERAS for v in expanded(each))
    )  # fmt: skip
    return Plan(
        specs=specs,
        seed=wanted.seed,
        schedules=wanted.schedules * len(specs),
        strategy=strategy,
        depth=wanted.depth,
    )


def many(given: Any) -> list[Any]:
    """Return what an argument gives as a list: several, one, or (None) nothing."""
    if isinstance(given, list | tuple):
        return list(given)
    return [] if given is None else [given]


def expanded(name: str) -> list[str]:
    """Return the variants that a name stands for.

    Raises:
        UsageError: there are none.

    """
    names = expand_variant(name)
    if not names:
        raise UsageError(f"variant {name!r} cannot be expressed in any era (see list variants)")
    for each in names:
        resolve_variant(each)
    return list(names)


def named_as(given: object, argument: str) -> str:
    """Return the name of what a mark gives: text as it is, a class by its file and name.

    Raises:
        UsageError: it is neither, or a class that no file has at its top.

    """
    if isinstance(given, str):
        return given
    if not isinstance(given, type):
        raise UsageError(f"{argument} is {given!r}, expected a name or a class")
    file = inspect.getsourcefile(given)
    if file is None or "." in given.__qualname__:
        raise UsageError(
            f"{argument} is class {given.__qualname__}, expected one at the top of a file: a "
            "schedule names it by that"
        )
    return f"{shown(Path(file))}:{given.__qualname__}"


def found(name: str, folders: Iterable[Path]) -> str:
    """Return a name with its file's path as it is from the current folder, wherever it was found.

    ``folders`` are looked in after the current one; a name that is no file's stays as it is.
    """
    path, colon, attribute = name.rpartition(":") if is_reference(name) else (name, "", "")
    if not path.endswith((".py", ".toml")) or Path(path).is_file():
        return name
    for folder in folders:
        if (folder / path).is_file():
            return f"{shown(folder / path)}{colon}{attribute}"
    return name
