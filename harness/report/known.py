"""Whether what a log shows is a known finding."""

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.findings.finding import Finding
from harness.findings.lookup import find_known
from harness.log.reader import Log
from harness.log.registry import ViolationLine

__all__ = ["finding_of"]


def finding_of(log: Log) -> Finding | None:
    """Return the finding that the first violation of a log is; None if none, or nobody can tell."""
    header = log.header
    knobs = [(name, value) for name, _, value in (knob.partition("=") for knob in header.knobs)]
    for _, record in log.entries:
        if isinstance(record, ViolationLine):
            try:
                return find_known(
                    record.violation, header.scenario, header.variant, knobs,
                    lrs=header.setting.lrs, toml=Schedule.parse(header.schedule).toml,
                )  # fmt: skip
            except UsageError:
                return None
    return None
