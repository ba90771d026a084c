"""``replay --expect``: a recorded schedule as a regression test, whatever became of the code."""

import shlex
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import click

from harness.cli.target import Target

if TYPE_CHECKING:
    from harness.engine.execution import Execution, Outcome
    from harness.spec import RunSpec

__all__ = ["report_expected"]

EXIT_AS_EXPECTED, EXIT_OTHERWISE = 0, 1


def report_expected(
    spec: "RunSpec", target: Target, expected: str, *, engine: str, as_json: bool
) -> int:
    """Follow a schedule as far as it can be, drain, and hold the verdict against ``expected``.

    Returns:
        0 if it ends as expected, else 1; reaching a bound is neither clean nor violated.

    Raises:
        UsageError: a variant of the user's raised something.

    """
    from harness.campaign.crash import naming_variant
    from harness.log.record import verdict_of

    with naming_variant(spec):
        outcome, skipped = follow(spec, target, engine)
    verdict = verdict_of(outcome)
    right = verdict == expected
    count = len(target.schedule.choices)
    if skipped:
        text = f"{skipped} of {count} choices do not fit any more and were left out"
        click.echo(f"note: {text}", err=True)
    reproducer = str(spec.schedule(outcome))
    if as_json:
        print_summary(spec, outcome, verdict, expected, skipped, reproducer)
    else:
        for violation in outcome.violations:
            click.echo(f"{violation.rule}: {violation.text} (step {violation.step})")
        if outcome.bound:
            click.echo(f"the bound on {outcome.bound!r} was reached")
        if not right:
            click.echo(f"reproduce: vgic-race replay {shlex.quote(reproducer)}")
        click.echo(f"{verdict}, {'as' if right else f'but {expected} was'} expected")
    return EXIT_AS_EXPECTED if right else EXIT_OTHERWISE


def follow(spec: "RunSpec", target: Target, engine: str) -> "tuple[Outcome, int]":
    """Run a schedule, leaving out what does not fit; how many choices those were comes, too."""
    from harness.engine.engines import make_engine
    from harness.engine.execution import Execution
    from harness.strategies.replay import Replay

    driver = make_engine(engine)
    replay = Replay(target.schedule.choices, skip=True)
    execution = Execution(spec.build(driver.task_class), replay)
    outcomes: list[Outcome] = []

    def once() -> "Generator[Execution, Outcome | None, None]":
        outcome = yield execution
        assert outcome is not None
        outcomes.append(outcome)

    driver.drive(once())
    return outcomes[0], replay.skipped


def print_summary(
    spec: "RunSpec", outcome: "Outcome", verdict: str, expected: str, skipped: int, reproducer: str
) -> None:
    """Print the summary line of --json."""
    from harness.cli.output import print_json

    violations: list[dict[str, Any]] = [
        {
            "type": violation.type,
            "rule": violation.rule,
            "alarm": violation.alarm,
            "text": violation.text,
            "scenario": spec.scenario,
            "variant": spec.variant,
            "schedule": reproducer,
            "steps": outcome.steps,
            "log": None,
        }
        for violation in outcome.violations
    ]
    print_json(
        {
            "type": "summary",
            "verdict": verdict,
            "violations": violations,
            "expected": expected,
            "as_expected": verdict == expected,
            "skipped": skipped,
            "scenario": spec.scenario,
            "variant": spec.variant,
            "schedule": reproducer,
            "steps": outcome.steps,
            "bound": outcome.bound,
        }
    )
