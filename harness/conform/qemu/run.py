"""A conformance run: the prelude, the courses of generated operations, the report.

Operations come in courses of a few thousand, each from the initial state and with a seed of its
own that depends on the run's seed and the number of the course; a divergence therefore replays,
and shrinks, within one course.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.conform.qemu import process, shrink
from harness.conform.qemu.avoid import avoided
from harness.conform.qemu.broken import broken
from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.excuses import DEPARTURE, Excuse, applicable
from harness.conform.qemu.explain import explain, signature
from harness.conform.qemu.faults import BETWEEN_CPUS, ONLY_GICV2, ONLY_GICV3, SPI_BETWEEN_CPUS
from harness.conform.qemu.generator import Generator
from harness.conform.qemu.layout import CPU_FIELDS, SHARED_FIELDS
from harness.conform.qemu.lines import SPIS
from harness.conform.qemu.lockstep import Divergence, Excuses, LockStep, Step, plan
from harness.errors import UsageError
from model.gic.gic import Gic

__all__ = ["Report", "run_conformance"]

_COURSE = 2000
_BATCH = 250

Progress = Callable[[int, float], object]


@dataclass
class Report:
    """What a conformance run found.

    ``verdict`` is "clean" or "violated"; ``operations`` counts those that were compared, the
    prelude's included; ``comparisons`` and ``excuses`` count by register and by excuse;
    ``divergence`` is the text of the first one, shrunk, or None; ``seconds`` is wall time without
    the shrinking.
    """

    verdict: str
    operations: int
    comparisons: dict[str, int]
    excuses: dict[str, int]
    divergence: str | None
    seconds: float
    qemu: str
    seed: int
    gic: int
    cpus: int
    #: Operations of the shrunk divergence.
    shrunk: list[Operation] = field(default_factory=list)
    #: Excuses whose demonstration shows that this QEMU does not need them.
    not_needed: list[str] = field(default_factory=list)

    @property
    def operations_per_second(self) -> float:
        """Operations executed, compared and excused in a second."""
        return self.operations / self.seconds if self.seconds else 0.0


@dataclass
class _Course:
    """One sequence of operations from the initial state."""

    number: int
    operations: list[Operation] = field(default_factory=list)


@dataclass
class _Batch:
    """Part of a course, with how many of its operations come before it."""

    course: _Course
    first: int
    steps: list[Step]
    count: int

    def up_to(self, index: int) -> list[Operation]:
        """Return the operations of the course up to a step of this batch."""
        count = sum(not step.repair for step in self.steps[: index + 1])
        return self.course.operations[: self.first + count]


class _Run:
    def __init__(self, step: LockStep, kind: type[Gic], seed: int) -> None:
        self.step = step
        self.kind = kind
        self.seed = seed
        self.gic = step.qemu.gic
        self.cpus = step.cpus
        self.done = 0
        self.choices: Counter[str] = Counter()
        self.not_needed: list[str] = []
        self.excuses = Excuses([])

    def model(self, kind: type[Gic]) -> Model:
        return Model(kind(version=self.gic, cpus=self.cpus, lrs=4, spis=SPIS))

    # -- replaying --------------------------------------------------------------------------------

    def replay(
        self, operations: Sequence[Operation], kind: type[Gic], excuses: Excuses
    ) -> Divergence | None:
        """Run operations on a fresh pair."""
        model = self.model(kind)
        view = model.view()
        steps: list[Step] = []
        ignored: Counter[str] = Counter()
        for operation in operations:
            made, view = plan(model, operation, view, excuses, ignored)
            steps += made
        return self.step.run(steps) if steps else None

    def prelude(self) -> tuple[list[Operation], Divergence] | None:
        """Demonstrate every excuse: drop what is not needed, find choices that are not QEMU's."""
        needed: list[Excuse] = []
        for excuse in applicable(self.gic, self.cpus, self.step.qemu.version):
            others = Excuses(needed) if excuse.kind != DEPARTURE else Excuses([])
            found = self.replay(excuse.demonstration, Gic, others)
            self.done += len(excuse.demonstration)
            if excuse.kind == DEPARTURE and found is None:
                self.not_needed.append(excuse.name)
                continue
            if excuse.kind != DEPARTURE and found is not None:
                return excuse.demonstration, found
            needed.append(excuse)
            self.choices[excuse.name] += 1
        self.excuses = Excuses(needed)
        return None

    # -- generated operations -----------------------------------------------------------------

    def batches(self, operations: int) -> Iterator[_Batch]:
        """Make that many operations, in courses."""
        made = 0
        for number in itertools.count():
            if made >= operations:
                return
            length = min(_COURSE, operations - made)
            yield from _Generation(self, number, length).batches()
            made += length

    def courses(
        self, operations: int, progress: Progress | None
    ) -> tuple[list[Operation], Divergence] | None:
        """Run that many operations.

        While QEMU executes one batch, the one before is compared and the next one made.
        """
        began = time.monotonic()
        flying: _Batch | None = None
        for batch in itertools.chain(self.batches(operations), (None,)):
            landed, compare = flying, self.step.finish() if flying is not None else None
            flying = batch
            if batch is not None:
                self.step.submit(batch.steps, fresh=batch.first == 0)
            if landed is None or compare is None:
                continue
            found = compare()
            self.done += landed.count
            if found is not None:
                if batch is not None:
                    self.step.finish()
                return landed.up_to(found.index), found
            if progress is not None:
                progress(self.done, time.monotonic() - began)
        return None

    def shrink(
        self, operations: list[Operation], found: Divergence
    ) -> tuple[list[Operation], Divergence]:
        """Return the fewest operations that end in the same difference."""
        wanted = signature(found)

        def fails(candidate: Sequence[Operation]) -> bool:
            other = self.replay(candidate, self.kind, self.excuses)
            return other is not None and signature(other) == wanted

        if not fails(operations):
            return operations, found
        small = shrink.shrink(operations, fails)
        again = self.replay(small, self.kind, self.excuses)
        return small, again if again is not None else found


