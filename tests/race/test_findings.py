"""Faults of KVM as shipped that the model finds. They are recorded here, not papered over.

F1, era v7.2: the guest enables its timer's PPI while the line is high. KVM samples the line
(vgic_mmio_write_senable), queues the interrupt and enters with a HW List Register pending, on the
assumption that the host takes the physical interrupt before that, as soon as interrupts are
unmasked. If the GIC presents it later than that entry, the guest is entered with the physical
interrupt inactive: the central invariant is broken, and the guest's deactivation hits an inactive
interrupt. With a GIC that never lags it cannot happen. The built-in scenarios lower the line before
they enable the interrupt. For a device's SPI another CPU has still to take it: that happens in both
eras, and with any GIC.

F4, both eras: the guest makes its timer's PPI pending by itself (GICD_ISPENDR) while the line is
low. Since df635c5b184d KVM sets the physical active state, as if the host had acknowledged it, but
does not keep it. In era v7.2 any exit before the guest takes the interrupt undoes it: the fold
finds the List Register still pending, samples the line, and as that is low it clears the physical
active state (vgic_irq_handle_resampling), while the software latch keeps the interrupt pending. A
load does the same, as it sets the active state from the line and from what the guest handles. In
4.14 it is never set. The next entry presents a HW List Register whose physical interrupt is
inactive: the central invariant is broken, however fast the GIC is. No built-in scenario writes
ISPENDR of its timer.

F5, era v7.2, only with ``gic_messages=lagging``: the host acknowledges the timer's interrupt after
the guest has silenced the timer, because the distributor has not seen the line fall. Its handler
finds nothing to inject, and as the interrupt is forwarded it leaves it active (the benign twin in
``test_benign.py``). If the guest programs its timer again, that interrupt is held back by the
active state until the VCPU is next loaded: an exit is not enough, and a busy guest waits as long as
it is neither preempted nor idle. With an exit that waits for the line's fall it cannot happen.

F2 and F3 are patches of the museum (``harness/museum/f02...``, ``f03...``): the eras are mended
there, and the patches make them KVM as shipped.

F7, both eras: on a machine with one List Register the underflow interrupt (UIE: fewer than two
registers valid) is asserted from the moment it is enabled. As soon as one interrupt is left outside
the guest is forced out again before it executes an instruction, time after time. Architecturally
one register is enough; KVM's way to wait for an empty one is not made for it.

F12, both eras: a guest idles while its timer is due and its interrupt disabled. Era v7.2 blocks,
for nothing is deliverable, and its put arms the background timer for the past; that wakes the
thread, which has nothing to run for. Era v4.14 does not block, as it asks the timer too.

F15, both eras: a guest's ICACTIVER of a device's interrupt that is pending takes the physical
active state with it; the interrupt stays pending, and the next flush presents it.

F16, both eras: an SPI that is pending for a VCPU whose thread has ended is routed to another. Only
the thread that has it on its ap_list ever moves it.
"""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.timer import VTIMER_PPI
from tests.race.running import has_fired, is_active, outcomes, timer_lr, world_of

ENABLE = str(Path(__file__).parent / "scenarios" / "enable-while-asserted.toml")
ONE_REGISTER = str(Path(__file__).parent / "scenarios" / "one-register.toml")
PEND_EXIT = str(Path(__file__).parent / "scenarios" / "pend-and-exit.toml")
PEND_PUT = str(Path(__file__).parent / "scenarios" / "pend-and-put.toml")
SILENCED = str(Path(__file__).parent / "scenarios" / "armed-again.toml")
INV_ACT = {"R12", "R15", "R23", "I1"}


async def test_f1_enabling_with_the_line_high_can_enter_with_an_inactive_interrupt() -> None:
    world = world_of(ENABLE, V7_2)
    found = {v.rule async for outcome in outcomes(world, 120) for v in outcome.violations}
    assert found == INV_ACT


async def test_f1_needs_a_gic_that_lags() -> None:
    world = world_of(ENABLE, V7_2, (("gic_messages", "synchronous"),))
    assert not [v async for outcome in outcomes(world, 120) for v in outcome.violations]


