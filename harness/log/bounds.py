"""What a log's numbers may be: a log may come from anywhere, and rules take facts at their word."""

from collections.abc import Iterator

from harness.log.registry import Header, Meta
from model import facts
from model.check.setting import Setting
from model.facts import Fact
from model.gic.lr import PENDING_ACTIVE, Lr
from model.gic.registers import FIRST_LPI
from model.identity import BG_TIMER, PTIMER, RANKS, VTIMER, LockId
from model.machine import GIC_MESSAGES, LR_MODES

__all__ = ["check_fact", "check_meta", "check_setting"]

T_MAX = (1 << 62) - 1
"""More than a hundred years of nanoseconds."""
STEP_MAX = (1 << 48) - 1
SIZE_MAX = 1024
LRS_MAX = 16
INTID_MAX = FIRST_LPI + (1 << 16) - 1

Range = tuple[int, int]

FIXED: dict[str, Range] = {
    "intid": (0, INTID_MAX),
    "vintid": (0, INTID_MAX),
    "state": (0, PENDING_ACTIVE),
    "timer": (min(PTIMER, VTIMER), max(PTIMER, VTIMER)),
    "ctl": (0, 7),
    "left": (0, 7),
    "pmr": (0, 0xFF),
    "running": (0, 0xFF),
}
PCPU, VCPU = "pcpu", "vcpu"
SIZED = {"pcpu": PCPU, "vcpu": VCPU, "owner": VCPU, "resumed": VCPU}
"""Fields that are a CPU or a VCPU in every fact."""
OF_KIND: dict[type[Fact], dict[str, Range | str]] = {
    facts.IpiSent: {"target": PCPU},
    facts.NeedResched: {"target": PCPU},
    facts.SgiSent: {"target": VCPU},
    facts.Retargeted: {"target": VCPU},
    facts.Placed: {"before": PCPU},
    facts.DeviceRaised: {"intid": (-1, INTID_MAX)},
    facts.DeviceServed: {"intid": (-1, INTID_MAX)},
    facts.HcrWritten: {"value": (0, (1 << 64) - 1)},
    facts.Emulated: {"intid": (-1, INTID_MAX)},
    facts.Armed: {"timer": (BG_TIMER, VTIMER)},
    facts.Cancelled: {"timer": (BG_TIMER, VTIMER)},
    facts.Expired: {"timer": (BG_TIMER, VTIMER)},
}
"""Where a field of one kind of fact is something else, or has no name that all share."""
MAYBE_NONE: dict[type[Fact], tuple[str, ...]] = {
    facts.ActiveChanged: ("pcpu",),
    facts.EdgeArrived: ("pcpu",),
    facts.GuestAccess: ("owner",),
    facts.GuestEnable: ("owner",),
    facts.GuestLpis: ("owner",),
    facts.Injected: ("pcpu",),
    facts.Kicked: ("pcpu",),
    facts.LineChanged: ("pcpu",),
    facts.NeedResched: ("pcpu",),
    facts.PendingChanged: ("pcpu",),
    facts.Placed: ("before", "pcpu"),
    facts.PriorityWritten: ("owner",),
    facts.RegisterRead: ("owner",),
    facts.RegisterWritten: ("owner",),
}
"""Fields that are -1 where there is no such CPU or VCPU, as with an SPI's; no other is."""


def check_setting(setting: Setting) -> str:
    """Return what is wrong with a setting; "" if nothing is."""
    sizes = (
        ("pcpus", setting.pcpus, 1, SIZE_MAX),
        ("vcpus", setting.vcpus, 1, SIZE_MAX),
        ("lrs", setting.lrs, 1, LRS_MAX),
        ("gic_version", setting.gic_version, 2, 3),
        ("eoimode", setting.eoimode, 0, 1),
        *(("intid", intid, 0, INTID_MAX) for intid in setting.devices),
        *(("intid", f.intid, 0, INTID_MAX) for f in setting.forwards),
        *(("vintid", f.vintid, 0, INTID_MAX) for f in setting.drivers),
        *(("vcpu", f.vcpu, 0, setting.vcpus - 1) for f in setting.drivers),
        *(("target", f.target, 0, setting.pcpus - 1) for f in setting.forwards),
    )
    for name, value, low, high in sizes:
        if not low <= value <= high:
            return f"{name} {value}, expected {low} to {high}"
    if setting.gic_messages not in GIC_MESSAGES:
        return f"gic_messages {setting.gic_messages[:40]!r}, expected {', '.join(GIC_MESSAGES)}"
    if setting.lr_on_guest_deactivate not in LR_MODES:
        mode = setting.lr_on_guest_deactivate[:40]
        return f"lr_on_guest_deactivate {mode!r}, expected {', '.join(LR_MODES)}"
    return ""


def check_meta(meta: Meta) -> str:
    """Return what is wrong with when a line happened; "" if nothing is."""
    for name, value, high in (("t", meta.t, T_MAX), ("step", meta.step, STEP_MAX)):
        if not 0 <= value <= high:
            return f"{name} {str(value)[:40]}, expected 0 to {high}"
    return ""


def check_fact(fact: Fact, header: Header) -> str:
    """Return what is wrong with a fact of this log; "" if nothing is."""
    if fact.KIND not in header.facts:
        return f"the header's facts say that there are no {fact.KIND!r} lines"
    for name, value, (low, high) in numbers(fact, header.setting):
        if not low <= value <= high:
            return f"{name} {value}, expected {low} to {high}"
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, LockId) and value.kind not in RANKS:
            return f"{name}_kind {value.kind[:40]!r}, expected {', '.join(RANKS)}"
    return ""


def numbers(fact: Fact, setting: Setting) -> Iterator[tuple[str, int, Range]]:
    """Yield the numbers of a fact that have bounds, each with its name and with these."""
    own = OF_KIND.get(type(fact), {})
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, Lr):
            yield f"{name}_state", value.state, FIXED["state"]
            yield f"{name}_vintid", value.vintid, FIXED["vintid"]
            yield f"{name}_pintid", value.pintid, FIXED["intid"]
            continue
        bounds = own.get(name) or SIZED.get(name) or FIXED.get(name)
        if name == "index":
            bounds = (0, setting.lrs - 1)
        if isinstance(bounds, str):
            least = -1 if name in MAYBE_NONE.get(type(fact), ()) else 0
            bounds = (least, (setting.pcpus if bounds == PCPU else setting.vcpus) - 1)
        if isinstance(bounds, tuple):
            yield name, value, bounds
