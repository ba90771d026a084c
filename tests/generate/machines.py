"""The machine of a generated scenario: sizes, devices, what guests' handlers do, and knobs."""

from typing import Literal

import msgspec

from harness.scenarios.schema import DeviceSpec, ForwardSpec
from tests.generate.choosing import Chooser

__all__ = ["Machine", "knobs_of", "make_machine"]

Kind = Literal["level", "edge", "lpi", "software"]
Signals = Literal["edge", "level", "resample"]
SIGNALS: tuple[Signals, ...] = ("edge", "level", "resample")
Who = Literal["handler", "later", "other"]
FIRST_VINTID, FIRST_INTID, FIRST_LPI, HOST_INTID = 80, 50, 8192, 40
PRIORITIES = (0xA0, 0x80, 0x60, 0x40, 0x20, 0xC0)
"""All are let through by the priority mask that a guest begins with."""


class Machine(msgspec.Struct, frozen=True):
    """What a scenario has beside its programs.

    With ``wild`` its guests may also do what is known to break KVM as shipped, or is their own
    fault; without it they do nothing of the sort.
    """

    wild: bool
    vcpus: int
    pcpus: int
    lrs: int
    gic_version: int
    eoimode: int
    deactivate: Who
    handler: int
    eoi_first: bool
    nested: bool
    twice: int
    timer_priority: int
    sgi_priority: int
    preemptions: int
    resets: int
    saves: int
    device: tuple[DeviceSpec, ...]
    forward: tuple[ForwardSpec, ...]

    @property
    def others_deactivate(self) -> bool:
        """Tell whether a VCPU must stay until another's devices have been served."""
        return self.eoimode == 1 and self.deactivate == "other" and bool(self.forward)


def make_machine(choose: Chooser) -> Machine:
    """Choose a machine."""
    wild = choose.chance(35)
    vcpus, pcpus = choose.one_of((1, 2, 2, 3)), choose.number(1, 2)
    gic_version = choose.one_of((3, 3, 2))
    forward = make_forwards(choose, vcpus, pcpus, gic_version)
    eoimode = choose.below(2)
    who: tuple[Who, ...] = ("handler", "later", "other")
    resets = int(choose.chance(10))
    return Machine(
        wild=wild,
        vcpus=vcpus,
        pcpus=pcpus,
        lrs=choose.one_of((4, 2, 3, 2, 4, 1)) if wild else choose.one_of((4, 2, 3)),
        gic_version=gic_version,
        eoimode=eoimode,
        deactivate=choose.one_of(who) if eoimode else "handler",
        handler=choose.one_of((0, 0, 1, 3, 8)),
        eoi_first=choose.chance(20),
        nested=choose.chance(30),
        twice=choose.one_of((27, 30, 80)) if wild and choose.chance(8) else -1,
        timer_priority=choose.one_of(PRIORITIES),
        sgi_priority=choose.one_of(PRIORITIES),
        preemptions=choose.one_of((0, 1, 1, 2)),
        resets=resets,
        saves=0 if forward or resets else int(choose.chance(30)),
        device=make_devices(choose),
        forward=forward,
    )


def make_devices(choose: Chooser) -> tuple[DeviceSpec, ...]:
    """Choose the host's own devices."""
    if not choose.chance(30):
        return ()
    return (DeviceSpec(HOST_INTID, choose.number(1, 2)),)


def make_forwards(
    choose: Chooser, vcpus: int, pcpus: int, gic_version: int
) -> tuple[ForwardSpec, ...]:
    """Choose devices, of passthrough or the VM monitor's: none, or up to three of any kind."""
    made: list[ForwardSpec] = []
    for n in range(choose.one_of((0, 1, 1, 2, 0, 3))):
        kinds: tuple[Kind, ...] = (
            ("level", "edge", "software")
            if gic_version == 2
            else ("level", "edge", "lpi", "software")
        )
        kind = choose.one_of(kinds)
        after = choose.one_of(made).vintid if made and choose.chance(25) else None
        spec = ForwardSpec(
            kind=kind,
            vintid=FIRST_VINTID + n,
            vcpu=choose.below(vcpus),
            events=choose.number(0, 2),
            priority=choose.one_of(PRIORITIES),
            after=after,
        )
        made.append(with_source(choose, spec, n, pcpus))
    return tuple(made)


def with_source(choose: Chooser, spec: ForwardSpec, n: int, pcpus: int) -> ForwardSpec:
    """Choose the physical interrupt of device ``n``, or how the VM monitor signals it."""
    if spec.kind != "software":
        first = FIRST_LPI if spec.kind == "lpi" else FIRST_INTID
        spec = msgspec.structs.replace(spec, intid=first + n, pcpu=choose.below(pcpus))
        as_lpi = spec.kind == "lpi" and choose.chance(70)
        return msgspec.structs.replace(spec, vintid=FIRST_LPI + n) if as_lpi else spec
    signals = choose.one_of(SIGNALS)
    exits = True if signals != "level" and choose.chance(30) else None
    return msgspec.structs.replace(spec, signals=signals, exits=exits)


def knobs_of(choose: Chooser, machine: Machine) -> tuple[tuple[str, str], ...]:
    """Choose the knobs: one of each, its default as well.

    A List Register ends otherwise than the architecture says only where a guest cannot tell
    (``tests/race/lr_modes.py``): every interrupt that a register links is taken on the CPU of its
    VCPU, and nothing but the guest's handlers ends it. With "polled" it must be folded before it
    can be taken again, too, as only the timer's is in both eras (museum 57).
    """
    messages = choose.one_of(("queued", "queued", "synchronous"))
    linked = [f for f in machine.forward if f.is_mapped]
    pinned = machine.pcpus == 1 or not linked
    mode = "arch"
    if pinned and not machine.wild and choose.chance(30):
        mode = choose.one_of(("quirk", "erratum") if linked else ("polled", "quirk", "erratum"))
    knobs = {"gic_version": str(machine.gic_version), "gic_messages": messages}
    knobs["gic_lag"] = str(choose.one_of((1, 0, 2, 4)))
    knobs["lr_on_guest_deactivate"] = mode
    if choose.chance(20):
        knobs["eoimode"] = str(machine.eoimode)
    if choose.chance(10):
        knobs["preemptions"] = str(choose.number(0, 3))
    return tuple(sorted(knobs.items()))
