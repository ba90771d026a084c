"""The parts of the conformance check that need no QEMU."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from harness.conform.command import conform
from harness.conform.qemu import process
from harness.conform.qemu.broken import _KINDS, broken
from harness.conform.qemu.drive import Model, image
from harness.conform.qemu.emit import Operation, emitter
from harness.conform.qemu.excuses import DEPARTURE, EXCUSES, applicable
from harness.conform.qemu.faults import BETWEEN_CPUS, FAULTS, ONLY_GICV2, ONLY_GICV3, shown_by
from harness.conform.qemu.generator import Generator
from harness.conform.qemu.layout import CPU_BYTES, CPU_FIELDS, SHARED_BYTES
from harness.conform.qemu.lines import SPIS
from harness.conform.qemu.lockstep import Excuses, plan
from harness.conform.qemu.process import OracleMissingError
from harness.conform.qemu.run import run_conformance
from harness.conform.qemu.shrink import shrink
from harness.errors import UsageError
from model.gic.gic import Gic


def operations(gic: int, cpus: int, seed: int, count: int) -> list[Operation]:
    model = Model(Gic(version=gic, cpus=cpus, spis=SPIS))
    generator = Generator(random.Random(seed), gic, cpus)
    excuses = Excuses(applicable(gic, cpus, "7.2.22"))
    view = model.view()
    made = []
    for operation in generator.opening(view):
        made.append(operation)
        _, view = plan(model, operation, view, excuses, Counter())
    while len(made) < count:
        operation = generator.next(view)
        steps, view = plan(model, operation, view, excuses, Counter())
        generator.observe(operation, steps[0].value)
        made.append(operation)
    return made


@pytest.mark.parametrize(("gic", "cpus"), [(3, 4), (2, 1)])
def test_generator_depends_only_on_its_seed(gic: int, cpus: int) -> None:
    first = operations(gic, cpus, 5, 1500)
    assert first == operations(gic, cpus, 5, 1500)
    assert first != operations(gic, cpus, 6, 1500)


@pytest.mark.parametrize(("gic", "cpus"), [(3, 4), (2, 1)])
def test_generator_makes_every_kind_of_operation(gic: int, cpus: int) -> None:
    kinds = Counter(
        operation[0] for seed in range(3) for operation in operations(gic, cpus, seed, 2000)
    )
    assert min(kinds.values()) >= 3
    wanted = {
        "line",
        "timer",
        "edge",
        "iar",
        "eoir",
        "dir",
        "lr",
        "viar",
        "veoir",
        "vdir",
        "sgi",
        "vmcr",
        "hcr",
        "pmr",
        "bpr",
        "eoimode",
        "priority",
        "config",
        "enable",
        "active",
    }
    assert wanted <= set(kinds)


@pytest.mark.parametrize(("gic", "cpus"), [(3, 4), (2, 1)])
def test_every_operation_has_records(gic: int, cpus: int) -> None:
    emit = emitter(gic)
    for operation in operations(gic, cpus, 1, 2000):
        records = emit(operation)
        assert records
        assert all(len(record) == 4 and record[1] == operation[1] for record in records)


@pytest.mark.parametrize(("gic", "cpus"), [(3, 2), (2, 1)])
def test_image_has_the_size_of_a_snapshot(gic: int, cpus: int) -> None:
    view = Model(Gic(version=gic, cpus=cpus, spis=SPIS)).view()
    assert [len(words) for words in view[:-1]] == [len(CPU_FIELDS[gic])] * cpus
    assert len(image(view)) == cpus * CPU_BYTES + SHARED_BYTES


def test_shrink_keeps_only_what_is_needed() -> None:
    asked: list[int] = []

    def fails(items: Sequence[int]) -> bool:
        asked.append(len(items))
        return {3, 70, 71} <= set(items)

    assert shrink(range(200), fails) == [3, 70, 71]
    assert len(asked) < 120


def test_shrink_keeps_the_order_and_copes_with_one() -> None:
    assert shrink([9, 4, 7], lambda items: 9 in items and 7 in items) == [9, 7]
    assert shrink([1], lambda items: True) == [1]


def test_shrink_stops_at_its_budget() -> None:
    asked: list[int] = []

    def fails(items: Sequence[int]) -> bool:
        asked.append(len(items))
        return {5, 60} <= set(items)

    shrink(range(64), fails, budget=3)
    assert len(asked) == 3


def test_missing_programs_are_one_message_naming_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OracleMissingError) as caught:
        process.find_tools()
    text = str(caught.value)
    assert "qemu-system-aarch64" in text
    assert "qemu-system-arm" in text
    assert text.count("binutils-aarch64-linux-gnu") == 1
    assert "\n" not in text


def test_missing_programs_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(conform, ["qemu", "--operations", "10"])
    assert result.exit_code == 2
    assert "apt-get install" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--gic", "4"], "expected 2 or 3"),
        (["--cpus", "9"], "expected 1 to 8"),
        (["--operations", "0"], "at least 1"),
        (["--fault", "hw-bit-ignore"], "hw-bit-ignored"),
        (["--fault", "sgi-to-sender", "--cpus", "1"], "between CPUs"),
        (["--fault", "dir-only-by-acknowledger", "--gic", "2"], "expected --gic 3"),
        (["--fault", "lpi-stays-pending", "--gic", "2"], "expected --gic 3"),
        (["--fault", "sources-coalesce"], "expected --gic 2"),
    ],
)
def test_bad_input_exits_2_and_says_what_was_expected(arguments: list[str], text: str) -> None:
    result = CliRunner().invoke(conform, ["qemu", *arguments])
    assert result.exit_code == 2
    assert text in result.stderr


def test_unknown_fault_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        run_conformance(gic=3, cpus=4, operations=10, seed=1, fault="nonsense")


def test_faults_are_named_and_built() -> None:
    assert len(FAULTS) >= 46
    assert set(FAULTS) == set(_KINDS)
    assert set(FAULTS) > BETWEEN_CPUS | ONLY_GICV2 | ONLY_GICV3
    assert not ONLY_GICV2 & ONLY_GICV3
    for name in FAULTS:
        assert issubclass(broken(name), Gic)
        Model(broken(name)(version=shown_by(name), cpus=2, spis=SPIS))


def test_excuses_are_complete() -> None:
    assert len({excuse.name for excuse in EXCUSES}) == len(EXCUSES)
    for excuse in EXCUSES:
        assert excuse.demonstration
        if excuse.kind == DEPARTURE and not excuse.avoided:
            assert (excuse.shows is not None and excuse.repair is not None) != (
                excuse.stands is not None
            )
        else:
            assert excuse.shows is None
            assert excuse.repair is None


def test_excuses_are_for_the_versions_they_name() -> None:
    old = {excuse.name for excuse in applicable(2, 2, "7.2.22")}
    new = {excuse.name for excuse in applicable(2, 2, "10.0.2")}
    assert old - new == {"spi-active-per-cpu", "ppi-ispendr-ignored"}
