"""What the parts of a followed VM share: its state, and how a state is compared and taken over."""

from collections.abc import Iterable

from harness.trace.events import Event, Mmio
from harness.trace.follow.context import Quiet
from harness.trace.follow.hypervisor import Followed, Watcher, hypervisor
from harness.trace.follow.kernels import Kernel
from harness.trace.follow.machine import TracedMachine, TracedRuntime
from harness.trace.follow.state import (
    ACTIVE,
    ENABLED,
    LATCH,
    LINE,
    LISTED,
    NAMES,
    SHOWN,
    SOURCE,
    TARGET,
    Flow,
    TracedIrq,
    Vcpu,
)
from harness.trace.follow.tally import Tally
from harness.trace.line import Record
from model.identity import Actor
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq

__all__ = ["Base", "Shared"]

ACTOR = Actor("vcpu")
ORACLE = LINE | LATCH | ACTIVE | ENABLED | TARGET
"""What decides where an interrupt belongs."""
State = tuple[bool | None, bool | None, bool | None, bool | None, bool | None]


class Shared:
    """What all VMs of a trace have in common.

    ``kinds`` are the kinds of events seen so far: what a trace does not have is not missed in it.
    ``due`` has, by CPU, the VCPU whose exit is not completely followed yet. ``ahead`` is what to
    add to the trace's time to have the host's monotonic clock; None: not known. ``lrs`` is how many
    List Registers there are; 0: not known.
    """

    def __init__(self, kernel: Kernel, tally: Tally, over: Iterable[type] = ()) -> None:
        self.kernel = kernel
        self.tally = tally
        self.over = tuple(over)
        self.kinds: set[type[Event]] = set()
        self.flows: dict[int, Flow] = {}
        self.due: dict[int, tuple[Base, Vcpu]] = {}
        self.ahead: int | None = None
        self.lrs = 0


