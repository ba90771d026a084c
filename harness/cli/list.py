"""``vgic-race list``: what there is to choose from."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option
from harness.cli.output import print_json, table
from harness.verdict import CLEAN

if TYPE_CHECKING:
    from model.check.rule import Rule

__all__ = ["command"]

Item = dict[str, Any]


def scenarios() -> list[Item]:
    """Return the built-in scenarios, each with its sizes and the states it exists to reach."""
    from harness.scenarios.schema import builtin_names, load_builtin

    items = []
    for name in builtin_names():
        s = load_builtin(name)
        items.append({
            "name": name,
            "title": s.title,
            "pcpus": s.pcpus,
            "vcpus": s.vcpus or len(s.vcpu),
            "lrs": s.lrs,
            "sometimes": {era: list(names) for era, names in s.sometimes.items()},
            "unclean": s.unclean,
        })  # fmt: skip
    return items


def variants() -> list[Item]:
    """Return the eras and the museum's patches, with the eras that cannot express one."""
    from harness.museum import patches
    from harness.variants import ERAS

    items: list[Item] = [
        {
            "name": name,
            "title": " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split()),
            "source": "the era itself",
            "eras": [name],
            "not_in": {},
        }
        for name, cls in ERAS.items()
    ]
    for patch in patches().values():
        here = [era for era in ERAS if era not in patch.refused]
        items.append({
            "name": patch.id,
            "title": patch.title,
            "source": patch.source,
            "symptom": patch.symptom,
            "eras": here,
            "variants": [f"{era}+{patch.id}" for era in here],
            "not_in": dict(patch.refused),
        })  # fmt: skip
    return items


def museum() -> list[Item]:
    """Return the museum's table: each patch with where it shows, and what is no patch, and why."""
    from harness.catalogue.shows import SHOWS
    from harness.museum import patches
    from harness.museum.left_out import LEFT_OUT
    from harness.variants import ERAS

    items: list[Item] = []
    for patch in patches().values():
        shown = {era: SHOWS[f"{era}+{patch.id}"] for era in ERAS if f"{era}+{patch.id}" in SHOWS}
        items.append({
            "name": patch.id,
            "title": patch.title,
            "source": patch.source,
            "symptom": patch.symptom,
            "shown_by": {era: show[0] for era, show in shown.items()},
            "rules": sorted({rule for show in shown.values() for rule in show[2]}),
            "deep": patch.deep,
            "missing": "",
        })  # fmt: skip
    items += [
        {"name": x.id, "title": x.title, "source": x.source, "symptom": "", "shown_by": {},
         "rules": [], "deep": "", "missing": x.missing}
        for x in LEFT_OUT
    ]  # fmt: skip
    return items


def list_hooks() -> list[Item]:
    """Return what a variant may override, with the kernel function and when it is called."""
    from harness.kvm.hooks import ERA_LISTS, hooks

    everywhere = hooks(era="none")
    only = {name: era for era, group in ERA_LISTS.items() for name in vars(group)}
    return [
        {
            "name": name,
            "title": title,
            "eras": list(ERA_LISTS) if name in everywhere else [only[name]],
        }
        for name, title in hooks().items()
    ]


def rules() -> list[Item]:
    """Return the rules, each with what it leaves to others or to nobody; the project's own last.

    Raises:
        UsageError: one of the project's cannot be had.

    """
    from harness.catalogue.own import own_rules
    from harness.user_rules import load_rule
    from model.rules.inexpressible import UNSTATED
    from model.rules.registry import RULES, TRACED

    own = [load_rule(item["file"]) for item in own_rules()]

    return [
        {
            "name": rule.id,
            "title": rule.title,
            "section": rule.section,
            "kind": rule.kind,
            "eras": list(rule.eras),
            "about": about(rule),
            "leaves": [
                {"part": x.part, "to": list(x.by), "why": x.why}
                for x in UNSTATED
                if x.id == rule.id
            ],
        }
        for rule in (*RULES.values(), *TRACED.values(), *own)
    ]


