"""What comes of each condition that is broken: the settings of a List Register's end differ.

The conditions are those of ``test_lr_modes.py``. The same choices are run under all settings.
"""

import pytest

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.gic.lr import ACTIVE, INACTIVE, Lr
from model.gic.registers import HCR_EN, HCR_TDIR, HCR_UIE
from model.rules.registry import RULES
from tests.race.lr_modes import LIVE, histories, history, in_all_modes, looking
from tests.race.mutant import laid_over
from tests.race.running import outcomes

# -- (a) the central invariant -------------------------------------------------------------------
#
# Finding F1 breaks it in KVM as shipped: enabled while the line is high, the timer's interrupt is
# in a List Register and not active at the distributor.


async def test_a_an_inactive_interrupt_is_presented_again_or_sticks() -> None:
    """``polled`` ends the register while the guest still handles it; ``quirk`` never ends it."""
    worlds = in_all_modes("enable-repeatedly", looking(V7_2), "queued", rules=LIVE)
    again = stuck = 0
    for i in range(300, 450):  # the first hardly ever comes
        found = await histories(worlds, i)
        arch, polled, quirk = found["arch"], found["polled"], found["quirk"]
        assert not arch.broken()
        assert not polled.broken()
        assert found["erratum"].seen == arch.seen
        if polled.seen != arch.seen:
            # The interrupt is taken twice, the second time with the timer long silenced.
            assert len(polled.acked()) > len(arch.acked())
            again += 1
        if quirk.seen != arch.seen:
            # Active for ever: the guest sleeps and is woken over and over, and gets nothing more.
            assert quirk.broken() == {("L2", "violation")}
            assert len(quirk.acked()) < len(arch.acked())
            stuck += 1
    assert again
    assert stuck > 3


async def test_a_a_cpu_is_wedged_by_the_erratum() -> None:
    """The guest completes while its line is high: the distributor has it pending, not active."""
    worlds = in_all_modes("enable-eoi-first", looking(V7_2), "queued", rules=LIVE)
    wedged = later = 0
    for i in range(100):
        found = await histories(worlds, i)
        assert not any(found[mode].wedged for mode in ("arch", "polled", "quirk"))
        if found["erratum"].wedged:
            wedged += 1
            later += found["erratum"].seen != found["arch"].seen
    assert wedged > 3
    # What only a physical interrupt brings comes later, at the next exit, if at all.
    assert later


async def test_a_a_wedged_cpu_takes_no_interrupt_any_more() -> None:
    world = in_all_modes("enable-eoi-first", V7_2, "queued", rules=LIVE)["erratum"]
    cpu = world.machine.gic.cpuifs[0]
    wedged = 0

    def on_ack(fact: facts.AckedByHost) -> None:
        assert not cpu.wedged or fact.intid == 1023

    world.subscribe({facts.AckedByHost: on_ack})
    async for _ in outcomes(world, 80):
        wedged += cpu.wedged
    assert wedged


# -- (b) nothing else changes the active bit -----------------------------------------------------


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("scenario", ["spi-level", "spi-edge"])
async def test_b_polling_loses_what_the_host_acknowledged_meanwhile(
    scenario: str, era: type[Kvm]
) -> None:
    """Museum 57: LOST, though what the document demands of the active state was kept throughout.

    In era v4.14 the VCPU does not even sleep on it: it spins. The guest's own view says the same.
    """
    worlds = in_all_modes(scenario, era, "synchronous")
    broken: set[tuple[str, str]] = set()
    differ = 0
    for i in range(40):
        found = await histories(worlds, i)
        for mode in ("arch", "quirk", "erratum"):
            assert found[mode].seen == found["arch"].seen
            assert not found[mode].broken()
        broken |= found["polled"].broken()
        differ += found["polled"].seen != found["arch"].seen
    lost = {("L2", "violation")} if era is V4_14 else {("L1", "lost"), ("G9", "lost")}
    # An edge that is lost is made up for by the next one, unless it was the last.
    assert broken == (lost if scenario == "spi-level" else broken & lost)
    assert differ > 3


async def test_b_in_v4_14_the_vcpus_own_cpu_is_no_better() -> None:
    """Its fold runs with interrupts on: the host has acknowledged the device again before it.

    The guest reads that the interrupt is active, which it has completed.
    """
    worlds = in_all_modes("spi-level-own-cpu", V4_14, "synchronous")
    lost = 0
    for i in range(16):
        found = await histories(worlds, i)
        assert not any(found[mode].broken() for mode in ("arch", "quirk", "erratum"))
        lost += found["polled"].broken() == {("G1", "violation")}
    assert lost > 3


# -- (c) the deactivation has arrived ------------------------------------------------------------