class Base(Watcher):
    """A VM that is followed.

    ``at`` is the number of the present event, ``time`` its time in ns, ``cpu`` where it came.
    """

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.tally = shared.tally
        self.kinds = shared.kinds
        self.machine = TracedMachine()
        if shared.lrs:
            self.machine.set_lrs(shared.lrs)
        self.rt = TracedRuntime(self.machine)
        self.kvm: Followed = hypervisor(shared.kernel, self.rt, self, shared.over)
        self.flows = shared.flows
        self.vcpus: dict[int, Vcpu] = {}
        self.by_pid: dict[int, Vcpu] = {}
        self.contexts: dict[int, Quiet] = {}
        self.machine.need_cpu(0)
        self.at = 0
        self.time = 0
        self.cpu = 0
        self.expected_kicks: list[int] = []

    def set_kernel(self, kernel: Kernel) -> None:
        """Follow another kernel from here on: its events told which one it is."""
        self.kvm = hypervisor(kernel, self.rt, self, self.shared.over)

    def begin(self, record: Record) -> None:
        """Note which event it is."""
        self.at, self.time, self.cpu = record.line, record.time, record.where.cpu

    # -- who -------------------------------------------------------------------------------------

    def vcpu(self, v: int) -> Vcpu:
        """Return VCPU ``v``."""
        vc = self.vcpus.get(v)
        if vc is None:
            self.machine.need_vcpu(v)
            vc = self.vcpus[v] = Vcpu(v, Quiet(self.rt, v, 0))
        return vc

    def thread(self, flow: Flow, v: int) -> Vcpu:
        """Return VCPU ``v``, in whose own thread the present event came."""
        cpu = self.cpu
        vc = flow.vcpu
        if vc is None or vc.v != v:
            vc = self.vcpu(v)
            if flow.key > 0:
                flow.vcpu = vc
                vc.pid = flow.key
                self.by_pid[flow.key] = vc
        if vc.t.c != cpu:
            self.machine.need_cpu(cpu)
            vc.t.move(cpu)
        return vc

    def context(self, flow: Flow) -> Quiet:
        """Return a context for what runs in ``flow``; locks and interrupts do not matter in it."""
        context = self.contexts.get(flow.key)
        if context is None:
            context = self.contexts[flow.key] = Quiet(self.rt, 0, 0, hard=True)
        return context

    def irq(self, v: int, intid: int) -> TracedIrq:
        """Return the virtual interrupt ``intid`` as VCPU ``v`` sees it."""
        if intid < 32 or v >= 0:
            self.vcpu(max(v, 0))
        return self.machine.irq(v, intid)

    # -- states ----------------------------------------------------------------------------------

    def check_state(self, kind: str, irq: TracedIrq, v: int, seen: State) -> None:
        """Compare what is known of an interrupt with what the trace shows, and take that over."""
        if irq.known & SHOWN == SHOWN and irq.state() == seen:
            self.tally.equal[kind] += 1
            return
        have = irq.state()
        known = [n for n in range(5) if seen[n] is not None and irq.known >> n & 1]
        fields = [n for n in known if have[n] != seen[n]]
        if fields:
            self.tally.differ(
                kind,
                " ".join(f"{NAMES[n]}={int(have[n])}" for n in fields),
                " ".join(f"{NAMES[n]}={int(seen[n] or False)}" for n in fields),
                v,
                irq.intid,
                irq,
            )
        elif known:
            self.tally.equal[kind] += 1
        else:
            self.tally.unknown(kind, "the state before is not known")
        self.take_state(irq, seen)

    def take_state(self, irq: TracedIrq, seen: State) -> None:
        """Take over what the trace shows."""
        line, latch, active, enabled, hw = seen
        for n, value in enumerate(seen):
            if value is not None:
                irq.known |= 1 << n
        if line is not None:
            irq.line_level = line
        if latch is not None:
            irq.pending_latch = latch
        if active is not None:
            irq.active = active
        if enabled is not None:
            irq.enabled = enabled
        if irq.sourced and latch is False and active is False:
            irq.source = irq.active_source = 0
            irq.known |= SOURCE
        if hw is not None:
            irq.hw = irq.linked = hw
            if hw and irq.hwintid < 0:
                irq.hwintid = irq.intid

    def check_vtimer(self, kind: str, vc: Vcpu, seen: State) -> None:
        """Compare the virtual timer's interrupt, which many events show."""
        if seen[0] is not None:
            self.check_state(kind, self.machine.irq(vc.v, VTIMER_PPI), vc.v, seen)

    def set_version(self, version: int) -> None:
        """Learn the version of the guest's GIC from an event of one."""
        if version != self.machine.version:
            self.machine.set_version(version)

    # -- lists -----------------------------------------------------------------------------------

    def put_on(self, irq: TracedIrq, v: int) -> None:
        """Put an interrupt on the ap_list of ``v``, where it was found.

        Since when it is there, and where on the list, is not known.
        """
        self.take_off(irq)
        self.machine.vgics[v].queue(ACTOR, irq)
        irq.since, irq.until = 0, self.at
        irq.known |= LISTED

    def take_off(self, irq: TracedIrq) -> None:
        """Take an interrupt off its ap_list."""
        if irq.vcpu >= 0:
            self.machine.vgics[irq.vcpu].unqueue(ACTOR, irq)

    def sure(self, irq: TracedIrq) -> bool:
        """Tell whether it is known where the interrupt belongs."""
        return irq.known & ORACLE == ORACLE

    def forget(self) -> None:
        """Know nothing any more: events were lost."""
        for irq in self.machine.irqs():
            irq.forget(self.at)
        for vc in self.vcpus.values():
            vc.forget()

    # -- what one part asks of another ------------------------------------------------------------

    def sends(self, ev: Mmio) -> bool:
        """Tell whether a write is one to GICD_SGIR."""
        return False

    def left_guest(self, vc: Vcpu) -> None:
        """The VCPU is out of its guest."""

    def migrated(self, vc: Vcpu, kicks: list[int]) -> None:
        """The prune moved interrupts to other VCPUs, which are to be kicked."""

    # -- the watcher's part; what is told and means nothing here is passed over ------------------

    def accepts(self, irq: VgicIrq, level: bool, accepted: bool) -> bool:
        """An injection is accepted or not."""
        return accepted

    def kicks(self, v: int) -> None:
        """A VCPU is to be kicked."""
        self.expected_kicks.append(v)

    def line(self, irq: VgicIrq) -> bool:
        """Return the line as the kernel read it."""
        return irq.line_level

    def phys_active(self, v: int, intid: int, active: bool) -> None:
        """The physical active state is written: several parts look at it, one after the other."""

    def update(self, vc: Vcpu) -> None:
        """Follow a prune that somebody asked for."""

    def take_mask(self, vc: Vcpu, vmcr: int) -> None:
        """Take over the guest's priority mask."""

    def settle(self, vc: Vcpu) -> None:
        """Follow the rest of an exit."""

    def settled_by(self, vc: Vcpu, flow: Flow, record: Record) -> None:
        """Follow the rest of an exit, if it is over."""
