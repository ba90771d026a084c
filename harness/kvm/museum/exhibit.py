"""What an exhibit of the museum says of itself."""

import msgspec

from harness.kvm.flow import Kvm

__all__ = ["Exhibit"]


class Exhibit(msgspec.Struct, frozen=True):
    """A historical bug, or a machine that breaks a bound.

    ``id`` is its number in the catalogue; ``source`` the commit that fixed it (or where it is
    told). ``eras`` has the class that re-creates it in an era, or the reason why that era cannot
    express it. ``symptom`` is what is lost.
    """

    id: str
    title: str
    source: str
    symptom: str
    eras: dict[str, type[Kvm] | str]
