"""A schedule of the model made ready for a real kernel: its scenario's guests, and its scripts."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.findings.lookup import scenario_of
from harness.kernel.compile import why_not
from harness.kernel.emulator import Hardware
from harness.kernel.image import Image
from harness.kernel.run import NVHE, VHE
from harness.kernel.steer.machine import places_in
from harness.kernel.steer.script import Case, read_case
from harness.kernel.steer.translate import Translation, translate
from harness.places import write_whole
from harness.scenarios.writer import to_toml
from harness.search.case import Case as ModelCase
from harness.search.trial import Stage
from harness.spec import RunSpec

__all__ = ["prepare"]

GIC = 3
STORY_MAX = 120
"""Of the model's steps so many are told."""


def prepare(
    schedule: Schedule, rules: frozenset[str] | None, kernel: Image, folder: Path, *, vhe: bool
) -> tuple[Case, list[str]]:
    """Return a schedule as a case, and the model's story of it, a line each.

    One in which no VCPU gives way before its program is over has no script: it is run as it comes.

    The scenario and the case are left in ``folder``, as ``kernel confirm`` takes them.

    Raises:
        UsageError: its variant cannot be had; or no guest of a real KVM can do its scenario.
    """
    spec = RunSpec.from_schedule(schedule, rules)
    scenario = scenario_of(schedule.scenario, schedule.toml)
    scenario = msgspec.structs.replace(scenario, pcpus=spec.pcpus, vcpus=spec.vcpus)
    reason = why_not(scenario, spec.vcpus, GIC, software=True)
    if reason:
        raise UsageError(f"scenario {scenario.name!r} cannot be run on a real kernel: {reason}")
    software = bool(why_not(scenario, spec.vcpus, GIC))
    places = places_in(kernel, Hardware(gic=GIC, cpu=VHE if vhe else NVHE))
    made = translate(schedule, spec, places)
    if made.notes and not made.scripts:
        raise UsageError("this schedule has no switch between VCPUs that a real kernel can follow")
    write_whole(folder / "scenario.toml", to_toml(scenario).encode())
    head = {
        "title": f"a schedule of {schedule.scenario} with {schedule.variant}",
        "scenario": "scenario.toml",
        "software": software,
    }
    text = "".join(f"{name} = {msgspec.json.encode(x).decode()}\n" for name, x in head.items())
    for script in made.scripts:
        text += f'\n[[script]]\nname = "{script.name}"\nwhat = "{script.what}"\n'
        text += f"alone = {str(script.alone).lower()}\nsteps = [\n"
        text += "".join(f"    {msgspec.json.encode(step).decode()},\n" for step in script.steps)
        text += "]\n"
    write_whole(folder / "schedule.toml", text.encode())
    case = read_case(text, schedule.variant, str(folder.resolve()))
    return case, list(story_of(schedule, spec, made))


def story_of(schedule: Schedule, spec: RunSpec, made: Translation) -> Iterator[str]:
    """Yield what the model does: its schedule, who does what in a row, and what it breaks."""
    yield str(schedule)
    yield ""
    trial = Stage.of(ModelCase.of(spec)).run(schedule.choices, watched=True)
    yield from (f"{v.rule} [{v.alarm}] {v.text}" for v in trial.outcome.violations)
    yield ""
    row: list[str] = []
    who, begin, told = "", 0, 0
    for step in trial.steps:
        if step.task != who:
            if row:
                yield f"{begin:4} {who:4} {' '.join(row)}"
            who, begin, row = step.task, step.step, []
            told += 1
            if told > STORY_MAX:
                yield "..."
                return
        row.append(step.op.name)
    if row:
        yield f"{begin:4} {who:4} {' '.join(row)}"
    yield ""
    yield f"{made.steered} of {made.steps} places where a VCPU gives way are steerable here"
    yield from made.notes
