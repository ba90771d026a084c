"""Locks, as the machine sees them: who holds one, and what is said when one changes hands."""

from collections.abc import Callable

from model.facts import Fact, LockNotHeld, LockReleased, LockTaken
from model.identity import Actor, LockId
from model.part import Part

__all__ = ["Lockable"]


class Lockable(Part):
    """A part protected by a lock of its own; ``holder`` is who has it (None: free).

    The lock and what it protects are one resource: whoever may touch the one conflicts with
    whoever takes the other anyway. ``lock`` is its identity; ``emit`` hears of it, and is None
    while nobody listens.
    """

    __slots__ = ("emit", "holder", "lock")

    holder: Actor | None
    emit: Callable[[Fact], object] | None

    def __init__(self, lock: LockId) -> None:
        super().__init__()
        self.lock = lock
        self.holder = None
        self.emit = None

    def free(self) -> bool:
        """Tell whether the lock can be taken."""
        return self.holder is None

    def acquire(self, actor: Actor, irqs_off: bool, in_irq: bool) -> None:
        """Take the lock, which is free; ``irqs_off`` and ``in_irq`` say where ``actor`` runs."""
        if self.holder is not None:
            self.assert_free(actor)
        self.holder = actor
        if self.emit is not None:
            self.emit(LockTaken(actor, self.lock, irqs_off, in_irq))

    def release(self, actor: Actor) -> None:
        """Give the lock back; only its holder may."""
        if self.holder is not actor:
            self.assert_held(actor, "release it")
        self.holder = None
        if self.emit is not None:
            self.emit(LockReleased(actor, self.lock))

    def assert_free(self, actor: Actor) -> None:
        """Say so if ``actor`` takes the lock although it is held, without waiting."""
        if self.holder is not None and self.emit is not None:
            self.emit(LockNotHeld(actor, self.lock, "take it all the same, as it is held already"))

    def assert_held(self, actor: Actor, what: str) -> None:
        """Say so if ``actor`` is about to do ``what`` without the lock (lockdep_assert_held)."""
        if self.holder is actor or self.holder == actor or self.emit is None:
            return
        self.emit(LockNotHeld(actor, self.lock, what))
