"""Ways to break the model by one line, to show that the comparison would notice.

Each fault is a subclass of :class:`~model.gic.gic.Gic` that differs in one effect. They are built
on demand; ``FAULTS`` names them with a line each and costs nothing to import.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.errors import unknown_name

if TYPE_CHECKING:
    from model.gic.gic import Gic

__all__ = ["BETWEEN_CPUS", "FAULTS", "broken"]

FAULTS: dict[str, str] = {
    "pa-offered-by-iar": "a List Register that is pending and active is presented to the guest",
    "edge-while-active-lost": "an edge that arrives while the interrupt is active is not latched",
    "eoir-ignores-apr": "the host's EOIR leaves the running priority as it is",
    "eoicount-in-mode-1": "a guest's EOIR in EOImode 1 counts in EOIcount",
    "acknowledge-lowers-line": "an acknowledge takes the pending state of a high level line away",
    "hw-bit-ignored": "a guest's deactivation does not reach the physical interrupt",
    "list-register-stays-active": "a guest's deactivation leaves a HW List Register active",
    "deactivate-takes-pending": "deactivating an active and pending interrupt leaves it inactive",
    "dir-in-mode-0": "the host's DIR deactivates in EOImode 0 as well",
    "dir-only-by-acknowledger": "an SPI can only be deactivated by the CPU that acknowledged it",
    "icpendr-lowers-line": "ICPENDR takes back a level interrupt whose line is high",
    "disable-drops-pending": "disabling an interrupt drops its pending latch",
    "sgi-to-sender": "an SGI arrives at the CPU that sent it",
    "mask-lets-equal-through": "a priority equal to the priority mask is signalled",
    "preemption-ignores-binary-point": "subpriorities take part in preemption",
    "underflow-at-two": "the underflow maintenance interrupt comes with two valid List Registers",
    "elrsr-hides-eoi": "a List Register waiting to report an EOI is shown as empty",
    "guest-drops-lowest": "a guest's EOIR drops its lowest active priority instead of the highest",
    "retarget-while-pending-lost": "a new target does not apply to an SPI that is pending",
    "guest-dir-in-mode-0": "a guest's DIR deactivates in EOImode 0 as well",
    "maintenance-latched": "the maintenance interrupt stays high when its cause has gone",
}

#: Faults that only show between CPUs.
BETWEEN_CPUS = frozenset({
    "dir-only-by-acknowledger", "retarget-while-pending-lost", "sgi-to-sender",
})

Base = Any


def _edge_while_active_lost(base: Base) -> Base:
    class Broken(base):
        def _latch(self, c: int, intid: int, on: bool) -> None:
            if not (on and self.is_active(c, intid)):
                super()._latch(c, intid, on)

    return Broken


def _eoir_ignores_apr(base: Base) -> Base:
    class Broken(base):
        def eoir(self, c: int, value: int, group: int = 1) -> None:
            cpuif = self.cpuifs[c]
            kept = cpuif.apr0, cpuif.apr1
            super().eoir(c, value, group)
            cpuif.apr0, cpuif.apr1 = kept
            cpuif.derive()

    return Broken


def _eoicount_in_mode_1(base: Base) -> Base:
    class Broken(base):
        def veoir(self, c: int, vintid: int, group: int = 1) -> int:
            vif = self.vifs[c]
            unmatched = all(lr.vintid != vintid or lr.state < 2 for lr in vif.lrs)
            if vif.vmcr.eoim and unmatched and vintid < 1020 and vif.apr0 | vif.apr1:
                self._count_eoi(c, vif, vintid)
            return int(super().veoir(c, vintid, group))

    return Broken


def _acknowledge_lowers_line(base: Base) -> Base:
    class Broken(base):
        def acknowledge(self, c: int, intid: int) -> int:
            source = int(super().acknowledge(c, intid))
            if self.line(c, intid):
                self.set_line(c, intid, False)
            return source

    return Broken


def _hw_bit_ignored(base: Base) -> Base:
    class Broken(base):
        def _deactivate_lr(self, *arguments: Any) -> int:
            super()._deactivate_lr(*arguments)
            return -1

    return Broken


def _list_register_stays_active(base: Base) -> Base:
    class Broken(base):
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**sizes, lr_on_guest_deactivate="seed")

    return Broken


def _deactivate_takes_pending(base: Base) -> Base:
    class Broken(base):
        def clear_active(self, c: int, intid: int, cause: str) -> None:
            if self.is_active(c, intid):
                self._latch(c, intid, False)
            super().clear_active(c, intid, cause)

    return Broken


def _dir_in_mode_0(base: Base) -> Base:
    class Broken(base):
        def dir(self, c: int, value: int) -> None:
            self.clear_active(c, value & 0x3FF, "deactivate")

    return Broken


def _dir_only_by_acknowledger(base: Base) -> Base:
    class Broken(base):
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**sizes)
            self.takers: dict[int, int] = {}

        def acknowledge(self, c: int, intid: int) -> int:
            self.takers[intid] = c
            return int(super().acknowledge(c, intid))

        def dir(self, c: int, value: int) -> None:
            if value < 32 or self.takers.get(value, c) == c:
                super().dir(c, value)

    return Broken


def _icpendr_lowers_line(base: Base) -> Base:
    class Broken(base):
        def set_pending(self, c: int, intid: int, on: bool) -> None:
            super().set_pending(c, intid, on)
            if not on and self.line(c, intid):
                self.set_line(c, intid, False)

    return Broken


def _disable_drops_pending(base: Base) -> Base:
    class Broken(base):
        def set_enable(self, c: int, intid: int, on: bool) -> None:
            super().set_enable(c, intid, on)
            if not on:
                self._latch(c, intid, False)

    return Broken


def _sgi_to_sender(base: Base) -> Base:
    class Broken(base):
        def send_sgi(self, source: int, target: int, intid: int) -> None:
            super().send_sgi(source, source, intid)

    return Broken


def _retarget_while_pending_lost(base: Base) -> Base:
    class Broken(base):
        def set_targets(self, c: int, intid: int, targets: int) -> None:
            if not self.is_pending(c, intid):
                super().set_targets(c, intid, targets)

    return Broken


def _guest_dir_in_mode_0(base: Base) -> Base:
    class Broken(base):
        def vdir(self, c: int, vintid: int) -> int:
            kept = self.vifs[c].vmcr
            self.vifs[c].vmcr = kept._replace(eoim=1)
            pintid = int(super().vdir(c, vintid))
            self.vifs[c].vmcr = kept
            return pintid

    return Broken


def _maintenance_latched(base: Base) -> Base:
    class Broken(base):
        def maintenance(self, c: int) -> bool:
            return bool(super().maintenance(c) or self.line(c, 25))

    return Broken


def _guest_drops_lowest(base: Base) -> Base:
    class Broken(base):
        def veoir(self, c: int, vintid: int, group: int = 1) -> int:
            vif = self.vifs[c]
            before = vif.apr0, vif.apr1
            pintid = int(super().veoir(c, vintid, group))
            for name, old in zip(("apr0", "apr1"), before, strict=True):
                if getattr(vif, name) != old:
                    setattr(vif, name, old & ~(1 << old.bit_length() - 1))
            vif.refresh()
            return pintid

    return Broken


# -- faults of what follows from the registers ------------------------------------------------


def _parts(base: Base, name: str, change: Callable[[Any], None], method: str = "refresh") -> Base:
    """Break what one kind of part derives: ``change`` is called after ``method``."""

    class Broken(base):
        def __init__(self, **sizes: Any) -> None:
            super().__init__(**sizes)
            parts = getattr(self, name)
            kind = type(parts[0])

            def derived(part: Any) -> None:
                getattr(kind, method)(part)
                change(part)

            wrong = type(kind.__name__, (kind,), {"__slots__": (), method: derived})
            for part in parts:
                part.__class__ = wrong

    return Broken


def _offer_pending_active(vif: Any) -> None:
    for index, lr in enumerate(vif.lrs):
        if lr.state == 3 and (vif.vmcr.enable1 if lr.group else vif.vmcr.enable0):
            vif.best = min(vif.best, lr.priority << 8 | index << 1 | lr.group)
    vif.refresh_signal()


def _let_equal_through(cpuif: Any) -> None:
    if not cpuif.apr0 | cpuif.apr1:
        cpuif.limit0 = cpuif.pmr + 1 << 25 if cpuif.enable0 else 0
        cpuif.limit1 = cpuif.pmr + 1 << 25 if cpuif.enable1 else 0


def _ignore_binary_point(cpuif: Any) -> None:
    cpuif.mask0 = cpuif.mask1 = 0xF8


def _underflow_at_two(vif: Any) -> None:
    if vif.hcr & 2 and vif.valid == 2:
        vif.misr |= 2
        vif.maintenance = bool(vif.hcr & 1)


def _show_eoi_as_empty(vif: Any) -> None:
    vif.elrsr |= vif.eisr


_BUILDERS: dict[str, Callable[[Base], Base]] = {
    "pa-offered-by-iar": lambda base: _parts(base, "vifs", _offer_pending_active),
    "edge-while-active-lost": _edge_while_active_lost,
    "eoir-ignores-apr": _eoir_ignores_apr,
    "eoicount-in-mode-1": _eoicount_in_mode_1,
    "acknowledge-lowers-line": _acknowledge_lowers_line,
    "hw-bit-ignored": _hw_bit_ignored,
    "list-register-stays-active": _list_register_stays_active,
    "deactivate-takes-pending": _deactivate_takes_pending,
    "dir-in-mode-0": _dir_in_mode_0,
    "dir-only-by-acknowledger": _dir_only_by_acknowledger,
    "icpendr-lowers-line": _icpendr_lowers_line,
    "disable-drops-pending": _disable_drops_pending,
    "sgi-to-sender": _sgi_to_sender,
    "mask-lets-equal-through": lambda base: _parts(base, "cpuifs", _let_equal_through, "derive"),
    "preemption-ignores-binary-point": lambda base: _parts(base, "cpuifs", _ignore_binary_point, "derive"),
    "underflow-at-two": lambda base: _parts(base, "vifs", _underflow_at_two,
                                            "refresh_maintenance"),
    "elrsr-hides-eoi": lambda base: _parts(base, "vifs", _show_eoi_as_empty),
    "guest-drops-lowest": _guest_drops_lowest,
    "retarget-while-pending-lost": _retarget_while_pending_lost,
    "guest-dir-in-mode-0": _guest_dir_in_mode_0,
    "maintenance-latched": _maintenance_latched,
}


def broken(name: str | None) -> "type[Gic]":
    """Return the class of GIC with a fault; without a name, the sound one."""
    from model.gic.gic import Gic

    if name is None:
        return Gic
    if name not in _BUILDERS:
        raise unknown_name("fault", name, FAULTS)
    kind: type[Gic] = _BUILDERS[name](Gic)
    return kind
