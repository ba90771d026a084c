"""What rules know of the machine that they check: sizes, knobs, and what is mapped to what."""

from typing import Self

import msgspec

from model.gic.registers import FIRST_SPI, SGIS
from model.machine import Config
from model.timer import PTIMER_PPI, VTIMER_PPI
from model.vgic.irq import PRIORITY

__all__ = ["Forwarded", "Setting"]


class Forwarded(msgspec.Struct, frozen=True):
    """A passthrough device: ``intid``, routed to CPU ``target``, is ``vintid`` of ``vcpu``.

    One that the VM monitor makes has neither: both are -1. With ``resample`` KVM holds its line.
    """

    intid: int
    vintid: int
    vcpu: int
    target: int
    level: bool
    priority: int = PRIORITY
    resample: bool = False


class Setting(msgspec.Struct, frozen=True):
    """Sizes, knobs and mappings, as far as rules ask for them.

    ``forwards`` are passthrough devices, ``software`` those that the VM monitor makes, ``devices``
    the SPIs of the host's own. Priorities are those at the beginning.
    """

    pcpus: int = 1
    vcpus: int = 1
    lrs: int = 4
    gic_version: int = 3
    eoimode: int = 0
    gic_messages: str = "queued"
    lr_on_guest_deactivate: str = "arch"
    forwards: tuple[Forwarded, ...] = ()
    devices: tuple[int, ...] = ()
    timer_priority: int = PRIORITY
    sgi_priority: int = PRIORITY
    software: tuple[Forwarded, ...] = ()
    masks: bool = False
    direct_ptimer: bool = False
    """Guests have the physical timer in hardware, as they have the virtual one (VHE)."""
    counter_stops: bool = False
    """A guest's counter stands still while its VM is saved."""

    @property
    def direct(self) -> tuple[int, ...]:
        """The PPIs of the timers that guests have in hardware."""
        return (VTIMER_PPI, PTIMER_PPI) if self.direct_ptimer else (VTIMER_PPI,)

    @property
    def drivers(self) -> tuple[Forwarded, ...]:
        """All devices whose drivers are guests': those passed through, and those of software."""
        return self.forwards + self.software

    def priority_of(self, vintid: int) -> int:
        """Return the priority that a virtual interrupt has at first."""
        if vintid < SGIS:
            return self.sgi_priority
        if vintid < FIRST_SPI:
            return self.timer_priority
        return next((f.priority for f in self.drivers if f.vintid == vintid), PRIORITY)

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the setting of a machine."""
        forwards = tuple(
            Forwarded(f.intid, f.vintid, f.vcpu, f.target, f.level, f.priority, f.resample)
            for f in config.forwards
        )
        return cls(
            pcpus=config.pcpus,
            vcpus=config.vcpus,
            lrs=config.lrs,
            gic_version=config.gic_version,
            eoimode=config.eoimode,
            gic_messages=config.gic_messages,
            lr_on_guest_deactivate=config.lr_on_guest_deactivate,
            forwards=tuple(f for f in forwards if f.intid >= 0),
            software=tuple(f for f in forwards if f.intid < 0),
            devices=tuple(intid for intid, _ in config.devices),
            masks=config.masks,
            direct_ptimer=config.direct_ptimer,
            counter_stops=config.counter == "stops",
            timer_priority=config.timer_priority,
            sgi_priority=config.sgi_priority,
        )
