"""What a rule is."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from model.facts import Fact
from model.machine import Config
from model.rules.scene import Scene

__all__ = ["ALWAYS", "ERAS", "EVENTUALLY", "SCENE", "Rule"]

ALWAYS, EVENTUALLY = "always", "eventually"
ERAS = ("v4.14", "v7.2")
SCENE = ""
"""In ``Rule.needs``: the rule reads this kind of fact through the scene only."""


class Rule:
    """A named claim about a run, checked fact by fact.

    ``id`` is stable; ``section`` says where the document (or the architecture) states it; ``title``
    is one sentence. ``needs`` maps the kinds of facts it reads to the methods that read them, or to
    ``SCENE``: a producer that lacks one cannot check the rule. ``eras`` and :meth:`applies` say
    where it holds.
    ``hardware`` marks the claims about the machine rather than about KVM.
    """

    id: ClassVar[str]
    section: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[str] = ALWAYS
    eras: ClassVar[tuple[str, ...]] = ERAS
    hardware: ClassVar[bool] = False
    needs: ClassVar[dict[type[Fact], str]]

    def __init__(
        self, era: str, config: Config, scene: Scene, fail: Callable[[str, str], None]
    ) -> None:
        self.era = era
        self.config = config
        self.scene = scene
        self.report = fail
        self.reset()

    @classmethod
    def applies(cls, config: Config) -> bool:  # noqa: ARG003  # for those that override it
        """Tell whether the rule holds under these knobs."""
        return True

    def reset(self) -> None:
        """Start an execution."""

    def handlers(self) -> dict[type[Fact], Callable[[Any], None]]:
        """Return what to call for which fact."""
        return {kind: getattr(self, method) for kind, method in self.needs.items() if method}

    def fail(self, text: str) -> None:
        """Say that the rule is broken."""
        self.report(self.id, text)

    def at_rest(self) -> Iterator[str]:
        """Name what is owed when nothing can happen any more ("eventually" rules)."""
        return iter(())
