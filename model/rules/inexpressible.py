"""What the rules do not say: of each id that is a claim, the part that its own class leaves out.

Some parts another rule states; some no producer of facts can show, and none states them. An id
without a class of its own would have ``WHOLE`` here; so far every id has one.
"""

from typing import NamedTuple

__all__ = ["IDS", "UNSTATED", "WHOLE", "Unstated"]

IDS: tuple[str, ...] = (
    *(f"R{n}" for n in range(7) if n != 2),
    *("R2", "R2b", "R7a", "R7b"),
    *(f"R{n}" for n in range(8, 32)),
    "R28b",
    *(f"I{n}" for n in range(1, 20)),
    *(f"L{n}" for n in range(1, 7)),
    *(f"G{n}" for n in range(1, 16)),
)
"""Every claim of the document (R), what follows from them (I), promises (L), the guest's (G)."""
WHOLE = "all of it"


class Unstated(NamedTuple):
    """``part`` of claim ``id`` is stated by the rules ``by``, or by none; and ``why``."""

    id: str
    part: str
    by: tuple[str, ...]
    why: str


UNSTATED: tuple[Unstated, ...] = (
    Unstated(
        "R0", "the same of a device's interrupt", ("I6", "R27", "L1"), "R0 reads the timer's line"
    ),
    Unstated("R2b", "an SPI in the registers of two VCPUs", ("I4",), "its ap_list has one owner"),
    Unstated("R5", "in a register as the guest finds it", ("I3",), "R5 is about KVM's writes"),
    Unstated(
        "R13", "the same of the timer", ("R18", "I1"), "era v4.14's host never handles that one"
    ),
    Unstated(
        "R14",
        "of an interrupt that is not forwarded",
        ("I13",),
        "the document speaks of forwarded ones",
    ),
    Unstated("R17", "progress over many exits", ("L2",), "one exit is legal, a row of them is not"),
    Unstated("R19", "if the line is high, it comes again", ("L1",), "that is owed, not due now"),
    Unstated(
        "R22",
        "why not otherwise: an edge without the HW bit preempts the guest's handler",
        (),
        "the document compares costs, and counts nothing: there is no threshold to check",
    ),
    Unstated(
        "R27",
        "bounded time",
        ("L1", "I12"),
        "there is no bound in the document; late is told from lost",
    ),
    Unstated(
        "R30",
        "no window without cover; the wake-up",
        ("I11", "L5"),
        "R30 is the order of the steps",
    ),
    Unstated(
        "I4",
        "irq->vcpu agrees with the list",
        (),
        "no fact shows the field; the list's owner is what was put where",
    ),
    Unstated(
        "I6", "from the device to the host's acknowledge", ("R20", "R21", "R25"), "before KVM"
    ),
    Unstated(
        "I9", "the order of the locks; handlers kept out", ("lock-order",), "a rule of its own"
    ),
    Unstated(
        "I9",
        "no sleep with interrupts masked and no lock held",
        (),
        "the mask of a CPU is a fact only where a lock is taken",
    ),
    Unstated("L4", "who waits for the halt's lock gets it", ("deadlock",), "a thread's end is all"),
    Unstated(
        "L6",
        "of SGIs and of VCPUs' registers",
        ("I6", "I8"),
        "a save says of the timer's interrupt what it read, of others nothing",
    ),
)
