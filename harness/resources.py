"""The vocabulary of footprints, said once: the kinds of parts that a machine has.

A kind is named as in ``Machine.group_parts``. A step of an actor says what it reads and writes by
references to kinds: ``VGIC.own`` is the vgic of the VCPU that the step works for, ``BANK.here`` the
register bank of the CPU that it runs on, ``THREAD.all`` every thread, ``DEVICE.nth`` the device of
the actor, ``THIS_IRQ`` the virtual interrupt that it works on. A kind that not every machine has
adds nothing where there is none.
"""

from typing import Final

from harness.engine.footprint import Ref, Resource

__all__ = [
    "AGES_R", "AGES_W", "BANK", "BG_TIMER", "CHANNEL", "CLOCK", "CPUIF", "CTLR", "DELIVERS_R",
    "DELIVERS_W", "DEVICE", "DIST", "FORWARD", "GUEST", "HW_PTIMER", "HW_TIMER", "IPI", "IRQS",
    "ITS", "LPIS", "MONITOR", "OWN_STATE", "PCPU", "PTIMER", "PTIMER_HRTIMER", "SIGNAL",
    "SIGNAL_R", "SPI", "THIS_IRQ", "THREAD", "VGIC", "VIF", "VM", "VTIMER", "VTIMER_IRQ",
]  # fmt: skip

# -- the host: CPUs, threads, soft timers
PCPU: Final = Resource("pcpu")
SIGNAL: Final = Resource("signal")
THREAD: Final = Resource("thread")
BG_TIMER: Final = Resource("bg_timer")
PTIMER_HRTIMER: Final = Resource("ptimer_hrtimer", optional=True)
CLOCK: Final = Resource("clock").all

# -- the interrupt controller, and what is on its way
BANK: Final = Resource("bank")
CPUIF: Final = Resource("cpuif")
VIF: Final = Resource("vif")
LPIS: Final = Resource("lpis", optional=True)
SPI: Final = Resource("spi")
CHANNEL: Final = Resource("channel")
IPI: Final = Resource("ipi", optional=True)

# -- timers and devices
HW_TIMER: Final = Resource("hw_timer")
HW_PTIMER: Final = Resource("hw_ptimer", optional=True)
DEVICE: Final = Resource("device")
FORWARD: Final = Resource("forward", optional=True)

# -- KVM
VGIC: Final = Resource("vgic")
DIST: Final = Resource("dist").all
CTLR: Final = Resource("ctlr").all
ITS: Final = Resource("its").all
VTIMER: Final = Resource("vtimer")
PTIMER: Final = Resource("ptimer", optional=True)
VTIMER_IRQ: Final = Resource("vtimer_irq")
THIS_IRQ: Final = Resource("irq").this
IRQS: Final = (
    VTIMER_IRQ.own,
    Resource("sgi_irq").all,
    Resource("ptimer_irq").all,
    Resource("spi_irq").all,
)
"""The interrupts that may be on a VCPU's ap_list."""

OWN_STATE: Final = (
    Resource("own_vm").all,
    Resource("own_vcpu").all,
    Resource("own_irq").all,
)
"""What a variant remembers besides: each step of its code may touch it."""

# -- guests, and the VM monitor
GUEST: Final = Resource("guest")
VM: Final = Resource("vm").all
MONITOR: Final = Resource("monitor").all

# -- what ``model.messages`` may deliver along with an access, and what an entry may age
DELIVERS_R: Final[tuple[Ref, ...]] = (
    HW_TIMER.here, HW_PTIMER.here, CLOCK, VIF.here, LPIS.here,
)  # fmt: skip
DELIVERS_W: Final[tuple[Ref, ...]] = (
    BANK.here, CHANNEL.here, CPUIF.here, FORWARD.all, SPI.all,
)  # fmt: skip
SIGNAL_R: Final[tuple[Ref, ...]] = (BANK.here, CPUIF.here, SPI.all, LPIS.here)
AGES_R: Final[tuple[Ref, ...]] = (*DELIVERS_R, *SIGNAL_R)
AGES_W: Final[tuple[Ref, ...]] = (
    BANK.here, CHANNEL.here, CPUIF.here, SIGNAL.here, DEVICE.all, FORWARD.all, SPI.all, LPIS.here,
    IPI.here,
)  # fmt: skip
