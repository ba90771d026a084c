"""Hooks of vgic.c, vgic-v3.c and vgic-v2.c: injection, ap_lists, List Registers."""

from harness.context import Context
from model.gic.lr import Lr
from model.gic.registers import Vmcr
from model.vgic.irq import VgicIrq

__all__ = ["VgicHooks"]


class VgicHooks:
    """Hooks of vgic.c, vgic-v3.c and vgic-v2.c: injection, ap_lists, List Registers."""

    def target_oracle(self, ctx: Context, irq: VgicIrq) -> int:
        """vgic_target_oracle, with irq_lock held."""
        raise NotImplementedError

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """vgic_validate_injection."""
        raise NotImplementedError

    def sort_key(self, irq: VgicIrq, v: int) -> tuple[bool | int, ...]:
        """vgic_irq_cmp, for the ap_list of VCPU ``v``."""
        raise NotImplementedError

    def resample_needed(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """vgic_irq_handle_resampling."""
        raise NotImplementedError

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        """kvm_vgic_vcpu_pending_irq, of one interrupt: whether it is a reason not to block."""
        raise NotImplementedError

    def dist_is_on(self) -> bool:
        """Tell whether the distributor forwards anything (dist->enabled)."""
        raise NotImplementedError

    def pending_irq(self, v: int) -> bool:
        """kvm_vgic_vcpu_pending_irq: whether VCPU ``v`` has what its saved PMR lets through."""
        raise NotImplementedError

    def broadcasts(self) -> bool:
        """vgic_model_needs_bcst_kick (2025): the first SPI in flight is told to all VCPUs."""
        raise NotImplementedError

    def observes_edges(self, irq: VgicIrq) -> bool:
        """Tell whether this mapped level interrupt is lowered at populate and resampled at fold."""
        raise NotImplementedError

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        """kvm_vgic_inject_irq: a level, or an edge (``level`` true), on ``irq`` of VCPU ``v``."""
        raise NotImplementedError

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """vgic_queue_irq_unlock: put it on the ap_list where it belongs; drop irq_lock."""
        raise NotImplementedError

    async def map_is_active(self, t: Context) -> bool:
        """kvm_vgic_map_is_active: it takes irq_lock, looks, and drops it again, in one step."""
        raise NotImplementedError

    async def flush_lrs(self, t: Context) -> None:
        """vgic_flush_lr_state: choose what goes into the (shadow) List Registers."""
        raise NotImplementedError

    def put_in_lr(self, t: Context, irq: VgicIrq) -> None:
        """vgic_populate_lr: use the next shadow List Register for ``irq``, with irq_lock held."""
        raise NotImplementedError

    async def count_and_sort(self, t: Context) -> None:
        """summarize_ap_list and vgic_sort_ap_list, when there may be more than List Registers."""
        raise NotImplementedError

    def comes_too_late(self, v: int, irq: VgicIrq) -> bool:
        """Tell whether a flush ends before ``irq``, though there is room: what is above it first.

        With irq_lock held.
        """
        raise NotImplementedError

    def must_count(self, v: int) -> bool:
        """Tell whether an ap_list must be counted, and perhaps sorted, before it is flushed."""
        raise NotImplementedError

    def overflows(self, v: int) -> bool:
        """irqs_outside_lrs: tell whether more was counted than there are List Registers."""
        raise NotImplementedError

    async def sync_vgic(self, t: Context) -> None:
        """kvm_vgic_sync_hwstate: fold and prune."""
        raise NotImplementedError

    async def fold_lrs(self, t: Context) -> None:
        """vgic_fold_lr_state: take each used register's state back into the software state."""
        raise NotImplementedError

    async def prune(self, t: Context) -> None:
        """vgic_prune_ap_list: look at every interrupt of the list; start again after each move."""
        raise NotImplementedError

    async def prune_until_moved(self, t: Context) -> bool:
        """Look at the list from its start; return whether one was moved and the rest is left."""
        raise NotImplementedError

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        """Take an interrupt off this VCPU's ap_list, with both locks held."""
        raise NotImplementedError

    async def migrate(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """Move an interrupt to ``target``'s ap_list; return whether it still had to go."""
        raise NotImplementedError

    def still_moves(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """vgic_prune_ap_list's second look: both ap_list_locks and irq_lock are held."""
        raise NotImplementedError

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        """Read the line of a mapped level interrupt; if it fell, release the physical interrupt."""
        raise NotImplementedError

    def sample_line(self, t: Context, irq: VgicIrq) -> None:
        """Bring ``line_level`` up to date, with irq_lock held."""
        raise NotImplementedError

    def device_level(self, t: Context, irq: VgicIrq) -> bool:
        """vgic_get_phys_line_level: a forwarded SPI's line is read as its pending state."""
        raise NotImplementedError

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        """vgic_irq_set_phys_active: the physical active state, on the CPU this runs on."""
        raise NotImplementedError

    def reads_back(self, active: bool) -> bool:
        """gic_irq_set_irqchip_state: whether the register is read after it was written."""
        raise NotImplementedError

    def traps_dir(self) -> bool:
        """Tell whether an SPI is in flight anywhere: any VCPU may be the one to deactivate it."""
        raise NotImplementedError

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """vgic_v3_configure_hcr: of ``pending`` and ``active`` ones for ``size`` registers."""
        raise NotImplementedError

    def group_causes(self, vmcr: Vmcr) -> int:
        """vgic_v3_configure_hcr: the bits that watch the guest's interrupt groups."""
        raise NotImplementedError

    def trap_bits(self) -> int:
        """vgic_ich_hcr_trap_bits: TC for CPUs that cannot trap DIR alone."""
        raise NotImplementedError

    def write_dir_at_el2(self, t: Context, vintid: int) -> bool:
        """___vgic_v3_write_dir, at EL2 and without a full exit: tell whether it was done there."""
        raise NotImplementedError

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """vgic_v3_populate_lr."""
        raise NotImplementedError

    def fold_edge_or_level(self, irq: VgicIrq, lr: Lr) -> bool:
        """vgic_v3_fold_lr's decisions; return whether the guest deactivated the interrupt."""
        raise NotImplementedError

    def without_active(self, irq: VgicIrq) -> Lr:
        """Return the List Register this interrupt would leave once the guest deactivated it."""
        raise NotImplementedError

    def trusted(self, t: Context, lr: Lr) -> Lr:
        """Return what to believe of a HW register."""
        raise NotImplementedError

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Return what is on the ap_list behind the interrupt in the last List Register."""
        raise NotImplementedError

    async def write_lrs(self, t: Context) -> None:
        """Write the shadow List Registers into the hardware (vgic_v3_restore_state)."""
        raise NotImplementedError

    async def save_lrs(self, t: Context) -> None:
        """Read the used List Registers back and zero them (vgic_v3_save_state); HCR as well."""
        raise NotImplementedError

    async def load_vgic(self, t: Context) -> None:
        """kvm_vgic_load: VMCR and active priorities."""
        raise NotImplementedError

    async def put_vgic(self, t: Context) -> None:
        """kvm_vgic_put: the same back to memory."""
        raise NotImplementedError

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        """vgic_v3_fold_lr: one register's state into the software state."""
        raise NotImplementedError

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        """Do the fold itself, with irq_lock held."""
        raise NotImplementedError

    def counts_down(self, irq: VgicIrq, lr: Lr) -> bool:
        """Tell whether ``active_spis`` counts this end (2025): where it is counted up at all."""
        raise NotImplementedError

    async def count_down(self, t: Context) -> None:
        """atomic_dec_if_positive(active_spis), at the end of vgic_v3_fold_lr."""
        raise NotImplementedError

    async def replay_eois(self, t: Context) -> None:
        """Deactivate as many active interrupts outside the List Registers as EOIcount says."""
        raise NotImplementedError

    async def deactivate_spilled(self, t: Context, irq: VgicIrq) -> None:
        """Do in software what a List Register does on deactivation, and fold the outcome."""
        raise NotImplementedError

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate the physical interrupt of a mapped one: a write to DIR on this CPU."""
        raise NotImplementedError

    async def handle_dir(self, t: Context) -> None:
        """vgic_v3_deactivate: the guest deactivates something that may be in nobody's registers."""
        raise NotImplementedError

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """Deactivate an interrupt just found on an ap_list and in no register; drop irq_lock."""
        raise NotImplementedError
