"""What a mutant is: a variant that breaks one rule, with a twin that does not."""

import msgspec

from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm


class Mutant(msgspec.Struct, frozen=True):
    """A rule, the variant that breaks it, the clean twin, and where it shows."""

    rule: str
    broken: type[Kvm]
    twin: type[Kvm]
    scenario: str
    knobs: tuple[tuple[str, str], ...] = ()
    schedules: int = 800

    def __str__(self) -> str:
        return f"{self.rule}-{self.broken.__name__}"


def laid_over(layer: type[Hooks], era: type[Kvm]) -> type[Kvm]:
    """Return the variant that overrides the hooks of ``layer`` in an era, as a patch does."""
    cls: type[Kvm] = type(f"{layer.__name__}Over{era.__name__}", (layer, era), {})
    return cls
