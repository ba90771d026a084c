"""All rules, by id."""

from collections.abc import Callable

from model.machine import Config
from model.rules.rule import Rule
from model.rules.scene import Scene

__all__ = ["RULES", "make_rules"]

RULES: dict[str, type[Rule]] = {}


def make_rules(
    era: str,
    config: Config,
    scene: Scene,
    fail: Callable[[str, str], None],
    only: frozenset[str] | None,
) -> list[Rule]:
    """Make the rules that hold in ``era`` under ``config``; ``only`` keeps the named ones."""
    return [
        cls(era, config, scene, fail)
        for cls in RULES.values()
        if era in cls.eras and cls.applies(config) and (only is None or cls.id in only)
    ]
