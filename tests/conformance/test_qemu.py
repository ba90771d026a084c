"""The model against a running QEMU. Needs qemu-system-arm and binutils-aarch64-linux-gnu."""

import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from click.testing import CliRunner

from harness.conform.command import conform
from harness.conform.qemu import process
from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import emitter
from harness.conform.qemu.excuses import EXCUSES
from harness.conform.qemu.faults import FAULTS, shown_by
from harness.conform.qemu.layout import GICD, GICR, STUB
from harness.conform.qemu.lines import LINE_PPIS, LINE_SPIS, SPIS, machine_setup
from harness.conform.qemu.lockstep import Excuses, LockStep, plan
from harness.conform.qemu.mailbox import READ32, SYS_READ, MailboxError
from harness.conform.qemu.run import run_conformance
from model.gic.gic import Gic

pytestmark = pytest.mark.oracle

ROOT = Path(__file__).parents[2]
SEED = 20


@pytest.mark.parametrize(
    ("gic", "cpus", "count"), [(3, 4, 8000), (3, 1, 2000), (2, 1, 4000), (2, 4, 4000)]
)
def test_no_unexplained_difference(gic: int, cpus: int, count: int) -> None:
    print(f"gic {gic} cpus {cpus} operations {count} seed {SEED}")
    report = run_conformance(gic=gic, cpus=cpus, operations=count, seed=SEED)
    assert report.divergence is None
    assert report.verdict == "clean"
    assert report.operations >= count
    assert report.comparisons["HPPIR"] >= count * cpus
    assert report.comparisons["IAR"] > 50
    assert report.comparisons["VIAR"] > 50
    # The directed prelude meets every excuse, and this QEMU still needs each of them.
    assert report.not_needed == []
    assert all(count >= 1 for count in report.excuses.values())


def sampled() -> list[ParameterSet]:
    """Every fault: one in four with the oracle's tests, the others with the long ones."""
    return [
        pytest.param(fault, marks=[] if index % 4 == 0 else [pytest.mark.long])
        for index, fault in enumerate(sorted(FAULTS))
    ]


@pytest.mark.parametrize("fault", sampled())
def test_every_fault_is_caught(fault: str) -> None:
    gic = shown_by(fault)
    report = run_conformance(gic=gic, cpus=4, operations=20_000, seed=SEED, fault=fault)
    assert report.verdict == "violated"
    assert report.operations <= 20_100
    assert report.shrunk
    # As many as it takes for just those words to differ.
    assert len(report.shrunk) <= 20
    assert report.divergence is not None
    assert "<-- differs" in report.divergence or "value read" in report.divergence


def test_knob_counts_as_qemu_does() -> None:
    """With ``eoicount_on_eoir_mode1`` the model needs no excuse for what QEMU's GICv3 counts."""
    excuse = next(e for e in EXCUSES if e.name == "eoicount-on-eoir-in-eoimode-1")
    with process.start(3, 1) as qemu:
        step = LockStep(qemu)
        for knob in (True, False):
            model = Model(Gic(version=3, cpus=1, spis=SPIS, eoicount_on_eoir_mode1=knob))
            view = model.view()
            steps = []
            for operation in excuse.demonstration:
                made, view = plan(model, operation, view, Excuses([]), Counter())
                steps += made
            assert (step.run(steps) is None) is knob


def test_json_ends_with_a_summary_of_the_violation() -> None:
    arguments = ["qemu", "--operations", "5000", "--fault", "hw-bit-ignored", "--json"]
    result = CliRunner().invoke(conform, arguments)
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[-1]["type"] == "summary"
    assert lines[-1]["verdict"] == "violated"
    assert lines[-1]["violations"][0]["rule"] == "conformance"
    assert lines[0]["type"] == "divergence"
    assert "seed" in result.stderr


def test_same_seed_same_result() -> None:
    first, second = (
        run_conformance(gic=3, cpus=2, operations=3000, seed=3, fault="hw-bit-ignored")
        for _ in range(2)
    )
    assert first.shrunk == second.shrunk
    assert first.divergence == second.divergence


@pytest.mark.parametrize(("gic", "cpus"), [(3, 8), (2, 1)])
def test_every_line_can_be_driven(gic: int, cpus: int) -> None:
    emit = emitter(gic)
    with process.start(gic, cpus) as qemu:
        call = qemu.mailbox.call
        call(machine_setup(cpus))
        call(emit(("reset", cpus)))
        for intid in (*LINE_PPIS, *LINE_SPIS):
            cpu = cpus - 1 if intid < 32 else 0
            base = GICR + 0x20000 * cpu + 0x10000 if gic == 3 and intid < 32 else GICD
            register = (READ32, cpu, base + 0x200 + intid // 32 * 4, 0)
            call(emit(("line", cpu, intid, 1)))
            assert call([register]) == [1 << intid % 32]
            call(emit(("line", cpu, intid, 0)))
            assert call([register]) == [0]


def test_an_exception_of_an_operation_is_reported_with_its_syndrome() -> None:
    with process.start(3, 1) as qemu:
        with pytest.raises(MailboxError, match="took an exception: syndrome 0x9"):
            qemu.mailbox.call([(READ32, 0, 0x07F0_0000_0000, 0)])
        # The agent goes on.
        assert qemu.mailbox.call([(SYS_READ, 0, STUB["ICH_VTR"], 0)])[0] & 0x1F == 3


def test_qemu_ended_by_itself_names_its_status() -> None:
    with process.start(3, 1) as qemu:
        qemu.process.kill()
        with pytest.raises(MailboxError, match="QEMU ended with status -9"):
            qemu.mailbox.call([(READ32, 0, GICD, 0)])


def _gone(pid: int) -> select.poll:
    """Return a descriptor that becomes readable when the process ends."""
    watch = select.poll()
    watch.register(os.pidfd_open(pid), select.POLLIN)
    return watch


def test_qemu_is_ended_when_the_block_fails() -> None:
    watch: select.poll | None = None

    def crash() -> None:
        nonlocal watch
        with process.start(3, 1) as qemu:
            watch = _gone(qemu.pid)
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        crash()
    assert watch is not None
    assert watch.poll(0)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)]
)
def test_qemu_is_gone_after_ctrl_c_and_after_a_kill(number: int, code: int) -> None:
    command = "from harness.conform.command import conform; conform()"
    harness = subprocess.Popen(
        [sys.executable, "-c", command, "qemu", "--operations", "100000000"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert harness.stderr is not None
    try:
        # The first line of progress comes when operations have been compared.
        for line in harness.stderr:
            if "operations," in line and "/s" in line:
                break
        task = Path(f"/proc/{harness.pid}/task/{harness.pid}/children")
        (pid,) = [int(word) for word in task.read_text().split()]
        assert b"qemu-system-aarch64" in Path(f"/proc/{pid}/cmdline").read_bytes()
        watch = _gone(pid)
        harness.send_signal(number)
        _, errors = harness.communicate(timeout=20)
        assert harness.returncode == code
        assert watch.poll(5000)
        if number == signal.SIGINT:
            assert "interrupted" in errors
            assert "Traceback" not in errors
    finally:
        if harness.poll() is None:
            harness.kill()
            harness.communicate()
