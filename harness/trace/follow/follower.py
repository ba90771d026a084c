"""The records of a trace, one by one: which VM each is about, and which kernel it was."""

import re
from collections.abc import Iterable, Iterator

from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.follow.base import Shared
from harness.trace.follow.kernels import LATEST, OVERFLOW, Kernel, version_of
from harness.trace.follow.state import LATCH, LINE, LISTED, Flow
from harness.trace.follow.tally import Excuser, Tally
from harness.trace.follow.vm import Vm
from harness.trace.line import Record

__all__ = ["Follower"]

OWN = frozenset({
    ev.VcpuLoad, ev.VcpuPut, ev.Flush, ev.Sync, ev.LrEntry, ev.LrExit, ev.Populate, ev.TimerLoad,
    ev.TimerPut, ev.VcpuBlock, ev.VcpuBlocking, ev.MmioChangeActive, ev.DispatchSgi, ev.FlushList,
    ev.EntryList, ev.FoldLr, ev.GuestDir, ev.GuestSgir,
})  # fmt: skip
"""Events that come in the thread of the VCPU that they name."""
INJECTIONS = (ev.UpdatePending, ev.QueueIrq, ev.VcpuKick, ev.Inject, ev.IrqLine)
LOSSES = (ev.Lost, ev.BufferStarted)
HEAD = re.compile(rb"# vgic-race: kernel (\d{1,3}\.\d{1,3}\S*?),? .*list registers (\d{1,2})\b")
"""What the script of ``trace setup`` writes before the events."""
MOST_BACK = 1_000_000_000
"""By more ns than that the times of one trace do not go back."""
GROUP_CAUSES = 0xF0
"""VGrp0EIE to VGrp1DIE of ICH_HCR_EL2: one of each pair is set since 6.19, and none before."""
SAID = re.compile(r"(?:[Ll]inux|[Kk]ernel|uname|osrelease)\D{0,16}(\d{1,3}\.\d{1,3}\S*)")
"""How a mark in a trace may say which kernel it is of."""


