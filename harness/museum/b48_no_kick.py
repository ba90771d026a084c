"""48. What is made pending kicks nobody (Jailhouse 00f6ebec).

The interrupt is put where its CPU will look for it at the next exit; nothing makes that exit come.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class NoKick(Hooks):
    """A request alone."""

    async def kick(self, ctx: Context, v: int) -> None:
        """Wake whoever sleeps, and interrupt nobody."""
        await self.wake_up(ctx, v)


PATCH = Patch(
    id="48",
    title="an interrupt is made pending for a VCPU that runs, and nobody kicks it",
    source="Jailhouse 00f6ebec",
    symptom="an interrupt comes only after an exit for another reason",
    hooks=NoKick,
)
