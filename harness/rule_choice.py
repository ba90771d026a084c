"""Which rules are to be checked, as a user names them: ids, groups and rules of the user's own."""

import os
from pathlib import Path

from harness.errors import unknown_name
from harness.places import shown
from harness.project import load_project
from harness.user_code import is_reference
from harness.user_rules import load_rule, with_own
from model.rules.registry import GUEST, HARDWARE, RULES

__all__ = ["GROUPS", "choose_rules", "parse_rules", "project_rules"]

GROUPS: dict[str, frozenset[str]] = {
    "all": frozenset(RULES),
    "guest": GUEST,
    "kvm": frozenset(RULES) - GUEST - HARDWARE,
    "hardware": HARDWARE,
}
"""Names that stand for several rules: all, or whom they are about, as ``list rules`` says it."""


def parse_rules(text: str) -> frozenset[str]:
    """Read ids of rules, names of groups and of rules of the user's own, divided by commas.

    A rule of the user's is ``path/file.py:Class`` or ``package.module:Class``; it stays by that
    name, also where it is given by its id.

    Raises:
        UsageError: there is no such rule or group.

    """
    project = {load_rule(name).id: name for name in project_rules()}
    chosen: set[str] = set()
    for name in (word.strip() for word in text.split(",")):
        if is_reference(name):
            load_rule(name)
        elif name not in RULES and name not in GROUPS and name not in project:
            raise unknown_name("rule", name, (*GROUPS, *RULES, *project))
        chosen |= GROUPS.get(name) or {project.get(name, name)}
    return frozenset(chosen)


def choose_rules(text: str | None) -> frozenset[str] | None:
    """Return what ``--rules`` says; without it all rules, and those that the project names.

    None stands for all rules of vgic-race.

    Raises:
        UsageError: there is no such rule, or one of the project's cannot be had.

    """
    return with_own(project_rules()) if text is None else parse_rules(text)


def project_rules() -> list[str]:
    """Return the rules that the project names, as they are named from the current folder.

    Raises:
        UsageError: its file cannot be read.

    """
    project = load_project()
    if project.folder is None:
        return []
    return [from_here(name, project.folder) for name in project.settings.rules]


def from_here(name: str, folder: Path) -> str:
    """Return a name that is meant from ``folder`` as it is meant from the current one."""
    path, colon, cls = name.rpartition(":")
    if not path.endswith(".py") or os.path.isabs(path):
        return name
    return f"{shown(folder / path)}{colon}{cls}"
