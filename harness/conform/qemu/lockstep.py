"""The lock step: the same operations on the model and on QEMU, everything compared after each.

Operations are carried out on the model first; what it shows after each is kept, and the agent
executes the same list with a snapshot of every CPU after each operation. While QEMU works on one
list, the next is made here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.conform.qemu import its, layout
from harness.conform.qemu.choices import View
from harness.conform.qemu.conditions import Case
from harness.conform.qemu.drive import Model, image
from harness.conform.qemu.emit import READS, Operation, emitter
from harness.conform.qemu.excuses import Excuse
from harness.conform.qemu.lines import machine_setup
from harness.conform.qemu.mailbox import RECORD, SNAP_CPU, SNAP_SHARED, MailboxError
from harness.conform.qemu.process import Qemu

__all__ = ["Divergence", "LockStep", "Step", "plan"]

_SNAPSHOTS = 0x400000
_MASK = (1 << 64) - 1


@dataclass(slots=True)
class Step:
    """One operation, what the model returned and showed, and what QEMU is forgiven to show.

    ``value`` is None for an operation that does not read. ``expected`` is the model's image; where
    ``excuses`` apply, ``departed`` is the image that they predict of QEMU. ``repair`` marks an
    operation that ends an excuse.
    """

    operation: Operation
    value: int | None
    expected: bytes
    excuses: tuple[str, ...] = ()
    departed: bytes = b""
    repair: bool = False


@dataclass
class Divergence:
    """The first step after which the two sides differ, with what QEMU returned and showed.

    ``index`` is the step's, from 0, in the list that was compared.
    """

    index: int
    step: Step
    value: int | None
    actual: bytes


@dataclass
class Tally:
    """What was counted over a whole conformance run.

    ``snapshots`` counts comparisons of the whole state, ``values`` those of what an operation read,
    by its name, and ``excuses`` how often each was granted.
    """

    snapshots: int = 0
    values: Counter[str] = field(default_factory=Counter)
    excuses: Counter[str] = field(default_factory=Counter)


class Excuses:
    """The excuses that apply, by the operations that call for them, and those that stand."""

    def __init__(self, excuses: Iterable[Excuse]) -> None:
        self.standing = []
        self.table: dict[str, list[Excuse]] = {}
        for excuse in excuses:
            if excuse.stands is not None:
                self.standing.append((excuse.name, excuse.stands))
            for name in excuse.operations:
                self.table.setdefault(name, []).append(excuse)


def plan(
    model: Model, operation: Operation, before: View, excuses: Excuses, tally: Counter[str]
) -> tuple[list[Step], View]:
    """Carry out an operation on the model; return its step, with those that repair, and the view.

    Args:
        model: the model, which the operation changes.
        operation: what is to be done.
        before: the model's view before it.
        excuses: those that may be granted.
        tally: counts the occasions on which the model follows QEMU's choice, by excuse.

    Raises:
        KeyError: there is no operation of that name.
    """
    value = model.apply(operation)
    view = model.view()
    step = Step(operation, value, image(view))
    steps = [step]
    case = Case(model, operation, before, view)
    repairs: list[Operation] = []
    for excuse in excuses.table.get(str(operation[0]), ()):
        if excuse.applies is None or not excuse.applies(case):
            continue
        if excuse.repair is not None:
            repairs += excuse.repair(case)
        if excuse.shows is None:
            tally[excuse.name] += 1
            continue
        excuse.shows(case)
        step.excuses = (*step.excuses, excuse.name)
    _stand(step, case, excuses)
    for repair in repairs:
        value = model.apply(repair)
        case = Case(model, repair, view, model.view())
        view = case.shown
        steps.append(Step(repair, value, image(view), repair=True))
        _stand(steps[-1], case, excuses)
    return steps, view


def _stand(step: Step, case: Case, excuses: Excuses) -> None:
    """Let the standing excuses have their say on what QEMU shows after a step."""
    for assumption in case.assumptions:
        assumption(True)
    for name, stands in excuses.standing:
        shown = case.shown
        stands(case)
        if case.shown is not shown:
            step.excuses = (*step.excuses, name)
    for assumption in case.assumptions:
        assumption(False)
    if step.excuses:
        step.departed = image(case.shown)


class LockStep:
    """A running QEMU with the lists in flight, at most one executing and one being compared.

    Raises:
        MailboxError: the agent does not answer, or cannot set up the devices.
    """

    def __init__(self, qemu: Qemu) -> None:
        self.qemu = qemu
        self.cpus = qemu.cpus
        self.emit = emitter(qemu.gic)
        self.size = qemu.cpus * layout.CPU_BYTES + layout.SHARED_BYTES
        self.tally = Tally()
        self._snapshots: dict[tuple[int, int, int], bytes] = {}
        self._reset = b"".join(
            RECORD.pack(*record, 0) for record in self.emit(("reset", qemu.cpus))
        )
        self._buffer = 0
        self._flight: tuple[int, int, list[Step], list[int]] | None = None
        self._exceptions = 0
        self.qemu.mailbox.call(machine_setup(qemu.cpus))
        if qemu.gic == 3:
            self.qemu.mailbox.call(its.setup(qemu.cpus))

    def _snapshot(self, buffer: int, slot: int, first: int) -> bytes:
        """Return the records that copy the state of every CPU, beginning with ``first``."""
        key = (buffer, slot, first)
        made = self._snapshots.get(key)
        if made is None:
            base = layout.BUFFERS[buffer] + _SNAPSHOTS + slot * self.size
            cpus = [(first + offset) % self.cpus for offset in range(self.cpus)]
            records = [(SNAP_SHARED, first, base + self.cpus * layout.CPU_BYTES, 0, 0)]
            records += [(SNAP_CPU, cpu, base + cpu * layout.CPU_BYTES, 0, 0) for cpu in cpus]
            made = b"".join(RECORD.pack(*record) for record in records)
            self._snapshots[key] = made
        return made

    def submit(self, steps: list[Step], *, fresh: bool) -> None:
        """Hand a list of steps to QEMU; ``fresh``: bring it to the initial state first.

        Raises:
            MailboxError: the list does not fit its buffer (see :attr:`capacity`).
        """
        buffer = self._buffer
        chunks = [self._reset] if fresh else []
        count = len(self._reset) // 32 if fresh else 0
        reads: list[int] = []
        emit, pack = self.emit, RECORD.pack
        for slot, step in enumerate(steps):
            operation = step.operation
            if operation[0] in READS:
                reads.append(count)
            records = emit(operation)
            chunks += [pack(op, cpu, where, value & _MASK, 0) for op, cpu, where, value in records]
            chunks.append(self._snapshot(buffer, slot, int(operation[1])))
            count += len(records) + self.cpus + 1
        data = b"".join(chunks)
        if len(data) > _SNAPSHOTS or _SNAPSHOTS + len(steps) * self.size > layout.BUFFER_BYTES:
            raise MailboxError(f"a list of {len(steps)} steps does not fit its buffer")
        sequence = self.qemu.mailbox.submit_bytes(buffer, data)
        self._flight = (buffer, sequence, steps, reads)
        self._buffer = 1 - buffer

    def finish(self) -> Callable[[], Divergence | None]:
        """Wait for the list in flight; return the comparison, to be made while the next runs.

        The comparison returns the first divergence, or None.

        Raises:
            MailboxError: QEMU has ended or does not answer, or an operation took an exception.
        """
        assert self._flight is not None
        buffer, sequence, steps, reads = self._flight
        self._flight = None
        exceptions = self.qemu.mailbox.finish(sequence)
        if exceptions != self._exceptions:
            raise MailboxError(f"{exceptions - self._exceptions} operations took an exception")
        return lambda: self._compare(buffer, steps, reads)

    def _compare(
        self, buffer: int, steps: Sequence[Step], reads: Sequence[int]
    ) -> Divergence | None:
        mailbox = self.qemu.mailbox
        ram, size, tally = mailbox.ram, self.size, self.tally
        offset = layout.BUFFERS[buffer] - layout.RAM + _SNAPSHOTS
        reading = iter(reads)
        for index, step in enumerate(steps):
            name = step.operation[0]
            value = None
            if name in READS:
                value = mailbox.result(buffer, next(reading))
                tally.values[str(name)] += 1
            actual = ram[offset : offset + size]
            offset += size
            tally.snapshots += 1
            if value == step.value:
                if step.excuses:
                    if actual == step.departed:
                        tally.excuses.update(step.excuses)
                        continue
                elif actual == step.expected:
                    continue
            return Divergence(index, step, value, actual)
        return None

    def run(self, steps: list[Step]) -> Divergence | None:
        """Execute steps from the initial state, a list at a time, and compare.

        Returns:
            The first divergence, its ``index`` among all of ``steps``, or None.

        Raises:
            MailboxError: QEMU has ended or does not answer, or an operation took an exception.
        """
        size = self.capacity
        start = 0
        for at in range(0, len(steps), size):
            self.submit(steps[at : at + size], fresh=at == 0)
            found = self.finish()()
            if found is not None:
                found.index += start
                return found
            start += size
        return None

    @property
    def capacity(self) -> int:
        """How many steps one list may have."""
        return min((layout.BUFFER_BYTES - _SNAPSHOTS) // self.size, 2000)
