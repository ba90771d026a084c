"""A device that sends edges on an SPI to the host."""

from model.part import Part

__all__ = ["Device"]


class Device(Part):
    """``edges`` counts those under way to the distributor; ``edges_max`` bounds an execution's."""

    __slots__ = ("edges", "edges_max", "intid")
    FIELDS = ("edges",)

    def __init__(self, intid: int, edges_max: int) -> None:
        super().__init__()
        self.intid = intid
        self.edges_max = edges_max
        self.edges = 0

    def has_edge(self) -> bool:
        """Tell whether an edge is under way."""
        return self.edges > 0
