"""What facts add up to about the guests' physical timers: a part of ``scene``."""

from model import facts
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["PhysScene"]


class PhysScene:
    """The physical timer of each VCPU, as KVM wrote it for its guest.

    Per VCPU ``v``: ``pctl[v]`` and ``pdeadline[v]``; ``phandling[v]``, that the guest acknowledged
    its interrupt and has not deactivated it; ``psw_pending[v]``, that KVM has it pending in
    software, in no List Register; ``told[v]``, the level that it gave the vgic last;
    ``emulated[v]``, what a soft timer is armed for that stands in for the comparator (-1: none is).
    """

    now: int
    ctl: list[int]
    deadline: list[int]
    halted: list[bool]

    def reset_phys(self, vcpus: int) -> None:
        """Start an execution."""
        self.pctl = [0] * vcpus
        self.pdeadline = [0] * vcpus
        self.phandling = [False] * vcpus
        self.psw_pending = [False] * vcpus
        self.told = [False] * vcpus
        self.emulated = [-1] * vcpus

    def powed(self, v: int) -> bool:
        """Tell whether the guest's physical timer fires or will fire."""
        return self.pctl[v] == ENABLE and not self.phandling[v] and not self.halted[v]

    def pfires(self, v: int) -> bool:
        """Tell whether the guest's physical timer asserts its interrupt now."""
        return self.pctl[v] == ENABLE and self.now >= self.pdeadline[v]

    def due(self, v: int) -> int:
        """Return when the first of the guest's two timers fires, in virtual time."""
        if self.pctl[v] != ENABLE:
            return self.deadline[v]
        if self.ctl[v] != ENABLE:
            return self.pdeadline[v]
        return min(self.deadline[v], self.pdeadline[v])

    def pcovered(self, v: int) -> bool:
        """Tell whether, while its guest runs, the timer's interrupt is there or will come."""
        if self.pctl[v] != ENABLE or 0 <= self.emulated[v] <= max(self.pdeadline[v], self.now):
            return True
        return self.told[v] and self.pfires(v)

    def on_guest_ptimer(self, f: facts.GuestTimer) -> None:
        self.pctl[f.vcpu] = f.ctl
        self.pdeadline[f.vcpu] = f.cval

    def on_emulation_armed(self, f: facts.Armed) -> None:
        self.emulated[f.vcpu] = f.expiry

    def on_emulation_cancelled(self, f: facts.Cancelled) -> None:
        self.emulated[f.vcpu] = -1

    def on_emulation_expired(self, f: facts.Expired) -> None:
        if not f.early:
            self.emulated[f.vcpu] = -1

    def on_phys_inject(self, f: facts.Injected) -> None:
        """Take the level that was given to the vgic, and what that made of it."""
        self.told[f.vcpu] = f.level
        if f.accepted:
            self.psw_pending[f.vcpu] = f.level

    def on_phys_fold(self, f: facts.Folded) -> None:
        """Take the software state of its interrupt after a fold."""
        if f.vintid == PTIMER_PPI:
            self.psw_pending[f.vcpu] = (f.line_level or f.pending_latch) and not f.active
