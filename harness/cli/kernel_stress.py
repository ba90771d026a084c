"""``kernel stress``: the schedules of a real kernel, searched."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.kernel_run import ALL, kernel_options, options_of, scenarios_of
from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from harness.kernel.image import Image
    from harness.kernel.steer.campaign import Campaign, Explained, Result
    from harness.kernel.steer.search import Failure
    from harness.kernel.steer.windows import Kind
    from harness.scenarios.schema import Scenario

__all__ = ["stress"]

NO_LIMIT = 10_000_000


@click.command("stress", epilog=EPILOG)
@click.argument("scenario", required=False)
@kernel_options
@click.option("--seconds", type=click.IntRange(5, 864_000), default=60, show_default=True,
              help="For all together.")  # fmt: skip
@click.option("--executions", type=click.IntRange(1, NO_LIMIT), default=NO_LIMIT,
              help="For each scenario at most [no limit].")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True,
              help="So many machines side by side; each wants two cores.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="What strategies draw from.")  # fmt: skip
@json_option
def stress(
    scenario: str | None, *, scenario_file: str | None, wanted: str | None, seconds: int,
    executions: int, jobs: int, seed: int, as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Search the schedules of a real Linux KVM: SCENARIO, or all that can be run.

    The scenario is repeated in one VM: first unsteered, which tells the base rate; then a random
    walk and PCT take turns, over places in the kernel and in the guests' waiting loops, by a plugin
    of QEMU. What every guest did is judged by the rules about guests. A failure is on disk at once,
    with its seed and its list of (CPU, place); each kind of failure is then shown by the script of
    a known finding, or by one that is made of a failing window (which 'kernel confirm' takes).
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.kernel.image import choose
    from harness.kernel.steer.campaign import Campaign
    from harness.places import default_log_root, next_folder, shown
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    options = options_of(no_jitter=False, no_preempt=False, **given)
    chosen = possible(scenarios_of(scenario, scenario_file), options, quiet=as_json,
                      leave_out=scenario == ALL)  # fmt: skip
    if not chosen:
        raise UsageError("none of the scenarios can be run on a real kernel")
    kernel = choose(wanted)
    folder = next_folder(default_log_root(), "kernel-stress")
    campaign = Campaign(kernel, options, executions, seconds, seed, jobs, folder)
    if as_json:
        campaign.failed = lambda failure, path: print_json(failure_row(failure, path))
        campaign.done = lambda result: print_json(scenario_row(result, kernel))
    else:
        campaign.failed = lambda failure, path: click.echo(f"  {failure_line(failure, path)}")
        campaign.done = print_result
    results = campaign.run(chosen)
    violations = [row for result in results for row in violations_of(result)]
    verdict = worst(verdict_of(result) for result in results) if results else INCONCLUSIVE
    summary = {
        "type": "summary", "verdict": verdict, "violations": violations, "kernel": kernel.version,
        "build_id": kernel.build_id, "seed": seed, "folder": shown(folder),
        "executions": sum(result.searched.executions for result in results),
    }  # fmt: skip
    write_campaign(campaign, results, summary)
    if as_json:
        print_json(summary)
    else:
        click.echo(f"{verdict}: {summary['executions']} executions; evidence: {shown(folder)}")
    return EXIT_CODES[verdict]


def possible(
    scenarios: "list[Scenario]", options: Any, *, quiet: bool, leave_out: bool
) -> "list[Scenario]":
    """Return those that can be run; with ``leave_out`` the others are told of, else refused.

    Raises:
        UsageError: one cannot be run; says why.
    """
    from harness.errors import UsageError
    from harness.kernel.compile import why_not
    from harness.kernel.run import vcpus_of

    found = []
    for each in scenarios:
        reason = why_not(each, vcpus_of(each, options), options.gic, software=options.software)
        if reason and not leave_out:
            hint = " (see --software)" if "forwards a device" in reason else ""
            raise UsageError(
                f"scenario {each.name!r} cannot be run on a real kernel: {reason}{hint}"
            )
        if not reason:
            found.append(each)
        elif not quiet:
            click.echo(f"{each.name}: left out: {reason}")
    return found


def verdict_of(result: "Result") -> str:
    """Return a scenario's verdict: inconclusive if there was no execution, or a machine failed."""
    from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

    if result.searched.bad:
        return VIOLATED
    if result.failed:
        return INCONCLUSIVE
    return CLEAN if result.searched.executions else INCONCLUSIVE


def failure_line(failure: "Failure", path: "Path") -> str:
    """Return a failure in a line."""
    from harness.places import shown

    (rule, alarm), text = failure.kinds[0]
    return (
        f"{failure.scenario} execution {failure.execution} ({failure.strategy}): {rule} [{alarm}] "
        f"{text}: {shown(path)}"
    )


