"""``python -m tests.rare``: how rare the states are that built-in scenarios exist to reach.

It runs a thousand schedules of each scenario in each era (two minutes) and prints the table that
``harness/campaign/reach.py`` keeps. It is no test.
"""

from harness.campaign.batches import Batch
from harness.campaign.plan import Plan
from harness.campaign.pool import Inline
from harness.campaign.reach import LOW
from harness.campaign.summary import Tally
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.variants import ERAS

SCHEDULES = 1000


def main() -> None:
    """Print the states that fewer schedules reach than one in twenty."""
    specs = tuple(RunSpec.make(name, era) for name in builtin_names() for era in ERAS)
    plan = Plan(specs=specs, seed=11, schedules=SCHEDULES * len(specs), engine="direct")
    pool = Inline(plan, lambda _entry, _finding: None)
    for entry, spec in enumerate(specs):
        tally = Tally.of(plan, entry)
        k = 0
        for first, count in ((0, plan.measuring), (plan.measuring, SCHEDULES - plan.measuring)):
            result = pool.worker.run(Batch(entry, first, count, k=k))
            k = result.k
            tally.add(result)
        for name in tally.wanted:
            share = tally.times_reached(name) / tally.schedules
            if share < LOW:
                print(f"    {(spec.scenario, spec.variant, name)!r}: {share:.3f},")


if __name__ == "__main__":
    main()