class Follower:
    """The model in lock step with a trace: ``feed`` it the records.

    ``tally`` has what was compared. ``kernel`` is which kernel is followed; one that was not
    ``given`` is learnt from the trace. ``over`` are hooks to lay over the hypervisor.
    """

    def __init__(
        self, kernel: Kernel, excuser: Excuser, over: Iterable[type] = (), *, given: bool = True
    ) -> None:
        self.tally = Tally(excuser)
        self.shared = Shared(kernel, self.tally, over)
        self.flows = self.shared.flows
        self.given = given
        self.vms = [Vm(self.shared)]
        self.running: dict[int, Vm] = {}
        self.last: dict[int, int] = {}
        self.time = 0

    @property
    def kernel(self) -> Kernel:
        """Which kernel is followed."""
        return self.shared.kernel

    def feed(self, record: Record) -> None:
        """Follow one event of the trace."""
        event, where, shared = record.event, record.where, self.shared
        kind = type(event)
        if record.time < self.time - MOST_BACK:
            self.another()
        self.time = record.time
        if kind not in shared.kinds:
            if kind in LOSSES:
                self.lost(event)
                return
            shared.kinds.add(kind)
        self.tally.record = record
        self.last[where.cpu] = record.line
        flow = self.flows.get(where.context)
        if flow is None:
            flow = self.flows[where.context] = Flow(where.context)
        if shared.due:
            due = shared.due.get(where.cpu)
            if due is not None:
                due[0].settled_by(due[1], flow, record)
        if not self.given:
            self.learn_kernel(event)
        vm = self.vms[0]
        if len(self.vms) > 1 or flow.vm is None:
            found = self.vm_of(flow, record)
            if found is None:
                return
            vm = found
        vm.feed(flow, record)

    # -- which VM --------------------------------------------------------------------------------

    def vm_of(self, flow: Flow, record: Record) -> Vm | None:
        """Return the VM that an event is about; None if several may be meant."""
        event, cpu = record.event, record.where.cpu
        kind = type(event)
        if kind in OWN:
            vm = self.owner(flow, event)
            flow.vm = self.running[cpu] = vm
            return vm
        if len(self.vms) == 1:
            return self.vms[0]
        if kind is ev.HostTimerIrq:
            flow.vm = self.running.get(cpu, self.vms[0])
        elif kind is ev.HrtimerExpire:
            flow.vm = self.of_hrtimer(event)
        elif kind in (ev.Switch, ev.Waking):
            for vm in self.vms:
                vm.feed(flow, record)
            return None
        elif kind is ev.IrqEntry and flow.key < 0:
            flow.vm = None
        if flow.vm is None and kind in INJECTIONS:
            self.somebodys(event)
            return None
        known: Vm | None = flow.vm
        return known or self.vms[0]

    def owner(self, flow: Flow, event: Event) -> Vm:
        """Return the VM whose VCPU's thread ``flow`` is: with a VCPU of that number of its own."""
        v: int = getattr(event, "vcpu", 0)
        known: Vm | None = flow.vm
        if known is not None and flow.vcpu is not None and flow.vcpu.v == v:
            return known
        for vm in self.vms:
            vc = vm.vcpus.get(v)
            if vc is not None and vc.pid == flow.key:
                return vm
        free = [vm for vm in self.vms if v not in vm.vcpus or vm.vcpus[v].pid < 0]
        if not free:
            free = [Vm(self.shared)]
            self.vms += free
        # Threads of one VM are made one after the other.
        return min(free, key=lambda vm: min((abs(pid - flow.key) for pid in vm.by_pid), default=0))

    def of_hrtimer(self, event: Event) -> Vm | None:
        """Return the VM whose background timer expires."""
        address: int = getattr(event, "hrtimer", 0)
        return next((vm for vm in self.vms if address in vm.hrtimers), None)

    def somebodys(self, event: Event) -> None:
        """An injection by a thread of some VMM: no VM's state of that interrupt is known now."""
        intid: int = getattr(event, "intid", -1)
        self.tally.unknown("injection accepted", "several VMs: whose it is is not shown")
        for vm in self.vms:
            for irq in vm.machine.irqs():
                if irq.intid == intid:
                    irq.known &= ~(LINE | LATCH | LISTED)

    # -- what the trace tells of itself ----------------------------------------------------------

    def learn_kernel(self, event: Event) -> None:
        """Learn which kernel it is, from a mark or from what only some kernels do."""
        if isinstance(event, ev.Mark):
            said = SAID.search(event.text)
            if said is not None:
                self.set_kernel(Kernel(version_of(said[1])))
                self.given = True
        elif isinstance(event, ev.LrEntry) and event.hcr > 0:
            if event.hcr & GROUP_CAUSES and not self.kernel.has(OVERFLOW):
                self.set_kernel(Kernel(LATEST))
            self.given = True

    def heard(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on the lines of a trace; learn from what ``trace setup`` wrote into its head."""
        for line in lines:
            if line[:1] == b"#" and (said := HEAD.match(line)) is not None:
                if not self.given:
                    self.set_kernel(Kernel(version_of(said[1].decode("latin-1"))))
                    self.given = True
                self.shared.lrs = int(said[2])
                for vm in self.vms:
                    vm.machine.set_lrs(self.shared.lrs)
            yield line

    def set_kernel(self, kernel: Kernel) -> None:
        """Follow another kernel from here on."""
        self.shared.kernel = kernel
        for vm in self.vms:
            vm.set_kernel(kernel)

    def another(self) -> None:
        """Begin another trace, in the same file: time went back."""
        self.forget()
        self.shared.kinds.clear()
        self.shared.ahead = None
        self.vms = [Vm(self.shared)]
        self.last.clear()
        for flow in self.flows.values():
            flow.vcpu = flow.vm = None

    def lost(self, event: Event) -> None:
        """Events of a CPU were lost, since its last one: what was found since then is no finding.

        The mark stands before the next event of that CPU, after those that others had meanwhile.
        """
        self.tally.withdraw(self.last.get(getattr(event, "cpu", -1), 0))
        self.forget()

    def forget(self) -> None:
        """Know nothing any more: events were lost."""
        self.shared.due.clear()
        self.running.clear()
        for vm in self.vms:
            vm.forget()
        for flow in self.flows.values():
            flow.forget()
