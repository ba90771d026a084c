"""Scenarios made smaller: each edit is a case with less in it, and what becomes of a plan there.

Nothing here runs anything. An edit may make a guest that is wrong by itself, or one that can no
longer fail; whoever tries it finds out. What could not be run at all is not proposed.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from harness.errors import UsageError
from harness.scenarios.schema import check
from harness.search.case import Case
from harness.search.programs import (
    fewer_lines,
    programmed,
    smaller_numbers,
    with_lines,
    without_interrupt,
    without_vcpu,
    without_waits,
)
from harness.search.rename import Rename

__all__ = ["KINDS", "Edit", "edits"]

replaced = msgspec.structs.replace


class Edit:
    """One way to make a case smaller.

    Attributes:
        what: what it does, in a few words.
        case: the case that comes of it.
        rename: what becomes of a plan.
        task: the task of the VCPU whose program is shorter, "" if it is no such edit.

    """

    __slots__ = ("case", "rename", "task", "what")

    def __init__(self, what: str, case: Case, rename: Rename | None = None, task: str = "") -> None:
        self.what = what
        self.task = task
        self.case = case
        self.rename = Rename() if rename is None else rename


def edits(case: Case, kind: str) -> Iterator[Edit]:
    """Propose the edits of a kind (a key of :data:`KINDS`), those that take away most first."""
    for edit in KINDS[kind](case):
        if edit.case == case:
            continue
        try:
            check(edit.case.scenario, edit.what)
        except UsageError:
            continue
        yield edit


def drop_knobs(case: Case) -> Iterator[Edit]:
    """Leave a knob at its default."""
    for name, _ in case.knobs:
        if name == "steps_max":
            continue  # a bound, and no property of the machine
        left = tuple(pair for pair in case.knobs if pair[0] != name)
        yield Edit(f"knob {name} at its default", replaced(case, knobs=left))


def drop_vcpus(case: Case) -> Iterator[Edit]:
    """Take a VCPU away, with what the others say to it."""
    s = case.scenario
    count = len(s.vcpu)
    for v in reversed(range(count) if count > 1 else ()):
        rename = Rename.of_vcpu(v)
        forwards = tuple(replaced(f, vcpu=max(rename.number(f.vcpu % count), 0)) for f in s.forward)
        smaller = case.replace(vcpu=without_vcpu(s.vcpu, v), forward=forwards)
        yield Edit(f"VCPU {v} out", smaller, rename)


def drop_pcpus(case: Case) -> Iterator[Edit]:
    """Take a physical CPU away; what it did is left out, or done by CPU 0."""
    s = case.scenario
    for c in reversed(range(s.pcpus) if s.pcpus > 1 else ()):
        for merged in (False, True):
            rename = Rename.of_pcpu(c, merged=merged)
            forwards = tuple(
                replaced(f, pcpu=max(rename.number(f.pcpu % s.pcpus), 0)) for f in s.forward
            )
            smaller = case.replace(pcpus=s.pcpus - 1, forward=forwards)
            yield Edit(f"CPU {c} out", smaller, rename)


def drop_devices(case: Case) -> Iterator[Edit]:
    """Take a host device or a passthrough device away, with what guests do about it."""
    s = case.scenario
    for n in reversed(range(len(s.device))):
        smaller = case.replace(device=(*s.device[:n], *s.device[n + 1 :]))
        yield Edit(f"device {n} out", smaller, Rename.of_device(n))
    for n in reversed(range(len(s.forward))):
        gone = s.forward[n]
        left = tuple(
            replaced(f, after=gone.after) if f.after == gone.vintid else f
            for f in (*s.forward[:n], *s.forward[n + 1 :])
        )
        smaller = case.replace(forward=left, vcpu=without_interrupt(s.vcpu, gone.vintid))
        yield Edit(f"passthrough device {n} out", smaller, Rename.of_forward(n))


def fewer_registers(case: Case) -> Iterator[Edit]:
    """Take a List Register away together with an interrupt that fills it.

    A failure that needs more interrupts than registers is much shorter with few of both.
    """
    if case.scenario.lrs == 1:
        return
    smaller = case.replace(lrs=case.scenario.lrs - 1)
    less = [*drop_devices(smaller), *drop_sgis(smaller)]
    for edit in less:
        what = f"List Registers {smaller.scenario.lrs}, {edit.what}"
        yield Edit(what, edit.case, edit.rename)


def drop_sgis(case: Case) -> Iterator[Edit]:
    """Take SGIs out of all programs."""
    vcpus = case.scenario.vcpu
    sgis = {int(line.split()[1], 0) for v in vcpus for line in v.program if line[:4] == "sgi "}
    for sgi in sorted(sgis):
        yield Edit(f"SGI {sgi} out", case.replace(vcpu=without_interrupt(vcpus, sgi)))


def fewer_stimuli(case: Case) -> Iterator[Edit]:
    """Let stimuli come less often: not at all, or once less."""
    s = case.scenario
    for name in ("preemptions", "resets", "saves", "bypasses"):
        now = getattr(s, name)
        for less in dict.fromkeys((0, now - 1)) if now else ():
            yield Edit(f"{name} {less}", case.replace(**{name: less}))
    for n, device in enumerate(s.device):
        if device.edges > 1:
            less = (*s.device[:n], replaced(device, edges=device.edges - 1), *s.device[n + 1 :])
            yield Edit(f"device {n}: one edge less", case.replace(device=less))
    for n, forward in enumerate(s.forward):
        if forward.after is not None:
            alone = (*s.forward[:n], replaced(forward, after=None), *s.forward[n + 1 :])
            yield Edit(f"passthrough device {n} by itself", case.replace(forward=alone))
        for events in dict.fromkeys((1, forward.events - 1)) if forward.events > 1 else ():
            changed = replaced(forward, events=events)
            less_of = (*s.forward[:n], changed, *s.forward[n + 1 :])
            yield Edit(f"passthrough device {n}: {events} events", case.replace(forward=less_of))


def shorter_programs(case: Case) -> Iterator[Edit]:
    """Take SGIs and lines of programs out."""
    yield from drop_sgis(case)
    for v, vcpu in enumerate(case.scenario.vcpu):
        yield from shorter_handlers(case, v)
        for what, lines in fewer_lines(vcpu.program):
            yield with_program(case, v, lines, f"lines {what} out")


def shorter_handlers(case: Case, v: int) -> Iterator[Edit]:
    """Give a VCPU the driver's handler, or lines of its own out of it."""
    vcpus = case.scenario.vcpu
    handler = vcpus[v].handler
    if handler is None:
        return
    for what, lines in (("the driver's handler", None), *fewer_lines(handler)):
        changed = replaced(vcpus[v], handler=lines)
        said = what if lines is None else f"handler, lines {what} out"
        yield Edit(f"VCPU {v}: {said}", case.replace(vcpu=(*vcpus[:v], changed, *vcpus[v + 1 :])))