def about(rule: "type[Rule]") -> str:
    """Return whom a rule is about: "guest", "hardware" or "kvm".

    "trace" is KVM as traces of a real kernel alone show it, "program" a guest program at fault.
    """
    if rule.__module__.startswith("model.rules.traced."):
        return "trace"
    if rule.fault:
        return "program"
    return "guest" if rule.guest else "hardware" if rule.hardware else "kvm"


def strategies() -> list[Item]:
    """Return the strategies of a campaign."""
    from harness.campaign.plan import STRATEGIES

    return [{"name": name, "title": title} for name, title in STRATEGIES.items()]


def knobs() -> list[Item]:
    """Return the knobs."""
    from harness.spec import KNOBS

    return [{"name": name, "title": title} for name, title in KNOBS.items()]


def instructions() -> list[Item]:
    """Return the instructions of guest programs."""
    from harness.scenarios.instructions import rows

    return rows()


def faults() -> list[Item]:
    """Return the ways to break the model in ``conform qemu``."""
    from harness.conform.qemu.faults import FAULTS

    return [{"name": name, "title": title} for name, title in FAULTS.items()]


def findings() -> list[Item]:
    """Return the known faults of KVM as shipped."""
    from harness.findings.known import FINDINGS

    return [
        {
            "name": finding.id,
            "title": finding.title,
            "in": finding.since,
            "eras": list(finding.eras),
            "what": finding.what,
            "conditions": [condition.text for condition in finding.conditions],
            "unseen": finding.unseen,
            "see": finding.see,
            "source": finding.source,
            "confirmed": finding.confirmed,
            "upstream": finding.upstream,
        }
        for finding in FINDINGS.values()
    ]


def windows() -> list[Item]:
    """Return the windows of the kernel's comments."""
    from harness.catalogue.windows import rows

    return rows()


def windows_seen(what: str, seen: Path) -> list[Item]:
    """Return them with how often something happened in each.

    Raises:
        UsageError: it is something else that is listed, or ``seen`` is no log and no campaign.

    """
    from harness.catalogue.windows import rows
    from harness.errors import UsageError

    if what != "windows":
        raise UsageError(f"--seen is for windows, not for {what!r}")
    return rows(seen)


SINGULAR = {"strategies": "strategy", "museum": "museum"}
KINDS: dict[str, Callable[[], list[Item]]] = {
    "scenarios": scenarios,
    "variants": variants,
    "hooks": list_hooks,
    "rules": rules,
    "findings": findings,
    "strategies": strategies,
    "knobs": knobs,
    "faults": faults,
    "instructions": instructions,
    "windows": windows,
    "museum": museum,
}


@click.command(epilog=EPILOG)
@click.argument("what", metavar="|".join((*KINDS, "NAME")))
@click.option(
    "--seen",
    type=click.Path(path_type=Path),
    metavar="LOG|CAMPAIGN",
    help="Of windows: how often something happened in each, in a log or a campaign's folder.",
)
@json_option
def command(what: str, seen: Path | None, *, as_json: bool) -> int:
    """List scenarios, variants, hooks, rules, findings, strategies, knobs, faults, instructions.

    Also windows: where KVM's comments say that something may happen, and KVM looks again; and the
    museum: its patches by scenario, and what is none. Or say what one thing is: a NAME of any of
    these, or of an event in logs.
    """
    if what not in KINDS:
        from harness.cli.explain import print_explanation

        print_explanation(what, as_json=as_json)
        return 0
    items = KINDS[what]() if seen is None else windows_seen(what, seen)
    if as_json:
        for item in items:
            print_json({"type": SINGULAR.get(what, what.removesuffix("s")), **item})
        print_json({"type": "summary", "verdict": CLEAN, "violations": [], "count": len(items)})
        return 0
    if what in PRINTERS:
        PRINTERS[what](items)
    else:
        click.echo(table((what, ""), [(i["name"], i["title"]) for i in items]))
    return 0


