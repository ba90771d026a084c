"""What ``vgic-race list NAME`` says of one thing: a rule, a variant, a knob, and so on.

Each is a flat object, with ``type`` and ``name`` in front: what ``--json`` prints. A name may be
that of several things: ``F2`` is a finding, and the variant that shows it.
"""

import difflib
from collections.abc import Callable
from typing import Any

from harness.catalogue.items import Item, rule_item, scenario_item
from harness.catalogue.mutants import MUTANTS
from harness.catalogue.names import KINDS, names
from harness.catalogue.own import explain_own
from harness.catalogue.shows import SHOWS
from harness.catalogue.words import paragraphs
from harness.errors import UsageError, shortened

__all__ = ["Item", "explain"]

LISTS = (
    "scenarios", "variants", "hooks", "rules", "findings", "strategies", "knobs", "faults",
    "instructions",
)  # fmt: skip
LEAST_NEAR = 0.6
"""How near a name must be to be suggested (difflib's ratio)."""


def explain(name: str) -> list[Item]:
    """Return what all things of a name are: vgic-race's, or else one of the user's own.

    Raises:
        UsageError: there is none; the nearest names are told, with what they are.
    """
    found = [EXPLAIN[kind](known) for kind in EXPLAIN for known in matching(kind, name)]
    if not found and (one := composition(name) or explain_own(name)) is not None:
        found = [one]
    if not found:
        raise nothing(name)
    return found


def matching(kind: str, name: str) -> list[str]:
    """Return the name of a kind that is meant: letters may be large or small."""
    known = names(kind)
    if name in known:
        return [name]
    return [each for each in known if each.casefold() == name.casefold()][:1]


def composition(name: str) -> Item | None:
    """Return a variant of several patches; None if it is none.

    Raises:
        UsageError: its patches cannot be put together.
    """
    if "+" not in name or ":" in name:
        return None
    from harness.variants import resolve_variant

    cls = resolve_variant(name)
    patches = [part for part in name.split("+")[1:] if part in names("variant")]
    return {
        "type": "variant", "name": name, "title": f"patches laid over era {cls.era}",
        "eras": [cls.era], "patches": patches, "command": f"vgic-race stress --variant {name}",
    }  # fmt: skip


def nothing(name: str) -> UsageError:
    """Return the error that there is nothing of that name."""
    known: dict[str, list[str]] = {}
    for kind in KINDS:
        for each in names(kind):
            known.setdefault(each, []).append(kind)
    for each in LISTS:
        known.setdefault(each, []).append("list")
    folded = {each.casefold(): each for each in known}
    short = name[:60].casefold()
    near = difflib.get_close_matches(short, list(folded), n=4, cutoff=LEAST_NEAR)
    near += [each for each in folded if short and each.startswith(short) and each not in near][:3]
    told = ", ".join(f"{folded[n]!r} ({' and '.join(known[folded[n]])})" for n in near)
    kinds = ", ".join(KINDS)
    hint = f"did you mean {told}?" if told else f"expected a list, or the name of a {kinds}"
    return UsageError(f"there is nothing called {shortened(repr(name), 200)}; {hint}")


# -- one function per kind -------------------------------------------------------------------------


def rule(name: str) -> Item:
    """Return what a rule says, where that is stated, what it needs, and what breaks it."""
    from model.rules.inexpressible import UNSTATED
    from model.rules.registry import RULES, TRACED

    cls = RULES.get(name) or TRACED[name]
    variants = [variant for variant, (_, _, rules) in SHOWS.items() if name in rules]
    return {
        **rule_item(cls),
        "holds_with": knobs_of(cls),
        "mutants": [f"{mutant} on {scenario}" for mutant, scenario in MUTANTS.get(name, ())],
        "variants": [f"{variant} on {SHOWS[variant][0]}" for variant in variants],
        "leaves": [f"{x.part}: {', '.join(x.by) or 'no rule'} ({x.why})" for x in UNSTATED
                   if x.id == name],
        "command": f"vgic-race stress --rules {name}",
    }  # fmt: skip


