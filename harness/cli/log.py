"""``log``: look at stored logs, and check the rules over them again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.lazy import Lazy
from harness.cli.log_options import filter_options, take_selection
from harness.cli.options import EPILOG, json_option, rules_option

if TYPE_CHECKING:
    from harness.log.check import Result
    from harness.log.reader import Log

__all__ = ["SUBCOMMANDS", "check", "group", "show"]


SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "show": ("harness.cli.log:show", "Print a log: the life of each interrupt, or every line."),
    "check": ("harness.cli.log:check", "Check the rules over stored logs again."),
    "summary": ("harness.cli.log_summary:summary", "Say what is in logs, in figures."),
    "irq": ("harness.cli.log_irq:irq", "Tell the life of one interrupt, with how long what took."),
    "timeline": ("harness.cli.log_timeline:timeline", "Show who does what, and how far IRQs are."),
    "diff": ("harness.cli.log_diff:diff", "Say where two executions went different ways."),
    "sql": ("harness.cli.log_sql:sql", "Ask logs in SQL (DuckDB)."),
    "fields": ("harness.cli.log_fields:fields", "List every event and field of a log."),
    "schema": ("harness.cli.log_fields:schema", "Print the JSON Schema of a log's lines."),
}


class Logs(Lazy):
    """The group ``log``."""

    table = SUBCOMMANDS


@click.group("log", cls=Logs)
def group() -> None:
    """Look at stored logs, and at traces of real kernels."""


@click.command("show", epilog=EPILOG)
@click.argument("log")
@click.option("--life", is_flag=True, help="The life of each interrupt (default).")
@click.option("--columns", is_flag=True, help="Every line, in columns.")
@filter_options
@json_option
def show(log: str, *, life: bool, columns: bool, as_json: bool, **filters: Any) -> int:
    """Print the log or kernel trace LOG; one that ends early is shown as far as it goes.

    Exit code 0, whatever the log's own verdict is: showing it is not checking it.
    """
    from harness.cli.output import print_json
    from harness.cli.show import print_log, print_trace, summary_of
    from harness.errors import UsageError
    from harness.log.source import open_source

    given = {"life": life, "columns": columns, "json": as_json}
    asked = [name for name, wanted in given.items() if wanted]
    if len(asked) > 1:
        raise UsageError(f"--{' and --'.join(asked)} exclude each other: give one of them")
    how = asked[0] if asked else "life"
    keep = take_selection(filters)
    source = open_source(log)
    if source.log is None:
        print_trace(source, how=how, keep=keep)
        return 0
    content = source.log
    print_log(content, how=how, keep=keep)
    if how == "json":
        print_json(summary_of(content, Path(log)))
    elif content.footer is None:
        click.echo("\ninconclusive: the log ends early, it has no footer")
    else:
        footer = content.footer
        bound = f", the bound on {footer.bound!r} was reached" if footer.bound else ""
        click.echo(f"\n{footer.verdict} after {footer.steps} steps{bound}")
    return 0


@click.command("check", epilog=EPILOG)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@rules_option
@json_option
def check(logs: tuple[str, ...], *, rules: str | None, as_json: bool) -> int:
    """Check the rules over stored logs again; nothing is run.

    Needs neither the scenario nor the variant. A log that ends early is checked as far as it goes.
    A rule is not checked where the log lacks facts that it needs.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.log.check import check_log
    from harness.rule_choice import parse_rules
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    only = None if rules is None else parse_rules(rules)
    done: list[dict[str, Any]] = []
    failed: UsageError | None = None
    for name in logs:
        path = Path(name)
        try:
            log = read_checkable(path)
        except UsageError as error:
            # The other logs are looked at all the same.
            if failed is not None:
                click.echo(f"error: {failed}", err=True)
            failed = error
            continue
        result = check_log(log, only)
        done.append(as_dict(log, path, result))
        if as_json:
            print_json(done[-1])
        else:
            print_result(log, path, result)
    verdicts = [one["verdict"] for one in done]
    verdict = worst([*verdicts, INCONCLUSIVE] if failed else verdicts)
    if as_json:
        print_json(summary_of_checks(done, verdict))
    elif len(logs) > 1:
        click.echo(f"{verdict}: {len(done)} logs checked")
    if failed is not None:
        raise failed
    return EXIT_CODES[verdict]


