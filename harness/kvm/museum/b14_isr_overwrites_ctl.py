"""14. The timer's handler runs after the timer was saved (fixed by 36e5cfd410ad).

A put saves the timer to memory and disables the hardware, with interrupts on. The interrupt was on
its way already; the handler reads the (now disabled) hardware and stores that as the VCPU's state:
the guest's timer is gone.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.ops import KVM_OPS
from harness.kvm.v7_2 import V7_2
from model import facts
from model.identity import VTIMER
from model.timer import ENABLE, ISTATUS

__all__ = ["EXHIBIT"]


class Overwrites(V7_2):
    """Era v7.2, with the part of 4.15's handler that trusts the hardware whoever it belongs to.

    4.15 injected whenever the timer could fire; here it must have fired, as in today's code, so
    that only the overwritten register is broken.
    """

    OPS = KVM_OPS | {"isr_read_ctl": ("timer@c clock", "vtimer@v")}

    async def isr_level(self, h: Context) -> bool:
        """Store what the hardware says; inject if that can fire."""
        await h.step(h.ops(h.v).isr_read_ctl)
        ctl = self.machine.timers[h.c].read_ctl()
        self.machine.vtimers[h.v].ctl = ctl & ~ISTATUS
        level = ctl == ENABLE | ISTATUS
        self.emit(facts.TimerRead(h.v, VTIMER, "live", level))
        return level


EXHIBIT = Exhibit(
    id="14",
    title="the timer's handler overwrites the saved control register after a put",
    source="Linux 36e5cfd410ad (Fixes b103cc3f10c0)",
    symptom="the guest's timer is lost",
    eras={
        "v4.14": "until 4.14 the host's handler never runs: the timer is disabled before "
        "interrupts are unmasked",
        "v7.2": Overwrites,
    },
)
