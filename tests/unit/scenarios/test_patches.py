"""Patches of the museum laid over an era, one or several at once."""

from itertools import combinations

import pytest

from harness.errors import UsageError
from harness.kvm.hooks import Hooks, hooks
from harness.museum import patches
from harness.variants import ERAS, expand_variant, resolve_variant, variant_names
from tests.race.running import outcomes, world_of


def refusal(name: str) -> str:
    with pytest.raises(UsageError) as error:
        resolve_variant(name)
    return str(error.value)


def changed(patch: str, era: str) -> set[str]:
    """The hooks and settings that a patch changes in an era (none, where it is refused)."""
    layer = patches()[patch].hooks_in(era)
    return set() if isinstance(layer, str) else {m for m in vars(layer) if not m.startswith("_")}


def pairs(era: str, *, disjoint: bool) -> list[tuple[str, str]]:
    able = [patch.id for patch in patches().values() if era not in patch.refused]
    return [
        (one, two)
        for one, two in combinations(able, 2)
        if changed(one, era).isdisjoint(changed(two, era)) is disjoint
    ]


def found_by(variant: str, scenario: str, schedules: int) -> set[str]:
    world = world_of(scenario, resolve_variant(variant))
    return {v.rule for outcome in outcomes(world, schedules, audited=5) for v in outcome.violations}


def test_two_at_once() -> None:
    cls = resolve_variant("v7.2+44+F2")
    assert cls is resolve_variant("v7.2+44+F2")
    assert cls.__name__ == "v7.2+44+F2"
    assert issubclass(cls, ERAS["v7.2"])
    assert cls.era == "v7.2"
    for patch, hook in (("44", "spilled"), ("F2", "deactivate_looked_at")):
        layer = patches()[patch].hooks
        assert isinstance(layer, type)
        assert getattr(cls, hook) is getattr(layer, hook) is not getattr(ERAS["v7.2"], hook)


def test_two_at_once_are_both_found() -> None:
    """Each where it shows alone; and F2's own rule only by way of F2."""
    assert "I8" in found_by("v7.2+44+F2", "overflow", 60)
    assert "R23" not in found_by("v7.2+44", "overflow-dir", 150)
    assert "R23" in found_by("v7.2+44+F2", "overflow-dir", 150)


@pytest.mark.parametrize("era", ERAS)
def test_their_order_does_not_matter(era: str) -> None:
    """No two that fit change the same hook, and none calls past another one (``test_house.py``)."""
    for one, two in pairs(era, disjoint=True):
        first = resolve_variant(f"{era}+{one}+{two}")
        second = resolve_variant(f"{era}+{two}+{one}")
        for member in (*hooks(), *vars(Hooks)):
            if not member.startswith("_"):
                assert getattr(first, member) is getattr(second, member), (one, two, member)
    assert len(pairs(era, disjoint=True)) > 50


def test_their_order_does_not_matter_when_they_run() -> None:
    first = world_of("overflow-dir", resolve_variant("v7.2+44+F2"))
    second = world_of("overflow-dir", resolve_variant("v7.2+F2+44"))
    ended = list(outcomes(first, 60, audited=2))
    assert ended == list(outcomes(second, 60, audited=2))
    assert any(outcome.violations for outcome in ended)


@pytest.mark.parametrize("era", ERAS)
def test_two_that_change_the_same_hook_are_refused(era: str) -> None:
    for one, two in pairs(era, disjoint=False):
        message = refusal(f"{era}+{one}+{two}")
        told = f"variant '{era}+{one}+{two}' cannot be put together: patches {one} and {two} both"
        assert message.startswith(told)
        assert message.split("'")[-2] in changed(one, era) & changed(two, era)


def test_which_two_change_the_same_hook_is_told() -> None:
    assert ("45", "overflow-uie") in pairs("v7.2", disjoint=False)
    assert refusal("v7.2+45+F2+overflow-uie") == (
        "variant 'v7.2+45+F2+overflow-uie' cannot be put together: patches 45 and overflow-uie "
        "both change 'configure_hcr'"
    )


def test_one_that_its_era_refuses() -> None:
    assert refusal("v7.2+44+3") == (
        f"variant 'v7.2+44+3' cannot be expressed: {patches()['3'].refused['v7.2']}"
    )
    assert refusal("v4.14+1+14") == (
        f"variant 'v4.14+1+14' cannot be expressed: {patches()['14'].refused['v4.14']}"
    )


def test_one_that_is_unknown() -> None:
    assert refusal("v7.2+44+F22") == "unknown variant 'v7.2+F22'; did you mean 'v7.2+F2'?"
    assert refusal("v7.2+").startswith("unknown variant 'v7.2+'; ")
    assert refusal("v7.2++44").startswith("unknown variant 'v7.2+'; ")
    assert refusal("v7.2+v4.14").startswith("unknown variant 'v7.2+v4.14'; ")
    assert refusal("44+F22").startswith("unknown variant '44+F22'; did you mean ")


def test_one_said_twice_is_there_once() -> None:
    twice, once = resolve_variant("v7.2+44+44"), resolve_variant("v7.2+44")
    assert twice.__bases__ == once.__bases__


def test_those_of_kvm_as_shipped() -> None:
    shipped = [patch.id for patch in patches().values() if patch.shipped]
    assert shipped
    for era in ERAS:
        fitting = [name for name in shipped if era not in patches()[name].refused]
        together = resolve_variant(f"{era}+shipped")
        assert together.__bases__ == resolve_variant("+".join([era, *fitting])).__bases__
        assert together.era == era
        assert resolve_variant(f"{era}+shipped+{fitting[0]}").__bases__ == together.__bases__
        assert resolve_variant(f"{era}+1+shipped").__bases__[1:] == together.__bases__
    assert f"{era}+shipped" not in variant_names()


def test_shipped_shows_its_faults() -> None:
    rules = found_by("v7.2+shipped", "overflow-dir", 200)
    assert {"I8", "R23"} <= rules


def test_without_an_era_on_each_that_can_express_all() -> None:
    assert expand_variant("1+8") == ["v4.14+1+8", "v7.2+1+8"]
    assert expand_variant("44+F2") == ["v7.2+44+F2"]
    assert expand_variant("44+F3") == ["v7.2+44+F3"]
    assert expand_variant("1+3") == ["v4.14+1+3"]
    assert expand_variant("v7.2+44+F2") == ["v7.2+44+F2"]
