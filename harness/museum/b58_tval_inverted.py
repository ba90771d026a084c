"""58. CNTP_TVAL reads with its sign inverted (fixed by 8fa761624871, 2019).

The time that is left until the physical timer fires is the compare value less the counter. When the
trap handlers were merged that was turned round: guests that wait for it to run out saw it grow.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.guest import REGISTERS, Instruction
from model.identity import PTIMER

__all__ = ["PATCH"]


class Inverted(Hooks):
    """now - CVAL."""

    async def read_ptimer(self, t: Context, access: Instruction) -> None:
        """Read as if it were as long ago as it will be."""
        if REGISTERS[access.a] != "cntp_tval":
            await super().read_ptimer(t, access)
            return
        await self.point(t, Steps.read_ptimer)
        ptimer = self.machine.timers[t.v][PTIMER]
        now = self.machine.clock.now
        ptimer.read("cntp_tval", now - 2 * (now - ptimer.deadline()))


PATCH = Patch(
    id="58",
    title="CNTP_TVAL is read as the counter less the compare value",
    source="Linux 8fa761624871 (Fixes 84135d3d18da)",
    symptom="a guest reads how long ago its timer fired, which has not",
    hooks=Inverted,
)
