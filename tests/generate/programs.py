"""The guests' programs of a generated scenario: what is common to all lines.

They are written in one order, one line of one VCPU after the other, such that they could be
executed in this order: who waits waits for what stands before it. So every wait ends, however the
scheduler has it, as no line but a wait can hold a VCPU up. What a guest takes away for a while
(masks, enable bits, routes) it gives back before it waits next.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from harness.scenarios.schema import VcpuSpec
from model.timer import PTIMER_PPI, VTIMER_PPI
from tests.generate.choosing import Chooser
from tests.generate.machines import Machine

__all__ = ["DELTAS", "LAST_SGI", "PHYSICAL", "PPI", "VIRTUAL", "Cpu", "Maker", "Writer"]

VIRTUAL, PHYSICAL = "idle", "pidle"
"""The two timers, by the word that waits for them."""
PPI = {VIRTUAL: VTIMER_PPI, PHYSICAL: PTIMER_PPI}
DELTAS = (20, 60, 100, 0, 200)
LAST_SGI = 12
"""SGIs above are for the meeting at the end, one from each VCPU."""


class Cpu:
    """The program of VCPU ``v`` as far as it is written.

    ``armed`` are the timers that are programmed and may not have fired, ``certain`` is how many
    interrupts of each its guest has waited for; ``undo`` are the lines that give back what it has
    taken away, by what that is.
    """

    def __init__(self, v: int) -> None:
        self.v = v
        self.lines: list[str] = []
        self.armed = {VIRTUAL: False, PHYSICAL: False}
        self.certain = {VIRTUAL: 0, PHYSICAL: 0}
        self.undo: dict[str, str] = {}
        self.timer: int | None = None
        self.ptimer: int | None = None

    def settle(self, *, careless: bool = False) -> None:
        """Give everything back, unless its guest is ``careless``."""
        if careless:
            return
        self.lines += self.undo.values()
        self.undo.clear()

    def give_back(self, what: str) -> None:
        """Give one thing back, if it is taken away."""
        if what in self.undo:
            self.lines.append(self.undo.pop(what))


class Writer:
    """Writes the programs for a machine.

    ``sent`` are the SGIs that were sent and may be waited for, as number and VCPU; ``dropped`` are
    those that their VCPU may have thrown away, ``awaited`` those that it waits for. ``moves`` says
    that an SPI was routed to another VCPU. With ``bare`` guests handle interrupts by instructions
    of their own, which wake nobody: then no SPI is routed, and nobody deactivates for another.
    """

    def __init__(self, choose: Chooser, machine: Machine) -> None:
        self.choose = choose
        self.machine = machine
        self.cpus = [Cpu(v) for v in range(machine.vcpus)]
        self.sent: list[tuple[int, int]] = []
        self.dropped: set[tuple[int, int]] = set()
        self.awaited: set[tuple[int, int]] = set()
        self.moves = False
        self.careless = machine.wild and choose.chance(15)
        self.uses_ptimer = choose.chance(25)
        self.bare = machine.deactivate != "other" and choose.chance(30)

    def write(self, makers: "Sequence[Maker]") -> tuple[VcpuSpec, ...]:
        """Return the programs, of lines by these makers."""
        choose = self.choose
        self.begin()
        weighted = [(maker, maker.weight) for maker in makers]
        for _ in range(choose.number(1, 5 + 4 * len(self.cpus))):
            cpu = choose.one_of(self.cpus)
            choose.weighted(weighted).write(self, cpu)
        self.end()
        specs = [
            VcpuSpec(tuple(cpu.lines), handler=self.handler(), timer=cpu.timer, ptimer=cpu.ptimer)
            for cpu in self.cpus
        ]
        return tuple(self.powered_off(spec) for spec in specs)

    def powered_off(self, spec: VcpuSpec) -> VcpuSpec:
        """Let a guest power its VCPU off where it would finish, sometimes: finding F13."""
        if not self.machine.wild or not self.choose.chance(8):
            return spec
        return msgspec.structs.replace(spec, program=(*spec.program, "cpu off"))

    def handler(self) -> tuple[str, ...] | None:
        """Return a guest's handler as a program, or None for the driver's that comes with it."""
        if not self.bare or not self.choose.chance(50):
            return None
        ends = ["eoi", "dir"] if self.machine.eoimode else ["eoi"]
        lines = [*ends, "silence"] if self.machine.eoi_first else ["silence", *ends]
        if self.choose.chance(40):
            lines.insert(0, f"work {self.choose.number(1, 4)}")
        if self.choose.chance(30):
            lines = ["if-acked 1023", "work 1", "end", *lines]
        return ("iar", *lines)

    # -- begin and end -------------------------------------------------------------------------

    def begin(self) -> None:
        """Let user space have programmed timers, of a VM that is not reset."""
        choose = self.choose
        for cpu in self.cpus:
            if not self.machine.resets and choose.chance(10):
                cpu.timer = choose.one_of(DELTAS)
                cpu.armed[VIRTUAL] = True
            if not self.machine.resets and self.uses_ptimer and choose.chance(10):
                cpu.ptimer = choose.one_of(DELTAS)
                cpu.armed[PHYSICAL] = True

    def end(self) -> None:
        """Let the guests wait for their devices and timers, and, where they must, for each other.

        A VCPU to which an SPI may go, or that deactivates for another, stays until that is over.
        """
        choose, machine = self.choose, self.machine
        meet = machine.vcpus > 1 and (self.moves or machine.others_deactivate or choose.chance(20))
        for cpu in self.cpus:
            cpu.settle(careless=self.careless)
            for word in (VIRTUAL, PHYSICAL):
                if cpu.armed[word] and choose.chance(60):
                    self.wait_for_timer(cpu, word)
            owns = any(f.vcpu == cpu.v for f in machine.forward)
            # Else who waits for a device that follows another's may wait in vain.
            chained = any(f.after is not None for f in machine.forward)
            if owns and (meet or chained or choose.chance(80)):
                cpu.lines.append("wait")
        if meet:
            for cpu in self.cpus:
                others = [other for other in self.cpus if other is not cpu]
                cpu.lines += [f"sgi {15 - cpu.v} {other.v}" for other in others]
            for cpu in self.cpus:
                others = [other for other in self.cpus if other is not cpu]
                cpu.lines += [f"await {15 - other.v}" for other in others]
        for cpu in self.cpus:
            cpu.lines = cpu.lines or ["work 1"]

    # -- the timers ------------------------------------------------------------------------------

    def arm(self, cpu: Cpu, verb: str, word: str) -> None:
        """Program a timer."""
        if not self.machine.wild:
            # Else its guest enables it when it is due, perhaps: finding F1.
            cpu.give_back(f"enable {PPI[word]}")
        cpu.lines.append(f"{verb} {self.choose.one_of(DELTAS)}")
        cpu.armed[word] = True

    def disarm(self, cpu: Cpu, verb: str, word: str) -> None:
        """Turn a timer off."""
        cpu.lines.append(f"{verb} off")
        cpu.armed[word] = False

    def wait_for_timer(self, cpu: Cpu, word: str) -> None:
        """Wait for one more interrupt of a timer, if one must come."""
        if not cpu.armed[word]:
            return
        cpu.settle(careless=self.careless)
        cpu.certain[word] += 1
        cpu.lines.append(f"{word} {cpu.certain[word]}")
        cpu.armed[word] = False


class Maker(NamedTuple):
    """Writes one line, or a few that belong together: how often, and which instructions."""

    weight: int
    names: tuple[str, ...]
    write: Callable[[Writer, Cpu], None]
