"""What is known of a failure, in sentences: the chain from cause to symptom, and what decides."""

from pathlib import Path
from typing import NamedTuple, Protocol

from harness.engine.schedule import LINE_MAX
from harness.errors import UsageError
from harness.log.registry import Header
from harness.museum import patches
from harness.places import shown
from harness.search.explanation import Explanation, Moment, Symptom, Window
from harness.user_rules import rule_of
from model.check.violation import Violation

__all__ = [
    "Known",
    "Said",
    "chain_of",
    "compact_of",
    "headline",
    "how_to_replay",
    "not_known",
    "rule_text",
    "what_decides",
]


NOT_KNOWN = "no finding that is on record"


def not_known(variant: str) -> str:
    """Return what is said of a failure that is no finding: which bugs of the museum it may be."""
    found = patches()
    names = [name for name in variant.split("+")[1:] if name in found]
    if not names:
        return NOT_KNOWN
    titles = "; ".join(f"{name}, {found[name].title} ({found[name].source})" for name in names)
    return f"no finding; of the museum: {titles}"


class Known(Protocol):
    """A known finding, as far as a report shows it."""

    @property
    def id(self) -> str:
        """Its stable id, such as "F2"."""

    @property
    def title(self) -> str:
        """What happens, in a sentence."""


class Said(NamedTuple):
    """A sentence and the word that it stands under."""

    label: str
    text: str


def headline(header: Header) -> str:
    """Return what was run: scenario and variant."""
    return f"{header.scenario} {header.variant}"


def rule_text(violation: Violation) -> str:
    """Return the broken rule: its id, its claim, and where that stands."""
    rule = rule_of(violation.rule)
    return violation.rule if rule is None else f"{rule.id}: {rule.title} [{rule.section}]"


def moment_text(moment: Moment) -> str:
    """Return a step of an actor as a reader calls it."""
    if not moment.step:
        return f"{moment.task} {moment.op}"
    instead = f", {moment.instead} instead" if moment.instead else ""
    return f"{moment.task} {moment.op} (step {moment.step}{instead})"


def chain_of(explanation: Explanation | None, finding: Known | None) -> list[Said]:
    """Return the chain from the cause to the rule to what the guest suffers, as far as known."""
    said = []
    if finding is not None:
        said.append(Said("known", f"{finding.id}: {finding.title}"))
    if explanation is None:
        return said
    if explanation.cause is not None:
        said.append(
            Said("cause", f"{moment_text(explanation.cause)}: from here on it differs from its era")
        )
    violation = explanation.violation
    said.append(Said("rule", f"{violation.rule}, step {violation.step}: {violation.text}"))
    if explanation.symptom is not None:
        said.append(Said("symptom", symptom_text(explanation.symptom)))
    return said


def symptom_text(symptom: Symptom) -> str:
    """Return what the guest suffers, or that nothing was found."""
    violation = symptom.violation
    if violation is None:
        return f"none that a guest can see in {symptom.drawn} schedules that go on from here"
    return f"{violation.rule}, step {violation.step}: {violation.text}"


def what_decides(explanation: Explanation | None) -> list[Said]:
    """Return what decides between fail and pass, and how sure that is."""
    if explanation is None:
        return []
    said = []
    if explanation.calm:
        said.append(Said("order", "fails in the calm order itself: no race is needed"))
    for number, pair in enumerate(explanation.pairs):
        both = f"{moment_text(pair.first)} before {moment_text(pair.second)}"
        other = " fails; the other way round it passes" if number == 0 else ""
        said.append(Said("order" if number == 0 else "and", f"{both}{other}"))
    said += [Said("window", window_text(window)) for window in explanation.windows]
    if explanation.fewer:
        said.append(Said("least", explanation.fewer))
    if explanation.preemptive >= 0:
        said.append(Said("switches", switches_text(explanation)))
    if explanation.inevitable > 0:
        said.append(
            Said("too late", f"from step {explanation.inevitable} on every way to go on fails")
        )
    return said


def window_text(window: Window) -> str:
    """Return where a departure from the calm order may lie."""
    ends = [
        f"{word} {moment_text(moment)}"
        for word, moment in (("after", window.after), ("before", window.before))
        if moment is not None
    ]
    where = " and ".join(ends) if ends else "anywhere"
    return f"{moment_text(window.what)} fails {where}"


def switches_text(explanation: Explanation) -> str:
    """Return with how few preemptive switches it fails, and whether that is the least."""
    n = explanation.preemptive
    if not n:
        return "no preemptive switch is needed"
    proof = f"no schedule with fewer than {n} fails" if explanation.proved else "fewer may do"
    return f"{n} preemptive; {proof}"


def compact_of(header: Header) -> str:
    """Return a log's schedule in its compact form; nothing if it cannot be read."""
    from harness.engine.compact import pack
    from harness.engine.schedule import Schedule

    try:
        return pack(Schedule.parse(header.schedule))
    except UsageError:
        return ""


def how_to_replay(header: Header, place: Path | None) -> str:
    """Return what ``vgic-race replay`` takes: the schedule if it is short, else the log's path.

    Args:
        header: the header of the log.
        place: the path of the log, or None: it is in no file.

    """
    if place is not None and len(header.schedule) > LINE_MAX:
        return shown(place)
    return header.schedule
