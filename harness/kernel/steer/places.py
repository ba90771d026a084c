"""Places in a kernel's code and in a guest's, by name, and the table of them that the plugin takes.

A place is where a CPU can be stopped: ``enter F``, a function's first instruction; ``call F in G``,
the branch to F in G; ``return F in G``, the instruction behind it; ``return F``, that of every
caller; ``guest F``, a function of the guest; and ``idle``: the CPU waits for an interrupt. A
function that the compiler put into its caller has no place: that is said, never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.kernel.steer.control import BLOCKED, IDLE
from harness.kernel.symbols import Symbols

__all__ = ["IDLE_NAME", "SYNTAX", "Places", "Table", "is_elsewhere", "missing", "places_of"]

IDLE_NAME = "idle"
SYNTAX = re.compile(
    r"(?:enter (\w[\w.]*)|(call|return) (\w[\w.]*)(?: in (\w[\w.]*))?|guest \w+|idle)"
)
BRANCH_LINK = 0x25
"""The upper six bits of BL."""
ANCHOR = "kvm_vgic_flush_hwstate"
SPAN = 0x60000
"""KVM's functions are this close to each other."""
OURS = re.compile(
    r"_*(vgic_|kvm_vgic_|kvm_arm_|kvm_arch_|kvm_timer_|kvm_vcpu_|kvm_make_|kvm_handle_|kvm_vm_ioctl"
    r"|kvm_set_|kvm_notify_|kvm_psci_|kvm_irqfd|irqfd_|handle_exit|handle_trap"
    r"|timer_|vcpu_|io_mem_abort|kvm_sched)"
)
"""Functions of KVM at which an interleaving can make a difference."""
NEVER = re.compile(r".*(_trace|trace_|debugfs|hyp_|_stats|ptdump|init|kvm_dev_ioctl)")
LOCKED = re.compile(
    r"_*raw_(spin|read|write)_lock|mutex_lock|preempt_schedule|__stack_chk|refcount"
)
"""What a return from says nothing new, or holds a lock that others spin on."""
COARSE_ENTRIES = (
    "kvm_vgic_flush_hwstate", "kvm_vgic_sync_hwstate", "vgic_v3_fold_lr", "vgic_v3_fold_lr_state",
    "vgic_v2_fold_lr_state", "vgic_queue_irq_unlock", "__kvm_vcpu_kick", "kvm_vcpu_kick",
    "kvm_arm_halt_guest", "kvm_arm_resume_guest", "vgic_mmio_change_active", "vgic_v3_deactivate",
    "vgic_v2_deactivate", "handle_exit", "vgic_prune_ap_list", "kvm_vcpu_block", "kvm_vcpu_halt",
    "kvm_vcpu_wake_up", "vgic_v3_populate_lr", "vgic_v2_populate_lr", "kvm_arch_vcpu_load",
    "kvm_arch_vcpu_put", "kvm_make_all_cpus_request", "kvm_make_vcpus_request_mask",
    "kvm_handle_guest_abort", "vgic_mmio_read_active", "kvm_timer_update_irq", "kvm_hrtimer_expire",
    "kvm_bg_timer_expire", "kvm_arch_timer_handler", "vgic_v3_dispatch_sgi", "kvm_vcpu_wfi",
)  # fmt: skip
COARSE_RETURNS = (
    "kvm_vgic_flush_hwstate", "kvm_vgic_sync_hwstate", "vgic_v3_fold_lr", "kvm_arm_halt_guest",
    "vgic_mmio_change_active", "vgic_v3_populate_lr", "vgic_queue_irq_unlock",
)  # fmt: skip
COARSE, FINE = 0, 1
"""Levels of places: a few, and all."""


