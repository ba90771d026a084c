"""The stories of a scenario's executions on a real kernel, steered and not."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.kernel.compare.seen import Sighting, Story, sight_of
from harness.kernel.history import History
from harness.kernel.image import Image
from harness.kernel.judge import setting_of
from harness.kernel.run import Options, vcpus_of
from harness.kernel.steer.control import Control
from harness.kernel.steer.machine import Steered, places_in, steer
from harness.kernel.steer.search import TURNS
from harness.kernel.steer.subject import Subject, of_scenario
from harness.kernel.steer.windows import Told, jobs
from harness.kernel.teller import Teller, facts_of
from harness.scenarios.schema import Scenario
from model import facts
from model.check.setting import Setting

__all__ = ["Heard", "Ways", "stories_on", "story_of"]

SEED = 1 << 32


@dataclass(slots=True)
class Heard:
    """What was heard of executions: ``stories`` has how many different histories told each.

    ``unwell`` executions were wrong or stuck; ``cut`` histories were too long to be kept whole.
    """

    executions: int = 0
    seconds: float = 0.0
    stories: Counter[Story] = field(default_factory=Counter)
    histories: dict[Story, History] = field(default_factory=dict)
    unwell: int = 0
    cut: int = 0


@dataclass(slots=True)
class Ways:
    """Those that nobody steered, and those that were."""

    unsteered: Heard = field(default_factory=Heard)
    steered: Heard = field(default_factory=Heard)


def story_of(history: History, setting: Setting) -> Story:
    """Return what a history's guests saw."""
    saw: list[list[tuple[str, int, int]]] = [[] for _ in range(setting.vcpus)]
    for fact in facts_of(history, Teller(setting)):
        if isinstance(fact, Sighting) and (sight := sight_of(fact)) is not None:
            # A VCPU stands on the CPU of its number there.
            v = fact.pcpu if isinstance(fact, facts.AckedByGuest) else fact.vcpu
            saw[v].append(sight)
    return tuple(tuple(each) for each in saw)


def stories_on(
    kernel: Image, scenario: Scenario, options: Options, executions: int, seconds: float
) -> Ways:
    """Run a scenario, so many executions unsteered and as many steered.

    Args:
        kernel: on which kernel.
        scenario: as a real guest does it.
        options: how it is run.
        executions: of each.
        seconds: for each at most.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: QEMU, a compiler or a function of the kernel is missing.
        MachineFailedError: the machine failed, or the VMM in it.
    """
    ways = Ways()
    setting = setting_of(scenario, vcpus_of(scenario, options), options.gic)
    with tempfile.TemporaryDirectory(prefix="vgic-race-compare-") as name:
        subject = of_scenario(scenario, options, Path(name))
        places = places_in(kernel, subject.hardware)
        with steer(kernel, subject.hardware, places, guest=subject.relax) as steered:
            for told in jobs(steered, subject.words, Control(), executions, seconds):
                hear(told, ways.unsteered, setting)
            for told in in_turn(steered, subject, executions, seconds):
                hear(told, ways.steered, setting)
    return ways


def in_turn(steered: Steered, subject: Subject, executions: int, seconds: float) -> Iterator[Told]:
    """Run executions steered in each of the ways in turn."""
    share = -(-executions // len(TURNS))
    for n, (_, control) in enumerate(TURNS):
        count = min(share, executions - n * share)
        asked = replace(control, seed=SEED)
        if count > 0:
            yield from jobs(
                steered, subject.words, asked, count, seconds / len(TURNS), first=n * share
            )


def hear(told: Told, heard: Heard, setting: Setting) -> None:
    """Take what a job told."""
    heard.executions += told.executions
    heard.seconds += told.seconds
    heard.unwell += len(told.wrong.keys() | told.stuck.keys())
    for history in told.histories:
        if history.why != "well":
            continue
        if history.cut:
            heard.cut += 1
            continue
        story = story_of(history, setting)
        heard.stories[story] += 1
        heard.histories.setdefault(story, history)
