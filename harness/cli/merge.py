"""``vgic-race merge``: several parts of a campaign as the one campaign that they are."""

from pathlib import Path

import click

from harness.cli.options import EPILOG, json_option

__all__ = ["command"]


@click.command("merge", epilog=EPILOG)
@click.argument("folders", nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--no-shrink", is_flag=True,
    help="Do not look for the shortest story of what was found (half a minute at most).",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Rates, and the bounds of a clean run.")
@click.option("-q", "--quiet", is_flag=True, help="One line with the verdict.")
@json_option
def command(
    folders: tuple[str, ...], no_shrink: bool, verbose: bool, quiet: bool, as_json: bool
) -> int:
    """Make one campaign of the DIRs that 'stress --shard I/N' wrote, in a folder of its own.

    What comes out is what one campaign with the same seed would have found, to the byte but for
    times. Of one DIR, whose campaign was killed, it makes what it had come to.
    """
    from harness.campaign.evidence import Evidence
    from harness.campaign.merge import merged, merged_plan, merged_results
    from harness.campaign.record import is_running, read_record
    from harness.cli.closing import close, complain, print_closed
    from harness.cli.stress_plan import arguments_of
    from harness.errors import UsageError
    from harness.places import default_log_root
    from harness.verdict import EXIT_CODES, EXIT_INTERNAL, EXIT_USAGE, VIOLATED

    if verbose + quiet + as_json > 1:
        raise UsageError("--verbose, --quiet and --json exclude each other: give one of them")
    parts = [read_record(Path(folder)) for folder in dict.fromkeys(folders)]
    for part in parts:
        if is_running(part.folder):
            complain(f"note: the campaign in {str(part.folder)!r} is still running")
    plan = merged_plan(parts)
    results = merged_results(parts, plan)
    campaign = merged(plan, results)
    evidence = Evidence(default_log_root())
    record = evidence.begin(plan, None)
    if record is not None:
        for result in (result for some in results for result in some):
            for finding in result.findings:
                record.found(result.entry, finding)
            record.ran(result)
    closed = close(
        campaign, evidence, lambda: False, shrinking=not no_shrink, arguments=arguments_of(plan)
    )
    print_closed(closed, as_json=as_json, verbose=verbose, quiet=quiet)
    if campaign.interrupted:
        complain("note: schedules are missing: a part was cut short, or is not here")
    if campaign.crash is not None:
        complain(f"error: {campaign.crash.text}")
        return EXIT_USAGE if campaign.crash.usage else EXIT_INTERNAL
    if evidence.trouble:
        complain(f"error: {evidence.trouble}")
        return EXIT_CODES[VIOLATED] if campaign.verdict == VIOLATED else EXIT_USAGE
    return EXIT_CODES[campaign.verdict]
