"""Passes over a failing plan: each proposes plans that may be shorter, and keeps those that are.

A candidate is run with misfits left out, and goes on behind its plan by itself; it is kept if it
fails alike and its measure is less. So a pass never makes anything worse, and all of them come to
an end.
"""

from collections.abc import Callable, Iterator
from typing import Final

from harness.search.hunt import Hunt
from harness.search.plan import Block, Plan
from harness.search.trial import Trial

__all__ = ["PASSES", "is_shorter", "shorten"]

Rank = tuple[int, int, int]
Keep = Callable[[Trial], object]
TAILS: Final = (0, 1, 2, 3, 4, 6, 8, 12)
"""In sixteenths: how much of a plan is kept when its tail is cut."""

CUT_SHORT_MAX: Final = 40
"""Blocks of a plan with more are not made shorter one by one."""


def rank(trial: Trial) -> Rank:
    """Return what a trial is measured by: its score, then departures, then what must be said."""
    measure = trial.measure
    return measure.score, measure.departures, len(trial.core.blocks)


def is_shorter(a: Trial, b: Trial) -> bool:
    """Tell whether ``a`` is a shorter story than ``b``."""
    return rank(a) < rank(b)


class Shortener:
    """One failing trial on its way to a shorter one: ``best`` so far, told to ``keep``."""

    def __init__(self, hunt: Hunt, trial: Trial, keep: Keep) -> None:
        self.hunt = hunt
        self.best = trial
        self.keep = keep

    def take(self, trial: Trial) -> None:
        """Take a better one."""
        self.best = trial
        self.keep(trial)

    def tries(self, plan: Plan, *, aligned: bool = False) -> bool:
        """Run a candidate, and keep it if it is shorter.

        Raises:
            Spent: there is no budget left.

        """
        trial = self.hunt.attempt(plan, self.best.then, aligned=aligned)
        if trial is None or not is_shorter(trial, self.best):
            return False
        self.take(trial)
        return True

    def cut_tail(self) -> None:
        """Go on by itself from earlier on."""
        blocks = self.best.core.blocks
        for share in TAILS:
            if self.tries(self.best.core.with_blocks(blocks[: len(blocks) * share // 16])):
                return

    def leave_out(self) -> None:
        """Leave blocks out: delta debugging, large parts first (Zeller and Hildebrandt, 2002)."""
        size = len(self.best.core.blocks)
        while size > 1:
            size = (size + 1) // 2
            last = len(self.best.core.blocks)
            while last > 0:
                blocks = self.best.core.blocks
                last = min(last, len(blocks))
                plan = self.best.core.with_blocks((*blocks[: max(last - size, 0)], *blocks[last:]))
                if not self.tries(plan):
                    self.tries(plan, aligned=True)
                last -= size

    def cut_short(self) -> None:
        """Let the next block begin earlier: leave the end of one out, half of it, less and less."""
        n = len(self.best.plan.blocks) - 1
        if n > CUT_SHORT_MAX:
            return
        while n > 0:
            n -= 1
            blocks = self.best.plan.blocks
            size = blocks[n].count if n + 1 < len(blocks) else 0
            while size > 1 and n + 1 < len(blocks):
                size //= 2
                block = blocks[n]
                if block.count > size:
                    less = Block(block.task, block.count - size)
                    self.tries(self.best.plan.with_blocks((*blocks[:n], less, *blocks[n + 1 :])))
                    blocks = self.best.plan.blocks

    def pull(self) -> None:
        """Let a block come right after the one before it of the same task: two become one."""
        self.each(pulled)

    def push(self) -> None:
        """Let a block come only before the next one of the same task."""
        self.each(pushed)

    def swap(self) -> None:
        """Let neighbours come the other way round."""
        self.each(swapped)

    def each(self, moved: Callable[[tuple[Block, ...], int], tuple[Block, ...] | None]) -> None:
        """Try to move each block, the last one first."""
        n = len(self.best.core.blocks)
        while n > 0:
            n -= 1
            blocks = self.best.core.blocks
            n = min(n, len(blocks) - 1)
            if n < 0:
                break
            changed = moved(blocks, n)
            if changed is not None:
                plan = self.best.core.with_blocks(changed)
                if not self.tries(plan):
                    self.tries(plan, aligned=True)

    def drop_departures(self) -> None:
        """Go on by itself from the departure on; or leave it out, and go on with the rest."""
        for n in reversed(self.best.departures):
            if n > self.best.kept or n not in self.best.departures:
                continue
            before = part(self.best.core.blocks, n - 1)
            after = rest(self.best.core.blocks, n)
            if self.tries(self.best.core.with_blocks(before)):
                continue
            self.tries(self.best.core.with_blocks((*before, *after)))

    def plain_draws(self) -> None:
        """Draw the simplest number, 0, or at least a smaller one."""
        which = 0
        while which < len(self.best.core.draws):
            at = 0
            while which < len(self.best.core.draws) and at < len(self.best.core.draws[which][2]):
                for plan in smaller(self.best.core, which, at):
                    trial = self.hunt.attempt(plan, self.best.then)
                    if trial is not None and not is_shorter(self.best, trial):
                        self.take(trial)
                        break
                at += 1
            which += 1


def smaller(plan: Plan, which: int, at: int) -> Iterator[Plan]:
    """Yield plans that draw a smaller number in one place."""
    task, name, numbers = plan.draws[which]
    for n in dict.fromkeys((0, numbers[at] - 1)) if numbers[at] else ():
        changed = (task, name, (*numbers[:at], n, *numbers[at + 1 :]))
        yield Plan(plan.blocks, (*plan.draws[:which], changed, *plan.draws[which + 1 :]))


def pulled(blocks: tuple[Block, ...], n: int) -> tuple[Block, ...] | None:
    """Return the blocks with number ``n`` right after the one before it of its task."""
    for m in range(n - 2, -1, -1):
        if blocks[m].task == blocks[n].task:
            return (*blocks[: m + 1], blocks[n], *blocks[m + 1 : n], *blocks[n + 1 :])
    return None


def pushed(blocks: tuple[Block, ...], n: int) -> tuple[Block, ...] | None:
    """Return the blocks with number ``n`` right before the next one of its task."""
    for m in range(n + 2, len(blocks)):
        if blocks[m].task == blocks[n].task:
            return (*blocks[:n], *blocks[n + 1 : m], blocks[n], *blocks[m:])
    return None


def swapped(blocks: tuple[Block, ...], n: int) -> tuple[Block, ...] | None:
    """Return the blocks with number ``n`` before the one before it."""
    if not n:
        return None
    return (*blocks[: n - 1], blocks[n], blocks[n - 1], *blocks[n + 1 :])


def part(blocks: tuple[Block, ...], steps: int) -> tuple[Block, ...]:
    """Return the first so many steps."""
    kept = []
    for block in blocks:
        if steps <= 0:
            break
        kept.append(block if block.count <= steps else Block(block.task, steps))
        steps -= block.count
    return tuple(kept)


def rest(blocks: tuple[Block, ...], steps: int) -> tuple[Block, ...]:
    """Return all but the first so many steps, and but what is left of their last block."""
    kept = []
    for block in blocks:
        if steps <= 0:
            kept.append(block)
        steps -= block.count
    return tuple(kept)


PASSES: Final = (
    Shortener.cut_tail,
    Shortener.leave_out,
    Shortener.cut_short,
    Shortener.pull,
    Shortener.push,
    Shortener.swap,
    Shortener.drop_departures,
    Shortener.plain_draws,
)
"""The passes in their order."""
ROUNDS_MAX: Final = 6


def shorten(hunt: Hunt, trial: Trial, keep: Keep = bool, rounds: int = ROUNDS_MAX) -> Trial:
    """Make all passes over a failing trial, again and again until none helps any more.

    Args:
        hunt: what runs the candidates.
        trial: what fails; it must be one of the stage of ``hunt``.
        keep: called with each shorter one at once.
        rounds: how often at most.

    Raises:
        Spent: the budget is spent; ``keep`` has what was found until then.

    """
    shortener = Shortener(hunt, trial, keep)
    for _ in range(rounds):
        before = rank(shortener.best)
        for each in PASSES:
            each(shortener)
        if rank(shortener.best) == before:
            break
    return shortener.best
