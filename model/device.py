"""A device that sends edges on an SPI to the host."""

from model.part import Part

__all__ = ["Device"]


class Device(Part):
    """``edges`` counts those under way to the distributor; ``edges_max`` bounds an execution's.

    ``age`` is how many entries and interrupts of CPU ``target``, where they go, they have outlived.
    """

    __slots__ = ("age", "edges", "edges_max", "intid", "target")
    FIELDS = ("edges", "age")

    def __init__(self, intid: int, edges_max: int, target: int = 0) -> None:
        super().__init__()
        self.intid = intid
        self.target = target
        self.age = 0
        self.edges_max = edges_max
        self.edges = 0

    def has_edge(self) -> bool:
        """Tell whether an edge is under way."""
        return self.edges > 0
