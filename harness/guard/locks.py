"""Holds a variant of the user's to ``irq_lock``: who writes an interrupt's state has its lock.

Where KVM's own code has lockdep_assert_held, a variant that overrides it need not. So the
interrupts themselves look who writes them, and rule I9 hears of it, in every execution alike.
"""

import sys
from functools import cache
from types import FrameType
from typing import Any

from harness.guard.code import TOOL, is_own
from model.identity import Actor
from model.machine import Machine
from model.vgic.irq import VgicIrq

__all__ = ["hold_to_locks"]

FIELDS = frozenset(VgicIrq.FIELDS) - {"holder", "told"}
BETWEEN = (TOOL[1], f"{TOOL[0]}engine/audit.py")
"""The machine, which writes at the bidding of whoever calls it, and the audit around it."""


def hold_to_locks(world: Any) -> None:
    """Have the interrupts of a world say so when code of the user's writes them unlocked.

    Args:
        world: one whose variant is the user's own; this is done once, before it is run.
    """
    machine: Machine = world.machine

    def setattribute(irq: Any, name: str, value: Any) -> None:
        if name in FIELDS and irq.emit is not None and is_written_by_own(sys._getframe(1)):
            actor = running(world)
            if irq.holder is None or irq.holder not in contexts(actor):
                irq.assert_held(actor, f"write its {name}")
        VgicIrq.__setattr__(irq, name, value)

    guarded = type("GuardedIrq", (VgicIrq,), {"__slots__": (), "__setattr__": setattribute})
    for _, part in machine.parts:
        if type(part) is VgicIrq:
            part.__class__ = guarded


def is_written_by_own(frame: FrameType | None) -> bool:
    """Tell whether what wrote, or had the model write, is code of the user's."""
    while frame is not None and is_between(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and is_own(frame.f_code.co_filename)


@cache
def is_between(filename: str) -> bool:
    """Tell whether a source only does what whoever calls it wants."""
    return filename.replace("\\", "/").startswith(BETWEEN)


def running(world: Any) -> Actor:
    """Return the actor whose step is being made."""
    actor: Actor = world.execution.chosen.actor
    return actor


@cache
def contexts(actor: Actor) -> frozenset[Actor]:
    """Return those as whom a task may hold a lock: a soft timer's work runs as a worker, too."""
    if actor.kind != "soft-timer":
        return frozenset({actor})
    return frozenset({actor, Actor("worker", vcpu=actor.vcpu)})
