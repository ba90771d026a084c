"""Failures of a campaign as the few bugs that they are.

While the campaign runs, failures are only sorted by what costs nothing: the variant, the alarm and
the kind of subject (``harness.search.same``). Of each such *group* the count is kept, and the
shortest failures; so memory is bounded however many there are.

At the end the shortest failure of a group is looked into, and a second one as a check: it is
shrunk, so that nothing is left that has nothing to do with it, the deciding pair is found, and the
first step that its era does otherwise. That names the bug, unless the variant does otherwise in the
calm order, too, where nothing fails; then the pair does. Groups of the same bug are one *bucket*,
so one bug that raises five alarms is told once. Where the two failures of a group do not agree,
more are asked, and the group's count is shared out by their votes: then it is an estimate, and
marked so.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from harness.campaign.batches import Finding
from harness.engine.choice import Draw
from harness.engine.schedule import Schedule
from harness.search.case import Case
from harness.search.explanation import Explanation, Moment
from harness.search.hunt import Budget
from harness.search.plan import Plan
from harness.search.same import Kind, kind_of
from harness.search.shrink import shrink
from harness.search.shrunk import Shrunk
from harness.search.trial import Stage
from harness.search.why.cause import base_of, first_difference
from harness.search.why.explain import Inquiry
from harness.spec import RunSpec

__all__ = ["SHORTEST", "Bucket", "Groups", "Story", "buckets_of"]

SHORTEST: Final = 6
"""How many of the shortest failures of a group are kept."""
LOOKED_INTO: Final = 2
"""How many of them are looked into if they agree."""
STEPS: Final = 150_000
"""What shrinking a failure may cost, in steps: a second or two."""
GROUPS_MAX: Final = 200
"""More groups than this are counted as one, which is looked into as the others are."""

Key = tuple[str, ...]


class Story(msgspec.Struct, frozen=True):
    """A failure, and what makes it the short story of its bucket."""

    spec: RunSpec
    finding: Finding


class Group(msgspec.Struct):
    """Failures of one variant, alarm and kind of subject: how many, in which scenarios.

    ``known`` is one of them that was shrunk already, and to what.
    """

    variant: str
    count: int = 0
    alarms: dict[str, int] = {}
    scenarios: dict[str, int] = {}
    shortest: list[Story] = []
    known: tuple[Story, Shrunk] | None = None

    def add(self, spec: RunSpec, finding: Finding) -> None:
        """Count a failure; keep it if it is short."""
        violation = finding.violations[0]
        alarm = f"{violation.rule} {violation.alarm}"
        self.count += 1
        self.alarms[alarm] = self.alarms.get(alarm, 0) + 1
        self.scenarios[spec.scenario] = self.scenarios.get(spec.scenario, 0) + 1
        if not finding.schedule:
            return  # it was only counted
        if len(self.shortest) < SHORTEST or finding.steps < self.shortest[-1].finding.steps:
            self.keep([Story(spec, finding)])

    def keep(self, stories: Iterable[Story]) -> None:
        """Keep the shortest; of two that are as short the one that was found first."""
        self.shortest.extend(stories)
        self.shortest.sort(key=lambda story: story.finding.steps)
        del self.shortest[SHORTEST:]


class Groups:
    """The failures of a campaign so far, sorted without running anything."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, Kind | None], Group] = {}

    def add(self, spec: RunSpec, finding: Finding) -> None:
        """Sort in a failing execution."""
        self.group(spec.variant, kind_of(finding.violations[0])).add(spec, finding)

    def group(self, variant: str, kind: Kind | None) -> Group:
        """Return the group of failures of this kind, made if it is new."""
        if (variant, kind) not in self.groups and len(self.groups) >= GROUPS_MAX:
            kind = None
        return self.groups.setdefault((variant, kind), Group(variant))

    def know(self, story: Story, shrunk: Shrunk) -> None:
        """Note what a failure was shrunk to, so that this need not be done again."""
        group = self.group(story.spec.variant, kind_of(story.finding.violations[0]))
        group.known = group.known or (story, shrunk)

    def take(self, other: "Groups") -> None:
        """Add the failures that were sorted elsewhere, behind those that are here."""
        for (variant, kind), group in other.groups.items():
            own = self.group(variant, kind)
            own.count += group.count
            own.alarms = added(own.alarms, group.alarms)
            own.scenarios = added(own.scenarios, group.scenarios)
            own.keep(group.shortest)

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
        explanation: its race and its cause; None if it was not looked into.
        shrunk: how short it can be; None if that was not tried.

    """

    variant: str
    count: int
    exact: bool
    alarms: dict[str, int]
    scenarios: dict[str, int]
    story: Story
    explanation: Explanation | None = None
    shrunk: Shrunk | None = None

    @property
    def schedule(self) -> Schedule:
        """The schedule of its story, as short as it is known."""
        if self.shrunk is not None:
            return self.shrunk.schedule
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
            "steps": violation.step if self.shrunk is None else self.shrunk.after.steps,
            "schedule": str(self.schedule),
            "pair": pair,
            "cause": None if found is None else found.cause,
            "calm": None if found is None else found.calm,
        }


def buckets_of(
    groups: Iterable[Group], go_on: Callable[[], bool] = lambda: True, *, steps: int = STEPS
) -> list[Bucket]:
    """Return the bugs behind the failures, those with the most failures first.

    Args:
        groups: the failures, sorted.
        go_on: is asked before each failure that is to be looked into; once it says no, the groups
            that are left become a bucket each, without an explanation.
        steps: what shrinking a failure may cost; with 0 none is shrunk, and then less that has
            nothing to do with a bug is left out: more of them may look like two.

    Raises:
        UsageError: the variant cannot be had any more.

    """
    found: dict[Key, Bucket] = {}
    for number, group in enumerate(sorted(groups, key=lambda group: -group.count)):
        votes = vote(group, go_on, steps)
        if not votes:
            found[group.variant, str(number)] = part_of(group, 1, 1, group.shortest[0], None)
            continue
        keys = list(dict.fromkeys(vote.key for vote in votes))
        for key in keys:
            own = [vote for vote in votes if vote.key == key]
            part = part_of(group, len(own), len(votes), own[0].story, own[0])
            part.exact = len(keys) == 1
            found[key] = part if key not in found else merged(found[key], part)
    return sorted(found.values(), key=lambda bucket: -bucket.count)


class Vote(msgspec.Struct, frozen=True):
    """What looking into a failure came to: ``key`` is what names its bug."""

    key: Key
    story: Story
    explanation: Explanation
    shrunk: Shrunk | None


def vote(group: Group, go_on: Callable[[], bool], steps: int) -> list[Vote]:
    """Look into the shortest failures of a group: two if they agree, else all that were kept."""
    votes: list[Vote] = []
    stories: list[tuple[Story, Shrunk | None]] = [(story, None) for story in group.shortest]
    if group.known is not None:
        stories = [group.known, *(each for each in stories if each[0] != group.known[0])]
    for story, shrunk in stories:
        agree = len({vote.key for vote in votes}) == 1
        if not go_on() or (agree and len(votes) >= LOOKED_INTO):
            break
        found = look_into(story, shrunk, go_on, steps)
        if found is not None:
            votes.append(found)
    return votes


def look_into(
    story: Story, shrunk: Shrunk | None, go_on: Callable[[], bool], steps: int
) -> Vote | None:
    """Find race and cause of a failure, ``shrunk`` first; None where only the drain shows it."""
    spec, schedule = story.spec, Schedule.parse(story.finding.schedule)
    if shrunk is None and steps:
        budget = Budget(steps, stop=lambda: not go_on())
        shrunk = shrink(spec, schedule, story.finding.violations[0], budget, ())
    if shrunk is not None:
        schedule = shrunk.schedule
        spec = RunSpec.from_schedule(
            schedule, None if spec.rules is None else frozenset(spec.rules)
        )
    case = Case.of(spec)
    inquiry = Inquiry.of(case, schedule.choices)
    if inquiry is None:
        return None
    explanation = inquiry.in_short()
    return Vote(bug_of(case, explanation), story, explanation, shrunk)


def bug_of(case: Case, explanation: Explanation) -> Key:
    """Return what names the bug behind a failure.

    That is the step that its era does otherwise, unless it does so in the calm order, too; then it
    is the deciding pair; and if there is none, the alarm.
    """
    cause = explanation.cause
    if cause is not None and not is_routine(case, explanation):
        return case.variant, "cause", *sort_of(cause)
    if explanation.pairs:
        pair = explanation.pairs[0]
        return case.variant, "pair", *sort_of(pair.first), *sort_of(pair.second)
    violation = explanation.violation
    return case.variant, "alarm", violation.rule, violation.alarm


def sort_of(moment: Moment) -> tuple[str, str]:
    """Return what kind of actor makes which operation."""
    return moment.actor.kind, moment.op


def is_routine(case: Case, explanation: Explanation) -> bool:
    """Tell whether the era does something otherwise in the calm order, too, though that passes."""
    base = base_of(case.variant)
    if explanation.calm or not base:
        return False
    draws = [choice for choice in explanation.failing if isinstance(choice, Draw)]
    calm = Stage.of(case).run(Plan.of(draws))
    return first_difference(case, base, calm.choices) > 0


def part_of(group: Group, votes: int, of: int, story: Story, found: Vote | None) -> Bucket:
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
        explanation=None if found is None else found.explanation,
        shrunk=None if found is None else found.shrunk,
    )


def merged(a: Bucket, b: Bucket) -> Bucket:
    """Return two buckets of one bug as one, with the shorter story."""
    shorter = min(a, b, key=length)
    return Bucket(
        a.variant,
        a.count + b.count,
        exact=a.exact and b.exact,
        alarms=added(a.alarms, b.alarms),
        scenarios=added(a.scenarios, b.scenarios),
        story=shorter.story,
        explanation=shorter.explanation,
        shrunk=shorter.shrunk,
    )


def length(bucket: Bucket) -> int:
    """Return how long the story of a bucket is, in steps and what switches weigh."""
    return bucket.story.finding.steps if bucket.shrunk is None else bucket.shrunk.after.score


def added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """Add counts up."""
    return {name: a.get(name, 0) + b.get(name, 0) for name in (*a, *b)}
