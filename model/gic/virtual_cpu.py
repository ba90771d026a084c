"""The virtual CPU interfaces at work: the hypervisor's side (LRs, context) and the guest's.

IHI0048 chapter 5 and IHI0069 chapter 6. What a guest's access does to a List Register follows the
pseudocode of GICv3 (VirtualReadIAR, VirtualWriteEOIR, VirtualWriteDIR); where the architecture
leaves a choice, it is the one QEMU made, and the docstring says so.
"""

from model.facts import (
    AckedByGuest,
    Completed,
    DeactivatedByGuest,
    HcrWritten,
    LrMoved,
    LrWritten,
)
from model.gic.cpu_interface import PhysicalInterfaces
from model.gic.lr import ACTIVE, INACTIVE, PENDING, Lr
from model.gic.registers import (
    FIRST_LPI,
    HCR_EOICOUNT,
    HCR_EOICOUNT_ONE,
    HCR_EOICOUNT_SHIFT,
    HCR_TC,
    HCR_TDIR,
    HCR_V2,
    PRIORITY_MASK,
    SPURIOUS,
    TRAP,
    Vmcr,
)
from model.gic.virtual_interface import NO_LR, VirtualInterface

__all__ = ["VirtualInterfaces"]


class VirtualInterfaces(PhysicalInterfaces):
    """The physical GIC together with the virtual interface of each CPU.

    GICv2 accesses act on both groups (GICV_CTLR.AckCtl = 1, FIQEn = 0). In GICv3 ``group`` says
    which register the guest uses: ICV_IAR1_EL1 and its like by default (1), those of group 0 with
    0. ``c`` is always the physical CPU whose virtual interface is meant, ``i`` the number of a List
    Register (0 to ``lrs`` - 1; IndexError beyond).
    """

    vifs: list[VirtualInterface]
    stays_active: bool
    stays_unless_active: bool
    eoicount_on_eoir_mode1: bool
    tdir: bool

    # -- the hypervisor's side ---------------------------------------------------------------

    def lr(self, c: int, i: int) -> Lr:
        """Read List Register ``i``."""
        return self.vifs[c].lrs[i]

    def write_lr(self, c: int, i: int, lr: Lr) -> None:
        """Write List Register ``i`` (GICH_LRn, ICH_LR<n>_EL2); five priority bits are kept.

        A HW List Register written Pending+Active is accepted, though software must not (IHI0048
        section 5.3); it is not presented until its active half has been deactivated.
        """
        vif = self.vifs[c]
        lrs = vif.lrs
        before = lrs[i]
        if lr.priority & ~PRIORITY_MASK:
            lr = _changed(lr, lr.state, lr.priority & PRIORITY_MASK)
        if lr == before:
            return
        vif.lrs = (*lrs[:i], lr, *lrs[i + 1 :])
        vif.refresh()
        if self.emit is not None:
            self.emit(LrWritten(c, i, before, lr))

    def hcr(self, c: int) -> int:
        """Read GICH_HCR or ICH_HCR_EL2, EOIcount in bits [31:27]."""
        return self.vifs[c].hcr

    def write_hcr(self, c: int, value: int) -> None:
        """Write GICH_HCR or ICH_HCR_EL2, EOIcount included.

        GICH_HCR has no bits 8 to 26 (IHI0048 section 5.3.1): a GICv2 guest's DIR cannot be trapped.
        ICH_HCR_EL2 has TDIR where ICH_VTR_EL2.TDS says so.
        """
        vif = self.vifs[c]
        if self.version == 2:
            value &= HCR_V2
        elif not self.tdir:
            value &= ~HCR_TDIR
        if value == vif.hcr:
            return
        vif.hcr = value
        vif.refresh_signal()
        if self.emit is not None:
            self.emit(HcrWritten(c, value))

    def eoicount(self, c: int) -> int:
        """Return how many deactivations found no List Register, modulo 32."""
        return self.vifs[c].hcr >> HCR_EOICOUNT_SHIFT

    def elrsr(self, c: int) -> int:
        """Read GICH_ELRSR or ICH_ELRSR_EL2: the List Registers that may be written, as a mask.

        They are inactive and have no EOI to report.
        """
        return self.vifs[c].elrsr

    def eisr(self, c: int) -> int:
        """Read GICH_EISR or ICH_EISR_EL2: the List Registers with an EOI to report, as a mask."""
        return self.vifs[c].eisr

    def misr(self, c: int) -> int:
        """Read GICH_MISR or ICH_MISR_EL2: the causes, shown also while HCR.En is 0."""
        return self.vifs[c].misr

    def maintenance(self, c: int) -> bool:
        """Return the level of the maintenance interrupt; whose PPI it drives is not decided here.

        It is level-sensitive: a cause that goes away takes it back.
        """
        return self.vifs[c].maintenance

    def save_vmcr(self, c: int) -> Vmcr:
        """Read GICH_VMCR or ICH_VMCR_EL2."""
        return self.vifs[c].vmcr

    def restore_vmcr(self, c: int, vmcr: Vmcr) -> None:
        """Write GICH_VMCR or ICH_VMCR_EL2; the register keeps what is implemented of it."""
        vif = self.vifs[c]
        if vmcr != vif.vmcr:
            vif.vmcr = vmcr.implemented()
            vif.derive()

    def save_apr(self, c: int) -> tuple[int, int]:
        """Read the active priorities: ICH_AP0R0_EL2 and ICH_AP1R0_EL2, or (GICH_APR, 0)."""
        vif = self.vifs[c]
        return (vif.apr0, vif.apr1)

    def restore_apr(self, c: int, apr: tuple[int, int]) -> None:
        """Write the active priorities, as :meth:`save_apr` gave them."""
        vif = self.vifs[c]
        vif.apr0, vif.apr1 = apr
        vif.refresh_signal()

    # -- the guest's own configuration -------------------------------------------------------

    def set_vpmr(self, c: int, value: int) -> int:
        """Write the guest's priority mask (GICV_PMR, ICV_PMR_EL1); five bits are kept.

        Returns:
            0, or TRAP: with ICH_HCR_EL2.TC the access traps, and has no effect.
        """
        vif = self.vifs[c]
        if vif.hcr & HCR_TC:
            return TRAP
        self.emulate_vpmr(c, value)
        return 0

    def emulate_vpmr(self, c: int, value: int) -> None:
        """Write the mask for a guest whose access trapped, into ICH_VMCR_EL2."""
        vif = self.vifs[c]
        vif.vmcr = Vmcr(value & PRIORITY_MASK, *vif.vmcr[1:])
        vif.refresh_signal()

    def set_veoimode(self, c: int, mode: int) -> None:
        """Choose whether the guest's EOIR deactivates (0) or only drops the priority (1)."""
        self.restore_vmcr(c, self.vifs[c].vmcr._replace(eoim=mode))

    def vbpr(self, c: int, group: int) -> int:
        """Read the guest's binary point register of a group; in GICv3 as for :meth:`bpr`."""
        vmcr = self.vifs[c].vmcr
        if not group:
            return vmcr.bpr0
        return min(vmcr.bpr0 + 1, 7) if vmcr.cbpr and self.version == 3 else vmcr.bpr1

    def set_vbpr(self, c: int, group: int, value: int) -> None:
        """Write the guest's binary point register; less than the minimum means the minimum.

        In GICv3 that of group 1 ignores writes under VCBPR (IHI0069 ICV_BPR1_EL1).
        """
        vmcr = self.vifs[c].vmcr
        if not group:
            self.restore_vmcr(c, vmcr._replace(bpr0=value & 7))
        elif not (vmcr.cbpr and self.version == 3):
            self.restore_vmcr(c, vmcr._replace(bpr1=value & 7))

    def set_vcbpr(self, c: int, on: bool) -> None:
        """Let the guest's group 1 use the binary point of group 0 (GICV_CTLR, ICV_CTLR_EL1)."""
        self.restore_vmcr(c, self.vifs[c].vmcr._replace(cbpr=on))

    def set_vgroup_enable(self, c: int, group: int, on: bool) -> None:
        """Enable or disable a group at the guest's CPU interface (GICV_CTLR, ICV_IGRPEN<n>)."""
        vmcr = self.vifs[c].vmcr
        if group:
            self.restore_vmcr(c, vmcr._replace(enable1=on))
        else:
            self.restore_vmcr(c, vmcr._replace(enable0=on))

    # -- the guest's side --------------------------------------------------------------------

    def virq_signal(self, c: int) -> bool:
        """Tell whether a virtual IRQ is signalled: a WFI completes, PSTATE.I or not."""
        return self.vifs[c].signal

    def vfiq_signal(self, c: int) -> bool:
        """Tell whether a virtual FIQ is signalled: group 0, GICv3 only."""
        return self.vifs[c].fiq

    def vhppir(self, c: int, group: int = 1) -> int:
        """Return the vINTID to be presented first, or 1023 (GICV_HPPIR, ICV_HPPIR<n>_EL1).

        Only List Registers of enabled groups that are exactly Pending count; the priority mask and
        the running priority do not. GICv2 adds the requesting CPU of an SGI in bits [12:10].
        """
        vif = self.vifs[c]
        best = vif.best
        if best == NO_LR or (self.version == 3 and best & 1 != group):
            return SPURIOUS
        return self._iar_value(vif.lrs[best >> 1 & 0x7F])

    def vrpr(self, c: int) -> int:
        """Return the guest's running priority, 0xFF when idle."""
        return self.vifs[c].running

    def _iar_value(self, lr: Lr) -> int:
        """Return what IAR shows of a List Register: GICv2 adds the requesting CPU of an SGI."""
        if self.version == 2 and lr.source and not lr.hw:
            return lr.vintid | lr.source << 10
        return lr.vintid

    def viar(self, c: int, group: int = 1) -> int:
        """Acknowledge for the guest: read GICV_IAR or ICV_IAR<n>_EL1.

        The List Register goes from Pending to Active and its group priority becomes active. A
        special INTID in a List Register is returned, and the register left inactive (IHI0069
        pseudocode VirtualReadIAR).

        Returns:
            The vINTID taken, or 1023. GICv2 adds the requesting CPU of an SGI in bits [12:10].
        """
        vif = self.vifs[c]
        best = vif.best
        emit = self.emit
        if not vif.takeable or (self.version == 3 and best & 1 != group):
            if emit is not None:
                emit(AckedByGuest(c, SPURIOUS))
            return SPURIOUS
        i = best >> 1 & 0x7F
        lrs = vif.lrs
        before = lrs[i]
        special = 1020 <= before.vintid <= SPURIOUS
        after = _changed(before, INACTIVE if special else ACTIVE, before.priority)
        vif.lrs = (*lrs[:i], after, *lrs[i + 1 :])
        if special:
            pass
        elif best & 1 and self.version == 3:
            vif.apr1 |= 1 << ((best >> 8 & vif.mask1) >> 3)
        else:
            vif.apr0 |= 1 << ((best >> 8 & (vif.mask1 if best & 1 else vif.mask0)) >> 3)
        vif.refresh()
        if emit is not None:
            emit(AckedByGuest(c, before.vintid))
            emit(LrMoved(c, i, "iar", before, after))
        return self._iar_value(before)

    def veoir(self, c: int, vintid: int, group: int = 1) -> int:
        """Write EOIR for the guest (GICV_EOIR, ICV_EOIR<n>_EL1).

        First the highest active priority is dropped, of whichever group; if there is none,
        nothing happens (QEMU's choice). Then the first List Register that is active for this
        vINTID is deactivated, in EOImode 0 or if it is an LPI, provided that it is of the
        register's group (GICv3) and its group priority is the one dropped. If there is no such
        List Register, EOIcount counts it, in EOImode 0 and never for LPIs, because only then
        would a deactivation have followed (IHI0069 ICH_HCR_EL2.EOIcount). With
        ``eoicount_on_eoir_mode1`` it counts in EOImode 1 as well, as KVM's emulation and QEMU do.

        Returns:
            The pINTID that the caller is to deactivate for CPU ``c``, or -1.
        """
        if self.version == 2:
            vintid &= 0x3FF
        if 1020 <= vintid <= SPURIOUS:
            return -1
        if self.emit is not None:
            self.emit(Completed(c, vintid))
        vif = self.vifs[c]
        apr0 = vif.apr0
        apr1 = vif.apr1
        if not apr0 | apr1:
            return -1
        dropped = vif.running
        if apr0 and (not apr1 or apr0 & -apr0 <= apr1 & -apr1):
            vif.apr0 = apr0 & (apr0 - 1)
        else:
            vif.apr1 = apr1 & (apr1 - 1)
        split = vif.vmcr.eoim
        i = _find_active(vif.lrs, vintid)
        if i < 0:
            if vintid < FIRST_LPI and (not split or self.eoicount_on_eoir_mode1):
                self._count_eoi(vif)
                if not split and self.emit is not None:
                    self.emit(DeactivatedByGuest(c, vintid))
        elif not split or vintid >= FIRST_LPI:
            lr = vif.lrs[i]
            of_group = self.version == 2 or lr.group == group
            if of_group and lr.priority & (vif.mask1 if lr.group else vif.mask0) == dropped:
                return self._deactivate_lr(c, vif, i, "eoir")
        vif.refresh_signal()
        return -1

    def vdir(self, c: int, vintid: int) -> int:
        """Write DIR for the guest (GICV_DIR, ICV_DIR_EL1).

        With ICH_HCR_EL2.TDIR, or TC, the access traps and has no effect. It is ignored in EOImode
        0, and for LPIs and special INTIDs. DIRs may come in any order, so priorities do not matter;
        without an active List Register EOIcount counts.

        Returns:
            The pINTID that the caller is to deactivate for CPU ``c``, -1, or TRAP.
        """
        vif = self.vifs[c]
        if vif.hcr & (HCR_TDIR | HCR_TC):
            return TRAP
        if self.version == 2:
            vintid &= 0x3FF
        if vintid >= 1020 or not vif.vmcr.eoim:
            return -1
        i = _find_active(vif.lrs, vintid)
        if i >= 0:
            return self._deactivate_lr(c, vif, i, "dir")
        self._count_eoi(vif)
        if self.emit is not None:
            self.emit(DeactivatedByGuest(c, vintid))
        vif.refresh_maintenance()
        return -1

    def emulate_vdir(self, c: int, vintid: int) -> int:
        """Carry out a DIR that trapped, with the List Registers as they are, as far as they go.

        Returns:
            The pINTID that the caller is to deactivate for CPU ``c``, -1, or TRAP: nothing is
            active for this vINTID in a List Register.
        """
        vif = self.vifs[c]
        if vintid >= 1020 or not vif.vmcr.eoim:
            return -1
        i = _find_active(vif.lrs, vintid)
        return TRAP if i < 0 else self._deactivate_lr(c, vif, i, "dir")

    def _count_eoi(self, vif: VirtualInterface) -> None:
        """Count in the five bits of EOIcount what found no List Register."""
        hcr = vif.hcr
        vif.hcr = hcr & ~HCR_EOICOUNT | hcr + HCR_EOICOUNT_ONE & HCR_EOICOUNT

    def _deactivate_lr(self, c: int, vif: VirtualInterface, i: int, access: str) -> int:
        """Deactivate List Register ``i``; return the pINTID to deactivate with it, or -1.

        Through the HW bit only a PPI or an SPI is deactivated; other physical INTIDs are ignored
        (IHI0069 ICH_LR<n>_EL2.pINTID). ``lr_on_guest_deactivate`` may leave the register active.
        """
        lrs = vif.lrs
        before = lrs[i]
        pintid = -1
        stays = False
        if before.hw:
            stays = self.stays_active
            if 16 <= before.pintid < 1020 and self.implements(before.pintid):
                pintid = before.pintid
                if self.stays_unless_active:
                    stays = not self.is_active(c, pintid)
        if stays:
            vif.refresh_signal()
        else:
            after = _changed(before, before.state & PENDING, before.priority)
            vif.lrs = (*lrs[:i], after, *lrs[i + 1 :])
            vif.refresh()
            if self.emit is not None:
                self.emit(LrMoved(c, i, access, before, after))
        if self.emit is not None:
            self.emit(DeactivatedByGuest(c, before.vintid))
        return pintid


def _find_active(lrs: tuple[Lr, ...], vintid: int) -> int:
    """Return the lowest List Register that is active for a vINTID, or -1.

    A GICv2 SGI is looked up by its INTID alone, whatever its source.
    """
    for i, lr in enumerate(lrs):
        if lr.vintid == vintid and lr.state & ACTIVE:
            return i
    return -1


def _changed(lr: Lr, state: int, priority: int) -> Lr:
    return Lr(lr.vintid, state, lr.hw, lr.pintid, priority, lr.group, lr.eoi, lr.source)
