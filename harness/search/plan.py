"""What a trial is to do: blocks of steps, and what is drawn. A plan can be changed and still run.

A block is what one task does in a row. It ends after so many steps; or, aligned, where its task is
about to make the operation at which it was left when this was recorded. So a block means the same
in a smaller scenario, where the way there is shorter. Draws are kept by name, apart from the steps:
so they stay with whoever asks for them when steps move.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from harness.engine.choice import Choice, Draw, StepOf

__all__ = ["Block", "Draws", "Plan"]

Draws = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Numbers to be drawn, in order: by the task that asks ("": whoever asks), and the draw's name."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """Steps of ``task``: ``count`` of them, or ``until`` it is about to make that operation.

    Attributes:
        task: its short name.
        count: how many steps it was, 1 or more.
        until: the operation at which the task was left, "" if that is not known, or if it had
            returned.
        times: how often, at least once, the task had come to that operation then, within the block.

    """

    task: str
    count: int
    until: str = ""
    times: int = 1


class Plan(msgspec.Struct, frozen=True):
    """Blocks, made one after the other, and the numbers drawn meanwhile.

    What does not fit is left out: steps of a task that cannot go. A number out of range becomes the
    largest in range, and one that is missing is 0. What comes behind the blocks is the trial's.
    """

    blocks: tuple[Block, ...] = ()
    draws: Draws = ()

    @classmethod
    def of(cls, choices: Sequence[Choice]) -> "Plan":
        """Return the plan that makes these choices."""
        steps = [choice.task for choice in choices if isinstance(choice, StepOf)]
        drawn: dict[str, list[int]] = {}
        for choice in choices:
            if isinstance(choice, Draw):
                drawn.setdefault(choice.name, []).append(choice.n)
        draws = tuple(("", name, tuple(numbers)) for name, numbers in drawn.items())
        return cls(blocks_of(steps), draws)

    def with_blocks(self, blocks: Iterable[Block]) -> "Plan":
        """Return the same draws with other blocks; neighbours of one task become one block."""
        merged: list[Block] = []
        for block in blocks:
            if merged and merged[-1].task == block.task:
                count = merged[-1].count + block.count
                merged[-1] = Block(block.task, count, block.until, block.times)
            else:
                merged.append(block)
        return Plan(tuple(merged), self.draws)

    @property
    def steps(self) -> int:
        """How many steps its blocks have."""
        return sum(block.count for block in self.blocks)


def blocks_of(tasks: Iterable[str]) -> tuple[Block, ...]:
    """Return the blocks of the steps of these tasks, one after the other."""
    return tuple(Block(task, sum(1 for _ in group)) for task, group in groupby(tasks))
