"""What is in flight from and to one CPU: parts of the machine, for ``model.messages``."""

from model.part import Part

__all__ = ["Channel", "Ipis"]


class Channel(Part):
    """What is in flight from and to one CPU, and how many entries it has outlived.

    ``deactivations`` are pairs of an INTID and a number that no other one under way here has;
    ``writes`` are the INTIDs that posted writes are to make active.
    """

    __slots__ = FIELDS = (
        "deactivations", "line_age", "maintenance_age", "pin_age", "writes", "writes_age",
        "ptimer_age",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.deactivations: tuple[tuple[int, int], ...] = ()
        self.line_age = 0
        self.maintenance_age = 0
        self.pin_age = 0
        self.writes: tuple[int, ...] = ()
        self.writes_age = 0
        self.ptimer_age = 0

    def has_write(self) -> bool:
        """Tell whether a posted write has not taken effect."""
        return self.writes != ()

    def has_deactivation(self) -> bool:
        """Tell whether a deactivation waits to be delivered."""
        return self.deactivations != ()


class Ipis(Part):
    """SGIs of the host on their way to one CPU, as pairs of source and INTID (knob ``ipis``)."""

    __slots__ = FIELDS = ("sent", "age")

    def __init__(self) -> None:
        super().__init__()
        self.sent: tuple[tuple[int, int], ...] = ()
        self.age = 0

    def under_way(self) -> bool:
        """Tell whether there is one."""
        return self.sent != ()
