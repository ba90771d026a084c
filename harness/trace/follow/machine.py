"""The part of a machine that the trace of a VM shows; it grows as VCPUs and CPUs are named."""

from collections.abc import Callable
from typing import cast

from harness.runtime import Runtime
from harness.trace.follow.state import TracedIrq
from model.facts import Fact
from model.gic.gic import Gic
from model.gic.lr import EMPTY
from model.gic.registers import FIRST_SPI, Vmcr
from model.host.thread import HrTimer, VcpuThread
from model.identity import BG_TIMER, PTIMER, VTIMER
from model.machine import Config, Machine
from model.messages import Messages
from model.pcpu import Pcpu, Signals
from model.timer import VTIMER_PPI, Clock, HwTimer
from model.timer_context import TimerContext
from model.vgic.cpu import VgicCpu, VgicDist
from model.vgic.irq import VgicIrq

__all__ = ["NO_MASK", "TracedMachine", "TracedRuntime"]

LRS = 4
NO_MASK = Vmcr(pmr=0x100)
"""The guest's priority mask is not in a trace: what it would hold back is not known."""


class NoMessages(Messages):
    """What travels in the real GIC has arrived, or is not known to have not."""

    def __init__(self) -> None:
        """There is nothing."""

    def before_access(self, cpu: int) -> None:
        """Nothing is under way."""

    def deliver_writes(self, cpu: int) -> None:
        """Nothing is under way."""

    def at_exit(self, cpu: int) -> None:
        """Nothing is under way."""


class UnseenGic(Gic):
    """The physical GIC: a trace shows writes of the active state, and nothing else of it."""

    def set_pending(self, c: int, intid: int, on: bool) -> None:
        """Nothing: that is not followed."""


class TracedMachine(Machine):
    """The machine of a traced VM: what the hypervisor's functions look at, and no more.

    ``version`` is that of the guest's GIC; ``lrs`` how many List Registers there are.
    """

    def __init__(self) -> None:
        self.config = Config()
        self.clock = Clock(0)
        self.messages = NoMessages()
        self.hw_timers: list[HwTimer] = []
        self.hw_ptimers: list[HwTimer] = []
        self.direct_ptimer = False
        self.pcpus: list[Pcpu] = []
        self.signals: list[Signals] = []
        self.threads: list[VcpuThread] = []
        self.vgics: list[VgicCpu] = []
        self.timers: list[tuple[TimerContext, TimerContext]] = []
        self.timer_numbers = (VTIMER,)
        self.hrtimers: dict[tuple[int, int], HrTimer] = {}
        self.private: dict[tuple[int, int], VgicIrq] = {}
        self.spis: dict[int, VgicIrq] = {}
        self.dist = VgicDist()
        self.ctlr = None
        self.forwards = []
        self.emit: Callable[[Fact], object] | None = None
        self.lrs = LRS
        self.set_version(3)

    def set_version(self, version: int) -> None:
        """Make the guest's GIC one of this architecture version."""
        self.version = version
        self.gic = UnseenGic(version=version, cpus=1, lrs=1, spis=())
        for irq in (*self.private.values(), *self.spis.values()):
            irq.sourced = version == 2 and irq.is_sgi()
            irq.group = int(version == 3)

    def need_cpu(self, c: int) -> None:
        """Have CPU ``c``, and those before it."""
        while len(self.pcpus) <= c:
            self.pcpus.append(Pcpu(len(self.pcpus)))
            self.signals.append(Signals())
            self.hw_timers.append(HwTimer(self.clock))

    def need_vcpu(self, v: int) -> None:
        """Have VCPU ``v``, and those before it."""
        while len(self.threads) <= v:
            n = len(self.threads)
            self.threads.append(VcpuThread(n, 0))
            self.vgics.append(VgicCpu(n, self.lrs, NO_MASK, (0, 0)))
            self.timers.append((TimerContext(n, PTIMER, 0), TimerContext(n, VTIMER, 0)))
            self.hrtimers[n, BG_TIMER] = HrTimer(n, BG_TIMER, 0)
            self.irq(n, VTIMER_PPI)

    def set_lrs(self, lrs: int) -> None:
        """Have ``lrs`` List Registers per CPU, 1 to 64."""
        self.lrs = min(max(lrs, 1), 64)
        for vgic in self.vgics:
            vgic.lrs = (EMPTY,) * self.lrs

    def need_lrs(self, used: int) -> None:
        """Have at least ``used`` List Registers: as many as the architecture allows, then."""
        if used > self.lrs:
            self.lrs = 64 if self.version == 2 else 16
            for vgic in self.vgics:
                vgic.lrs += vgic.lrs[:1] * (self.lrs - len(vgic.lrs))

    def irq(self, v: int, intid: int) -> TracedIrq:
        """Return the virtual interrupt ``intid`` as VCPU ``v`` sees it."""
        irq = self.spis.get(intid) if intid >= FIRST_SPI else self.private.get((v, intid))
        if irq is None:
            irq = TracedIrq(
                intid, v, sourced=self.version == 2 and intid < 16, group=int(self.version == 3)
            )
            if intid >= FIRST_SPI:
                self.spis[intid] = irq
            else:
                self.private[v, intid] = irq
        return cast("TracedIrq", irq)

    def irqs(self) -> list[TracedIrq]:
        """Return all interrupts that the trace named so far."""
        return cast("list[TracedIrq]", [*self.private.values(), *self.spis.values()])


class TracedRuntime(Runtime):
    """What the hypervisor sees of the world: the machine, and that nobody listens."""

    def __init__(self, machine: TracedMachine) -> None:
        self.machine = machine
        self.config = machine.config
        self.forwarded_spis = frozenset()
