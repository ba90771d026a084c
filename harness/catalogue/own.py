"""What ``vgic-race list`` says of the user's own: variants, rules, strategies, scenario files."""

from pathlib import Path

from harness.catalogue.items import Item, rule_item, scenario_item
from harness.catalogue.words import paragraphs
from harness.user_code import is_reference, load_class

__all__ = ["explain_own", "own_rules"]


def explain_own(name: str) -> Item | None:
    """Return what a class or a scenario file of the user's is; None if ``name`` names none.

    The id of a rule that the project's ``rules`` name is such a name, too.

    Raises:
        UsageError: it cannot be had, or is nothing that could be used.

    """
    if name.endswith(".toml") and Path(name).is_file():
        return scenario_file(name)
    if is_reference(name):
        return own_class(name)
    return next((item for item in own_rules() if item["name"].casefold() == name.casefold()), None)


def own_rules() -> list[Item]:
    """Return the rules of the user's that the project checks beside all others.

    Raises:
        UsageError: one of them cannot be had.

    """
    from harness.rule_choice import project_rules

    return [rule(name) for name in project_rules()]


def own_class(name: str) -> Item:
    """Return what a class is, by what it is derived from.

    Raises:
        UsageError: it cannot be had, or is nothing that could be used.

    """
    from harness.kvm.kvm import Kvm
    from model.check.rule import Rule

    cls = load_class(name, "class")
    if issubclass(cls, Kvm):
        return variant(name)
    return rule(name) if issubclass(cls, Rule) else strategy(name)


def variant(name: str) -> Item:
    """Return what a variant changes in its era."""
    from harness.kvm.hooks import hooks
    from harness.variants import resolve_variant

    cls = resolve_variant(name)
    known = hooks()
    changed = sorted({x for base in cls.__mro__ if is_own(base) for x in vars(base)} & set(known))
    return {
        "type": "variant", "name": name, "title": paragraphs(cls.__doc__)[0], "eras": [cls.era],
        "hooks": changed, "command": f"vgic-race stress --variant {name}",
    }  # fmt: skip


def rule(name: str) -> Item:
    """Return what a rule says, and what it needs."""
    from harness.user_rules import load_rule

    cls = load_rule(name)
    command = f"vgic-race stress --rules all,{name}"
    return {**rule_item(cls), "file": name, "command": command}


def strategy(name: str) -> Item:
    """Return what a strategy does.

    Raises:
        UsageError: it is none.

    """
    from harness.user_strategy import strategy_class

    cls = strategy_class(name)
    return {
        "type": "strategy", "name": name, "title": paragraphs(cls.__doc__)[0],
        "command": f"vgic-race stress --strategy {name}",
    }  # fmt: skip


def scenario_file(name: str) -> Item:
    """Return what a scenario is.

    Raises:
        UsageError: it cannot be read, or is none.

    """
    from harness.scenarios.schema import load_file

    found = load_file(Path(name))
    return {**scenario_item(name, found), "command": f"vgic-race run --scenario-file {name}"}


def is_own(cls: type) -> bool:
    """Tell whether a class is none of vgic-race's, or of Python's."""
    return cls.__module__.split(".")[0] not in ("harness", "model", "builtins", "abc")
