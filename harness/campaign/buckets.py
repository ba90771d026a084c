"""Failures of a campaign as the few bugs that they are.

While the campaign runs, failures are only sorted by what costs nothing: the variant, the alarm and
the kind of subject (``harness.search.same``). Of each such *group* the count is kept, and the
shortest failures; so memory is bounded however many there are.

At the end the shortest failure of a group is looked into, and a second one as a check: departures
that it does not need are left out, the deciding pair is found, and the first step that its era does
otherwise. If that step is not made otherwise in the nearest passing execution too, it names the
bug; else the pair does. Groups of the same bug are one *bucket*, so one bug that raises five alarms
is told once. Where the two failures of a group do not agree, more are asked, and the group's count
is shared out by their votes: then it is an estimate, and marked so.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from harness.campaign.workers import Finding
from harness.engine.schedule import Schedule
from harness.search.case import Case
from harness.search.explanation import Explanation, Moment
from harness.search.same import Kind, kind_of
from harness.search.why.cause import base_of, first_difference
from harness.search.why.explain import Inquiry
from harness.spec import RunSpec

__all__ = ["Bucket", "Groups", "Story", "buckets_of"]

SHORTEST: Final = 6
"""How many of the shortest failures of a group are kept."""
LOOKED_INTO: Final = 2
"""How many of them are looked into if they agree."""
GROUPS_MAX: Final = 200
"""More groups than this are counted as one, which is looked into as the others are."""

Key = tuple[str, ...]


class Story(msgspec.Struct, frozen=True):
    """A failure, and what makes it the short story of its bucket."""

    spec: RunSpec
    finding: Finding


class Group(msgspec.Struct):
    """Failures of one variant, alarm and kind of subject: how many, in which scenarios."""

    variant: str
    count: int = 0
    alarms: dict[str, int] = {}
    scenarios: dict[str, int] = {}
    shortest: list[Story] = []

    def add(self, spec: RunSpec, finding: Finding) -> None:
        """Count a failure; keep it if it is short."""
        violation = finding.violations[0]
        alarm = f"{violation.rule} {violation.alarm}"
        self.count += 1
        self.alarms[alarm] = self.alarms.get(alarm, 0) + 1
        self.scenarios[spec.scenario] = self.scenarios.get(spec.scenario, 0) + 1
        if len(self.shortest) == SHORTEST and finding.steps >= self.shortest[-1].finding.steps:
            return
        self.shortest.append(Story(spec, finding))
        # Stable: of two that are as short the one that was found first comes first.
        self.shortest.sort(key=lambda story: story.finding.steps)
        del self.shortest[SHORTEST:]


class Groups:
    """The failures of a campaign so far, sorted without running anything."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, Kind | None], Group] = {}

    def add(self, spec: RunSpec, finding: Finding) -> None:
        """Sort in a failing execution."""
        key: tuple[str, Kind | None] = (spec.variant, kind_of(finding.violations[0]))
        if key not in self.groups and len(self.groups) >= GROUPS_MAX:
            key = (spec.variant, None)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(spec.variant)
        group.add(spec, finding)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups.values())


class Bucket(msgspec.Struct):
    """Failures that are one bug, as far as can be told.

    Attributes:
        variant: what was run.
        count: how many failures there are; with ``exact`` false it is an estimate.
        exact: whether all that were looked into of each group agree.
        alarms: how many of them raise which alarm first ("R23 loaded").
        scenarios: how many there are in which scenario.
        story: the shortest of them.
        choices: those of the same failure without the departures that it does not need.
        explanation: its race and its cause; None if it was not looked into.

    """

    variant: str
    count: int
    exact: bool
    alarms: dict[str, int]
    scenarios: dict[str, int]
    story: Story
    explanation: Explanation | None = None

    @property
    def schedule(self) -> Schedule:
        """The schedule of its story, without what is not needed if that is known."""
        if self.explanation is None:
            return Schedule.parse(self.story.finding.schedule)
        return self.story.spec.schedule_of(self.explanation.failing)

    def as_dict(self) -> dict[str, Any]:
        """Return what a summary says of it."""
        found = self.explanation
        pair = None if found is None or not found.pairs else found.pairs[0]
        violation = self.story.finding.violations[0] if found is None else found.violation
        return {
            "variant": self.variant,
            "count": self.count,
            "exact": self.exact,
            "alarms": self.alarms,
            "scenarios": self.scenarios,
            "scenario": self.story.spec.scenario,
            "rule": violation.rule,
            "text": violation.text,
            "steps": violation.step,
            "schedule": str(self.schedule),
            "pair": pair,
            "cause": None if found is None else found.cause,
            "calm": None if found is None else found.calm,
        }


