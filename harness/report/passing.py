"""The nearest passing execution, run again to stand beside the failing one."""

from pathlib import Path

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.log.reader import parse_log
from harness.report.course import Course, course_of
from harness.search.explanation import Explanation
from harness.spec import RunSpec

__all__ = ["passing_course"]


def passing_course(course: Course, explanation: Explanation | None) -> Course | None:
    """Return the passing execution of an explanation; None where there is none to be had."""
    from harness.campaign.crash import naming_variant
    from harness.log.record import remember

    if explanation is None or not explanation.passing:
        return None
    try:
        failing = Schedule.parse(course.header.schedule)
        schedule = msgspec.structs.replace(failing, choices=explanation.passing)
        spec = RunSpec.from_schedule(schedule, frozenset(course.header.rules))
        with naming_variant(spec):
            _, data = remember(spec, schedule, Path("passing"), engine="direct", seed=None)
        return course_of(parse_log(data, Path("passing")))
    except UsageError:
        return None
