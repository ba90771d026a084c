"""KVM's decisions about virtual interrupts, as tables."""

from itertools import product

import msgspec
import pytest

from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import HCR_VGRP0DIE, HCR_VGRP0EIE, HCR_VGRP1DIE, HCR_VGRP1EIE, Vmcr
from model.vgic.decide import (
    compare,
    fold_edge_or_level,
    group_causes,
    populate,
    resample_needed,
    target_oracle,
    validate_injection,
)
from model.vgic.irq import VgicIrq

N, P, A, PA = INACTIVE, PENDING, ACTIVE, PENDING_ACTIVE
BOTH = (False, True)


def irq(
    kind: str,
    *,
    line: bool = False,
    latch: bool = False,
    active: bool = False,
    enabled: bool = True,
    vcpu: int = -1,
) -> VgicIrq:
    """``kind``: "mapped" (level, HW), "level" or "edge" (both without HW), "mapped edge"."""
    new = VgicIrq(27, 1, level="edge" not in kind, hwintid=30 if "mapped" in kind else -1)
    new.line_level, new.pending_latch, new.active, new.enabled = line, latch, active, enabled
    new.vcpu = vcpu
    return new


# -- populate -------------------------------------------------------------------------------------

# kind, line, latch, active -> state of the register, latch left, line left when only edges count
POPULATE = [
    ("mapped", 0, 0, 0, N, 0, 0),
    ("mapped", 1, 0, 0, P, 0, 0),
    ("mapped", 0, 1, 0, P, 1, 0),
    ("mapped", 1, 1, 0, P, 1, 0),
    ("mapped", 0, 0, 1, A, 0, 0),
    ("mapped", 1, 0, 1, A, 0, 1),  # never pending and active: its line stays for later
    ("mapped", 0, 1, 1, A, 1, 0),
    ("level", 0, 0, 0, N, 0, 0),
    ("level", 1, 0, 0, P, 0, 1),
    ("level", 0, 1, 0, P, 1, 0),
    ("level", 1, 0, 1, A, 0, 1),  # the resample at EOI looks again
    ("edge", 0, 0, 0, N, 0, 0),
    ("edge", 1, 0, 0, N, 0, 1),  # the line of an edge interrupt means nothing
    ("edge", 0, 1, 0, P, 0, 0),
    ("edge", 0, 1, 1, PA, 0, 0),
    ("edge", 0, 0, 1, A, 0, 0),
    ("mapped edge", 0, 1, 0, P, 0, 0),
    ("mapped edge", 0, 1, 1, A, 1, 0),
]


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize(
    ("kind", "line", "latch", "active", "state", "latch_left", "line_left"), POPULATE
)
def test_populate(
    era: type[V4_14 | V7_2],
    kind: str,
    line: int,
    latch: int,
    active: int,
    state: int,
    latch_left: int,
    line_left: int,
) -> None:
    x = irq(kind, line=bool(line), latch=bool(latch), active=bool(active))
    lr = populate(x, observe_edges_only=era.observe_edges_only)
    assert lr.state == state
    assert x.pending_latch == bool(latch_left)
    # Before 4.16 the line is what the timer said last; since then a mapped one is consumed.
    assert x.line_level == bool(line if era is V4_14 else line_left)
    assert x.active == bool(active)


@pytest.mark.parametrize("kind", ["mapped", "level", "edge", "mapped edge"])
def test_populate_fills_in_the_rest(kind: str) -> None:
    lr = populate(irq(kind, line=True, latch=True), observe_edges_only=True)
    mapped = "mapped" in kind
    assert (lr.vintid, lr.priority, lr.group) == (27, 0xA0, 1)
    assert (lr.hw, lr.pintid) == (mapped, 30 if mapped else 0)
    # HW and EOI exclude each other: they share bits of the register.
    assert lr.eoi == (kind == "level")


def test_a_mapped_register_is_never_pending_and_active() -> None:
    for kind, line, latch, active, edges in product(
        ("mapped", "mapped edge"), BOTH, BOTH, BOTH, BOTH
    ):
        x = irq(kind, line=line, latch=latch, active=active)
        assert populate(x, observe_edges_only=edges).state != PENDING_ACTIVE


# -- fold -----------------------------------------------------------------------------------------

# level, state of the register, latch before -> active after, latch after: since 4.15, until 4.14
FOLD = [
    (1, N, 1, 0, 0, 0),
    (1, N, 0, 0, 0, 0),
    (1, P, 1, 0, 1, 1),
    (1, P, 0, 0, 0, 0),
    (1, A, 1, 1, 1, 0),
    (1, A, 0, 1, 0, 0),
    (1, PA, 1, 1, 1, 1),
    (0, N, 0, 0, 0, 0),
    (0, N, 1, 0, 1, 1),  # an edge that came meanwhile is kept
    (0, P, 0, 0, 1, 1),
    (0, A, 0, 1, 0, 0),
    (0, PA, 0, 1, 1, 1),
]


