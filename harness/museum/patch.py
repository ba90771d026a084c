"""What a patch is: a bug, or a broken machine, as a change of a hook or two of KVM.

It is written once for all the eras that can express it: a class with hooks (``harness.kvm.hooks``)
that is laid over an era's class, alone or with other patches (``harness.variants``).
"""

from collections.abc import Mapping

import msgspec

from harness.kvm.hooks import Hooks

__all__ = ["Patch"]


class Patch(msgspec.Struct, frozen=True):
    """One bug.

    ``id`` is how ``--variant`` names it, ``source`` the commit or document that has it, ``symptom``
    what a guest suffers. ``hooks`` is the class with the changed hooks: one for all eras, or one
    for each era that needs its own. ``refused`` says for each era that cannot express it why not.
    ``shipped`` marks a fault of KVM as shipped, which the eras here are mended for. ``deep`` is the
    command that finds one that is too deep for random schedules; "" for all that ``stress`` finds.
    """

    id: str
    title: str
    source: str
    symptom: str
    hooks: type[Hooks] | Mapping[str, type[Hooks]]
    refused: Mapping[str, str] = {}
    shipped: bool = False
    deep: str = ""

    def hooks_in(self, era: str) -> type[Hooks] | str:
        """Return the hooks for ``era``, or why the era cannot express the bug."""
        if era in self.refused:
            return self.refused[era]
        return self.hooks if isinstance(self.hooks, type) else self.hooks[era]
