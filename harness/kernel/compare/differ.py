"""Where the guests of a schedule of the model and those of a real kernel that followed it part."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from harness.engine.schedule import Schedule
from harness.findings.lookup import scenario_of
from harness.kernel.compare.real import story_of
from harness.kernel.compare.rule import COLLECTED, NAME
from harness.kernel.compare.seen import OWNERS, Sight, Story
from harness.kernel.history import History
from harness.kernel.judge import setting_of
from harness.search.case import Case
from harness.search.trial import Stage
from harness.spec import RunSpec

__all__ = ["differences", "sight_text"]

GIC = 3
NOTHING = "nothing more"


def differences(schedule: Schedule, histories: Sequence[History]) -> Iterator[str]:
    """Yield what each VCPU saw first that the model's did not, or not then; a line each.

    Args:
        schedule: the model's.
        histories: of executions that followed it; the one that goes longest with the model is told.

    Raises:
        UsageError: its variant cannot be had.
    """
    spec = RunSpec.from_schedule(schedule, frozenset({NAME}))
    ours = story_in(schedule, spec)
    scenario = msgspec.structs.replace(
        scenario_of(schedule.scenario, schedule.toml), pcpus=spec.pcpus, vcpus=spec.vcpus
    )
    setting = setting_of(scenario, spec.vcpus, GIC)
    stories = [story_of(history, setting) for history in histories]
    if not ours or not stories:
        return
    theirs = max(stories, key=lambda story: alike(ours, story))
    for v, (mine, real) in enumerate(zip(ours, theirs, strict=True)):
        for n, (a, b) in enumerate(zip_longest(mine, real)):
            if a != b:
                yield f"VCPU {v}, after {n}: {sight_text(a)} in the model, {sight_text(b)} there"
                break
        else:
            yield f"VCPU {v}: no difference, {len(mine)} in all"


def story_in(schedule: Schedule, spec: RunSpec) -> Story:
    """Return what the guests of a schedule see; empty if they do not come to rest."""
    COLLECTED.clear()
    Stage.of(Case.of(spec)).run(schedule.choices)
    return max(COLLECTED, key=lambda story: sum(map(len, story)), default=())


def alike(ours: Story, theirs: Story) -> int:
    """Return how much two stories have in common, from their beginnings on."""
    same = 0
    for mine, real in zip(ours, theirs, strict=True):
        for a, b in zip(mine, real, strict=False):
            if a != b:
                break
            same += 1
    return same


def sight_text(sight: Sight | None) -> str:
    """Return what was read, in words."""
    if sight is None:
        return NOTHING
    name, which, value = sight
    return f"IAR = {value}" if name == "iar" else f"{name} {which % OWNERS} = {value}"
