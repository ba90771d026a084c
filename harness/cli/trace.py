"""``trace``: hold the rules against what ftrace recorded of a real kernel."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option
from harness.cli.trace_follow import follow
from harness.cli.trace_setup import setup

if TYPE_CHECKING:
    from harness.trace.check import Found, Report

__all__ = ["group"]

SHOWN = 3
"""So many violations of each rule and alarm are printed; ``--json`` has them all."""


@click.group("trace")
def group() -> None:
    """Look at traces of a real Linux KVM/arm64."""


group.add_command(setup)
group.add_command(follow)


@group.command("check", epilog=EPILOG)
@click.argument("traces", metavar="FILE...", nargs=-1, required=True)
@click.option("--rules", metavar="ID,...", help="Check these rules only [all that a trace shows].")
@json_option
def check(traces: tuple[str, ...], *, rules: str | None, as_json: bool) -> int:
    """Check the rules over ftrace text, as ``trace`` or ``trace-cmd report`` print it.

    FILE is plain or packed by gzip; - reads standard input. Other events are passed over. A rule is
    not checked where the trace lacks facts that it needs, or is not from where it holds.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.trace.check import check_trace
    from harness.trace.ground import parse_rules
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    only = None if rules is None else parse_rules(rules)
    done: list[dict[str, Any]] = []
    failed: UsageError | None = None
    for name in traces:
        try:
            report = check_trace(name, only)
        except UsageError as error:
            # The other traces are looked at all the same.
            if failed is not None:
                click.echo(f"error: {failed}", err=True)
            failed = error
            continue
        done.append(as_dict(report))
        if as_json:
            print_json(done[-1])
        else:
            print_report(report)
    verdicts = [one["verdict"] for one in done]
    verdict = worst([*verdicts, INCONCLUSIVE] if failed else verdicts)
    if as_json:
        print_json(summary_of(done, verdict))
    elif len(traces) > 1:
        click.echo(f"{verdict}: {len(done)} traces checked")
    if failed is not None:
        raise failed
    return EXIT_CODES[verdict]


def shown_name(name: str) -> str:
    """Return a trace's name as a reader wants it."""
    from pathlib import Path

    from harness.places import shown
    from harness.trace.source import STDIN

    return "standard input" if name == STDIN else shown(Path(name))


def as_dict(report: "Report") -> dict[str, Any]:
    """Return what checking a trace came to, as a JSON line."""
    counts = report.counts
    return {
        "type": "trace",
        "trace": shown_name(report.name),
        "verdict": report.verdict,
        "lines": counts.lines,
        "events": counts.events,
        "names": counts.names,
        "unknown": counts.unknown,
        "malformed": counts.malformed,
        "garbage": counts.garbage,
        "lost": counts.lost,
        "loss_marks": counts.loss_marks,
        "overwritten": counts.overwritten,
        "backwards": counts.backwards,
        "damage": report.damage,
        "cut": report.cut,
        "withdrawn": report.withdrawn,
        "more": report.more,
        "checked": report.checked,
        "not_checked": report.not_checked,
        "violations": [violation_dict(found, report) for found in report.found],
    }


def violation_dict(found: "Found", report: "Report") -> dict[str, Any]:
    """Return a violation as a JSON object; ``time`` is in seconds as printed, ``t`` in ns."""
    violation = found.violation
    subject = violation.subject
    return {
        "type": violation.type,
        "rule": violation.rule,
        "alarm": violation.alarm,
        "text": violation.text,
        "trace": shown_name(report.name),
        "time": found.time / 1e9,
        "t": found.time,
        "line": found.line,
        "vcpu": none_or(subject.vcpu),
        "pcpu": none_or(subject.pcpu),
        "intid": none_or(max(subject.intid, subject.vintid)),
        "life": found.life,
    }


def none_or(value: int) -> int | None:
    """Return a number; None for -1, which says that it does not apply."""
    return None if value < 0 else value


