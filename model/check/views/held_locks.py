"""Who holds which locks."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Debt
from model.check.view import View
from model.identity import LockId

__all__ = ["HeldLocks"]


class OfActor(State):
    """``locks`` that it holds, in the order in which it took them."""

    locks: Debt[tuple[LockId, ...]] = ()


class HeldLocks(View):
    """``of[actor].locks`` are the locks that ``actor`` was seen to take and holds, in order."""

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(OfActor)

    @on(facts.LockTaken)
    def on_lock(self, f: facts.LockTaken) -> None:
        """One was taken."""
        of = self.of[f.actor]
        of.locks = (*of.locks, f.lock)

    @on(facts.LockReleased)
    def on_unlock(self, f: facts.LockReleased) -> None:
        """One was given back."""
        of, lock = self.of[f.actor], f.lock
        locks = of.locks
        if locks and locks[-1] == lock:
            of.locks = locks[:-1]
        else:
            of.locks = tuple([x for x in locks if x != lock])