async def test_f1_is_not_in_the_seeds_era() -> None:
    world = world_of(ENABLE, V4_14)
    assert not [v async for outcome in outcomes(world, 120) for v in outcome.violations]


@pytest.mark.parametrize(
    ("scenario", "era"),
    [(PEND_EXIT, V7_2), (PEND_PUT, V7_2), (PEND_EXIT, V4_14), (PEND_PUT, V4_14)],
)
@pytest.mark.parametrize("messages", ["queued", "synchronous"])
async def test_f4_what_a_guest_made_pending_loses_its_active_state(
    scenario: str, era: type[Kvm], messages: str
) -> None:
    world = world_of(scenario, era, (("gic_messages", messages),))
    async for outcome in outcomes(world, 20):
        assert {v.rule for v in outcome.violations} == INV_ACT


async def test_f5_a_timer_that_is_armed_again_is_held_back_until_the_next_load() -> None:
    world = world_of(SILENCED, V7_2, (("gic_messages", "lagging"),))
    left_active, held_back = False, 0

    def on_end(fact: facts.IsrEnded) -> None:
        nonlocal left_active
        left_active = left_active or (fact.intid == VTIMER_PPI and fact.line is False)

    world.subscribe({facts.IsrEnded: on_end})
    async for outcome in outcomes(world, 600):
        # An exit is not enough: it is entered so again.
        for violation in outcome.violations:
            assert (violation.rule, violation.alarm) == ("G8", "held")
            assert left_active
            assert is_active(world, 0)
            assert has_fired(world, 0)
            assert not timer_lr(world, 0).state
            held_back += 1
        left_active = False
    assert held_back


@pytest.mark.parametrize("messages", ["queued", "synchronous"])
async def test_f5_needs_a_line_that_falls_after_the_exit(messages: str) -> None:
    world = world_of(SILENCED, V7_2, (("gic_messages", messages),))

    def on_end(fact: facts.IsrEnded) -> None:
        assert fact.line is not False

    world.subscribe({facts.IsrEnded: on_end})
    assert not [v async for outcome in outcomes(world, 100) for v in outcome.violations]


@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_f7_one_list_register_is_too_few_for_an_underflow(era: type[Kvm]) -> None:
    for rules, expected in ((None, "I14"), (frozenset({"L2"}), "L2")):
        world = world_of(ONE_REGISTER, era, rules=rules)
        found = {v.rule async for outcome in outcomes(world, 100) for v in outcome.violations}
        # In 4.14 what is outside is late, too: F26.
        assert found - {"I12"} == {expected}
        assert era is V4_14 or "I12" not in found


@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_f7_needs_a_machine_with_one_list_register(era: type[Kvm]) -> None:
    world = world_of(ONE_REGISTER, era, lrs=2)
    assert not [v async for outcome in outcomes(world, 100) for v in outcome.violations]


WAKES_NOBODY = str(Path(__file__).parent / "scenarios" / "dir-wakes-nobody.toml")


async def test_f8_a_deactivation_by_another_vcpu_wakes_nobody() -> None:
    """F8, era v7.2: a trapped DIR asks the owner to prune its ap_list, and does not kick it.

    An LPI (or any edge of software) comes again while it is active. Its VCPU idles: active and
    pending is no reason not to block. Another VCPU deactivates it; now it is deliverable, and
    vgic_v3_deactivate leaves it at a request, which a sleeping thread does not see. No List
    Register need be missing.
    """
    world = world_of(WAKES_NOBODY, V7_2)
    late = [v async for outcome in outcomes(world, 60, audited=2) for v in outcome.violations]
    assert late
    assert {v.type for v in late} == {"late"}
    assert {"L1", "I6"} <= {v.rule for v in late}


class Kicks(V7_2):
    """The request is followed by a kick, as everywhere else."""

    async def handle_dir(self, t: Context) -> None:
        await super().handle_dir(t)
        for v in range(len(self.machine.threads)):
            if v != t.v:
                await self.kick(t, v)


async def test_f8_a_kick_mends_it() -> None:
    world = world_of(WAKES_NOBODY, Kicks)
    assert not [v async for outcome in outcomes(world, 60, audited=2) for v in outcome.violations]