def buckets_of(groups: Iterable[Group], go_on: Callable[[], bool] = lambda: True) -> list[Bucket]:
    """Return the bugs behind the failures, those with the most failures first.

    Args:
        groups: the failures, sorted.
        go_on: is asked before each failure that is to be looked into; once it says no, the groups
            that are left become a bucket each, without an explanation.

    Raises:
        UsageError: the variant cannot be had any more.

    """
    found: dict[Key, Bucket] = {}
    for number, group in enumerate(groups):
        votes = vote(group, go_on) if go_on() else []
        if not votes:
            found[group.variant, str(number)] = part_of(group, 1, 1, group.shortest[0])
            continue
        keys = list(dict.fromkeys(key for key, _, _ in votes))
        for key in keys:
            own = [(story, explanation) for k, story, explanation in votes if k == key]
            part = part_of(group, len(own), len(votes), *own[0])
            part.exact = len(keys) == 1
            found[key] = part if key not in found else merged(found[key], part)
    return sorted(found.values(), key=lambda bucket: -bucket.count)


def vote(group: Group, go_on: Callable[[], bool]) -> list[tuple[Key, Story, Explanation]]:
    """Look into the shortest failures of a group: two if they agree, else all that were kept."""
    votes: list[tuple[Key, Story, Explanation]] = []
    for story in group.shortest:
        if votes and not go_on():
            break
        if len(votes) >= LOOKED_INTO and len({key for key, _, _ in votes}) == 1:
            break
        explanation = look_into(story)
        if explanation is not None:
            votes.append((bug_of(story, explanation), story, explanation))
    return votes


def look_into(story: Story) -> Explanation | None:
    """Find race and cause of a failure; None where only the drain shows it."""
    schedule = Schedule.parse(story.finding.schedule)
    inquiry = Inquiry.of(Case.of(story.spec), schedule.choices)
    return None if inquiry is None else inquiry.in_short()


def bug_of(story: Story, explanation: Explanation) -> Key:
    """Return what names the bug behind a failure.

    That is the step that its era does otherwise, unless the nearest execution that passes has it as
    well; then it is the deciding pair; and if there is none, the alarm.
    """
    variant = story.spec.variant
    cause = explanation.cause
    if cause is not None and not is_routine(story, explanation, cause):
        return variant, "cause", *sort_of(cause)
    if explanation.pairs:
        pair = explanation.pairs[0]
        return variant, "pair", *sort_of(pair.first), *sort_of(pair.second)
    violation = explanation.violation
    return variant, "alarm", violation.rule, violation.alarm


def sort_of(moment: Moment) -> tuple[str, str]:
    """Return what kind of actor makes which operation."""
    return moment.actor.kind, moment.op


def is_routine(story: Story, explanation: Explanation, cause: Moment) -> bool:
    """Tell whether a step is made otherwise where nothing fails, too."""
    base = base_of(story.spec.variant)
    if not explanation.passing or not base:
        return False
    number = first_difference(Case.of(story.spec), base, explanation.passing)
    return 0 < number <= cause.step


def part_of(
    group: Group, votes: int, of: int, story: Story, explanation: Explanation | None = None
) -> Bucket:
    """Return the part of a group that so many of its votes stand for."""

    def share(counts: dict[str, int]) -> dict[str, int]:
        return {name: max(round(count * votes / of), 1) for name, count in counts.items()}

    return Bucket(
        group.variant,
        max(round(group.count * votes / of), 1),
        exact=True,
        alarms=share(group.alarms),
        scenarios=share(group.scenarios),
        story=story,
        explanation=explanation,
    )


def merged(a: Bucket, b: Bucket) -> Bucket:
    """Return two buckets of one bug as one, with the shorter story."""
    shorter = min(a, b, key=lambda bucket: bucket.story.finding.steps)
    return Bucket(
        a.variant,
        a.count + b.count,
        exact=a.exact and b.exact,
        alarms=added(a.alarms, b.alarms),
        scenarios=added(a.scenarios, b.scenarios),
        story=shorter.story,
        explanation=shorter.explanation,
    )


def added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """Add counts up."""
    return {name: a.get(name, 0) + b.get(name, 0) for name in (*a, *b)}