def knobs_of(rule: Any) -> list[str]:
    """Return the settings of knobs with which a rule does not hold, as far as one knob tells."""
    from harness.spec import CHOICES, NUMBERS, RunSpec
    from model.check.setting import Setting

    values = {**CHOICES, **{name: range(low, high + 1) for name, (low, high) in NUMBERS.items()}}
    usual = RunSpec.make("timer-wfi", "v7.2")
    out = []
    for knob in ("gic_version", "gic_messages", "lr_on_guest_deactivate", "eoimode"):
        holds = []
        for value in values[knob]:
            spec = RunSpec.make("timer-wfi", "v7.2", knobs={knob: str(value)})
            config = spec.config(usual.loaded())
            if rule.applies(Setting.of(config)):
                holds.append(str(value))
        if 0 < len(holds) < len(values[knob]):
            out.append(f"{knob}={'|'.join(holds)}")
    return out


def variant(name: str) -> Item:
    """Return what an era or a patch is, with its source, its symptom, and what shows it."""
    from harness.museum import patches
    from harness.variants import ERAS, SHIPPED

    era, _, rest = name.partition("+")
    if name in ERAS:
        title = paragraphs(ERAS[name].__doc__)[0]
        return {"type": "variant", "name": name, "title": title, "eras": [name],
                "command": f"vgic-race stress --variant {name}"}  # fmt: skip
    if rest == SHIPPED:
        shipped = [p.id for p in patches().values() if p.shipped and era not in p.refused]
        return {
            "type": "variant", "name": name, "eras": [era], "patches": shipped,
            "title": f"era {era} with the faults of KVM as shipped that it is mended for",
            "command": f"vgic-race stress --variant {name}",
        }  # fmt: skip
    patch = patches()[rest or name]
    eras = [each for each in ERAS if each not in patch.refused and rest in ("", patch.id)]
    eras = [era] if rest else eras
    shows = {f"{each}+{patch.id}": SHOWS.get(f"{each}+{patch.id}") for each in eras}
    return {
        "type": "variant",
        "name": name,
        "title": patch.title,
        "source": patch.source,
        "symptom": patch.symptom,
        "eras": eras,
        "not_in": dict(patch.refused),
        "shown_by": {full: show[0] for full, show in shows.items() if show},
        "rules": sorted({each for show in shows.values() if show for each in show[2]}),
        "command": next((f"vgic-race stress {show[0]} --variant {full}"
                         for full, show in shows.items() if show),
                        f"vgic-race stress --variant {name}"),
    }  # fmt: skip


def finding(name: str) -> Item:
    """Return what a finding is, and how to see it."""
    from harness.findings.known import FINDINGS

    found = FINDINGS[name]
    seen = found.see.startswith("--") or found.see.split(" ")[0] in names("scenario")
    return {
        "type": "finding", "name": name, "title": found.title, "in": found.since,
        "what": found.what, "source": found.source, "eras": list(found.eras),
        "confirmed": found.confirmed or "no real kernel", "upstream": found.upstream,
        "rules": sorted({each for condition in found.conditions for each in condition.broken}),
        "conditions": [condition.text for condition in found.conditions], "unseen": found.unseen,
        "see": found.see, "command": f"vgic-race stress {found.see}" if seen else "",
    }  # fmt: skip


def scenario(name: str) -> Item:
    """Return what a scenario is: sizes, programs, devices, and the states it exists to reach."""
    from harness.scenarios.schema import load_builtin

    found = load_builtin(name)
    return {
        **scenario_item(name, found),
        "sometimes": {era: list(states) for era, states in found.sometimes.items()},
        "unclean": found.unclean,
        "shows": [variant for variant, show in SHOWS.items() if show[0] == name],
        "command": f"vgic-race run {name}",
    }  # fmt: skip