@pytest.mark.parametrize("was_active", BOTH)
@pytest.mark.parametrize("line", BOTH)
@pytest.mark.parametrize(("level", "state", "latch", "active", "since", "until"), FOLD)
def test_fold(
    level: int,
    state: int,
    latch: int,
    active: int,
    since: int,
    until: int,
    line: bool,
    was_active: bool,
) -> None:
    for acked_clears_latch, left in ((False, since), (True, until)):
        x = irq("mapped" if level else "edge", line=line, latch=bool(latch), active=was_active)
        lr = Lr(27, state)
        deactivated = fold_edge_or_level(x, lr, acked_clears_latch=acked_clears_latch)
        assert x.active == bool(active)
        assert x.pending_latch == bool(left)
        assert x.line_level == line
        assert deactivated == (was_active and not active)


@pytest.mark.parametrize("kind", ["mapped", "level", "edge"])
def test_an_untouched_register_folds_back_to_what_it_was(kind: str) -> None:
    for line, latch, active in product(BOTH, BOTH, BOTH):
        x = irq(kind, line=line, latch=latch, active=active)
        was_pending = x.is_pending()
        lr = populate(x, observe_edges_only=False)
        fold_edge_or_level(x, lr, acked_clears_latch=False)
        assert x.active == active
        assert x.is_pending() == was_pending


# -- resample -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mapped", "level", "edge", "mapped edge"])
@pytest.mark.parametrize("state", [N, P, A, PA])
@pytest.mark.parametrize("deactivated", BOTH)
@pytest.mark.parametrize("line", BOTH)
def test_resample(kind: str, state: int, deactivated: bool, line: bool) -> None:
    needed = resample_needed(irq(kind, line=line), Lr(27, state), deactivated=deactivated)
    assert needed == (kind == "mapped" and (state == P or (deactivated and line)))


# -- the oracle, injection, order -----------------------------------------------------------------

# active, enabled, pending, on the list of -> where it belongs (its target is 1)
ORACLE = [
    (0, 1, 1, -1, 1),
    (0, 1, 1, 0, 1),
    (0, 1, 0, -1, -1),
    (0, 1, 0, 1, -1),
    (0, 0, 1, -1, -1),
    (0, 0, 1, 1, -1),
    (1, 1, 0, 0, 0),  # an active one stays where it is
    (1, 0, 0, 0, 0),  # enabled or not
    (1, 0, 1, 0, 0),
    (1, 1, 0, -1, 1),
    (1, 0, 0, -1, 1),
]


@pytest.mark.parametrize(("active", "enabled", "pending", "vcpu", "expected"), ORACLE)
def test_target_oracle(active: int, enabled: int, pending: int, vcpu: int, expected: int) -> None:
    for field in ("line", "latch"):
        x = irq("mapped", active=bool(active), enabled=bool(enabled), vcpu=vcpu)
        setattr(x, {"line": "line_level", "latch": "pending_latch"}[field], bool(pending))
        assert target_oracle(x) == expected


@pytest.mark.parametrize(
    ("kind", "before", "level", "counts"),
    [
        ("mapped", False, True, True),
        ("mapped", True, True, False),
        ("mapped", True, False, True),
        ("mapped", False, False, False),
        ("edge", False, True, True),
        ("edge", True, True, True),
        ("edge", True, False, False),
        ("edge", False, False, False),
    ],
)
def test_validate_injection(kind: str, before: bool, level: bool, counts: bool) -> None:
    assert validate_injection(irq(kind, line=before), level) == counts


def test_order_of_an_ap_list() -> None:
    deliverable = irq("edge", latch=True)
    urgent = irq("edge", latch=True)
    urgent.priority = 0x20
    mapped = irq("mapped", line=True)
    active = irq("edge", latch=True, active=True)
    disabled = irq("edge", latch=True, enabled=False)
    disabled.priority = 0
    elsewhere = irq("edge", latch=True)
    elsewhere.target = 0
    irqs = [elsewhere, disabled, active, deliverable, mapped, urgent]
    rest = sorted(irqs, key=lambda x: compare(x, 1, Vmcr()))
    assert rest == [urgent, mapped, deliverable, active, elsewhere, disabled]


def test_what_is_of_a_group_that_is_off_comes_behind_the_others() -> None:
    urgent, active = irq("edge", latch=True), irq("edge", active=True)
    urgent.group, active.group, urgent.priority = 0, 1, 0
    for enable0, first in ((True, urgent), (False, active)):
        vmcr = Vmcr(enable0=enable0, enable1=True)
        assert min(urgent, active, key=lambda x: compare(x, 1, vmcr)) is first


def test_a_group_is_watched_for_the_change_of_its_enable() -> None:
    assert group_causes(Vmcr(enable0=False, enable1=True)) == HCR_VGRP0EIE | HCR_VGRP1DIE
    assert group_causes(Vmcr(enable0=True, enable1=False)) == HCR_VGRP0DIE | HCR_VGRP1EIE


def test_only_level_interrupts_are_pending_by_their_line() -> None:
    assert irq("mapped", line=True).is_pending()
    assert not irq("edge", line=True).is_pending()
    assert irq("edge", latch=True).is_pending()
    assert [irq(kind).is_mapped_level() for kind in ("mapped", "level", "mapped edge")] == [
        True,
        False,
        False,
    ]


def test_a_register_is_not_changed_by_folding_it() -> None:
    lr = Lr(27, ACTIVE)
    same = msgspec.structs.replace(lr)
    fold_edge_or_level(irq("mapped"), lr, acked_clears_latch=True)
    assert lr == same
