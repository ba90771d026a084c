"""What guests do by programs of their own: handlers, loops, polling; and what they do wrong."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.scenarios.schema import parse
from harness.scenarios.writer import to_toml
from harness.search.case import Case
from harness.search.edits import edits
from model import facts
from model.facts import Fact
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
ERAS = pytest.mark.parametrize("era", [V4_14, V7_2])
GICV2 = (("gic_version", "2"),)


def scenario(name: str) -> str:
    return str(HERE / f"{name}.toml")


# -- the guest's own fault -------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("eoi-without-iar", (), ("unpredictable", "unasked")),
        ("eoi-out-of-order", (), ("unpredictable", "order")),
        ("dir-before-eoi", GICV2, ("unpredictable", "dir")),
        ("forgets-eoi", (), ("L2", "masked")),
        ("never-acknowledges", (), ("no-acknowledge", "storm")),
        ("never-enabled", (), ("waits-in-vain", "held-back")),
        ("waits-in-vain", (), ("waits-in-vain", "nobody")),
    ],
)
async def test_it_is_told_as_the_guests_and_nothing_as_kvms(
    era: type[Kvm], name: str, knobs: tuple[tuple[str, str], ...], said: tuple[str, str]
) -> None:
    found = []
    async for outcome in outcomes(world_of(scenario(name), era, knobs), 12, audited=2):
        found += outcome.violations
    assert found
    assert {(v.rule, v.alarm) for v in found} == {said}
    assert all(v.text.startswith("guest: ") for v in found)


@ERAS
@pytest.mark.parametrize(
    ("name", "knobs"),
    [("odd-but-legal", ()), ("odd-but-legal", GICV2), ("dir-before-eoi", ())],
)
async def test_what_is_only_odd_is_nobodys_fault(
    era: type[Kvm], name: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    """A GICv3 ignores, or carries out, what a GICv2 leaves open (IHI0069 ICC_DIR_EL1)."""
    async for outcome in outcomes(world_of(scenario(name), era, knobs), 16, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")


# -- the order of a driver's accesses --------------------------------------------------------------


def acknowledged(path: str, era: type[Kvm]) -> list[Counter[int]]:
    """How often each interrupt was acknowledged, in each of a few executions that are clean."""
    world = world_of(path, era)
    seen: list[Fact] = []
    world.subscribe({facts.AckedByGuest: seen.append})
    found = []
    for outcome in outcomes(world, 40, audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")
        found.append(Counter(f.vintid for f in seen if isinstance(f, facts.AckedByGuest)))
        seen.clear()
    return found


@ERAS
def test_who_completes_before_the_device_is_silent_is_called_twice(
    era: type[Kvm], tmp_path: Path
) -> None:
    """Zephyr 26475, seL4 1038: without a barrier the write that silences it comes after EOIR.

    The line is still high when the interrupt is deactivated: it is taken again for the same event,
    and neither the GIC nor KVM is to blame. In the right order it is taken once.
    """
    late = acknowledged(scenario("twice-for-one"), era)
    assert {counts[27] for counts in late} >= {2}
    assert {counts[80] for counts in late} >= {2}
    path = tmp_path / "once.toml"
    path.write_text(
        Path(scenario("twice-for-one"))
        .read_text()
        .replace('["iar", "eoi", "silence"]', '["iar", "silence", "eoi"]')
    )
    for counts in acknowledged(str(path), era):
        assert (counts[27], counts[80] <= 1) == (1, True)


# -- another VCPU's redistributor ------------------------------------------------------------------


@ERAS
async def test_what_is_active_at_another_vcpu_is_held_back_until_it_is_cleared(
    era: type[Kvm],
) -> None:
    """The guests are halted for it (vgic_access_active_prepare; for reads since 9a50ebbffa98)."""
    world = world_of(scenario("far-active"), era)
    seen: list[Fact] = []
    world.subscribe(
        dict.fromkeys((facts.RegisterRead, facts.AckedByGuest, facts.RegisterWritten), seen.append)
    )
    async for outcome in outcomes(world, 24, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")
        reads = [f.value for f in seen if isinstance(f, facts.RegisterRead)]
        assert reads == [1, 1]
        of_sgi = [f for f in seen if f.vintid == 2]  # type: ignore[attr-defined]
        assert isinstance(of_sgi[-1], facts.AckedByGuest)
        assert [f.register for f in of_sgi if isinstance(f, facts.RegisterWritten)] == [
            "isactiver", "ispendr", "icactiver",
        ]  # fmt: skip
        seen.clear()


@ERAS
def test_a_gicv2_has_no_redistributors(era: type[Kvm]) -> None:
    with pytest.raises(UsageError, match="names a VCPU's redistributor, and a GICv2 has none"):
        world_of(scenario("far-active"), era, GICV2)


# -- handlers and loops ----------------------------------------------------------------------------


@ERAS
async def test_a_handler_is_nested_as_priorities_and_pstate_let_it(era: type[Kvm]) -> None:
    world = world_of("handlers", era)
    depths: set[int] = set()
    world.subscribe({facts.AckedByGuest: lambda _: depths.add(len(world.machine.guests[0].frames))})
    async for outcome in outcomes(world, 60, audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")
    assert depths == {0, 1, 2}


@pytest.mark.parametrize(("name", "own"), [("registers", False), ("handlers", True)])
def test_programs_are_written_back_and_made_smaller(name: str, own: bool) -> None:
    """Each edit of the shrinker that is proposed is a scenario that can be read again."""
    loaded = world_of(name, V7_2).scenario
    case = Case(loaded, "v7.2", ())
    kinds = ("programs", "vcpus", "devices", "instructions")
    tried = [edit for kind in kinds for edit in edits(case, kind)]
    said = " ".join(edit.what for edit in tried)
    assert ("the driver's handler" in said, "repeat 2 at line" in said) == (own, own)
    for edit in tried:
        text = to_toml(edit.case.scenario)
        assert parse(text, edit.what) == msgspec.structs.replace(edit.case.scenario, explore=None)
