"""The physical side broken on purpose: each class differs from the GIC in one effect."""

from typing import Any

from model.gic.cpu_interface import CpuInterface
from model.gic.gic import Gic
from model.gic.registers import FIRST_LPI, MIN_BPR1, SPURIOUS, group_mask

__all__ = ["PHYSICAL"]


class _IcfgrNotResampled(Gic):
    def set_edge(self, c: int, intid: int, on: bool) -> None:
        if 16 <= intid < 32:
            bank = self.banks[c]
            bank.edge = bank.edge | 1 << intid if on else bank.edge & ~(1 << intid)
        elif intid in self.spis:
            self.spis[intid].edge = on


class _GroupNotLookedAt(Gic):
    def set_group(self, c: int, intid: int, group: int) -> None:
        if intid < 32:
            bank = self.banks[c]
            bank.group1 = bank.group1 | 1 << intid if group else bank.group1 & ~(1 << intid)
        elif intid in self.spis:
            self.spis[intid].group = group


class _EoirOfAnyGroup(Gic):
    def eoir(self, c: int, value: int, group: int = 1) -> None:
        cpuif = self.cpuifs[c]
        if cpuif.apr0 | cpuif.apr1:
            lowest0, lowest1 = cpuif.apr0 & -cpuif.apr0, cpuif.apr1 & -cpuif.apr1
            group = 1 if not lowest0 or 0 < lowest1 < lowest0 else 0
        super().eoir(c, value, group)


class _IarOfAnyGroup(Gic):
    def iar(self, c: int, group: int = 1) -> int:
        value = super().iar(c, group)
        return super().iar(c, 1 - group) if value == SPURIOUS else value


class _MaskKeepsLowBits(Gic):
    def set_pmr(self, c: int, value: int) -> None:
        super().set_pmr(c, value)
        self.cpuifs[c].pmr = value
        self.cpuifs[c].refresh()


class _FiqAsIrq(Gic):
    def irq_signal(self, c: int) -> bool:
        return super().irq_signal(c) or self.fiq_signal(c)


class _HppirMasked(Gic):
    def hppir(self, c: int, group: int = 1) -> int:
        if self._best(c) >= max(self.cpuifs[c].limit0, self.cpuifs[c].limit1):
            return SPURIOUS
        return super().hppir(c, group)


class _ActiveInGroup0(Gic):
    def iar(self, c: int, group: int = 1) -> int:
        cpuif = self.cpuifs[c]
        before = cpuif.apr1
        value = super().iar(c, group)
        cpuif.apr0 |= cpuif.apr1 & ~before
        cpuif.apr1 = before
        return value


class _DisabledGroupSignals(Gic):
    def irq_signal(self, c: int) -> bool:
        cpuif = self.cpuifs[c]
        kept = cpuif.enable1
        cpuif.enable1 = True
        cpuif.refresh()
        signal = super().irq_signal(c)
        cpuif.enable1 = kept
        cpuif.refresh()
        return signal


# -- binary points -------------------------------------------------------------------------------


class _BprWritableUnderCbpr(Gic):
    def set_bpr(self, c: int, group: int, value: int) -> None:
        super().set_bpr(c, group, value)
        if group:
            self.cpuifs[c].bpr1 = max(value & 7, MIN_BPR1)
            self.cpuifs[c].derive()


class _BprShowsItsOwn(Gic):
    def bpr(self, c: int, group: int) -> int:
        return self.cpuifs[c].bpr1 if group else self.cpuifs[c].bpr0


class _OwnPoint(CpuInterface):
    __slots__ = ()

    def derive(self) -> None:
        super().derive()
        self.mask1 = group_mask(1, self.bpr0, self.bpr1)
        self.refresh()


class _CbprIgnored(Gic):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.cpuifs = [_OwnPoint(c) for c in range(self.cpus)]


# -- LPIs ----------------------------------------------------------------------------------------


class _LpiEnableNotDerived(Gic):
    def set_enable(self, c: int, intid: int, on: bool) -> None:
        if intid < FIRST_LPI:
            super().set_enable(c, intid, on)
            return
        lpis = self.lpis[c]
        bit = 1 << intid - FIRST_LPI
        lpis.disabled = lpis.disabled & ~bit if on else lpis.disabled | bit


class _LpiStaysPending(Gic):
    def acknowledge(self, c: int, intid: int) -> int:
        return super().acknowledge(c, intid) if intid < FIRST_LPI else 0


class _LpiPriorityIgnored(Gic):
    def set_priority(self, c: int, intid: int, priority: int) -> None:
        if intid < FIRST_LPI:
            super().set_priority(c, intid, priority)


# -- the sources of GICv2's SGIs -----------------------------------------------------------------


class _HighestSourceFirst(Gic):
    def acknowledge(self, c: int, intid: int) -> int:
        if intid >= 16:
            return super().acknowledge(c, intid)
        bank = self.banks[c]
        kept = bank.sources
        source = kept[intid].bit_length() - 1
        super().acknowledge(c, intid)
        left = kept[intid] & ~(1 << source)
        bank.sources = (*kept[:intid], left, *kept[intid + 1 :])
        return source


class _CpendsgirClearsAll(Gic):
    def set_sgi_pending(self, c: int, intid: int, source: int, on: bool) -> None:
        for each in (source,) if on else range(8):
            super().set_sgi_pending(c, intid, each, on)


class _SourceNotShown(Gic):
    def acknowledge(self, c: int, intid: int) -> int:
        super().acknowledge(c, intid)
        return 0


class _SourcesCoalesce(Gic):
    def acknowledge(self, c: int, intid: int) -> int:
        source = super().acknowledge(c, intid)
        if intid < 16:
            for each in range(8):
                self.set_sgi_pending(c, intid, each, False)
        return source


class _OneSourceAtATime(Gic):
    def set_sgi_pending(self, c: int, intid: int, source: int, on: bool) -> None:
        if not on or not self.banks[c].sources[intid]:
            super().set_sgi_pending(c, intid, source, on)


PHYSICAL: dict[str, type[Gic]] = {
    "icfgr-not-resampled": _IcfgrNotResampled,
    "igroupr-not-resampled": _GroupNotLookedAt,
    "eoir-of-any-group": _EoirOfAnyGroup,
    "iar-of-any-group": _IarOfAnyGroup,
    "mask-keeps-low-bits": _MaskKeepsLowBits,
    "fiq-as-irq": _FiqAsIrq,
    "hppir-masked": _HppirMasked,
    "active-in-group-0": _ActiveInGroup0,
    "disabled-group-signals": _DisabledGroupSignals,
    "bpr-writable-under-cbpr": _BprWritableUnderCbpr,
    "bpr-shows-its-own": _BprShowsItsOwn,
    "cbpr-ignored": _CbprIgnored,
    "lpi-enable-not-derived": _LpiEnableNotDerived,
    "lpi-stays-pending": _LpiStaysPending,
    "lpi-priority-ignored": _LpiPriorityIgnored,
    "highest-source-first": _HighestSourceFirst,
    "cpendsgir-clears-all": _CpendsgirClearsAll,
    "source-not-shown": _SourceNotShown,
    "sources-coalesce": _SourcesCoalesce,
    "one-source-at-a-time": _OneSourceAtATime,
}
