"""A schedule of the model as scripts for a real kernel.

The model's VCPU threads are CPUs there. Where one gives way to another it is parked before a step;
the table beside the flow says where that is, and that CPU goes on alone until it is there. What no
place is known for is parked at the nearest one; steps of hardware, clock and devices are not
steerable, and come as they come. A schedule begins at power-on and a guest on a real kernel does
not do everything as the model's, so each later part is a script as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.schedule import Schedule
from harness.kernel.steer.control import STEPS_MAX
from harness.kernel.steer.flow_places import SHARED, after, before
from harness.kernel.steer.places import Places
from harness.kernel.steer.script import Script
from harness.search.case import Case
from harness.search.trial import Ran, Stage
from harness.spec import RunSpec
from model.identity import Actor

__all__ = ["Translation", "translate"]

NEAR = 6
"""A place so many steps away may stand for one that is not there."""
VCPU = "vcpu"
HALTED = "halted"
EXITS = frozenset({"decode_exit"})
HANDLERS = frozenset(
    {"send_sgi", "look_spilled", "write_enable", "write_pending", "write_active", "write_target",
     "read_pending", "write_priority", "read_field", "read_ptimer", "write_ptimer", "config_lock"}
)  # fmt: skip
"""What a trap turns out to be, behind the decoding of its exit."""


@dataclass(frozen=True, slots=True)
class Parked:
    """Where a block of a VCPU ends: the step that it is parked before (or has made last)."""

    vcpu: int
    step: int
    op: str
    place: str
    visits: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Translation:
    """Scripts of a schedule, the whole first, then its later parts.

    ``notes`` say what is not exact, a line each; ``steered`` of ``steps`` places where a VCPU gives
    way are there.
    """

    scripts: tuple[Script, ...]
    notes: tuple[str, ...]
    steps: int
    steered: int


def translate(schedule: Schedule, spec: RunSpec, places: Places) -> Translation:
    """Return the scripts that a schedule comes to on a kernel.

    Raises:
        UsageError: its variant cannot be had.
    """
    stage = Stage.of(Case.of(spec))
    ran = stage.run(schedule.choices, watched=True).steps
    own = [step for step in ran if is_vcpu(step.actor)]
    # Who has ended gives way for good: that keeps nobody from anything.
    blocks = [each for each in blocks_of(own) if not ends_in(own, *each)]
    parked = [park(places, own, begin, end) for begin, end in blocks]
    steps: list[tuple[str, ...]] = []
    notes: list[str] = []
    for each in parked:
        if not each.place:
            notes.append(f"step {each.step}, {each.op} of VCPU {each.vcpu}: not steerable here")
            continue
        if not each.exact:
            notes.append(
                f"step {each.step}, {each.op} of VCPU {each.vcpu}: nearest place {each.place}"
            )
        steps.append((f"{each.vcpu} {each.place}",) * each.visits)
    scripts = []
    if steps:
        flat = tuple(step for block in steps for step in block)[:STEPS_MAX]
        scripts.append(Script("whole", "the model's schedule, from its beginning on", flat, True))
    for begin in range(len(steps)):
        # What was visited before the first step is not counted: it is reached once.
        flat = (steps[begin][0], *(step for block in steps[begin + 1 :] for step in block))
        if 1 < len(flat) <= STEPS_MAX:
            what = f"the last {len(steps) - begin} blocks of the model's schedule"
            scripts.append(Script(f"from block {begin + 1}", what, flat))
    exact = sum(1 for each in parked if each.place)
    return Translation(tuple(scripts), tuple(notes), len(parked), exact)


def is_vcpu(actor: Actor) -> bool:
    """Tell whether a step is made on a VCPU's thread."""
    return actor.kind == VCPU


def blocks_of(own: Sequence[Ran]) -> list[tuple[int, int]]:
    """Return what each VCPU does in a row: from which to which of these steps."""
    blocks: list[tuple[int, int]] = []
    begin = 0
    for n in range(1, len(own) + 1):
        if n == len(own) or own[n].task != own[begin].task:
            blocks.append((begin, n))
            begin = n
    return blocks


def ends_in(own: Sequence[Ran], begin: int, end: int) -> bool:
    """Tell whether a VCPU's program is over in a block."""
    return any(step.op.name == HALTED for step in own[begin:end])


def park(places: Places, own: Sequence[Ran], begin: int, end: int) -> Parked:
    """Return where a block ends: before its VCPU's next step, or the nearest place."""
    vcpu, task = own[begin].actor.vcpu, own[begin].task
    mine = [n for n in range(end, len(own)) if own[n].task == task]
    ahead = [own[n] for n in mine[:NEAR]]
    back = [own[n] for n in range(end - 1, begin - 1, -1)][:NEAR]
    if ahead:
        place = before(places, specific(ahead))
        if place:
            return parked_at(places, own, begin, end, place, ahead[0], exact=True)
    last = next((step for step in back if step.op.name not in SHARED), back[0])
    place = after(places, last.op.name)
    if place:
        exact = not ahead
        return Parked(vcpu, last.step, last.op.name, place, 1, exact)
    target = ahead[0] if ahead else last
    for distance in range(NEAR):
        for candidates in (ahead[1:], back):
            if distance < len(candidates):
                place = before(places, candidates[distance].op.name)
                if place:
                    return parked_at(places, own, begin, end, place, target, exact=False)
    return Parked(vcpu, target.step, target.op.name, "", 0, False)


def specific(ahead: Sequence[Ran]) -> str:
    """Return the step that tells where a CPU is: an exit's, by what it turns out to be."""
    first = ahead[0].op.name
    if first in EXITS:
        return next((step.op.name for step in ahead if step.op.name in HANDLERS), first)
    return first


def parked_at(
    places: Places, own: Sequence[Ran], begin: int, end: int, place: str, step: Ran, *, exact: bool
) -> Parked:
    """Return a parking place, with how often its VCPU comes by in the block."""
    visits = 1 + sum(
        before(places, own[n].op.name) == place
        and (n == begin or own[n - 1].op.name != own[n].op.name)
        for n in range(begin + 1, end)
    )
    return Parked(own[begin].actor.vcpu, step.step, step.op.name, place, visits, exact)