MATTERS = {
    "gic_version": "List Registers and SGIs: those of a GICv2 have a source; at most 8 CPUs",
    "gic_lag": "how late lines, pins, edges and MSIs may be; what is PROVED names it",
    "gic_messages": "the races between a GIC and its CPUs: synchronous has none of them, lagging "
    "shows KVM's reliance on the bounds (findings F1, F5)",
    "lr_on_guest_deactivate": "devices whose interrupt the host takes on another CPU: polled "
    "loses one there (variant 57); for the timer a guest cannot tell",
    "eoimode": "scenarios with overflow: EOImode 1 deactivates by DIR, which may trap",
    "tdir": "EOImode 1 with SPIs or overflow, on a GICv3: without TDIR EL2 carries out each DIR",
    "posted_writes": "forwarded interrupts: a guest may deactivate before the write arrives, where "
    "the host does not read it back (variant read-back, and v4.14)",
    "masks": "the timer: no active state that its guest ends, but the host's mask, which the fold "
    "lifts",
    "host": "the physical timer, in the hardware with vhe: a second interrupt that the host hands "
    "on; a GICv3's List Registers are then written by the kernel",
    "counter": "scenarios that save the VM: stops writes KVM_REG_ARM_TIMER_CNT when it is restored",
    "ipis": "kicks: what KVM asks of a VCPU that runs reaches it by an IPI; lossy is a broken "
    "machine (variant ipi-lost)",
    "preemptions": "scenarios that migrate: with 0 no VCPU thread is ever moved",
    "steps_max": "executions that end at a bound, which makes a campaign inconclusive",
}
"""Where each knob matters."""


def knob(name: str) -> Item:
    """Return what a knob does, its values, and where it matters."""
    from harness.spec import CHOICES, KNOBS, NUMBERS

    low, high = NUMBERS.get(name, (0, 0))
    values = list(CHOICES[name]) if name in CHOICES else [f"{low} to {high}"]
    first = values[-1] if name in CHOICES else str(low)
    return {
        "type": "knob", "name": name, "title": KNOBS[name], "values": values,
        "matters": MATTERS[name], "command": f"vgic-race stress --knob {name}={first}",
    }  # fmt: skip


def instruction(name: str) -> Item:
    """Return how an instruction of guest programs is written, and what it does."""
    from harness.scenarios.instructions import entries

    entry = next(each for each in entries() if each.name == name)
    return {
        "type": "instruction", "name": name, "title": entry.what, "form": entry.form,
        "numbers": {x.name: f"{x.low} to {x.high}" for x in entry.args},
        "source": entry.source, "example": "; ".join(entry.example),
    }  # fmt: skip


def strategy(name: str) -> Item:
    """Return what a strategy does."""
    from harness.campaign.plan import STRATEGIES

    return {"type": "strategy", "name": name, "title": STRATEGIES[name],
            "command": f"vgic-race stress --strategy {name}"}  # fmt: skip


def hook(name: str) -> Item:
    """Return when a hook is called, and in which eras."""
    from harness.kvm.hooks import ERA_LISTS, hooks

    only = {member: era for era, group in ERA_LISTS.items() for member in vars(group)}
    eras = [only[name]] if name in only else list(ERA_LISTS)
    return {"type": "hook", "name": name, "title": hooks()[name], "eras": eras}


def window(name: str) -> Item:
    """Return what a window is, and which scenarios exist to have something happen in it."""
    from harness.catalogue.windows import row
    from harness.scenarios.schema import builtin_names, load_builtin
    from model.rules.windows import WINDOWS, name_of

    found = next(each for each in WINDOWS if each.id == name)
    state = name_of(found)
    tries = [
        n
        for n in builtin_names()
        if any(state in states for states in load_builtin(n).sometimes.values())
    ]
    words = ["vgic-race stress", *tries[:1], "-v"]
    return {"type": "window", **row(found), "tried by": tries, "command": " ".join(words)}


def event(name: str) -> Item:
    """Return what an event of a log says."""
    from harness.log.registry import REGISTRY

    kind = REGISTRY[name]
    says = paragraphs(kind.type.__doc__)
    return {"type": "event", "name": name, "title": says[0], "says": says[1:], "text": kind.text,
            "fields": list(kind.type.__struct_fields__)}  # fmt: skip


EXPLAIN: dict[str, Callable[[str], Item]] = {
    "rule": rule, "variant": variant, "finding": finding, "scenario": scenario, "knob": knob,
    "instruction": instruction, "strategy": strategy, "hook": hook, "window": window,
    "event": event,
}  # fmt: skip