def read_checkable(path: Path) -> "Log":
    """Read a log that ``log check`` can check.

    Raises:
        UsageError: it is none, or a kernel's trace.

    """
    from harness.errors import UsageError
    from harness.log.reader import read_log
    from harness.log.source import is_trace

    if is_trace(path):
        raise UsageError(f"{str(path)!r} is a kernel trace: check it by 'vgic-race trace check'")
    return read_log(path, partial=True)


def as_dict(log: "Log", path: Path, result: "Result") -> dict[str, Any]:
    """Return what checking a log came to, as a JSON line."""
    from harness.places import shown

    header, footer = log.header, log.footer
    return {
        "type": "log",
        "log": shown(path),
        "verdict": result.verdict,
        "complete": footer is not None,
        "bound": footer.bound if footer else None,
        "own_verdict": footer.verdict if footer else None,
        "agrees": result.agrees,
        "why": result.why,
        "violations": [
            {
                "type": violation.type,
                "rule": violation.rule,
                "alarm": violation.alarm,
                "text": violation.text,
                "scenario": header.scenario,
                "variant": header.variant,
                "schedule": header.schedule,
                "step": violation.step,
                "line": line,
                "steps": footer.steps if footer else log.entries[-1].meta.step,
                "log": shown(path),
            }
            for violation, line in result.found
        ],
        "checked": result.checked,
        "not_checked": result.not_checked,
    }


def summary_of_checks(done: list[dict[str, Any]], verdict: str) -> dict[str, Any]:
    """Return the summary over all logs: a rule is in both lists if it was checked in some only."""
    not_checked: dict[str, list[str]] = {}
    for one in done:
        for rule, kinds in one["not_checked"].items():
            not_checked[rule] = sorted({*not_checked.get(rule, ()), *kinds})
    return {
        "type": "summary",
        "verdict": verdict,
        "violations": [violation for one in done for violation in one["violations"]],
        "checked": list(dict.fromkeys(rule for one in done for rule in one["checked"])),
        "not_checked": not_checked,
        "logs": len(done),
        "disagreeing": [one["log"] for one in done if one["agrees"] is False],
    }


def print_result(log: "Log", path: Path, result: "Result") -> None:
    """Print what checking a log came to: a line, and one for each thing there is to say of it."""
    from harness.places import shown

    header, footer = log.header, log.footer
    lacking: dict[tuple[str, ...], list[str]] = {}
    for rule, kinds in result.not_checked.items():
        lacking.setdefault(kinds, []).append(rule)
    agrees = {True: "agrees with", False: "DISAGREES with", None: "cannot be compared with"}
    click.echo(
        f"{shown(path)}: {result.verdict} ({header.scenario}, variant {header.variant}), "
        f"{len(result.checked)} rules checked, {len(result.not_checked)} not; "
        f"{agrees[result.agrees]} the log's own verdict"
    )
    if result.why and footer is not None:
        click.echo(f"  {result.why}")
    if footer is None:
        step = log.entries[-1].meta.step if log.entries else 0
        click.echo(f"  the log ends early: checked as far as it goes, to step {step}")
    elif footer.bound:
        click.echo(f"  the bound on {footer.bound!r} was reached")
    for violation, line in result.found:
        click.echo(
            f"  VIOLATED {violation.rule} [{violation.alarm}], step {violation.step}, line {line}: "
            f"{violation.text}"
        )
    for kinds, rules in lacking.items():
        click.echo(f"  not checked for lack of {', '.join(kinds)}: {', '.join(rules)}")
