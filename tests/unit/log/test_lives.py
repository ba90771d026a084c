"""Lives of interrupts: whose a fact is, when one begins and ends, and what the log has of it."""

from harness.log.lives import ABOUT, Life, Lives
from harness.log.views import life_lines
from model import facts
from model.facts import Fact
from model.gic.lr import EMPTY, PENDING, Lr
from model.identity import PTIMER, VTIMER
from model.timer import PTIMER_PPI, VTIMER_PPI
from tests.unit.log.recorded import recorded


def lives_of(*told: Fact) -> list[Life | None]:
    lives = Lives()
    return [lives.of(fact) for fact in told]


def test_a_timers_life_begins_when_the_guest_enables_it() -> None:
    on, off = (facts.GuestTimer(0, VTIMER, 100, ctl, 100) for ctl in (1, 0))
    ends = facts.DeactivatedByGuest(0, VTIMER_PPI)
    found = lives_of(facts.Entered(0, 0), off, on, facts.AckedByGuest(0, VTIMER_PPI), ends, on)
    assert [life.number for life in found if life] == [0, 0, 1, 1, 1, 2]
    assert {life[:2] for life in found if life} == {(0, VTIMER_PPI)}
    # The other timer's are its own.
    found = lives_of(on, facts.GuestTimer(0, PTIMER, 100, 1, 100))
    assert found == [Life(0, VTIMER_PPI, 1), Life(0, PTIMER_PPI, 1)]


def test_a_device_is_told_under_the_vcpu_that_has_it() -> None:
    raised = facts.DeviceRaised(1, 80, 60)
    lr = facts.LrWritten(0, 2, EMPTY, Lr(vintid=60, state=PENDING, hw=True, pintid=80))
    found = lives_of(
        raised, facts.Loaded(0, 0), facts.AckedByHost(0, 80), lr, facts.AckedByGuest(0, 60)
    )
    assert found[0] == found[2] == found[3] == found[4] == Life(1, 60, 1)


def test_the_next_life_begins_when_something_asks_after_the_last_has_ended() -> None:
    raised, ends = facts.DeviceRaised(0, 80, 60), facts.DeactivatedByGuest(0, 60)
    folded = facts.Folded(0, 60, 0, active=False, line_level=False, pending_latch=False)
    found = lives_of(facts.Entered(0, 0), raised, raised, ends, folded, raised)
    assert [life.number for life in found[1:] if life] == [1, 1, 1, 1, 2]


def test_an_sgi_is_its_targets_and_a_private_interrupt_its_owners() -> None:
    assert lives_of(facts.SgiSent(0, 1, 5)) == [Life(1, 5, 1)]
    assert lives_of(facts.RegisterWritten(0, VTIMER_PPI, "ispendr", 1)) == [Life(1, VTIMER_PPI, 0)]
    sent, ends = facts.SgiSent(0, 1, 5), facts.DeactivatedByGuest(0, 5)
    found = lives_of(sent, facts.Entered(1, 0), ends, sent)
    assert [life.number for life in (found[0], found[2], found[3]) if life] == [1, 1, 2]


def test_the_hosts_own_and_what_is_nobodys() -> None:
    assert lives_of(facts.AckedByHost(0, 40)) == [Life(-1, 40, 1)]
    assert lives_of(facts.AckedByHost(0, 1023), facts.AckedByHost(0, 3)) == [None, None]


def test_a_log_has_the_life_of_each_fact_that_is_about_an_interrupt() -> None:
    taken = recorded("smp-mix", "v7.2")
    lives, seen = Lives(), set()
    for meta, fact in taken.log.entries:
        if isinstance(fact, Fact):
            life = lives.of(fact)
            assert meta.life == (life.number if life and type(fact) in ABOUT else None)
            seen.add(meta.life)
    assert {None, 1, 2} <= seen
    for line in life_lines(taken.log):
        assert line.entry.meta.life in (line.life, None)
