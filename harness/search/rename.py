"""What becomes of a plan when a VCPU, a CPU or a device is taken out of its scenario.

Tasks are named by a letter and the number of what they belong to. Those of what is gone go with it;
those of what came after it get the number before. So do the numbers that draws give to VCPUs and
CPUs.
"""

import re
from typing import Final

from harness.search.plan import Block, Plan

__all__ = ["Rename"]

OF_VCPU, OF_PCPU, OF_DEVICE, OF_FORWARD = "vsq", "ildpm", "xe", "yf"
NAME: Final = re.compile(r"([a-z])([0-9]+)\Z")
DRAW: Final = re.compile(r"(edges|events)([0-9]+)\Z")
LETTER: Final = {"edges": OF_DEVICE, "events": OF_FORWARD}
VCPU_DRAWS, PCPU_DRAWS = ("preempted-vcpu",), ("placed-on",)
FROM_ONE: Final = ("in-handler-of",)
"""Draws of a VCPU by its number and 1, for 0 is none."""


class Rename:
    """Takes number ``gone`` of the things whose tasks begin with one of ``letters`` away.

    ``merged``: what its tasks did is done by those of number 0 instead. By default nothing changes.
    """

    def __init__(self, letters: str = "", gone: int = -1, *, merged: bool = False) -> None:
        self.letters = letters
        self.gone = gone
        self.merged = merged

    @classmethod
    def of_vcpu(cls, v: int) -> "Rename":
        """Return what takes VCPU ``v`` away."""
        return cls(OF_VCPU, v)

    @classmethod
    def of_pcpu(cls, c: int, *, merged: bool) -> "Rename":
        """Return what takes CPU ``c`` away."""
        return cls(OF_PCPU, c, merged=merged)

    @classmethod
    def of_device(cls, n: int) -> "Rename":
        """Return what takes host device ``n`` away."""
        return cls(OF_DEVICE, n)

    @classmethod
    def of_forward(cls, n: int) -> "Rename":
        """Return what takes passthrough device ``n`` away."""
        return cls(OF_FORWARD, n)

    def __call__(self, plan: Plan) -> Plan:
        """Return the plan without it."""
        if not self.letters:
            return plan
        blocks = []
        for block in plan.blocks:
            task = self.task(block.task)
            if task:
                blocks.append(Block(task, block.count, block.until, block.times))
        draws = []
        for owner, name, numbers in plan.draws:
            task, renamed = self.task(owner), self.draw(name)
            if renamed and (task or not owner):
                draws.append((task, renamed, self.values(name, numbers)))
        return Plan((), tuple(draws)).with_blocks(blocks)

    def task(self, name: str) -> str:
        """Return what a task is called now; "" if it is gone."""
        match = NAME.match(name)
        if match is None or match[1] not in self.letters:
            return name
        number = self.number(int(match[2]))
        return "" if number < 0 else f"{match[1]}{number}"

    def number(self, n: int) -> int:
        """Return what number ``n`` is now; -1 if it is gone."""
        if n == self.gone:
            return 0 if self.merged else -1
        return n - 1 if n > self.gone else n

    def draw(self, name: str) -> str:
        """Return what a draw is called now; "" if it is gone."""
        match = DRAW.match(name)
        if match is None or LETTER[match[1]] != self.letters:
            return name
        number = self.number(int(match[2]))
        return "" if number < 0 else f"{match[1]}{number}"

    def values(self, name: str, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Return the numbers of a draw; what named the thing that is gone names the first now."""
        if (self.letters == OF_VCPU and name in VCPU_DRAWS) or (
            self.letters == OF_PCPU and name in PCPU_DRAWS
        ):
            return tuple(max(self.number(n), 0) for n in numbers)
        if self.letters == OF_VCPU and name in FROM_ONE:
            return tuple(self.number(n - 1) + 1 for n in numbers)
        return numbers
