"""What a mutant is: a variant that breaks one rule, with a twin that does not."""

import msgspec
from harness.kvm.flow import Kvm
from harness.kvm.museum import exhibits


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


def exhibit(number: str, era: str) -> type[Kvm]:
    cls = exhibits()[number].eras[era]
    assert not isinstance(cls, str)
    return cls
