"""The steps of a guest: one instruction each, and the exits from it."""

from harness.engine.footprint import Step
from harness.kvm.steps import SEEN
from harness.resources import (
    CLOCK,
    CPUIF,
    DELIVERS_R,
    DELIVERS_W,
    FORWARD,
    GUEST,
    HW_PTIMER,
    HW_TIMER,
    LPIS,
    PCPU,
    SIGNAL,
    SPI,
    VIF,
    VM,
    VTIMER,
)

__all__ = ["GuestSteps"]


class GuestSteps:
    """What a guest's CPU does in one step."""

    exit_irq = Step((SIGNAL.here,), (PCPU.here, GUEST.own))
    exit_trap = Step(SEEN, (PCPU.here, GUEST.own))
    exit_trap_far = Step(SEEN, (PCPU.here, GUEST.all))
    guest_work = Step((*SEEN, VIF.here), (GUEST.own,))
    guest_timer = Step((*SEEN, VIF.here, CLOCK, VTIMER.own), (GUEST.own, HW_TIMER.here))
    guest_ptimer = Step((*SEEN, VIF.here, CLOCK), (GUEST.own, HW_PTIMER.here))
    guest_wfi = Step((*SEEN, VIF.here), (GUEST.own, PCPU.here))
    guest_device = Step((*SEEN, VIF.here), (GUEST.own, FORWARD.all))
    guest_pmr = Step(SEEN, (GUEST.own, VIF.here))
    guest_read = Step((*SEEN, VIF.here, HW_TIMER.here, CLOCK, VTIMER.own), (GUEST.own,))
    guest_read_ptimer = Step((*SEEN, VIF.here, HW_PTIMER.here, CLOCK), (GUEST.own,))
    guest_iar = Step(SEEN, (GUEST.own, VIF.here))
    guest_eoir = Step(
        (*SEEN, CPUIF.here, SPI.all, LPIS.here, *DELIVERS_R),
        (GUEST.own, VM, VIF.here, *DELIVERS_W),
    )
    guest_dir = Step(
        (*SEEN, CPUIF.here, SPI.all, LPIS.here, *DELIVERS_R),
        (GUEST.own, VM, PCPU.here, VIF.here, *DELIVERS_W),
    )
