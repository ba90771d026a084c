"""Orders of known findings, looked for in failures."""

import pytest

from harness.kernel.steer.signature import signatures

FLUSH, FOLDED = "return kvm_vgic_flush_hwstate", "return kvm_vgic_sync_hwstate"
LOOK, FOLD = "enter vgic_v3_deactivate", "return vgic_v3_fold_lr in vgic_v3_deactivate"
HALT, WRITE = "enter kvm_arm_halt_guest", "enter vgic_mmio_change_active"
HISTORY = ["1 +1 v0 IAR = 80", "2 +1 v0 eoi 80", "3 +1 v1 dir 80", "900 +1 v0 IAR = 80"]
SAID = ["VCPU 0 at 0x40001168", "SPIs pending 0x1000000000000 active 0"]


def failure(
    places: list[tuple[int, str]], alarm: str = "lost", history: list[str] = HISTORY
) -> dict[str, object]:
    return {
        "decisions": [[cpu, place, cpu] for cpu, place in places],
        "violations": [{"rule": "G4" if alarm == "active" else "progress", "alarm": alarm}],
        "history": history,
        "said": SAID,
    }


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([(1, LOOK), (0, FLUSH), (1, FOLD)], ("F2",)),
        ([(0, FLUSH), (1, LOOK), (1, FOLD)], ()),
        ([(0, FLUSH), (1, HALT), (1, WRITE), (0, FOLDED)], ("F3",)),
        ([(0, FLUSH), (1, HALT), (0, FOLDED), (1, WRITE)], ()),
        ([(1, FLUSH), (1, HALT), (1, WRITE)], ()),
    ],
)
def test_an_order_of_places(places: list[tuple[int, str]], found: tuple[str, ...]) -> None:
    assert signatures(failure(places)) == found


def test_who_sleeps_though_another_vcpu_has_deactivated() -> None:
    assert signatures(failure([], "late")) == ("F8",)
    assert signatures(failure([], "lost")) == ()
    raised = [
        "0 +1 -- device 80 raised",
        *HISTORY[:1],
        "1 +1 v0 served 80",
        "2 +1 -- device 80 raised",
    ]
    level = failure([], "late", [*raised, *HISTORY[1:]])
    assert signatures({**level, "said": []}) == ("F8",)
    own = [line.replace("v1", "v0") for line in HISTORY]
    assert signatures(failure([], "late", own)) == ()


def test_who_has_it_again_though_nobody_has_deactivated() -> None:
    again = ["1 +1 v1 dir 81", *HISTORY[:2], "3 +1 v0 IAR = 80"]
    assert signatures(failure([], "active", again)) == ("QEMU's EOIcount",)
    assert signatures(failure([], "active", HISTORY)) == ()
