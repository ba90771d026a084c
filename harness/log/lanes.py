"""What each CPU, VCPU and interrupt is at, event by event: the lanes of timelines.

Told from facts alone. A CPU is idle, with a VCPU loaded (``host v0``), or in its guest
(``guest v0``); a VCPU is off, loaded, in its guest, asleep, or in user space; an interrupt's stage
is that of ``harness.log.stages``.
"""

from typing import NamedTuple

from harness.log.lives import Life
from harness.log.source import Told
from harness.log.stages import IDLE, next_stage
from model import facts
from model.facts import Fact

__all__ = ["Change", "Lane", "Lanes", "name_lane"]

CPU, VCPU, IRQ = "pcpu", "vcpu", "irq"
OFF = "off"


class Lane(NamedTuple):
    """A lane: ``kind`` is "pcpu", "vcpu" or "irq"; an interrupt's is that of ``vcpu``, or -1."""

    kind: str
    number: int
    vcpu: int = -1


class Change(NamedTuple):
    """A lane that is at something else from now on; ``life`` is the id's part of an interrupt's."""

    lane: Lane
    before: str
    after: str
    life: Life | None = None


class Lanes:
    """Hears the facts of a log, and says which lanes change."""

    def __init__(self) -> None:
        self.at: dict[Lane, str] = {}
        self.loaded: dict[int, int] = {}

    def hear(self, line: Told) -> list[Change]:
        """Take notice of a line; return what changes with it."""
        fact = line.entry.record
        if not isinstance(fact, Fact):
            return []
        found = [self.go(lane, after) for lane, after in self.places(fact)]
        life = line.life
        if life is not None and line.is_about:
            lane = Lane(IRQ, life.intid, life.vcpu)
            change = self.go(lane, next_stage(self.at.get(lane, IDLE), fact))
            found.append(None if change is None else change._replace(life=life))
        return [change for change in found if change is not None]

    def go(self, lane: Lane, after: str) -> Change | None:
        """Note what a lane is at; return None if it was so before."""
        before = self.at.get(lane, IDLE if lane.kind == IRQ else OFF)
        if after == before:
            return None
        self.at[lane] = after
        return Change(lane, before, after)

    def places(self, fact: Fact) -> list[tuple[Lane, str]]:
        """Return what the CPUs and VCPUs of a fact are at after it."""
        match fact:
            case facts.Loaded(vcpu=v, pcpu=c):
                self.loaded[v] = c
                return [(Lane(CPU, c), f"host v{v}"), (Lane(VCPU, v), "host")]
            case facts.Entered(vcpu=v, pcpu=c):
                self.loaded[v] = c
                return [(Lane(CPU, c), f"guest v{v}"), (Lane(VCPU, v), "guest")]
            case facts.Exited(vcpu=v, pcpu=c):
                return [(Lane(CPU, c), f"host v{v}"), (Lane(VCPU, v), "host")]
            case facts.Put(vcpu=v, pcpu=c):
                return [(Lane(CPU, c), OFF), (Lane(VCPU, v), "put")]
            case facts.Blocked(vcpu=v):
                return [(Lane(VCPU, v), "asleep")]
            case facts.Woken(vcpu=v) if self.at.get(Lane(VCPU, v)) == "asleep":
                return [(Lane(VCPU, v), "woken")]
            case facts.UserLeft(vcpu=v):
                return [(Lane(VCPU, v), "user space")]
            case facts.UserEntered(vcpu=v):
                return [(Lane(VCPU, v), "put")]
            case facts.Halted(vcpu=v):
                return [(Lane(VCPU, v), "finished")]
        return []


def name_lane(lane: Lane) -> str:
    """Return what a lane is called."""
    if lane.kind == IRQ:
        whose = "host" if lane.vcpu < 0 else f"v{lane.vcpu}"
        return f"{whose}/{lane.number}"
    return f"CPU {lane.number}" if lane.kind == CPU else f"v{lane.number}"
