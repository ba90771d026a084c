"""``vgic-race stress``: many schedules of many scenarios and variants."""

import math
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from harness.campaign.events import shown as shown_events
from harness.campaign.evidence import Evidence, Failure
from harness.campaign.interrupt import Interrupts
from harness.campaign.plan import DEPTH, MIX, STRATEGIES, Plan
from harness.campaign.runner import run_campaign
from harness.campaign.seeds import fresh_seed
from harness.campaign.shortest import shorten_failures
from harness.campaign.summary import Campaign
from harness.cli.bugs import find_bugs, print_bugs
from harness.cli.main import TRACEBACK_ENV
from harness.cli.options import (
    EPILOG,
    engine_option,
    json_option,
    knob_option,
    rules_option,
    size_options,
)
from harness.cli.output import Progress, print_json
from harness.errors import UsageError, unknown_name
from harness.log.chain import project_chain
from harness.rule_choice import parse_rules
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec, parse_knobs
from harness.variants import ERAS, expand_variant, resolve_variant
from harness.verdict import EXIT_CODES, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE

__all__ = ["command"]

SECONDS = 10.0
REPORT_SECONDS = 0.7
"""What is kept back of the wall time, to write and print what was found."""


def positive(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Accept a number of seconds (click's callback of --seconds).

    Raises:
        UsageError: it is not finite, or not above 0.
    """
    if value is not None and not (math.isfinite(value) and value > 0):
        raise UsageError(f"--seconds {value:g}: expected a number of seconds above 0")
    return value


@click.command(epilog=EPILOG)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--scenario-file", "files", multiple=True, metavar="FILE", help="A .toml of yours.")
@click.option(
    "--variant", "variants", multiple=True, metavar="V",
    help="v4.14, v7.2, a museum id, package.module:Class or path/file.py:Class [v4.14 and v7.2].",
)  # fmt: skip
@click.option("--strategy", default=MIX, show_default=True, help=f"{', '.join(STRATEGIES)}.")
@click.option(
    "--depth", type=click.IntRange(1, 20), default=DEPTH, show_default=True, help="Depth of pct."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=None, help="Seed of everything [random]."
)
@click.option("--schedules", type=click.IntRange(min=1), help="How many, shared over the entries.")
@click.option(
    "--seconds", type=float, callback=positive,
    help=f"Wall time of the whole command, shared over the entries [{SECONDS:g}].",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), help="Processes [one per CPU].")
@click.option("--keep-going", is_flag=True, help="Do not stop an entry at its first violation.")
@click.option(
    "-v", "--verbose", is_flag=True,
    help="Rates, the bounds of a clean run, and on stderr what the campaign does.",
)  # fmt: skip
@click.option("--log-json", is_flag=True, help="What it does, and progress, as JSON on stderr.")
@click.option("-q", "--quiet", is_flag=True, help="One line with the verdict, for CI.")
@click.option(
    "--no-shrink", is_flag=True,
    help="Do not look for the shortest story of what is found (half a minute at most).",
)  # fmt: skip
@engine_option
@knob_option
@rules_option
@size_options
@json_option
def command(*, verbose: bool, quiet: bool, log_json: bool, **options: Any) -> int:
    """Run SCENARIOs (all built-in ones by default) under many schedules and check every step.

    Each scenario is run with each variant. An entry ends at its first violation; the last line
    then is the command that reproduces it. A clean campaign proves nothing: it says what confidence
    finding nothing gives.
    """
    if verbose + quiet + options["as_json"] > 1:
        raise UsageError("--verbose, --quiet and --json exclude each other: give one of them")
    given = click.get_current_context().find_root().obj
    began = given if isinstance(given, float) else time.monotonic()
    plan, seconds = make_plan(began=began, **options)
    as_json: bool = options["as_json"]
    project_chain()  # what is wrong with it is said now, not when there is something to write
    if not (quiet or log_json):
        click.echo(parameters(plan, seconds), err=True)
    with Interrupts() as interrupts, shown_events(as_json=log_json, verbose=verbose):
        with Progress(plan.schedules, seconds, quiet=quiet or log_json) as progress:
            campaign = run_campaign(plan, interrupts, progress)
        from harness.places import default_log_root

        evidence = Evidence(default_log_root())
        failures = evidence.keep(campaign)
        shrinking = not options["no_shrink"]
        if shrinking:
            for line in shorten_failures(failures, evidence, lambda: interrupts.seen):
                click.echo(line, err=True)
        bugs = []
        if plan.keep_going:
            bugs = find_bugs(
                campaign, failures, evidence, lambda: interrupts.seen, shrinking=shrinking
            )
        interrupts.reporting()
        summary = summarise(campaign, failures)
        if plan.keep_going:
            summary["buckets"] = [{**bug.as_dict(), "replay": replay} for bug, replay in bugs]
        evidence.finish(
            {"began": datetime.now(UTC).isoformat(), "arguments": sys.argv[1:], **summary}
        )
        if as_json:
            for entry in summary["entries"]:
                print_json({"type": "entry", **entry})
            print_json(summary)
        else:
            show(campaign, failures, evidence, verbose=verbose, quiet=quiet)
            if bugs and not quiet:
                print_bugs(bugs)
    return conclude(campaign, evidence)


def make_plan(
    *,
    began: float,
    scenarios: tuple[str, ...],
    files: tuple[str, ...],
    variants: tuple[str, ...],
    strategy: str,
    schedules: int | None,
    seconds: float | None,
    seed: int | None,
    jobs: int | None,
    knobs: tuple[str, ...],
    pcpus: int | None,
    vcpus: int | None,
    lrs: int | None,
    rules: str | None,
    **others: Any,
) -> tuple[Plan, float | None]:
    """Check all options; ``began`` is when the command did (monotonic clock, in seconds).

    Returns:
        The plan, and its wall time in seconds if that is what limits it, else None.

    Raises:
        UsageError: an option that is wrong, and what was expected.
    """
    if schedules is not None and seconds is not None:
        raise UsageError("--schedules and --seconds exclude each other: give one of them")
    if strategy not in STRATEGIES:
        raise unknown_name("strategy", strategy, STRATEGIES)
    if schedules is None and seconds is None:
        seconds = SECONDS
    checked = parse_knobs(knobs)
    only = None if rules is None else parse_rules(rules)
    specs = tuple(
        RunSpec.make(
            scenario, variant, pcpus=pcpus, vcpus=vcpus, lrs=lrs, knobs=checked, rules=only
        )
        for scenario in choose_scenarios(scenarios, files)
        for variant in choose_variants(variants)
    )
    plan = Plan(
        specs=specs,
        seed=fresh_seed() if seed is None else seed,
        schedules=schedules,
        deadline=None if seconds is None else began + seconds - min(REPORT_SECONDS, seconds / 10),
        strategy=strategy,
        depth=others["depth"],
        engine=others["engine"],
        jobs=jobs or cpus(),
        keep_going=others["keep_going"],
    )
    return plan, seconds


def cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_scenarios(names: tuple[str, ...], files: tuple[str, ...]) -> list[str]:
    """Return the scenarios to run, each once: names of built-in ones, paths of files.

    Raises:
        UsageError: a name that no schedule could carry, or a file that is no ``.toml``.
    """
    for file in files:
        if not file.endswith(".toml"):
            raise UsageError(f"scenario file {file!r}: expected a .toml file")
    chosen = [*names, *files] or builtin_names()
    for name in chosen:
        if ";" in name or "\n" in name:
            raise UsageError(f"scenario {name!r}: a ';' in its path would garble schedules")
    return list(dict.fromkeys(chosen))


def choose_variants(names: tuple[str, ...]) -> list[str]:
    """Return the variants to run, each once; none given means the eras.

    Raises:
        UsageError: there is no such variant, or no era can express it.
    """
    chosen: dict[str, None] = {}
    for name in names or tuple(ERAS):
        if ";" in name or "\n" in name:
            raise UsageError(f"variant {name!r}: a ';' in its name would garble schedules")
        expanded = expand_variant(name)
        if not expanded:
            raise UsageError(f"variant {name!r} cannot be expressed in any era (see list variants)")
        for variant in expanded:
            resolve_variant(variant)
            chosen[variant] = None
    return list(chosen)


def parameters(plan: Plan, seconds: float | None) -> str:
    """Return the line that says how this campaign can be had again."""
    scenarios = ",".join(dict.fromkeys(spec.scenario for spec in plan.specs))
    variants = ",".join(dict.fromkeys(spec.variant for spec in plan.specs))
    limit = f"seconds={seconds:g}" if seconds is not None else f"schedules={plan.schedules}"
    knobs = "".join(f" {name}={value}" for name, value in plan.specs[0].knobs)
    only = plan.specs[0].rules
    knobs += "" if only is None else f" rules={','.join(only)}"
    return (
        f"stress: seed={plan.seed} scenarios={scenarios} variants={variants} {limit} "
        f"strategy={plan.strategy} depth={plan.depth} engine={plan.engine} jobs={plan.jobs}{knobs}"
    )


def summarise(campaign: Campaign, failures: list[Failure]) -> dict[str, Any]:
    """Return the summary object of --json, which campaign.json has as well."""
    plan = campaign.plan
    return {
        "type": "summary",
        "verdict": campaign.verdict,
        "violations": [each for failure in failures for each in failure.as_dicts()],
        "schedules": campaign.schedules,
        "steps": campaign.steps,
        "seconds": round(campaign.seconds, 3),
        "seed": plan.seed,
        "strategy": plan.strategy,
        "depth": plan.depth,
        "interrupted": campaign.interrupted,
        "entries": [tally.as_dict() for tally in campaign.tallies],
    }


def show(
    campaign: Campaign,
    failures: list[Failure],
    evidence: Evidence,
    *,
    verbose: bool,
    quiet: bool,
) -> None:
    """Print what a campaign came to: one line if ``quiet``, more figures if ``verbose``."""
    from harness.report.campaign_text import one_line, show_campaign
    from harness.report.console import make_console

    if quiet:
        click.echo(one_line(campaign, failures))
    else:
        show_campaign(make_console(), campaign, failures, evidence, verbose=verbose)


def conclude(campaign: Campaign, evidence: Evidence) -> int:
    """Say what went wrong on the way, and return the exit code."""
    crash = campaign.crash
    if crash is not None:
        if os.environ.get(TRACEBACK_ENV):
            click.echo(crash.trace, err=True)
        text = crash.text.replace("\n", " ")
        if crash.usage:
            click.echo(f"error: {text}", err=True)
            return EXIT_USAGE
        click.echo(f"internal error: {text} (set {TRACEBACK_ENV}=1 to see where)", err=True)
        return EXIT_INTERNAL
    if campaign.interrupted:
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    if evidence.error:
        click.echo(f"error: {evidence.error}", err=True)
        return EXIT_USAGE
    return EXIT_CODES[campaign.verdict]
