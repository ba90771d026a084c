"""Whether what a log shows is a known finding, or the unmodified era's own fault."""

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.findings.finding import Finding
from harness.findings.lookup import find_known
from harness.log.reader import Log
from harness.log.registry import Header, ViolationLine
from model.check.violation import Violation

__all__ = ["finding_of", "unmodified"]


def finding_of(log: Log) -> Finding | None:
    """Return the finding that the first violation of a log is; None if none, or nobody can tell."""
    for _, record in log.entries:
        if isinstance(record, ViolationLine):
            return finding_in(log.header, record.violation, log.header.variant)
    return None


def unmodified(header: Header, base: Violation) -> str:
    """Return the sentence that the era without the variant's changes fails as well.

    Args:
        header: that of the log of the variant's failure.
        base: how the era fails in the same scenario.

    """
    finding = finding_in(header, base, header.era)
    which = "no finding on record" if finding is None else f"{finding.id}, {finding.title}"
    return f"the unmodified era fails here too ({which}): {base.rule}, {base.text}"


def finding_in(header: Header, violation: Violation, variant: str) -> Finding | None:
    """Return the finding that a violation of ``variant`` is where a log was recorded."""
    knobs = [(name, value) for name, _, value in (knob.partition("=") for knob in header.knobs)]
    try:
        return find_known(
            violation, header.scenario, variant, knobs, lrs=header.setting.lrs,
            toml=Schedule.parse(header.schedule).toml,
        )  # fmt: skip
    except UsageError:
        return None