@dataclass(slots=True)
class Table:
    """The table that the plugin takes: ``names`` by number, and what each address is."""

    names: list[str] = field(default_factory=lambda: [""])
    rows: dict[int, tuple[str, int, int]] = field(default_factory=dict)

    def add(self, name: str, addresses: Iterable[int], roles: str = "P", level: int = FINE) -> int:
        """Add a place; at an address that has one, this is what it is from now on."""
        number = len(self.names)
        self.names.append(name)
        for address in addresses:
            before = self.rows.get(address)
            events = "".join(r for r in (before[0] if before else "") if r not in roles + "PY")
            lowest = min(level, before[1]) if before else level
            self.rows[address] = (roles + events, lowest, number)
        return number

    def name(self, number: int) -> str:
        """Return the name of a place of a decision."""
        if number in (IDLE, BLOCKED):
            return IDLE_NAME if number == IDLE else "blocked"
        return self.names[number]

    def text(self) -> str:
        """Return it as the plugin reads it."""
        rows = sorted((at, *row) for at, row in self.rows.items())
        return "".join(f"{at:x} {roles} {level} {n}\n" for at, roles, level, n in rows)


def is_elsewhere(place: str) -> bool:
    """Tell whether a place is none of the kernel's code."""
    return place == IDLE_NAME or place.startswith("guest ")


class Places:
    """The places of one kernel."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        anchor = symbols.addresses.get(ANCHOR, 0)
        near = [
            (start, name)
            for start, name in symbols.starts
            if abs(start - anchor) < SPAN and symbols.addresses[name] == start
        ]
        own = [start for start, name in near if name.startswith(("kvm_", "vgic_"))]
        self.functions = tuple(name for start, name in near if own and own[0] <= start <= own[-1])
        """KVM's own, from the first to the last."""
        self.calls = tuple(self._calls())
        """Each call: where, the function called, the caller."""

    def _calls(self) -> Iterator[tuple[int, str, str]]:
        """Yield all branches with link of these functions."""
        names = dict(reversed(self.symbols.starts))
        for caller in self.functions:
            for address, word in self.symbols.instructions(caller):
                if word >> 26 == BRANCH_LINK:
                    offset = (word & 0x3FFFFFF ^ 0x2000000) - 0x2000000
                    called = names.get(address + offset * 4)
                    if called is not None:
                        yield address, called, caller

    def addresses(self, place: str) -> list[int]:
        """Return where a place is; none: this kernel does not have it."""
        found = SYNTAX.fullmatch(place)
        if found is None or is_elsewhere(place):
            return []
        entered, way, called, caller = found.groups()
        if entered is not None:
            address = self.symbols.addresses.get(entered)
            return [] if address is None else [address]
        return [
            at + 4 * (way == "return")
            for at, to, by in self.calls
            if to == called and caller in (None, by)
        ]

    def nearest(self, place: str) -> str:
        """Return why a place is not there: what this kernel lacks."""
        found = SYNTAX.fullmatch(place)
        assert found is not None
        for name in (found[4], found[3], found[1]):
            if name is not None and name not in self.symbols.addresses:
                return f"this kernel has no function {name} (inlined, or of another version)"
        return f"{found[4]} does not call {found[3]} here"

    def table(self, scripts: Iterable[str] = (), guest: Mapping[str, int] | None = None) -> Table:
        """Return the table: KVM's places, those of scripts, and the guest's loops."""
        table = Table()
        for function in self.functions:
            if OURS.match(function) and not NEVER.match(function):
                level = COARSE if function in COARSE_ENTRIES else FINE
                table.add(f"enter {function}", [self.symbols.addresses[function]], level=level)
        sites: dict[str, list[int]] = {}
        for at, called, caller in self.calls:
            if OURS.match(caller) and not NEVER.match(caller) and not LOCKED.match(called):
                sites.setdefault(f"return {called} in {caller}", []).append(at + 4)
        for name, addresses in sites.items():
            level = COARSE if name.split()[1] in COARSE_RETURNS else FINE
            table.add(name, addresses, level=level)
        for place in dict.fromkeys(scripts):
            if not is_elsewhere(place):
                table.add(place, self.addresses(place))
        for name, address in (guest or {}).items():
            table.add(f"guest {name}", [address], roles="PY", level=COARSE)
        return table


def missing(places: Places, names: Iterable[str]) -> list[str]:
    """Return why each of these that this kernel does not have is not there, a line each."""
    return [
        f"{name}: {places.nearest(name)}"
        for name in dict.fromkeys(names)
        if not is_elsewhere(name) and not places.addresses(name)
    ]


def places_of(symbols: Symbols) -> Places:
    """Return the places of a kernel."""
    return Places(symbols)
