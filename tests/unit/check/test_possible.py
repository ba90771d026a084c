"""What a value may be while accesses to it overlap."""

from model.check.views.accesses import NO, YES, Irq


def test_one_write_is_seen_to_have_come() -> None:
    irq = Irq()
    irq.begin(0, "pending", 1)
    assert irq.pending == NO | YES
    irq.witness("pending", 1)
    irq.set("pending", 0)
    assert irq.pending == NO, "the write is what was taken"


def test_of_two_writes_that_overlap_neither_is() -> None:
    """Each may be the one that an acknowledge took, and the other is still to come."""
    irq = Irq()
    irq.begin(0, "pending", 1)
    irq.begin(1, "pending", 1)
    irq.end(1)
    irq.witness("pending", 1)
    irq.set("pending", 0)
    assert irq.pending == NO | YES
