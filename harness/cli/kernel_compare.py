"""``kernel compare``: what guests see on a real kernel, held against what the model allows."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.kernel_run import ALL, kernel_options, say_failed, scenarios_of
from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.kernel.compare.compare import Compared
    from harness.kernel.compare.real import Heard
    from harness.kernel.compare.seen import Story
    from harness.kernel.image import Image

__all__ = ["compare"]

SIGHTS_MAX = 24
TOLD_MAX = 5
"""So many stories that the model was not seen to allow are told."""


@click.command("compare", epilog=EPILOG)
@click.argument("scenario", required=False)
@kernel_options
@click.option("--executions", type=click.IntRange(1, 10_000_000), default=1000, show_default=True,
              help="On the kernel, unsteered, and as many steered.")  # fmt: skip
@click.option("--states", type=click.IntRange(1), default=1_000_000, show_default=True,
              help="Of the model, in the search of all interleavings.")  # fmt: skip
@click.option("--schedules", type=click.IntRange(1), default=20_000, show_default=True,
              help="Of the model, where that search does not end.")  # fmt: skip
@click.option("--seconds", type=click.IntRange(1, 86_400), default=120, show_default=True,
              help="For each of these at most.")  # fmt: skip
@click.option(
    "--whole",
    is_flag=True,
    help="The scenario as it is, by search only [the smaller one of its explore table].",
)
@json_option
def compare(
    scenario: str | None, *, scenario_file: str | None, wanted: str | None, executions: int,
    states: int, schedules: int, seconds: int, whole: bool, as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Hold what guests see on a real Linux KVM against what the model allows.

    SCENARIO (or all) is run there, unsteered and steered; what each guest acknowledged and read, in
    its order, is its story. The model gives all stories, by a search of every interleaving, or
    those that a search came to. Clean (exit code 0): each is one of the model's. VIOLATED (1): one
    is not, and the model's are all there are: a fault of the model, or a finding. Inconclusive (3):
    one was not met. Devices are of software on both sides.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.kernel.compare.allowed import as_it_is_there
    from harness.kernel.compare.compare import Bounds, compare as hold
    from harness.kernel.compile import why_not
    from harness.kernel.errors import MachineFailedError
    from harness.kernel.image import choose
    from harness.kernel.run import Options, vcpus_of
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    options = Options(**{**given, "gic": int(given["gic"]), "software": True})
    bounds = Bounds(states, schedules, executions, float(seconds), whole)
    scenarios = scenarios_of(scenario, scenario_file)
    kernel = choose(wanted)
    verdicts = []
    for each in scenarios:
        sized = as_it_is_there(each if whole else each.smaller())
        if why := why_not(sized, vcpus_of(sized, options), options.gic, software=True):
            if scenario != ALL:
                raise UsageError(f"scenario {each.name!r} cannot be run on a real kernel: {why}")
            continue
        try:
            found = hold(each, kernel, options, bounds)
        except MachineFailedError as error:
            verdicts.append(INCONCLUSIVE)
            say_failed(each, error, as_json=as_json)
            continue
        verdicts.append(found.verdict)
        if as_json:
            print_json(as_dict(found, kernel))
        else:
            print_compared(found)
    verdict = worst(verdicts)
    if as_json:
        print_json({"type": "summary", "verdict": verdict, "violations": [],
                    "kernel": kernel.version, "build_id": kernel.build_id})  # fmt: skip
    return EXIT_CODES[verdict]


def heard_dict(found: "Compared", heard: "Heard") -> dict[str, Any]:
    """Return what was heard one way, as JSON."""
    strangers = found.strangers(heard)
    return {
        "executions": heard.executions,
        "unwell": heard.unwell,
        "cut": heard.cut,
        "stories": len(heard.stories),
        "allowed": len(heard.stories) - len(strangers),
        "not_met": [
            {"story": told(story), "breaks": found.broken.get(story)}
            for story in strangers[:TOLD_MAX]
        ],
        "broken": sum(story in found.broken for story in strangers),
        "of_shipped": sum(story in found.shipped for story in strangers),
    }


def as_dict(found: "Compared", kernel: "Image") -> dict[str, Any]:
    """Return what came of a scenario, as a JSON line."""
    return {
        "type": "compared",
        "scenario": found.scenario,
        "verdict": found.verdict,
        "kernel": kernel.version,
        "build_id": kernel.build_id,
        "model": {
            "stories": len(found.allowed.stories),
            "whole": found.allowed.whole,
            "states" if found.allowed.whole else "schedules": found.allowed.executions,
        },
        "unsteered": heard_dict(found, found.ways.unsteered),
        "steered": heard_dict(found, found.ways.steered),
    }


def told(story: "Story") -> list[list[str]]:
    """Return a story in words: of each VCPU what it saw."""
    from harness.kernel.compare.differ import sight_text

    return [
        [sight_text(sight) for sight in sights[:SIGHTS_MAX]]
        + [f"and {len(sights) - SIGHTS_MAX} more"] * (len(sights) > SIGHTS_MAX)
        for sights in story
    ]


def print_compared(found: "Compared") -> None:
    """Print what came of a scenario."""
    model = found.allowed
    how = f"all, {model.executions} states" if model.whole else f"{model.executions} schedules"
    click.echo(
        f"{found.scenario}: {found.verdict}; the model: {len(model.stories)} stories ({how})"
    )
    for name, heard in (("unsteered", found.ways.unsteered), ("steered", found.ways.steered)):
        strangers = found.strangers(heard)
        click.echo(
            f"  {name:9} {heard.executions:6} executions, {heard.unwell} unwell, {heard.cut} cut, "
            f"{len(heard.stories)} stories, {len(heard.stories) - len(strangers)} allowed"
        )
        for story in strangers[:TOLD_MAX]:
            by = " (the era as shipped has it)" if story in found.shipped else ""
            by = f" (it breaks {found.broken[story]})" if story in found.broken else by
            said = "; ".join(f"v{v}: {', '.join(x)}" for v, x in enumerate(told(story)))
            click.echo(f"    not met{by}: {said}")
