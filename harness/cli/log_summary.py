"""``log summary``: what is in logs and traces, in figures."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.log_options import filter_options, take_selection
from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.log.source import Source
    from harness.log.summary import Figures

__all__ = ["summary"]

SHOWN = ("to_inject", "to_lr", "to_ack", "handling")
MOST = 12


@click.command("summary", epilog=EPILOG)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@filter_options
@json_option
def summary(logs: tuple[str, ...], *, as_json: bool, **filters: Any) -> int:
    """Say what is in each LOG, a log or a kernel trace: events, VCPUs, interrupts, latencies.

    Latencies are least/median/most, in steps and in ns, from when the interrupt is asserted: to the
    injection, to a List Register, to the guest's acknowledge; and from there to its deactivation.
    Filters choose what is counted; violations are told in any case.
    """
    from harness.cli.output import print_json
    from harness.log.source import open_source
    from harness.log.summary import figures_of

    keep = take_selection(filters)
    violations: list[dict[str, Any]] = []
    for name in logs:
        source = open_source(name)
        figures = figures_of(source, keep)
        told = as_dict(source, figures)
        violations += told["violations"]
        if as_json:
            print_json(told)
        else:
            print_figures(source, figures)
    if as_json:
        verdict = "violated" if violations else "inconclusive"
        print_json(
            {"type": "summary", "verdict": verdict, "violations": violations, "logs": len(logs)}
        )
    return 0


def as_dict(source: "Source", figures: "Figures") -> dict[str, Any]:
    """Return the figures of a log as a JSON line."""
    log = source.log
    header, footer = (log.header, log.footer) if log is not None else (None, None)
    steps, ns = figures.span
    scenario, variant = (header.scenario, header.variant) if header else (None, None)
    return {
        "type": "log",
        "log": source.name,
        "source": source.kind,
        "scenario": scenario,
        "variant": variant,
        "seed": header.seed if header else None,
        "verdict": footer.verdict if footer else None,
        "complete": footer is not None,
        "steps": steps,
        "ns": ns,
        "facts": sum(figures.kinds.values()),
        "kinds": dict(figures.kinds.most_common()),
        "tasks": dict(figures.tasks.most_common()),
        "vcpus": {str(v): dict(sorted(c.items())) for v, c in sorted(figures.vcpus.items())},
        "interrupts": figures.interrupts(),
        "violations": [
            {
                "type": line.violation.type,
                "rule": line.violation.rule,
                "alarm": line.violation.alarm,
                "text": line.text,
                "scenario": scenario,
                "variant": variant,
                "schedule": header.schedule if header else None,
                "steps": footer.steps if footer else steps,
                "log": source.name,
            }
            for line in figures.violations
        ],
    }


def print_figures(source: "Source", figures: "Figures") -> None:
    """Print the figures of a log."""
    from harness.cli.output import table

    steps, ns = figures.span
    unit = "steps" if source.log is not None else "lines"
    count = sum(figures.kinds.values())
    click.echo(f"{source.name}: {source.whose}; {steps} {unit}, {ns} ns, {count} facts")
    if source.log is not None:
        footer = source.log.footer
        click.echo(f"  {footer.verdict}" if footer else "  the log ends early, it has no footer")
    for line in figures.violations:
        click.echo(f"  VIOLATED {line.violation.rule}: {line.text}")
    shown = figures.kinds.most_common(MOST)
    more = f", and {len(figures.kinds) - MOST} other kinds" if len(figures.kinds) > MOST else ""
    click.echo("  facts: " + ", ".join(f"{kind} {n}" for kind, n in shown) + more)
    for v, counts in sorted(figures.vcpus.items()):
        text = ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))
        click.echo(f"  VCPU {v}: {text}")
    rows = [
        [
            "host" if row.get("vcpu") is None else str(row["vcpu"]),
            str(row.get("vintid", row.get("intid"))),
            str(row["lives"]),
            str(row["whole"]),
            *(f"{three(row[f'{x}_steps'])} ({three(row[f'{x}_ns'])})" for x in SHOWN),
        ]
        for row in figures.interrupts()
    ]
    heads = [f"{name.replace('_', ' ')}, {unit} (ns)" for name in SHOWN]
    if rows:
        text = table(("VCPU", "IRQ", "lives", "whole", *heads), rows, right=(0, 1, 2, 3))
        click.echo("\n".join(f"  {line}" for line in text.splitlines()))


def three(values: dict[str, float] | None) -> str:
    """Return least/median/most in few letters."""
    if values is None:
        return "-"
    return "/".join(f"{values[name]:.0f}" for name in ("least", "median", "most"))