def programmed_timers(case: Case) -> Iterator[Edit]:
    """Let user space program timers before the guest runs, at once due or later."""
    vcpus = case.scenario.vcpu
    for v, vcpu in enumerate(vcpus):
        for what, changed in programmed(vcpu):
            smaller = case.replace(vcpu=(*vcpus[:v], changed, *vcpus[v + 1 :]))
            yield Edit(f"VCPU {v}: {what}", smaller)


def fewer_instructions(case: Case) -> Iterator[Edit]:
    """Let programs and handlers execute fewer instructions."""
    handler = case.scenario.handler
    for less in dict.fromkeys((0, handler // 2, handler - 1)) if handler else ():
        yield Edit(f"handler {less}", case.replace(handler=less))
    for v, vcpu in enumerate(case.scenario.vcpu):
        for what, lines in smaller_numbers(vcpu.program):
            yield with_program(case, v, lines, what)


def no_waits(case: Case) -> Iterator[Edit]:
    """Let guests return to user space once instead of waiting."""
    for v, vcpu in enumerate(case.scenario.vcpu):
        for what, lines in without_waits(vcpu.program):
            yield with_program(case, v, lines, what)


def plainer(case: Case) -> Iterator[Edit]:
    """Leave what guests and the machine do otherwise than usual."""
    for name, usual in PLAIN.items():
        yield Edit(f"{name} {usual}", case.replace(**{name: usual}))
    usual_priority = tuple(replaced(f, priority=PRIORITY) for f in case.scenario.forward)
    yield Edit("priorities as usual", case.replace(forward=usual_priority))


def with_program(case: Case, v: int, lines: tuple[str, ...], what: str) -> Edit:
    """Return the edit that gives VCPU ``v`` another program."""
    vcpus = case.scenario.vcpu
    changed = (*vcpus[:v], with_lines(vcpus[v], lines), *vcpus[v + 1 :])
    return Edit(f"VCPU {v}: {what}", case.replace(vcpu=changed), task=f"v{v}")


PRIORITY: Final = 0xA0
PLAIN: Final = {
    "nested": False,
    "eoi_first": False,
    "deactivate": "handler",
    "eoimode": 0,
    "twice": -1,
    "preempts_sleepers": False,
    "wakes_anywhere": False,
    "timer_priority": PRIORITY,
    "sgi_priority": PRIORITY,
    "lrs": 4,
}
KINDS: Final[dict[str, Callable[[Case], Iterator[Edit]]]] = {
    "knobs": drop_knobs,
    "vcpus": drop_vcpus,
    "devices": drop_devices,
    "registers": fewer_registers,
    "pcpus": drop_pcpus,
    "stimuli": fewer_stimuli,
    "programs": shorter_programs,
    "timers": programmed_timers,
    "instructions": fewer_instructions,
    "plain": plainer,
    "waits": no_waits,
}
"""The kinds of edits, in the order in which they are tried."""
