"""A report of a confirmation, in Markdown: what one pastes into a mail."""

from collections.abc import Iterator, Sequence

from harness.findings.known import FINDINGS
from harness.kernel.steer.confirm import Confirmation, Shown, where_left
from harness.kernel.steer.control import Decision, Fate
from harness.kernel.steer.plugin import qemu_version
from harness.kernel.steer.windows import Tally

__all__ = ["markdown", "title_of"]

TRAIL = 12
"""So many places are told of what the kernel did instead."""
EVENTS = 40
WHY = {
    Fate.BLOCKED: "reached no further place: it waits for a lock, an interrupt, or another CPU",
    Fate.ASTRAY: "was at many other places, and never at that one",
    Fate.ENDED: "was not there before the execution was over",
    Fate.STUCK: "was not there, and the execution made no progress",
    Fate.LONG: "was not there before the limit of stops",
    Fate.DONE: "was there",
}


def title_of(confirmation: Confirmation) -> str:
    """Return the case's id and title."""
    case = confirmation.case
    title = case.title or (FINDINGS[case.id].title if case.id in FINDINGS else "")
    return f"{case.id}: {title}" if title else case.id


def markdown(confirmation: Confirmation, story: Sequence[str] = ()) -> str:
    """Return the report; ``story`` has lines of the model's own, if there is one."""
    return "\n".join([*_head(confirmation), *_scripts(confirmation), *_story(confirmation, story)])


def _head(confirmation: Confirmation) -> Iterator[str]:
    kernel, hardware = confirmation.kernel, confirmation.hardware
    yield f"# {title_of(confirmation)}"
    yield ""
    yield f"**{confirmation.verdict}** on Linux {kernel.version}"
    yield ""
    yield f"- kernel: {kernel.version}, build id {kernel.build_id or 'unknown'}"
    yield (
        f"- machine: QEMU {qemu_version()}, virt, GICv{hardware.gic}, {hardware.cpus} CPUs "
        f"{hardware.cpu}, TCG; CPUs are steered by a plugin"
    )
    yield f"- wrong is: {confirmation.case.wrong}"
    control = confirmation.case.control
    yield f"- control: {control.what if control else 'none'}"
    yield ""


def _scripts(confirmation: Confirmation) -> Iterator[str]:
    yield "| windows | wrong | of | followed |"
    yield "|---|---|---|---|"
    if confirmation.case.script:
        yield row("without a script", confirmation.plain)
    for shown in confirmation.shown:
        name = f"script {shown.script.name}" if shown.script else "the guest"
        yield row(name, shown.steered, scripted=shown.script is not None)
        if confirmation.case.control:
            yield row(f"control, {name}", shown.controlled, scripted=shown.script is not None)
    yield ""
    for shown in confirmation.shown:
        yield from _shown(confirmation, shown)


def row(name: str, tally: Tally, *, scripted: bool = False) -> str:
    """Return a row of the table of windows."""
    followed = str(len(tally.followed)) if scripted else "-"
    return f"| {name} | {len(tally.bad)} | {tally.executions} | {followed} |"


def _shown(confirmation: Confirmation, shown: Shown) -> Iterator[str]:
    if shown.script is not None:
        yield f"## Script {shown.script.name}: {shown.verdict}"
        yield ""
        yield f"{shown.script.what}. {shown.why[:1].upper()}{shown.why[1:]}."
        yield ""
        yield "Each CPU alone until it is at the place; both are free before and behind:"
        yield ""
        yield from (f"    CPU {cpu} until {place}" for cpu, place in shown.script.parsed())
        yield ""
    else:
        yield f"{shown.why[:1].upper()}{shown.why[1:]}."
        yield ""
    left = where_left(shown.steered)
    if left is not None and shown.script is not None and len(shown.steered.followed) == 0:
        yield from _instead(confirmation, shown, left)
    wrong = [h for n, h in sorted(shown.steered.histories.items()) if n in shown.steered.bad]
    if wrong:
        yield f"What the guests did in execution {wrong[0].execution} (times in ticks of theirs):"
        yield ""
        lines = list(wrong[0].lines())
        yield from (f"    {line}" for line in lines[:EVENTS])
        if len(lines) > EVENTS:
            yield f"    ... and {len(lines) - EVENTS} more"
        yield ""


def _instead(confirmation: Confirmation, shown: Shown, left: tuple[int, Fate]) -> Iterator[str]:
    assert shown.script is not None
    step, fate = left
    cpu, place = shown.script.parsed()[min(step, len(shown.script.steps) - 1)]
    times = shown.steered.left[left]
    yield f"Left at step {step + 1} in {times} windows: CPU {cpu} {WHY[fate]} ({place})."
    window = next((w for w in shown.steered.astray if (w.step, w.fate) == left), None)
    if window is not None:
        yield "What it did instead:"
        yield ""
        yield from (f"    {line}" for line in trail(confirmation, window.decisions))
    yield ""


def trail(confirmation: Confirmation, decisions: Sequence[Decision]) -> list[str]:
    """Return the last places of a window, a line each."""
    name = confirmation.table.name
    return [f"CPU {each.cpu} at {name(each.place)}" for each in decisions[-TRAIL:]]


def _story(confirmation: Confirmation, story: Sequence[str]) -> Iterator[str]:
    finding = FINDINGS.get(confirmation.case.id)
    if finding is not None:
        yield "## What the model says"
        yield ""
        yield f"{finding.what}."
        yield ""
        yield f"- in: {finding.since}"
        yield f"- source: {finding.source}"
        if finding.upstream:
            yield f"- upstream: {finding.upstream}"
        yield f"- see it: `vgic-race stress {finding.see}`"
        yield ""
    if story:
        yield "## The model's schedule"
        yield ""
        yield from (f"    {line}".rstrip() for line in story)
        yield ""
