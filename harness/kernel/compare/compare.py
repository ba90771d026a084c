"""A scenario's stories on a real kernel, held against those that the model allows."""

from dataclasses import dataclass, field, replace

import msgspec

from harness.findings.lookup import find_known
from harness.kernel.compare.allowed import Allowed, as_it_is_there, explored, searched
from harness.kernel.compare.real import Heard, Ways, stories_on
from harness.kernel.compare.seen import Story
from harness.kernel.image import Image
from harness.kernel.judge import Judge, setting_of
from harness.kernel.run import Options, vcpus_of
from harness.scenarios.schema import Scenario
from harness.scenarios.writer import to_toml
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

__all__ = ["Bounds", "Compared", "compare"]

SHIPPED = "v7.2+shipped"
"""The era with the faults that kernels have as they are shipped."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is done: of the model, states and executions; of the kernel, executions each way.

    Each may take ``seconds``. With ``whole`` the scenario is run as it is, not the smaller one at
    which exploring ends.
    """

    states: int = 1_000_000
    schedules: int = 20_000
    executions: int = 1000
    seconds: float = 120.0
    whole: bool = False


@dataclass(slots=True)
class Compared:
    """What came of it.

    Of stories that the model was not seen to allow ``shipped`` has those that the era as it is
    shipped came to, ``broken`` says which rule they break, and whose finding that is.
    """

    scenario: str
    ways: Ways
    allowed: Allowed
    shipped: frozenset[Story] = frozenset()
    broken: dict[Story, str] = field(default_factory=dict)

    def strangers(self, heard: Heard) -> list[Story]:
        """Return the stories that the model was not seen to allow."""
        return sorted(set(heard.stories) - self.allowed.stories)

    @property
    def verdict(self) -> str:
        """Inconclusive where a search has not met a story: it may be one all the same."""
        heard = (self.ways.unsteered, self.ways.steered)
        if any(self.strangers(each) for each in heard):
            return VIOLATED if self.allowed.whole else INCONCLUSIVE
        return CLEAN if all(each.executions for each in heard) else INCONCLUSIVE


def compare(scenario: Scenario, kernel: Image, options: Options, bounds: Bounds) -> Compared:
    """Run a scenario on a kernel and in the model, and return what each told.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: QEMU, a compiler or a function of the kernel is missing.
        MachineFailedError: the machine failed, or the VMM in it.
    """
    sized = as_it_is_there(scenario if bounds.whole else scenario.smaller())
    ways = stories_on(kernel, sized, options, bounds.executions, bounds.seconds)
    heard = frozenset(ways.unsteered.stories) | frozenset(ways.steered.stories)
    allowed = allowed_of(sized, heard, bounds)
    shipped: frozenset[Story] = frozenset()
    if strangers := heard - allowed.stories:
        found = searched(spread(sized), strangers, bounds.schedules, bounds.seconds / 2, SHIPPED)
        shipped = strangers & found.stories
    broken = broken_by(sized, ways, heard - allowed.stories, options)
    return Compared(scenario.name, ways, allowed, shipped, broken)


def broken_by(
    scenario: Scenario, ways: Ways, strangers: frozenset[Story], options: Options
) -> dict[Story, str]:
    """Return which rules stories break that are none of the model's, with the findings."""
    setting = setting_of(scenario, vcpus_of(scenario, options), options.gic)
    judge, toml = Judge(setting, vhe=options.vhe), to_toml(scenario)
    broken = {}
    for story in sorted(strangers):
        history = (ways.unsteered.histories | ways.steered.histories)[story]
        said = []
        for violation in judge.violations(history):
            known = find_known(violation, scenario.name, SHIPPED, {}, toml=toml)
            said.append(f"{violation.rule}: {known.id}" if known else violation.rule)
        if said:
            broken[story] = ", ".join(dict.fromkeys(said))
    return broken


def allowed_of(sized: Scenario, heard: frozenset[Story], bounds: Bounds) -> Allowed:
    """Return the stories of the model; of as little of it as has all that was heard."""
    allowed = Allowed(frozenset(), False, 0)
    # Where VCPUs share a CPU, Linux preempts when it likes; with one each nobody need be preempted.
    for each in () if bounds.whole else dict.fromkeys((sized.pcpus, spread(sized).pcpus)):
        made = msgspec.structs.replace(sized, pcpus=each)
        found = explored(made, bounds.seconds, bounds.states)
        allowed = replace(found, stories=found.stories | allowed.stories)
        if heard <= allowed.stories:
            return allowed
    if not allowed.whole:
        found = searched(spread(sized), heard - allowed.stories, bounds.schedules, bounds.seconds)
        allowed = replace(found, stories=found.stories | allowed.stories)
    return allowed


def spread(scenario: Scenario) -> Scenario:
    """Return a scenario with a CPU for each VCPU."""
    vcpus = scenario.vcpus or len(scenario.vcpu)
    return msgspec.structs.replace(scenario, pcpus=max(scenario.pcpus, vcpus))
