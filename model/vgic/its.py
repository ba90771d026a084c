"""What KVM has of the VM's LPIs beside their interrupts: vgic_cpu->ctlr, the ITS and its cache."""

from model.part import Part

__all__ = ["VgicIts"]


class VgicIts(Part):
    """GICR_CTLR.EnableLPIs of each VCPU, as far as KVM has it, and the translation cache.

    ``enabled`` and ``busy`` are masks of VCPUs: EnableLPIs is set, or being cleared (RWP). Each
    LPI's ``ite`` is mapped for good; ``cached`` has those found in the cache, which is not asked
    whether the VCPU's LPIs are enabled (vgic_its_inject_cached_translation). They are enabled from
    the beginning, as firmware or the VM monitor leaves them.
    """

    __slots__ = FIELDS = ("enabled", "busy", "cached")

    def __init__(self, vcpus: int) -> None:
        super().__init__()
        self.enabled = (1 << vcpus) - 1
        self.busy = 0
        self.cached: tuple[int, ...] = ()

    def has(self, v: int) -> bool:
        """vgic_lpis_enabled: tell whether VCPU ``v`` has them enabled, and nothing else."""
        return bool(self.enabled >> v & 1)
