"""The one list of what a variant of KVM may override: the hooks, by kernel file.

Every part of the hypervisor (``harness.kvm``) stands on this list alone, and calls the others
through it. ``vgic-race list hooks`` prints it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from harness.engine.encoding import wiring
from harness.kvm.hooks.eras import V4_14Hooks, V7_2Hooks
from harness.kvm.hooks.irqchip import IrqChipHooks
from harness.kvm.hooks.irqfd import IrqFdHooks
from harness.kvm.hooks.its import ItsHooks
from harness.kvm.hooks.mmio import MmioHooks
from harness.kvm.hooks.run import RunHooks
from harness.kvm.hooks.services import Services
from harness.kvm.hooks.timer import TimerHooks
from harness.kvm.hooks.user import UserHooks
from harness.kvm.hooks.vgic import VgicHooks
from harness.runtime import Runtime
from model.machine import Machine
from model.own import OwnState
from model.vgic.irq import VgicIrq

__all__ = ["ERA_LISTS", "LISTS", "Hooks", "hooks", "own_state"]

LISTS = (RunHooks, TimerHooks, VgicHooks, MmioHooks, ItsHooks, IrqFdHooks, UserHooks, IrqChipHooks)
"""The hooks that all eras call, by kernel file."""
ERA_LISTS = {"v4.14": V4_14Hooks, "v7.2": V7_2Hooks}
"""Those that one era alone calls."""


class Hooks(
    RunHooks,
    TimerHooks,
    VgicHooks,
    MmioHooks,
    ItsHooks,
    IrqFdHooks,
    UserHooks,
    IrqChipHooks,
    V4_14Hooks,
    V7_2Hooks,
    Services,
):
    """What each part of KVM knows of the others; and the settings that eras and variants give.

    ``era`` names the era. A variant may also set ``machine_class`` to break the hardware, and give
    the VM, its VCPUs and its interrupts fields of its own (``vm_state``, ``vcpu_state``,
    ``irq_state``). Those are in the machine's key and as declared when an execution begins; an
    attribute of the variant itself is not.
    """

    era: str = ""
    title: str = ""
    machine_class: type[Machine] = Machine
    timer_forwarded: bool = True
    """Whether the host leaves the timer's interrupt active for the guest to deactivate."""
    observe_edges_only: bool = True
    """Whether populate lowers, and fold resamples, the line of a mapped level interrupt (4.16)."""
    emulation_timer: bool = True
    """Whether the emulation has a soft timer of its own (f2a2129e0ac0, 4.15)."""
    halts_for_reads: bool = True
    """Whether a read of the active state halts the guests (9a50ebbffa98)."""
    caches_lpis: bool = True
    """Whether an LPI's translation is cached (5.3, 89489ee9ced8)."""
    flushes_lpis: bool = True
    """Whether disabling LPIs takes those that are pending off the ap_list (5.1, 96085b949672)."""
    keeps_lpi_active: bool = False
    """Whether the fold keeps an LPI's active state (until November 2025)."""
    locks_for_dist: bool = True
    """Whether a write of GICD_CTLR takes config_lock, on a GICv3."""
    signal_after_flush: bool = False
    """Whether a signal is looked at after the flush only (until 6caa5812e2d1), and not before the
    requests; and neither it nor a reschedule that is asked for counts as a request."""
    maps_gicv_dir: bool = False
    """Whether a GICv2 guest's DIR goes to the hardware (until 07bb1c5622a5), and does not trap."""
    vm_state: ClassVar[Mapping[str, object]] = {}
    """Fields that a variant adds to the VM, with their initial values; see ``own_vm``."""
    vcpu_state: ClassVar[Mapping[str, object]] = {}
    """Fields that a variant adds to each VCPU; see ``own_vcpu``."""
    irq_state: ClassVar[Mapping[str, object]] = {}
    """Fields that a variant adds to each virtual interrupt; see ``own_irq``."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.machine = rt.machine
        self.machine.gicv_dir_traps = not self.maps_gicv_dir

    @property
    def own_vm(self) -> Any:
        """The fields that a variant added to the VM (``vm_state``)."""
        return self.machine.own_vm

    def own_vcpu(self, v: int) -> Any:
        """Return the fields that a variant added to VCPU ``v`` (``vcpu_state``)."""
        return self.machine.own_vcpus[v]

    def own_irq(self, irq: VgicIrq) -> Any:
        """Return the fields that a variant added to a virtual interrupt (``irq_state``)."""
        return self.machine.own_irqs[irq]


def own_state(cls: type[Hooks]) -> OwnState:
    """Return all fields that a variant and the patches in it add, in the order of their names.

    Raises:
        ValueError: two patches add a field of the same name, or the name cannot be one.
        TypeError: a value is not one of those that never change.

    """
    vm, vcpu, irq = (declared(cls, kind) for kind in ("vm_state", "vcpu_state", "irq_state"))
    return OwnState(vm, vcpu, irq)


def declared(cls: type[Hooks], kind: str) -> dict[str, object]:
    """Return the fields of this kind that a class and its bases add.

    Raises:
        ValueError: two of them add a field of the same name.

    """
    fields: dict[str, object] = {}
    for base in cls.__mro__:
        for name, value in vars(base).get(kind, {}).items():
            if name in fields:
                raise ValueError(f"{kind}: {name!r} is declared twice")
            fields[name] = value
    return dict(sorted(fields.items()))


wiring(Hooks)


def hooks(era: str = "") -> dict[str, str]:
    """Return each hook that can be overridden (in ``era``), with its line of explanation."""
    lists: list[type] = [*LISTS, *(cls for name, cls in ERA_LISTS.items() if era in ("", name))]
    return {
        name: (member.__doc__ or "").partition("\n")[0]
        for group in lists
        for name, member in vars(group).items()
        if callable(member) and not name.startswith("_")
    }
