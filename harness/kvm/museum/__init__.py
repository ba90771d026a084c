"""The museum: bugs, and broken machines, one file each, as variants of an era.

By number the historical ones; ``F...`` faults of KVM as shipped that were found with this model.

Each file has one ``EXHIBIT``. A new one is added to ``MODULES`` below.
"""

from importlib import import_module

from harness.kvm.museum.exhibit import Exhibit

__all__ = ["MODULES", "exhibits"]

MODULES = (
    "b01_active_from_line_only",
    "b03_active_set_preemptible",
    "b04_active_only_when_injected",
    "b08_pending_and_active_hw",
    "b14_isr_overwrites_ctl",
    "b23_soft_timer_injects",
    "b26_sleeper_virtual_only",
    "b26_load_arms_only",
    "b27_never_lowered",
    "b29_stale_vmcr",
    "b30_requests_not_rechecked",
    "b31_queued_not_kicked",
    "b44_eoicount_from_head",
    "b45_dir_not_trapped",
    "b57_polls_active_state",
    "overflow_uie",
    "prune_recheck",
    "f02_deactivation_unlocked",
    "f03_halt_before_guest_mode",
    "bound_1_access",
    "bound_2_exit",
    "bound_3_entry",
)


def exhibits() -> dict[str, Exhibit]:
    """Return all exhibits by id, in order."""
    found = [import_module(f"harness.kvm.museum.{name}").EXHIBIT for name in MODULES]
    return {exhibit.id: exhibit for exhibit in found}
