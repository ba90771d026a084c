"""When two violations are the same: one rule, alarm and type, about the same kind of subject."""

from model.check.violation import Violation
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS

__all__ = ["Kind", "is_same", "kind_of"]

Kind = tuple[str, str, str, str, str, bool, bool, str, str]


def kind_of(violation: Violation) -> Kind:
    """Return what same violations have in common, as a value that can be hashed.

    That is the rule, the alarm, the type (violation, late, lost), and of the subject the kinds of
    actor and lock, whether it names a CPU and a VCPU, and the classes of its INTIDs (SGI, PPI, SPI,
    LPI): not which ones, nor when it was, nor the other values.
    """
    subject = violation.subject
    return (
        violation.rule,
        violation.alarm,
        violation.type,
        "" if subject.actor is None else subject.actor.kind,
        "" if subject.lock is None else subject.lock.kind,
        subject.pcpu >= 0,
        subject.vcpu >= 0,
        intid_class(subject.intid),
        intid_class(subject.vintid),
    )


def intid_class(intid: int) -> str:
    """Return what sort of interrupt an INTID is; "" for none (-1)."""
    if intid < 0:
        return ""
    if intid < SGIS:
        return "SGI"
    if intid < FIRST_SPI:
        return "PPI"
    return "SPI" if intid < FIRST_LPI else "LPI"


def is_same(a: Violation | None, b: Violation | None) -> bool:
    """Tell whether ``b`` is the same violation as ``a``; None is none, and the same as nothing."""
    return a is not None and b is not None and kind_of(a) == kind_of(b)
