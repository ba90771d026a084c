"""The virtual side broken on purpose: each class differs from the GIC in one effect."""

from typing import Any

from model.gic.gic import Gic
from model.gic.registers import FIRST_LPI, HCR_TC, HCR_TDIR, TRAP, group_mask
from model.gic.virtual_interface import VirtualInterface

__all__ = ["VIRTUAL"]


class _DeactivatesSgi(Gic):
    def _deactivate_lr(self, c: int, vif: VirtualInterface, i: int, access: str) -> int:
        before = vif.lrs[i]
        pintid = super()._deactivate_lr(c, vif, i, access)
        return before.pintid if before.hw and before.pintid < 16 else pintid


class _VbprOffByOne(Gic):
    def vbpr(self, c: int, group: int) -> int:
        vmcr = self.vifs[c].vmcr
        return vmcr.bpr0 if group and vmcr.cbpr else super().vbpr(c, group)


class _VbprBelowMinimum(Gic):
    def set_vbpr(self, c: int, group: int, value: int) -> None:
        super().set_vbpr(c, group, value)
        vif = self.vifs[c]
        if not group:
            vif.vmcr = vif.vmcr._replace(bpr0=value & 7)
            vif.derive()


class _VbprWritableUnderCbpr(Gic):
    def set_vbpr(self, c: int, group: int, value: int) -> None:
        vmcr = self.vifs[c].vmcr
        if group:
            self.restore_vmcr(c, vmcr._replace(bpr1=value & 7))
        else:
            super().set_vbpr(c, group, value)


class _GuestMaskKeepsLowBits(Gic):
    def emulate_vpmr(self, c: int, value: int) -> None:
        vif = self.vifs[c]
        vif.vmcr = vif.vmcr._replace(pmr=value)
        vif.refresh_signal()


class _TdirIgnored(Gic):
    def vdir(self, c: int, vintid: int) -> int:
        vif = self.vifs[c]
        kept = vif.hcr
        vif.hcr = kept & ~HCR_TDIR
        pintid = super().vdir(c, vintid)
        vif.hcr |= kept & HCR_TDIR
        return pintid


class _TcIgnored(Gic):
    def vdir(self, c: int, vintid: int) -> int:
        vif = self.vifs[c]
        kept = vif.hcr
        vif.hcr = kept & ~HCR_TC
        pintid = super().vdir(c, vintid)
        vif.hcr |= kept & HCR_TC
        return pintid


class _TcLeavesMask(Gic):
    def set_vpmr(self, c: int, value: int) -> int:
        self.emulate_vpmr(c, value)
        return 0


class _TdirOnlyInMode1(Gic):
    def vdir(self, c: int, vintid: int) -> int:
        pintid = super().vdir(c, vintid)
        return -1 if pintid == TRAP and not self.vifs[c].vmcr.eoim else pintid


class _GuestLpiStaysActive(Gic):
    def veoir(self, c: int, vintid: int, group: int = 1) -> int:
        vif = self.vifs[c]
        kept = vif.lrs
        pintid = super().veoir(c, vintid, group)
        if vintid >= FIRST_LPI and vif.vmcr.eoim:
            vif.lrs = kept
            vif.refresh()
        return pintid


class _OwnPoint(VirtualInterface):
    __slots__ = ()

    def derive(self) -> None:
        super().derive()
        self.mask1 = group_mask(1, self.vmcr.bpr0, self.vmcr.bpr1)
        self.refresh()


class _VcbprIgnored(Gic):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.vifs = [_OwnPoint(c, self.version, self.lrs) for c in range(self.cpus)]


VIRTUAL: dict[str, type[Gic]] = {
    "list-register-deactivates-sgi": _DeactivatesSgi,
    "vbpr-under-cbpr-off-by-one": _VbprOffByOne,
    "vbpr-below-minimum": _VbprBelowMinimum,
    "vbpr-writable-under-cbpr": _VbprWritableUnderCbpr,
    "guest-mask-keeps-low-bits": _GuestMaskKeepsLowBits,
    "tdir-ignored": _TdirIgnored,
    "tc-ignored": _TcIgnored,
    "tc-leaves-mask": _TcLeavesMask,
    "tdir-only-in-mode-1": _TdirOnlyInMode1,
    "guest-lpi-stays-active": _GuestLpiStaysActive,
    "vcbpr-ignored": _VcbprIgnored,
}
