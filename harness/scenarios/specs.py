"""The tables of a scenario file: its VCPUs, and its devices."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from harness.errors import UsageError
from model.gic.registers import FIRST_LPI, FIRST_SPI, SPECIAL

__all__ = ["DeviceSpec", "ForwardSpec", "Priority", "VcpuSpec", "check_device"]

Priority = Annotated[int, Meta(ge=0, le=0xF8, multiple_of=8)]
Deadline = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class VcpuSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One guest: its program, a line per instruction (``harness.scenarios.instructions``).

    ``handler`` is its interrupt handler, in the same language. Without one it has a driver's:
    acknowledge, silence the device, complete (``harness.guest.handlers``, as the scenario says).
    ``timer`` and ``ptimer`` are when its virtual and its physical timer fire that user space has
    programmed before the VCPU first runs, as of a VM that comes from elsewhere: in ns from then
    on, 0: at once. Without them it starts with its timers off.
    """

    program: Annotated[tuple[str, ...], Meta(min_length=1)]
    handler: tuple[str, ...] | None = None
    timer: Deadline | None = None
    ptimer: Deadline | None = None


class DeviceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host device that sends up to ``edges`` edges on SPI ``intid``: 0 to ``edges``, as drawn."""

    intid: Annotated[int, Meta(ge=32, le=1019)]
    edges: Annotated[int, Meta(ge=0, le=8)] = 1


class ForwardSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passthrough device: ``intid`` on CPU ``pcpu``, forwarded to VCPU ``vcpu`` as ``vintid``.

    It has up to ``events`` events: a line held until served, edges, or MSIs (LPIs, from 8192 up).
    With ``after`` it has one each time the driver of that earlier device (a vintid) has served it.

    ``kind = "software"`` is a device that the VM monitor makes: it has no ``intid``. ``signals``
    says how it signals: "edge" or "level" by KVM_IRQ_LINE, or "resample", a level by an irqfd with
    a resamplefd. ``exits`` is whether its driver's access leaves for user space; not given, it does
    for "level", whose line the VM monitor lowers then.

    With ``when_routed`` each event waits until a guest is about to route the interrupt to a VCPU,
    or another guest than its own has finished.

    A ``vintid`` from 8192 up is a virtual LPI: an MSI is what comes, of a physical LPI or of a
    device of software that signals edges. A physical LPI may reach its guest as an SPI, too.
    """

    kind: Literal["level", "edge", "lpi", "software"]
    intid: Annotated[int, Meta(ge=32, le=16383)] = -1
    vintid: Annotated[int, Meta(ge=32, le=16383)] = 80
    vcpu: Annotated[int, Meta(ge=0, le=31)] = 0
    pcpu: Annotated[int, Meta(ge=0, le=31)] = 0
    events: Annotated[int, Meta(ge=0, le=8)] = 2
    priority: Priority = 0xA0
    after: Annotated[int, Meta(ge=32, le=16383)] | None = None
    signals: Literal["edge", "level", "resample"] | None = None
    exits: bool | None = None
    when_routed: bool = False

    @property
    def level(self) -> bool:
        """Whether it holds a line."""
        return self.kind == "level" or self.signals in ("level", "resample")

    @property
    def what(self) -> str:
        """What kind of device it is, in a few words."""
        return f"{self.kind} {self.signals or self.intid}"

    @property
    def is_mapped(self) -> bool:
        """Whether a physical SPI is linked to it by the HW bit."""
        return FIRST_SPI <= self.intid < FIRST_LPI


def check_device(forward: ForwardSpec, where: str) -> None:
    """Refuse an intid, or a way to signal, that a device of this kind does not have.

    Raises:
        UsageError: which field, and what was expected.
    """
    software = forward.kind == "software"
    if software and (forward.intid >= 0 or forward.pcpu):
        raise UsageError(f"{where}: intid, pcpu: a device of kind 'software' has neither")
    if software and forward.signals is None:
        raise UsageError(f"{where}: signals: expected 'edge', 'level' or 'resample'")
    if not software and (forward.signals is not None or forward.exits is not None):
        raise UsageError(f"{where}: signals, exits: expected kind = 'software'")
    if forward.signals == "level" and forward.exits is False:
        raise UsageError(f"{where}: exits = false: the VM monitor has to lower the line")
    if forward.vintid >= SPECIAL and not (
        forward.vintid >= FIRST_LPI and (forward.kind == "lpi" or forward.signals == "edge")
    ):
        raise UsageError(
            f"{where}: vintid {forward.vintid}: expected 32 to 1019; 8192 or more of kind 'lpi' "
            "and of software that signals edges"
        )
    if forward.when_routed and forward.kind not in ("edge", "level"):
        raise UsageError(f"{where}: when_routed: expected kind 'edge' or 'level'")
    if software:
        return
    lpi = forward.kind == "lpi"
    if not (forward.intid >= FIRST_LPI if lpi else forward.intid < 1020 and forward.is_mapped):
        expected = "8192 or more" if lpi else "32 to 1019"
        said = "no intid" if forward.intid < 0 else f"intid {forward.intid}"
        raise UsageError(f"{where}: {said} of kind {forward.kind!r}, expected {expected}")
