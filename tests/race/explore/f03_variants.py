"""Ways to mend F3: a write of an active state overtaken by a VCPU that folds what it had put in.

``ModesMoved`` publishes guest mode before the flush, and its end after the fold, as was proposed
upstream; a request that lands between the look at the requests and the announcement of guest mode
still goes unseen until the registers are full. ``Rechecked`` looks at them again in between.
"""

from harness.context import Context
from harness.kvm.steps import Steps
from harness.kvm.v7_2 import V7_2
from model.host.thread import IN_GUEST, OUTSIDE
from model.vgic.irq import VgicIrq


class ModesMoved(V7_2):
    """Guest mode is announced before the flush, and ends after the fold."""

    async def run_once(self, t: Context) -> str:
        """One turn of kvm_arch_vcpu_ioctl_run."""
        reason = await self.check_requests(t)
        await self.point(t, Steps.irq_disable)
        t.p.irqs_off = True
        thread = self.machine.threads[t.v]
        await t.step(Steps.mode_in_guest)
        thread.mode = IN_GUEST
        if await self.may_flush(t):
            await self.flush_lrs(t)
            if self.reached_from_kernel():
                await self.write_lrs(t)
            reason = await self.enter_and_leave(t) or reason
        await t.step(Steps.mode_outside)
        thread.mode = OUTSIDE
        await self.irq_enable(t)
        return reason

    async def may_flush(self, t: Context) -> bool:
        """Tell whether to go on to the flush."""
        return True

    async def enter_and_leave(self, t: Context) -> str:
        """From the last look at the requests until the registers are folded."""
        await t.step(Steps.recheck_requests)
        if self.entry_is_refused(t):
            await t.step(Steps.abort_entry)
            reason = ""
        else:
            reason = await self.enter_el2(t)
            await t.step(Steps.mode_outside)
            self.leave_guest_mode(t)
        if self.reached_from_kernel():
            await self.save_lrs(t)
        await self.sync_vgic(t)
        return reason

    def leave_guest_mode(self, t: Context) -> None:
        """Complete the exit; guest mode does not end here."""
        self.machine.messages.at_exit(t.c)

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Trust that halting was enough."""

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """And look no more."""
        return True


class Rechecked(ModesMoved):
    """The requests are looked at again before the flush."""

    async def may_flush(self, t: Context) -> bool:
        """Tell whether nothing was asked since guest mode was announced."""
        await t.step(Steps.recheck_requests)
        return not self.entry_is_refused(t)