def failure_row(failure: "Failure", path: "Path") -> dict[str, Any]:
    """Return a failure as a JSON line."""
    from harness.places import shown

    return {
        "type": "failure",
        "scenario": failure.scenario,
        "strategy": failure.strategy,
        "seed": failure.seed,
        "execution": failure.execution,
        "violations": [
            {"rule": rule, "alarm": alarm, "text": text} for (rule, alarm), text in failure.kinds
        ],
        "log": shown(path),
    }


def scenario_row(result: "Result", kernel: "Image") -> dict[str, Any]:
    """Return what came of a scenario, as a JSON line."""
    return {
        "type": "scenario",
        "scenario": result.searched.scenario,
        "verdict": verdict_of(result),
        "kernel": kernel.version,
        "build_id": kernel.build_id,
        "executions": result.searched.executions,
        "bad": result.searched.bad,
        "boot_seconds": round(result.boot_seconds, 3),
        "machines_failed": result.failed,
        "strategies": [
            {
                "strategy": name,
                "executions": share.executions,
                "bad": share.bad,
                "seconds": round(share.seconds, 3),
                "stops": share.stops,
            }
            for name, share in result.searched.shares.items()
        ],
        "violations": violations_of(result),
    }


def violations_of(result: "Result") -> list[dict[str, Any]]:
    """Return each kind of failure of a scenario, as a JSON object."""
    searched = result.searched
    return [
        {
            "type": "violation",
            "rule": kind[0],
            "alarm": kind[1],
            "text": searched.texts[kind],
            "scenario": searched.scenario,
            "executions": sum(searched.counts[kind].values()),
            "by": searched.counts[kind],
            **explained_of(result.explained.get(kind)),
        }
        for kind in searched.kinds
    ]


def explained_of(explained: "Explained | None") -> dict[str, Any]:
    """Return what explains a kind of failure."""
    from pathlib import Path

    from harness.places import shown

    if explained is None:
        return {"known": None, "maybe": None, "script": None}
    return {
        "known": explained.finding or None,
        "maybe": explained.maybe or None,
        "script": list(explained.script.steps) if explained.script else None,
        "seen": explained.seen,
        "of": explained.of,
        "file": shown(Path(explained.path)) if explained.path else None,
        "orders": dict(explained.orders),
        "looked": explained.looked,
    }


def print_result(result: "Result") -> None:
    """Print what came of a scenario."""
    searched = result.searched
    click.echo(f"{searched.scenario}: {verdict_of(result)}, {searched.bad} of "
               f"{searched.executions} executions wrong")  # fmt: skip
    for name, share in searched.shares.items():
        stops = share.stops / max(1, share.executions)
        click.echo(
            f"  {name:24} {share.bad:6} of {share.executions:7}  {share.rate:7.1f}/s"
            + (f"  {stops:6.0f} stops each" if share.stops else "")
        )
    for text in result.failed:
        click.echo(f"  {text} (another one went on)")
    for kind in searched.kinds:
        print_kind(result, kind)


def print_kind(result: "Result", kind: "Kind") -> None:
    """Print a kind of failure, and what explains it."""
    from pathlib import Path

    from harness.places import shown

    searched = result.searched
    total = sum(searched.counts[kind].values())
    click.echo(f"  VIOLATED {kind[0]} [{kind[1]}], {total} executions: {searched.texts[kind]}")
    explained = result.explained.get(kind)
    if explained is None:
        return
    shown_in = f"in {explained.seen} of {explained.of} windows"
    if explained.finding and explained.script:
        click.echo(f"    known: script {explained.script.name} of {explained.finding} shows the "
                   f"same {shown_in}")  # fmt: skip
    elif explained.script:
        click.echo(f"    a script of {len(explained.script.steps)} steps shows it {shown_in}: "
                   f"vgic-race kernel confirm {shown(Path(explained.path))}")  # fmt: skip
    else:
        click.echo("    no script was found that shows it")
    for finding, count in explained.orders:
        click.echo(f"    the order of {finding} is in {count} of {explained.looked} of these")
    if explained.maybe and not explained.finding:
        click.echo(f"    maybe {explained.maybe}, which has such failures in such scenarios")


def write_campaign(campaign: "Campaign", results: "list[Result]", summary: dict[str, Any]) -> None:
    """Write what came of all, as JSON."""
    import msgspec

    from harness.places import write_whole

    rows = [scenario_row(result, campaign.kernel) for result in results]
    text = msgspec.json.format(msgspec.json.encode({**summary, "scenarios": rows}), indent=2)
    write_whole(campaign.folder / "campaign.json", text + b"\n")
