"""14. The timer's handler runs after the timer was saved (fixed by 36e5cfd410ad).

A put saves the timer to memory and disables the hardware, with interrupts on. The interrupt was on
its way already; the handler reads the (now disabled) hardware and stores that as the VCPU's state:
the guest's timer is gone.
"""

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from harness.resources import CLOCK, HW_TIMER, VTIMER
from model.identity import VTIMER as VIRTUAL
from model.timer import ENABLE, ISTATUS

__all__ = ["PATCH"]


READ_CTL = Step((HW_TIMER.here, CLOCK), (VTIMER.own,), "isr_read_ctl")


class Overwrites(Hooks):
    """The part of 4.15's handler that trusts the hardware whoever it belongs to.

    4.15 injected whenever the timer could fire; here it must have fired, as in today's code, so
    that only the overwritten register is broken.
    """

    async def isr_level(self, h: Context, v: int) -> bool:
        """Store what the hardware says; inject if that can fire."""
        await h.step(READ_CTL, h.at(v))
        hardware = self.machine.hw_timers[h.c]
        vtimer = self.machine.timers[v][VIRTUAL]
        vtimer.ctl = hardware.read_ctl() & ~ISTATUS
        return vtimer.sample_live(hardware) and vtimer.ctl == ENABLE


PATCH = Patch(
    id="14",
    title="the timer's handler overwrites the saved control register after a put",
    source="Linux 36e5cfd410ad (Fixes b103cc3f10c0)",
    symptom="the guest's timer is lost",
    hooks=Overwrites,
    refused={
        "v4.14": "until 4.14 the host's handler never runs: the timer is disabled before "
        "interrupts are unmasked",
    },
)