def print_rules(items: list[Item]) -> None:
    """Print the rules; a star says that a rule leaves a part of its claim to what follows."""
    rows = [
        (
            i["name"] + "*" * bool(i["leaves"]),
            i["section"],
            i["kind"],
            "+".join(i["eras"]),
            i["about"],
            i["title"],
        )
        for i in items
    ]
    click.echo(table(("rule", "section", "kind", "eras", "about", "title"), rows))
    left = [
        (i["name"], part["part"], ", ".join(part["to"]) or "no rule", part["why"])
        for i in items
        for part in i["leaves"]
    ]
    click.echo("\n* What these leave out:\n")
    click.echo(table(("rule", "part", "stated by", "why not here"), left))


def print_findings(items: list[Item]) -> None:
    """Print the findings; each with its source, what a real kernel did, and how to see it."""
    for item in items:
        click.echo(f"{item['name']}: {item['title']} ({item['in']})")
        click.echo(f"    {item['what']}.")
        click.echo(f"    source: {item['source']}")
        click.echo(f"    confirmed on: {item['confirmed'] or 'no real kernel'}; {item['upstream']}")
        for text in item["conditions"] or [f"no violation; {item['unseen']}"]:
            click.echo(f"    told by: {text}")
        click.echo(f"    see: {item['see']}; eras here: {', '.join(item['eras']) or 'none'}")


def print_museum(items: list[Item]) -> None:
    """Print the patches and where each shows, then what is no patch."""
    rows = [
        (i["name"], i["source"],
         i["deep"] or "; ".join(f"{e}: {s}" for e, s in i["shown_by"].items()),
         " ".join(i["rules"]), i["symptom"], i["title"])
        for i in items if not i["missing"]
    ]  # fmt: skip
    click.echo(table(("patch", "source", "shown by", "rules", "symptom", "title"), rows))
    click.echo("\nNo patches, for what is missing:\n")
    left = [(i["name"], i["source"], i["title"], i["missing"]) for i in items if i["missing"]]
    click.echo(table(("id", "source", "title", "missing"), left))


def print_windows(items: list[Item]) -> None:
    """Print the windows, and those of the comments that this machine has not."""
    from harness.catalogue.windows import left_out

    seen = bool(items) and "seen" in items[0]
    for item in items:
        times = f": seen {item['seen']} times" if seen else ""
        click.echo(f"{item['name']} ({', '.join(item['eras'])}){times}")
        click.echo(f"    {item['title']}")
        click.echo(f"    {item['function']}, {item['file']}")
    click.echo("\nNot here:")
    for item in left_out():
        click.echo(f"    {item['function']} ({item['file']}): {item['why']}")


def print_variants(items: list[Item]) -> None:
    """Print the variants; each patch with its source, and with what it cannot be in."""
    for item in items:
        names = item.get("variants", [])
        click.echo(f"{item['name']}: {item['title']}")
        if not names:
            continue
        click.echo(f"    as {', '.join(names)}; {item['source']}; {item['symptom']}")
        for era, why in item["not_in"].items():
            click.echo(f"    not in era {era}: {why}")


def print_scenarios(items: list[Item]) -> None:
    """Print the scenarios; each with its sizes, the states it exists to reach, and what is odd."""
    for item in items:
        sizes = f"{item['pcpus']} pCPUs, {item['vcpus']} VCPUs, {item['lrs']} LRs"
        click.echo(f"{item['name']}: {item['title']} ({sizes})")
        for era, names in item["sometimes"].items():
            click.echo(f"    sometimes, {era}: {', '.join(names)}")
        for era, why in item["unclean"].items():
            click.echo(f"    not clean in {era}: {why}")


def print_instructions(items: list[Item]) -> None:
    """Print the instructions; each with where it is stated, and an example."""
    for item in items:
        click.echo(f"{item['name']}: {item['title']}")
        click.echo(f"    stated in: {item['source']}; example: {'; '.join(item['example'])}")


PRINTERS: dict[str, Callable[[list[Item]], None]] = {
    "variants": print_variants,
    "scenarios": print_scenarios,
    "rules": print_rules,
    "findings": print_findings,
    "instructions": print_instructions,
    "windows": print_windows,
    "museum": print_museum,
}
