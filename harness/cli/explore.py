"""``vgic-race explore``: every interleaving of a scenario within bounds that are stated."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option, knob_option, rules_option, size_options
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.campaign.interrupt import Interrupts
    from harness.search.explore.entry import Entry, Found
    from harness.search.explore.explored import ExploreLimits

__all__ = ["command"]

MEMORY_MB = 2_000


@click.command("explore", epilog=EPILOG)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO|all]...")
@click.option(
    "--variant", "variants", multiple=True, metavar="V",
    help="v4.14, v7.2, a museum id, package.module:Class or path/file.py:Class [v4.14 and v7.2].",
)  # fmt: skip
@click.option(
    "--whole", is_flag=True, help="The scenario as it is, not the smaller one of its [explore]."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True),
    help="Give up after so much wall time, shared over the entries.",
)  # fmt: skip
@click.option(
    "--memory", "memory_mb", type=click.IntRange(min=64), default=MEMORY_MB, show_default=True,
    help="Give up when this process has so many MiB.",
)  # fmt: skip
@click.option("--states", type=click.IntRange(min=1), help="Give up after so many states each.")
@click.option(
    "--switches", type=click.IntRange(0, 250), help="Only executions with so many switches of task."
)
@click.option(
    "--preemptions", type=click.IntRange(0, 250),
    help="Only those with so many switches away from a task that could go on; what the host "
    "scheduler does is --knob preemptions=N.",
)  # fmt: skip
@click.option(
    "--any", "first", is_flag=True, help="Take the first violation, and look for no shorter one."
)
@click.option(
    "--resume", type=click.Path(dir_okay=False, path_type=Path), default=None, metavar="FILE",
    help="Go on with a search that was stopped.",
)  # fmt: skip
@click.option("--no-save", is_flag=True, help="Do not keep what a search that is stopped has done.")
@knob_option
@rules_option
@size_options
@json_option
def command(*, resume: Path | None, as_json: bool, **options: Any) -> int:
    """Look at every interleaving of SCENARIOs, and prove them right or show a violation.

    PROVED is for the sizes, stimuli and bounds that are printed with it. A violation comes with a
    schedule as short as any. A search that is stopped, by a bound or by Ctrl-C, is kept: --resume
    goes on with it.
    """
    from harness.campaign.interrupt import Interrupts
    from harness.search.explore.entry import conclude, entries_of

    given = click.get_current_context().find_root().obj
    began = given if isinstance(given, float) else time.monotonic()
    seconds: float | None = options["seconds"]
    entries = resumed(resume, options) if resume else entries_of(options)
    found: list[Found] = []
    with Interrupts() as interrupts:
        for n, entry in enumerate(entries):
            if interrupts.seen:
                break
            left = None
            if seconds is not None:
                left = max((began + seconds - time.monotonic()) / (len(entries) - n), 0.1)
            found.append(explore_one(entry, limits_of(options, left), options, interrupts))
            show(found[-1], as_json=as_json)
    summary, code = conclude(found, interrupted=interrupts.seen)
    if as_json:
        from harness.cli.output import print_json

        print_json(summary)
    return code


def resumed(path: Path, options: dict[str, Any]) -> "list[Entry]":
    """Return the one search that is gone on with.

    Raises:
        UsageError: it cannot be read, or something is given that it says itself.

    """
    from harness.search.explore.entry import entry_of_saved
    from harness.search.explore.store import load

    said = ("scenarios", "variants", "knobs", "whole", "rules", "pcpus", "vcpus", "lrs", "switches")
    for name in (*said, "preemptions"):
        if options[name] not in (None, (), False):
            raise UsageError(f"--resume: the search says its {name} itself: give none")
    saved = load(path)
    options["switches"], options["preemptions"] = saved.bounds
    return [entry_of_saved(saved, path)]


def limits_of(options: dict[str, Any], seconds: float | None) -> "ExploreLimits":
    """Return the limits of one search, which has so many seconds."""
    from harness.search.explore.explored import ExploreLimits

    names = ("memory_mb", "states", "switches", "preemptions")
    return ExploreLimits(seconds=seconds, **{name: options[name] for name in names})


def explore_one(
    entry: "Entry", limits: "ExploreLimits", options: dict[str, Any], interrupts: "Interrupts"
) -> "Found":
    """Search, keep what is to be kept, and return what was found."""
    from harness.cli.explore_progress import Progress
    from harness.search.explore.entry import explore_entry

    click.echo(f"{entry.name}: {entry.bounds(limits)}", err=True)
    with Progress(limits, lambda: interrupts.seen) as progress:
        return explore_entry(
            entry, limits, shortest=not options["first"], watch=progress,
            keep=not options["no_save"],
        )  # fmt: skip


def show(found: "Found", *, as_json: bool) -> None:
    """Print what one search found."""
    from harness.cli.output import print_json
    from harness.places import shown

    if as_json:
        print_json(found.as_dict())
        return
    e = found.explored
    click.echo(f"{e.verdict.upper()}  {found.entry.name}{f'  ({e.bound})' if e.bound else ''}")
    click.echo(f"  for: {found.bounds}")
    rate = e.states / max(e.cpu_seconds, 1e-3)
    click.echo(
        f"  {e.states} states, {e.transitions} transitions, {e.terminal} terminal, depth "
        f"{e.depth}; {e.seconds:.1f} s ({e.cpu_seconds:.1f} s CPU), {rate:.0f} states/s, "
        f"{e.memory_mb:.0f} MiB; {e.misses} steps made, {e.checked} look-ups checked"
    )
    if found.reached is not None:
        words = {
            "reached": found.reached.reached,
            "never at this size": found.reached.never,
            "not seen": found.reached.unseen,
        }
        for word, names in words.items():
            if names:
                click.echo(f"  {word}: {', '.join(names)}")
    failure = e.failure
    if failure is not None:
        how = "no schedule is shorter" if failure.shortest else "there may be a shorter one"
        if failure.stem >= 0:
            click.echo(
                f"  livelock: after {failure.stem} steps a cycle of {failure.cycle}, in which no "
                "guest gets on and nothing comes from outside"
            )
        else:
            click.echo(f"  in {failure.steps} steps; {how}")
        for violation in failure.violations:
            click.echo(f"  {violation.rule}: {violation.text}")
        if found.schedule is not None:
            click.echo(f"  vgic-race replay {shlex.quote(shown(found.schedule))}")
    if found.store is not None:
        click.echo(f"  go on: vgic-race explore --resume {shlex.quote(shown(found.store))}")
