"""The names that a command line may have, by kind: for completion, and to say what is near."""

from collections.abc import Callable

__all__ = ["KINDS", "names", "topics"]


def scenarios() -> list[str]:
    """Return the built-in scenarios."""
    from harness.scenarios.schema import builtin_names

    return builtin_names()


def variants() -> list[str]:
    """Return eras, patches, patches on eras, and all faults as shipped."""
    from harness.museum import patches
    from harness.variants import ERAS, SHIPPED, variant_names

    known = list(patches())
    return [*variant_names(), *(f"{era}+{SHIPPED}" for era in ERAS), *known]


def rules() -> list[str]:
    """Return the ids of rules, those of traces with them."""
    from model.rules.registry import RULES, TRACED

    return [*RULES, *TRACED]


def findings() -> list[str]:
    """Return the ids of findings."""
    from harness.findings.known import FINDINGS

    return list(FINDINGS)


def knobs() -> list[str]:
    """Return the names of knobs."""
    from harness.spec import KNOBS

    return list(KNOBS)


def strategies() -> list[str]:
    """Return the strategies of a campaign."""
    from harness.campaign.plan import STRATEGIES

    return list(STRATEGIES)


def hooks() -> list[str]:
    """Return the hooks that a variant may override."""
    from harness.kvm.hooks import hooks

    return list(hooks())


def instructions() -> list[str]:
    """Return the instructions of guest programs, by the words that they begin with."""
    from harness.scenarios.instructions import entries

    return [entry.name for entry in entries()]


def windows() -> list[str]:
    """Return the windows of the kernel's comments."""
    from model.rules.windows import WINDOWS

    return [window.id for window in WINDOWS]


def topics() -> list[str]:
    """Return the topics of the reference."""
    from harness.help.topics import TOPICS

    return list(TOPICS)


def events() -> list[str]:
    """Return the kinds of events in a log."""
    from harness.log.registry import REGISTRY

    return list(REGISTRY)


KINDS: dict[str, Callable[[], list[str]]] = {
    "rule": rules,
    "variant": variants,
    "finding": findings,
    "scenario": scenarios,
    "knob": knobs,
    "instruction": instructions,
    "strategy": strategies,
    "hook": hooks,
    "window": windows,
    "event": events,
}
"""What a name may be the name of, as ``list NAME`` looks for it."""


def names(kind: str) -> list[str]:
    """Return all names of a kind, in the order in which they are listed."""
    return KINDS[kind]()
