"""What is known of CPUs, VCPUs and contexts while a trace is read; what all its readers share."""

from collections.abc import Callable
from typing import Any

from harness.trace.events import Event
from harness.trace.line import CONTEXTS, HARD_IRQ, IDLE, Record, Where
from harness.trace.who import Irqs, Threads
from model.facts import Fact
from model.facts.traced import ContextWentOn, Gap, Meddled
from model.gic.lr import Lr

__all__ = ["Cpu", "Group", "Handler", "Handlers", "Scene", "Vcpu"]

Handler = Callable[[Record, Any], None]
Handlers = dict[type[Event], Handler]


class Cpu:
    """A host CPU: the ``guest`` that runs there (-1: none) and, by index, what its ``lrs`` hold.

    ``irqs`` counts the handlers that run there; ``putting`` is the VCPU whose put is under way.
    """

    __slots__ = ("guest", "irqs", "lrs", "putting")

    def __init__(self) -> None:
        self.guest = -1
        self.irqs = 0
        self.lrs: dict[int, Lr] = {}
        self.putting = -1


class Vcpu:
    """A VCPU, as far as its thread's own events tell.

    ``loading``: a load is under way; ``pcpu``: the CPU it ran on last; ``blocks``: it is in
    kvm_vcpu_block, or about to be; ``asleep``: it sleeps there. ``resample`` is the vINTID that the
    fold looks at and whether it reads its line; ``folding``: the fold is under way; ``populated``
    is what is to go into List Registers; ``map_asked`` the vINTID whose active state a load asked
    for; ``accesses``: an access of its guest is about to change a physical state; ``cval`` and
    ``fires`` are of its virtual timer in memory. ``on_cpu`` is where its thread runs, until it is
    seen to go (-1).
    """

    __slots__ = (
        "accesses",
        "asleep",
        "blocks",
        "cval",
        "fires",
        "folding",
        "loading",
        "map_asked",
        "on_cpu",
        "pcpu",
        "populated",
        "resample",
    )

    def __init__(self) -> None:
        self.loading = False
        self.pcpu = -1
        self.on_cpu = -1
        self.blocks = False
        self.asleep = False
        self.resample: tuple[int, bool] | None = None
        self.folding = False
        self.populated: list[Any] = []
        self.map_asked = -1
        self.accesses = False
        self.cval = 0
        self.fires = False


class Scene:
    """The shared state, and ``out``: the facts of the event that is being read."""

    def __init__(self) -> None:
        self.out: list[Fact] = []
        self.threads = Threads()
        self.irqs = Irqs()
        self.cpus: dict[int, Cpu] = {}
        self.vcpus: dict[int, Vcpu] = {}
        self.awaiting: dict[int, frozenset[type[Event]]] = {}
        """By context, the events that may come next there without a call being left out."""
        self.folding: dict[int, int] = {}
        """By pid of its thread, a VCPU whose fold is under way."""
        self.armed: dict[int, int] = {}
        """For when a VCPU's background timer is armed, in ns of the host's clock."""
        self.distributor_on = False
        self.version = 0
        self.nested = False
        """A nested guest's timers were seen."""
        self.load_writes = 0
        """How often a load wrote an active state."""
        self.load_reports = 0
        """How often a load reported the level of the virtual timer's line."""
        self.other_writes = 0
        """How often it was written where 4.16 and later never do."""

    def emit(self, fact: Fact) -> None:
        """Say a fact."""
        self.out.append(fact)

    def cpu(self, c: int) -> Cpu:
        """Return a CPU."""
        cpu = self.cpus.get(c)
        if cpu is None:
            cpu = self.cpus[c] = Cpu()
        return cpu

    def vcpu(self, v: int) -> Vcpu:
        """Return a VCPU."""
        vcpu = self.vcpus.get(v)
        if vcpu is None:
            vcpu = self.vcpus[v] = Vcpu()
        return vcpu

    def context(self, where: Where) -> int:
        """Return the context of an event; where no flags say, it is an IRQ's while one runs."""
        if where.hard_irq is None and (cpu := self.cpus.get(where.cpu)) is not None and cpu.irqs:
            return HARD_IRQ - CONTEXTS * where.cpu
        return where.context

    def in_thread(self, where: Where, context: int) -> bool:
        """Tell whether ``context``, that of an event there, is a thread's, or idle."""
        return context == (where.pid or IDLE - CONTEXTS * where.cpu)

    def runs(self, where: Where) -> int:
        """Return the VCPU whose thread runs here, in thread context; or -1."""
        if self.context(where) != where.pid:
            return -1
        return self.threads.of(where.pid, where.comm)

    def own(self, where: Where, vcpu: int, *, sure: bool = True) -> bool:
        """Tell whether this is the thread of ``vcpu``, at work on it.

        If some other thread is (the VM monitor's main thread resets VCPUs), what is known of the
        VCPU may be wrong from here on; a thread of another VCPU is then taken for one of this, if
        it is ``sure`` that only a VCPU's own thread does that.
        """
        mine = self.runs(where)
        if mine == vcpu:
            if sure and where.pid not in self.threads.sure:
                self.threads.learn(where.pid, vcpu)
            return True
        if mine >= 0 and sure:
            self.threads.learn(where.pid, vcpu)
        self.gap("a VCPU was touched by a thread that is not its own")
        return False

    def at(self, v: int, c: int) -> None:
        """The thread of VCPU ``v`` is on CPU ``c``: a gap if it was not seen to leave another."""
        vcpu = self.vcpu(v)
        if vcpu.on_cpu not in (-1, c):
            self.gap("a thread changed its CPU unseen")
            vcpu = self.vcpu(v)
        vcpu.on_cpu = c

    def gap(self, why: str) -> None:
        """Nothing is known any more of CPUs and VCPUs."""
        if self.out and isinstance(self.out[-1], Gap):
            return
        self.cpus.clear()
        self.vcpus.clear()
        self.awaiting.clear()
        self.folding.clear()
        self.armed.clear()
        self.out.append(Gap(why))

    def meddled(self) -> None:
        """The interrupts of any VCPU may have changed."""
        for v in self.vcpus:
            self.out.append(Meddled(v))

    def await_in(self, context: int, events: frozenset[type[Event]]) -> None:
        """Say that in ``context`` nothing but ``events`` may come before a call is made."""
        self.awaiting[context] = events

    def went_on(self, context: int) -> None:
        """It did something else."""
        del self.awaiting[context]
        self.out.append(ContextWentOn(context))


class Group:
    """Readers of some kinds of events; ``handlers`` has them by kind."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.handlers: Handlers = self.table()

    def table(self) -> Handlers:
        """Return what reads which kind of event."""
        return {}