class TooEarly(Hooks):
    """The poll overtakes the guest's deactivation, and nothing else does."""

    def trusted(self, t: Context, lr: Lr) -> Lr:
        ended = self.polls and lr.hw and lr.state >= ACTIVE
        if not ended or self.machine.gic.is_active(t.c, lr.pintid):
            return lr
        return Lr(vintid=lr.vintid, state=INACTIVE, hw=True, pintid=lr.pintid)


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("scenario", ["timer-wfi", "migrate"])
async def test_c_polling_too_early_keeps_what_has_ended(scenario: str, era: type[Kvm]) -> None:
    """The register is entered active once more, and nobody deactivates it: the timer is lost."""
    worlds = in_all_modes(scenario, laid_over(TooEarly, era), "queued")
    broken: set[tuple[str, str]] = set()
    for i in range(15):
        found = await histories(worlds, i)
        assert not any(found[mode].broken() for mode in ("arch", "quirk", "erratum"))
        broken |= found["polled"].broken()
    assert broken == {("L2", "violation")}


async def test_c_so_does_a_machine_without_the_bound_on_deactivations() -> None:
    """gic_messages=lagging: nothing makes the deactivation arrive before the poll."""
    worlds = in_all_modes("timer-wfi", V7_2, "lagging", rules=LIVE)
    lost = 0
    for i in range(40):
        assert not (await history(worlds["arch"], i)).broken()
        lost += (await history(worlds["polled"], i)).broken() == {("L2", "violation")}
    assert lost


# -- (d) the guest deactivates once --------------------------------------------------------------


UNCOUNTED = frozenset(RULES) - {"I8", "G6"}
"""These see it before the guest does: what is counted is credited to whatever the guest handles.

I8 sees that at once, G6 at rest: what was not credited stays active.
"""


class CountsDirs(Hooks):
    """Lets DIRs be counted rather than trap, and does not use UIE (see (e))."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        return super().configure_hcr(pending, active, size) & ~(HCR_TDIR | HCR_UIE)


def counts_dirs(era: type[Kvm]) -> type[Kvm]:
    """Return an era that does so."""
    return laid_over(CountsDirs, era)


async def test_d_a_second_deactivation_is_counted_unless_the_register_stays() -> None:
    """It finds no register, is counted, and KVM ends what the guest still handles.

    Under ``polled`` it finds the register that stayed active, and does no harm. So the guest gets
    an SGI again before it has deactivated the first one under all settings but that.
    """
    rules = UNCOUNTED - {"G4"}  # which sees the guest get it again, and ends it there
    worlds = in_all_modes("deactivate-twice", counts_dirs(V7_2), "synchronous", rules=rules)
    differ = 0
    for i in range(120):
        arch = await history(worlds["arch"], i)
        polled = await history(worlds["polled"], i)
        assert not arch.broken() | polled.broken()
        if polled.seen != arch.seen:
            differ += 1
            assert (await history(worlds["quirk"], i)).seen == arch.seen
            assert (await history(worlds["erratum"], i)).seen == arch.seen
            first = next(n for n, x in enumerate(arch.seen) if x != polled.seen[n])
            # HPPIR shows the SGI pending again, or not.
            assert (arch.seen[first][1], polled.seen[first][1]) != (1023, 1023)
    assert differ


async def test_d_a_guest_that_deactivates_once_cannot_tell() -> None:
    worlds = in_all_modes("deactivate-once", counts_dirs(V7_2), "synchronous", rules=UNCOUNTED)
    for i in range(60):
        found = await histories(worlds, i)
        assert all(x.seen == found["arch"].seen and not x.broken() for x in found.values())


# -- (e) no progress waits for an empty register -------------------------------------------------


class UnderflowOnly(V7_2):
    """Overflow as KVM handled it until 2025: an exit when the registers run empty, no other.

    I12 says of it that what is outside has no exit of its own; here the guest's is looked at.
    """

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        return HCR_EN | (HCR_UIE if pending + active > size else 0)


async def waited(kvm: type[Kvm]) -> int:
    """Count the schedules in which polling lets the third interrupt wait for the guest's WFI."""
    worlds = in_all_modes("no-room", kvm, "synchronous", rules=frozenset(RULES) - {"I12"})
    count = 0
    for i in range(100):
        found = await histories(worlds, i)
        arch, polled = found["arch"], found["polled"]
        assert not any(x.broken() for x in found.values())
        assert found["quirk"].seen == found["erratum"].seen == arch.seen
        assert polled.acked() == arch.acked()
        facts_seen = [fact.KIND for fact, _ in polled.seen]
        if [fact.KIND for fact, _ in arch.seen] != facts_seen:
            assert len(arch.acked()) == 3
            assert facts_seen.index("guest-wfi") < len(facts_seen) - 2
            count += 1
    return count


async def test_e_a_register_that_stays_active_is_never_empty() -> None:
    """No underflow, so no exit: the third interrupt comes when the guest leaves by itself."""
    assert (await waited(UnderflowOnly)) > 3


async def test_e_an_exit_when_nothing_is_pending_needs_no_empty_register() -> None:
    """With NPIE, as shipped, it comes at the second acknowledge at the latest."""
    assert (await waited(V7_2)) == 0