def summary_of(done: list[dict[str, Any]], verdict: str) -> dict[str, Any]:
    """Return the summary over all traces: a rule is in both lists if only some checked it."""
    not_checked: dict[str, list[str]] = {}
    for one in done:
        for rule, why in one["not_checked"].items():
            not_checked[rule] = sorted({*not_checked.get(rule, ()), *why})
    totals = {
        name: sum(one[name] for one in done)
        for name in ("lines", "events", "malformed", "garbage", "lost", "withdrawn", "more")
    }
    return {
        "type": "summary",
        "verdict": verdict,
        "violations": [violation for one in done for violation in one["violations"]],
        **totals,
        "unknown": sum(sum(one["unknown"].values()) for one in done),
        "checked": list(dict.fromkeys(rule for one in done for rule in one["checked"])),
        "not_checked": not_checked,
        "traces": len(done),
    }


def print_report(report: "Report") -> None:
    """Print what checking a trace came to: a line, and one for each thing there is to say of it."""
    counts = report.counts
    click.echo(
        f"{shown_name(report.name)}: {report.verdict}, {counts.lines} lines, {counts.events} "
        f"events, {len(report.checked)} rules checked, {len(report.not_checked)} not, "
        f"{len(report.found) + report.more} violations"
    )
    for note in notes(report):
        click.echo(f"  {note}")
    totals = Counter((x.violation.rule, x.violation.alarm) for x in report.found)
    seen: Counter[tuple[str, str]] = Counter()
    for found in report.found:
        key = (found.violation.rule, found.violation.alarm)
        seen[key] += 1
        if seen[key] <= SHOWN:
            print_found(found)
        if seen[key] == SHOWN < totals[key]:
            click.echo(f"  ... and {totals[key] - SHOWN} more of {key[0]} [{key[1]}]")
    for line in not_checked_lines(report):
        click.echo(f"  {line}")


def not_checked_lines(report: "Report") -> list[str]:
    """Return which rules were not checked, and why, a line for each reason."""
    from harness.trace.ground import CHECKED

    lacking: dict[tuple[str, ...], list[str]] = {}
    never = 0
    for rule, why in report.not_checked.items():
        if rule in CHECKED:
            lacking.setdefault(why, []).append(rule)
        else:
            never += 1
    lines = [
        f"not checked for lack of {', '.join(reasons)}: {', '.join(rules)}"
        for reasons, rules in lacking.items()
    ]
    if never:
        lines.append(f"not checked: {never} rules about what no trace shows (--json names it)")
    return lines


def print_found(found: "Found") -> None:
    """Print a violation, and the life of the interrupt around it."""
    violation = found.violation
    who = f", VCPU {violation.subject.vcpu}" if violation.subject.vcpu >= 0 else ""
    click.echo(
        f"  VIOLATED {violation.rule} [{violation.alarm}], {found.time / 1e9:.6f}{who}, line "
        f"{found.line}: {violation.text}"
    )
    for line in found.life:
        click.echo(f"      {line}")


def notes(report: "Report") -> list[str]:
    """Return what else there is to say of a trace, a line each."""
    counts = report.counts
    said = []
    if counts.unknown:
        most = sorted(counts.unknown.items(), key=lambda item: (-item[1], item[0]))
        names = ", ".join(f"{name} {count}" for name, count in most[:4])
        rest = f", and {len(most) - 4} other kinds" if len(most) > 4 else ""
        said.append(f"passed over: {names}{rest}")
    if counts.malformed or counts.garbage:
        said.append(
            f"{counts.malformed} events say something else than their name, {counts.garbage} lines "
            "are no lines of ftrace"
        )
    if counts.loss_marks:
        said.append(
            f"events were lost {counts.loss_marks} times ({counts.lost} and more); "
            f"{report.withdrawn} violations found meanwhile do not count"
        )
    if counts.started and report.withdrawn and not counts.loss_marks:
        said.append(
            f"{report.withdrawn} violations found before all CPUs' events began are left out"
        )
    if counts.overwritten:
        said.append(f"the buffer was overwritten: {counts.overwritten} events before are missing")
    if report.cut:
        said.append("the last line has no end and was left out")
    if report.damage:
        said.append(f"checked as far as it goes: {report.damage}")
    if report.more:
        said.append(f"{report.more} more violations are not listed")
    return said
