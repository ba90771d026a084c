"""The model broken on purpose: subclasses of the GIC that differ in one effect each."""

from typing import Any

from harness.conform.qemu.broken_physical import PHYSICAL
from harness.conform.qemu.broken_virtual import VIRTUAL
from harness.conform.qemu.faults import FAULTS
from harness.errors import unknown_name
from model.gic.cpu_interface import CpuInterface
from model.gic.gic import Gic
from model.gic.lr import PENDING_ACTIVE
from model.gic.registers import HCR_EN, HCR_UIE, MISR_U, PRIORITY_MASK, PRIORITY_SHIFT
from model.gic.virtual_interface import VirtualInterface

__all__ = ["broken"]


class _EdgeWhileActiveLost(Gic):
    def _latch(self, c: int, intid: int, on: bool) -> None:
        if not (on and self.is_active(c, intid)):
            super()._latch(c, intid, on)


class _EoirIgnoresApr(Gic):
    def eoir(self, c: int, value: int, group: int = 1) -> None:
        cpuif = self.cpuifs[c]
        kept = cpuif.apr0, cpuif.apr1
        super().eoir(c, value, group)
        cpuif.apr0, cpuif.apr1 = kept
        cpuif.derive()


class _EoicountInMode1(Gic):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes, eoicount_on_eoir_mode1=True)


class _AcknowledgeLowersLine(Gic):
    def acknowledge(self, c: int, intid: int) -> int:
        source = super().acknowledge(c, intid)
        if self.line(c, intid):
            self.set_line(c, intid, False)
        return source


class _HwBitIgnored(Gic):
    def deactivate(self, c: int, intid: int, cause: str = "deactivate") -> None:
        """Nothing arrives."""


class _ListRegisterStaysActive(Gic):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes, lr_on_guest_deactivate="polled")


class _DeactivateTakesPending(Gic):
    def clear_active(self, c: int, intid: int, cause: str) -> None:
        if self.is_active(c, intid):
            self._latch(c, intid, False)
        super().clear_active(c, intid, cause)


class _DirInMode0(Gic):
    def dir(self, c: int, value: int) -> None:
        self.clear_active(c, value & 0x3FF, "deactivate")


class _DirOnlyByAcknowledger(Gic):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.takers: dict[int, int] = {}

    def acknowledge(self, c: int, intid: int) -> int:
        self.takers[intid] = c
        return super().acknowledge(c, intid)

    def dir(self, c: int, value: int) -> None:
        if value < 32 or self.takers.get(value, c) == c:
            super().dir(c, value)


class _IcpendrLowersLine(Gic):
    def set_pending(self, c: int, intid: int, on: bool) -> None:
        super().set_pending(c, intid, on)
        if not on and self.line(c, intid):
            self.set_line(c, intid, False)


class _DisableDropsPending(Gic):
    def set_enable(self, c: int, intid: int, on: bool) -> None:
        super().set_enable(c, intid, on)
        if not on:
            self._latch(c, intid, False)


class _SgiToSender(Gic):
    def send_sgi(self, source: int, target: int, intid: int) -> None:  # noqa: ARG002
        super().send_sgi(source, source, intid)


class _RetargetWhilePendingLost(Gic):
    def set_targets(self, c: int, intid: int, targets: int) -> None:
        if not self.is_pending(c, intid):
            super().set_targets(c, intid, targets)


class _GuestDirInMode0(Gic):
    def vdir(self, c: int, vintid: int) -> int:
        kept = self.vifs[c].vmcr
        self.vifs[c].vmcr = kept._replace(eoim=1)
        pintid = super().vdir(c, vintid)
        self.vifs[c].vmcr = kept
        return pintid


class _MaintenanceLatched(Gic):
    def maintenance(self, c: int) -> bool:
        return super().maintenance(c) or self.line(c, 25)


