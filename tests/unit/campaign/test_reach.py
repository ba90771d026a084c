"""What a state that was not reached means: in a given time little, of given schedules a verdict."""

from harness.campaign.batches import BatchResult
from harness.campaign.plan import Plan
from harness.campaign.reach import NEEDED, RARE, enough_for, out_of_reach
from harness.campaign.summary import Campaign, Tally
from harness.report.campaign_text import closing, verdict_cell
from harness.scenarios.schema import load_builtin
from harness.spec import RunSpec
from model.rules.sometimes import NAMES

RARE_STATE = "an SPI moved to another VCPU"


def tally(schedules: int, spec: RunSpec, *, counted: bool) -> Tally:
    """An entry of which all states but the rare one were reached."""
    plan = Plan(specs=(spec,), seed=1, schedules=1 if counted else None, deadline=1.0)
    made = Tally.of(plan, 0)
    bits = sum(1 << NAMES.index(name) for name in made.wanted if name != RARE_STATE)
    made.add(BatchResult(0, 0, done=schedules, reached={bits: schedules}))
    return made


def test_in_a_given_time_a_rare_state_is_noted_with_the_command_that_reaches_it() -> None:
    made = tally(40, RunSpec.make("smp-mix", "v7.2"), counted=False)
    assert made.verdict == "clean"
    [note] = made.notes()
    assert note.startswith(f"not reached yet: {RARE_STATE}; in 40 schedules ")
    assert "131 schedules of this entry are known to reach it (95 %)" in note
    assert note.endswith("vgic-race stress smp-mix --variant v7.2 --schedules 131")
    assert enough_for("smp-mix", "v7.2", RARE_STATE) == 131


def test_of_given_schedules_it_is_inconclusive() -> None:
    made = tally(400, RunSpec.make("smp-mix", "v7.2"), counted=True)
    assert made.verdict == "inconclusive"
    assert made.notes() == []
    assert "--schedules 1200" in made.reasons()[0]


def test_what_is_out_of_reach_is_inconclusive_in_any_case() -> None:
    spec = RunSpec.make("smp-mix", "v7.2", vcpus=1)
    barred = [name for name in load_builtin("smp-mix").sometimes["v7.2"] if name in NEEDED]
    assert any(out_of_reach(spec, name) == "vcpus=1" for name in barred)
    plan = Plan(specs=(spec,), seed=1, deadline=1.0)
    made = Tally.of(plan, 0)
    made.add(BatchResult(0, 0, done=40, reached={0: 40}))
    assert made.verdict == "inconclusive"
    assert "out of reach with vcpus=1" in made.reasons()[0]
    assert "not reached yet" in made.notes()[0]


def test_one_schedule_is_never_not_found() -> None:
    spec = RunSpec.make("timer-wfi", "v7.2")
    everything = (1 << len(NAMES)) - 1
    for counted in (True, False):
        plan = Plan(specs=(spec,), seed=1, schedules=1 if counted else None, deadline=1.0)
        made = Tally.of(plan, 0)
        made.add(BatchResult(0, 0, done=1, reached={everything: 1}))
        assert made.verdict == ("inconclusive" if counted else "clean")
        campaign = Campaign(plan=plan, tallies=[made])
        assert campaign.verdict == made.verdict
        assert "NOT FOUND" not in closing(campaign)
        assert "NOT FOUND" not in verdict_cell(made, verbose=False).plain


def test_the_table_of_rare_states_names_what_there_is() -> None:
    for scenario, era, state in RARE:
        assert state in load_builtin(scenario).sometimes[era]
    assert set(NEEDED) <= set(NAMES)