class _Generation:
    """A course while it is being made."""

    def __init__(self, run: _Run, number: int, length: int) -> None:
        self.run = run
        self.length = length
        self.course = _Course(number)
        self.model = run.model(run.kind)
        self.view = self.model.view()
        self.generator = Generator(
            random.Random(f"{run.seed}/{run.gic}/{run.cpus}/{number}"), run.gic, run.cpus
        )
        self.opening = self.generator.opening(self.view)[::-1]

    def batches(self) -> Iterator[_Batch]:
        """Make the operations, carrying each out on the model."""
        operations = self.course.operations
        while len(operations) < self.length:
            first = len(operations)
            count = min(_BATCH, self.length - first)
            yield _Batch(self.course, first, self._steps(count), count)

    def _steps(self, count: int) -> list[Step]:
        run, generator, model = self.run, self.generator, self.model
        steps: list[Step] = []
        for _ in range(count):
            operation = self.opening.pop() if self.opening else generator.next(self.view)
            while avoided(model, operation):
                operation = generator.next(self.view)
            made, self.view = plan(model, operation, self.view, run.excuses, run.choices)
            generator.observe(operation, made[0].value)
            self.course.operations.append(operation)
            steps += made
        return steps


def _check(gic: int, cpus: int, operations: int) -> None:
    if gic not in (2, 3):
        raise UsageError(f"--gic {gic}: expected 2 or 3")
    if not 1 <= cpus <= 8:
        raise UsageError(f"--cpus {cpus}: expected 1 to 8")
    if operations < 1:
        raise UsageError(f"--operations {operations}: expected at least 1")


def run_conformance(
    *,
    gic: int,
    cpus: int,
    operations: int,
    seed: int,
    fault: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Hold the model against QEMU for that many operations, and report.

    Args:
        gic: the version of the GIC, 2 or 3.
        cpus: how many CPUs, 1 to 8.
        operations: how many to generate and compare, besides the prelude's.
        seed: makes the operations; the same seed makes the same ones.
        fault: breaks the model by that name (``harness.conform.qemu.faults``).
        progress: called after each batch with the operations done and the seconds gone.

    Raises:
        UsageError: a size or a fault that there is not, or a program that is not installed.
        OracleFailedError: the agent cannot be assembled.
        MailboxError: QEMU ended, or does not answer.
    """
    _check(gic, cpus, operations)
    kind = broken(fault)
    if fault in SPI_BETWEEN_CPUS and gic == 2:
        raise UsageError(f"--fault {fault} shows only with SPIs between CPUs; expected --gic 3")
    for only, version in ((ONLY_GICV2, 2), (ONLY_GICV3, 3)):
        if fault in only and gic != version:
            raise UsageError(
                f"--fault {fault} shows with GICv{version} only; expected --gic {version}"
            )
    if fault in BETWEEN_CPUS and cpus == 1:
        raise UsageError(f"--fault {fault} shows only between CPUs; expected --cpus 2 or more")
    began = time.monotonic()
    with process.start(gic, cpus) as qemu:
        step = LockStep(qemu)
        run = _Run(step, kind, seed)
        failed = run.prelude()
        text = None
        small: list[Operation] = []
        if failed is None:
            failed = run.courses(operations, progress)
        seconds = time.monotonic() - began
        if failed is not None:
            small, found = run.shrink(*failed)
            text = explain(small, found, gic, cpus, qemu.version)
        snapshots = step.tally.snapshots
        comparisons = dict.fromkeys(CPU_FIELDS[gic], snapshots * cpus)
        comparisons.update(dict.fromkeys(SHARED_FIELDS, snapshots))
        comparisons.update({name.upper(): n for name, n in sorted(step.tally.values.items())})
        excuses = run.choices + step.tally.excuses
        return Report(
            verdict="clean" if failed is None else "violated",
            operations=run.done,
            comparisons=comparisons,
            excuses=dict(sorted(excuses.items())),
            divergence=text,
            seconds=seconds,
            qemu=qemu.version,
            seed=seed,
            gic=gic,
            cpus=cpus,
            shrunk=small,
            not_needed=run.not_needed,
        )