class _GuestDropsLowest(Gic):
    def veoir(self, c: int, vintid: int, group: int = 1) -> int:
        vif = self.vifs[c]
        apr0, apr1 = vif.apr0, vif.apr1
        pintid = super().veoir(c, vintid, group)
        if vif.apr0 != apr0:
            vif.apr0 = apr0 & ~(1 << apr0.bit_length() - 1)
        if vif.apr1 != apr1:
            vif.apr1 = apr1 & ~(1 << apr1.bit_length() - 1)
        vif.refresh()
        return pintid


# -- what follows from the registers -----------------------------------------------------------


class _OfferingInterface(VirtualInterface):
    __slots__ = ()

    def refresh(self) -> None:
        super().refresh()
        for index, lr in enumerate(self.lrs):
            on = self.vmcr.enable1 if lr.group else self.vmcr.enable0
            if lr.state == PENDING_ACTIVE and on:
                self.best = min(self.best, lr.priority << 8 | index << 1 | lr.group)
        self.refresh_signal()


class _UnderflowInterface(VirtualInterface):
    __slots__ = ()

    def refresh_maintenance(self) -> None:
        super().refresh_maintenance()
        if self.hcr & HCR_UIE and self.valid == 2:
            self.misr |= MISR_U
            self.maintenance = bool(self.hcr & HCR_EN)


class _HidingInterface(VirtualInterface):
    __slots__ = ()

    def refresh(self) -> None:
        super().refresh()
        self.elrsr |= self.eisr


class _EqualPasses(CpuInterface):
    __slots__ = ()

    def derive(self) -> None:
        super().derive()
        if not self.apr0 | self.apr1:
            self.limit0 = self.pmr + 1 << PRIORITY_SHIFT if self.enable0 else 0
            self.limit1 = self.pmr + 1 << PRIORITY_SHIFT if self.enable1 else 0


class _NoBinaryPoint(CpuInterface):
    __slots__ = ()

    def derive(self) -> None:
        super().derive()
        self.mask0 = self.mask1 = PRIORITY_MASK


def _with_virtual(kind: type[VirtualInterface]) -> type[Gic]:
    class Broken(Gic):
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**sizes)
            self.vifs = [kind(c, self.version, self.lrs) for c in range(self.cpus)]

    return Broken


def _with_physical(kind: type[CpuInterface]) -> type[Gic]:
    class Broken(Gic):
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**sizes)
            self.cpuifs = [kind(c) for c in range(self.cpus)]

    return Broken


_KINDS: dict[str, type[Gic]] = {
    "pa-offered-by-iar": _with_virtual(_OfferingInterface),
    "edge-while-active-lost": _EdgeWhileActiveLost,
    "eoir-ignores-apr": _EoirIgnoresApr,
    "eoicount-in-mode-1": _EoicountInMode1,
    "acknowledge-lowers-line": _AcknowledgeLowersLine,
    "hw-bit-ignored": _HwBitIgnored,
    "list-register-stays-active": _ListRegisterStaysActive,
    "deactivate-takes-pending": _DeactivateTakesPending,
    "dir-in-mode-0": _DirInMode0,
    "dir-only-by-acknowledger": _DirOnlyByAcknowledger,
    "icpendr-lowers-line": _IcpendrLowersLine,
    "disable-drops-pending": _DisableDropsPending,
    "sgi-to-sender": _SgiToSender,
    "mask-lets-equal-through": _with_physical(_EqualPasses),
    "preemption-ignores-binary-point": _with_physical(_NoBinaryPoint),
    "underflow-at-two": _with_virtual(_UnderflowInterface),
    "elrsr-hides-eoi": _with_virtual(_HidingInterface),
    "guest-drops-lowest": _GuestDropsLowest,
    "retarget-while-pending-lost": _RetargetWhilePendingLost,
    "guest-dir-in-mode-0": _GuestDirInMode0,
    "maintenance-latched": _MaintenanceLatched,
    **PHYSICAL,
    **VIRTUAL,
}


def broken(name: str | None) -> type[Gic]:
    """Return the class of GIC with a fault; without a name, the sound one.

    Raises:
        UsageError: there is no fault of that name.
    """
    if name is None:
        return Gic
    if name not in _KINDS:
        raise unknown_name("fault", name, FAULTS)
    return _KINDS[name]
