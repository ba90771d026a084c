"""What a value may be while accesses to it are under way.

An access of a guest that traps takes effect at some moment between the trap and that guest's next
instruction; of what overlaps, any order is possible. So a value is a mask of those that it may have
now, bit n for value n, and it is certain when one bit is set. A read may give any value that was
possible while it was under way.
"""

from typing import NamedTuple

from model.check.state import State
from model.check.unknown import Debt, Unknown

__all__ = ["READ", "Access", "Possible", "lacks"]

READ = -1
"""The value of an access that is a read."""


def lacks(mask: int, bits: int) -> bool:
    """Tell whether none of ``bits`` is certainly in a mask; one that is not known may have any."""
    try:
        return not mask & bits
    except Unknown:
        return False


class Access(NamedTuple):
    """An access under way by ``who``: a VCPU, or -1 - c for the host's handler on CPU c.

    ``name`` is the field accessed. ``clean`` says that nothing has come in between; of a read,
    ``seen`` has what was possible since. ``rest`` are those for whom it may not have taken effect
    yet although it is over, with how often each must still enter its guest; None while it lasts.
    ``sole``: nothing but it makes the field that.
    """

    who: int
    name: str
    value: int
    clean: bool = True
    seen: int = 0
    sole: bool = False
    rest: tuple[tuple[int, int], ...] | None = None

    def writes(self, name: str) -> bool:
        """Tell whether it is a write of that field."""
        return self.name == name and self.value != READ

    def is_superseded(self, who: int, name: str) -> bool:
        """Tell whether it is over, and ``who`` made it and writes that field again now."""
        return self.rest is not None and self.who == who and self.writes(name)

    def left(self, v: int, *, gone: bool) -> "Access":
        """Return it as it is after one more entry of ``v``, or when ``v`` is ``gone``."""
        rest = [(w, n - (w == v)) for w, n in self.rest or ()]
        return self._replace(rest=tuple([(w, n) for w, n in rest if n and not (gone and w == v)]))


class Possible(State):
    """A base of states whose fields are such masks; ``under_way`` are the accesses to them."""

    under_way: Debt[tuple[Access, ...]] = ()

    def begin(self, who: int, name: str, value: int) -> None:
        """An access begins: a write may take effect from here on."""
        if value == READ:
            access = Access(who, name, READ, seen=getattr(self, name))
            self.under_way = (*self.under_way, access)
            return
        others = [x for x in self.under_way if not x.is_superseded(who, name)]
        clean = not any(x.writes(name) for x in others)
        kept = [x._replace(clean=False, sole=False) if x.writes(name) else x for x in others]
        before = getattr(self, name)
        sole = clean and lacks(before, 1 << value)
        self.under_way = (*kept, Access(who, name, value, clean, sole=sole))
        self.become(name, before | 1 << value)

    def witness(self, name: str, value: int) -> None:
        """The field was seen to have ``value``: a write without which it could not has come."""
        writes = [x for x in self.under_way if x.writes(name)]
        if len(writes) == 1 and writes[0].sole and writes[0].value == value:
            self.under_way = tuple([x for x in self.under_way if x is not writes[0]])
            setattr(self, name, 1 << value)

    def set(self, name: str, value: int) -> None:
        """Something set it, here and now; a write that is under way may still come after it."""
        mask = 1 << value
        if self.under_way:
            for x in self.under_way:
                if x.writes(name):
                    mask |= 1 << x.value
            self.under_way = tuple(
                [x._replace(clean=False) if x.name == name else x for x in self.under_way]
            )
        self.become(name, mask)

    def become(self, name: str, mask: int) -> None:
        """Let the field be ``mask``; who is reading may have read any of it."""
        setattr(self, name, mask)
        if self.under_way:
            self.under_way = tuple(
                [
                    x._replace(seen=x.seen | mask) if x.value == READ and x.name == name else x
                    for x in self.under_way
                ]
            )

    def loosen(self, name: str, value: int) -> None:
        """The field may have become ``value``; what is under way no longer settles it."""
        self.become(name, getattr(self, name) | 1 << value)
        if self.under_way:
            self.under_way = tuple(
                [x._replace(clean=False) if x.writes(name) else x for x in self.under_way]
            )

    def end(self, who: int, rest: tuple[tuple[int, int], ...] = ()) -> None:
        """The accesses of ``who`` are over, but for those in ``rest`` (of writes only)."""
        kept = []
        for x in self.under_way:
            if x.who != who or x.rest is not None:
                kept.append(x)
            elif x.value != READ and rest:
                kept.append(x._replace(rest=rest))
            else:
                self.took_effect(x)
        self.under_way = tuple(kept)

    def entered(self, v: int, *, gone: bool = False) -> None:
        """VCPU ``v`` enters its guest, or is ``gone`` from its CPU: what is over reaches it."""
        kept = []
        for x in self.under_way:
            late = x.left(v, gone=gone) if x.rest else x
            if x.rest and not late.rest:
                self.took_effect(x)
            else:
                kept.append(late)
        self.under_way = tuple(kept)

    def took_effect(self, x: Access) -> None:
        """An access is over for everyone: if nothing came in between, its value holds."""
        if x.clean and x.value != READ:
            setattr(self, x.name, 1 << x.value)

    def read(self, who: int, name: str) -> int:
        """Return what ``who`` may read by the access that is under way (0: there is none)."""
        for x in self.under_way:
            if x.who == who and x.name == name and x.value == READ:
                return x.seen
        return 0

    def forget_accesses(self, who: int) -> None:
        """Whoever made them starts anew."""
        self.under_way = tuple([x for x in self.under_way if x.who != who])
