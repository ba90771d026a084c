"""What a campaign says of itself while it runs: structlog events, with a level and bound fields.

``campaign`` (its seed), ``scenario``, ``variant`` and ``worker`` (numbered as they first report)
are bound as far as each applies. Who has configured structlog gets the events his way, tests by
``structlog.testing.capture_logs``; the command configures it with :func:`shown`, for stderr. Who
has not is told nothing. Structlog is imported when there is something to say.

| event | level | further fields |
|---|---|---|
| ``campaign began`` | info | ``entries``, ``jobs``, ``strategy``, ``schedules``, ``engine`` |
| ``entry began`` | info | ``number`` |
| ``worker started`` | info | ``pid`` |
| ``progress`` | info | ``schedules``, ``violated`` |
| ``violation`` | warning | ``rule``, ``alarm``, ``type``, ``schedule``, ``step``, ``text`` |
| ``slow-down`` | warning | ``rate`` and ``before``, in schedules per second of one worker |
| ``evidence written`` | info | ``schedule``, ``path`` |
| ``evidence lost`` | error | ``schedule``, ``why`` |
| ``campaign ended`` | info | ``verdict``, ``schedules``, ``steps``, ``seconds`` |
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.campaign.plan import Plan
from harness.spec import RunSpec

if TYPE_CHECKING:
    from harness.campaign.batches import BatchResult
    from harness.campaign.summary import Campaign, Tally

__all__ = ["Events", "shown"]

SLOW = 4
"""A batch that is so many times slower than its entry was until then is a slow-down."""
SLOW_SECONDS = 0.1
"""A batch must have taken so long to be told from noise."""
PROGRESS_SECONDS = 5.0


class Shown:
    """Whether the command shows events, and how."""

    wanted = False
    as_json = False


@contextmanager
def shown(*, as_json: bool, verbose: bool) -> Iterator[None]:
    """Show events on stderr, as text if ``verbose`` or as JSON lines; with neither, none.

    Structlog's own configuration is as before afterwards. If it was configured already, it stays.
    """
    before = Shown.wanted, Shown.as_json
    Shown.wanted, Shown.as_json = as_json or verbose, as_json
    try:
        yield
    finally:
        Shown.wanted, Shown.as_json = before


def say(level: str, event: str, fields: dict[str, Any]) -> None:
    """Say an event, if anyone listens."""
    configured = "structlog" in sys.modules and sys.modules["structlog"].is_configured()
    if not configured and not Shown.wanted:
        return
    import structlog

    logger = structlog.get_logger()
    if not configured:
        logger = structlog.wrap_logger(
            Stderr(),
            processors=processors(),
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=False,
        )
    getattr(logger.bind(**fields), level)(event)


class Stderr:
    """Structlog's logger at the end: a line on stderr, whatever that is at the time."""

    def info(self, line: str) -> None:
        """Print a line."""
        import click

        click.echo(line, err=True)

    warning = error = info


def processors() -> list[Any]:
    """Return the chain of the command: the level, the time for machines, and how it is written."""
    import structlog

    if not Shown.as_json:
        return [structlog.processors.add_log_level, readable]
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]


def readable(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    """Render an event for people: its level and name, and then what it says."""
    level, name = event.pop("level"), event.pop("event")
    event.pop("campaign", None)  # the line above all has its seed
    said = ", ".join(f"{key} {value}" for key, value in event.items())
    return f"  {level}: {name} ({said})"


class Events:
    """The events of one campaign; what it has to remember of it is bounded."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bound = {"campaign": f"stress-{plan.seed}"}
        self.workers: dict[int, int] = {}
        self.began: set[int] = set()
        self.spent: dict[int, tuple[int, float]] = {}
        self.slowed: set[int] = set()
        self.failing: dict[int, list[tuple[int, int]]] = {}
        """Per entry the first schedules of batches that found something, and who ran them."""
        self.told: set[tuple[int, str]] = set()
        self.next = time.monotonic()

    def say(self, level: str, event: str, spec: RunSpec | None = None, **fields: Any) -> None:
        """Say an event; one of an entry is bound to its scenario and variant."""
        entry = {} if spec is None else {"scenario": spec.scenario, "variant": spec.variant}
        say(level, event, {**self.bound, **entry, **fields})

    def begin(self) -> None:
        """Say that the campaign begins."""
        plan = self.plan
        self.say(
            "info", "campaign began", entries=len(plan.specs), jobs=plan.jobs,
            strategy=plan.strategy, schedules=plan.schedules, engine=plan.engine,
        )  # fmt: skip

    def dealt(self, entry: int) -> None:
        """Say that an entry begins, the first time that a batch of it is dealt out."""
        if entry not in self.began:
            self.began.add(entry)
            self.say("info", "entry began", self.plan.specs[entry], number=entry)

    def took(self, result: "BatchResult", tally: "Tally") -> None:
        """Say what a batch that came in has to tell; ``tally`` is its entry's by now."""
        number = self.workers.get(result.worker)
        if number is None:
            number = self.workers[result.worker] = len(self.workers) + 1
            self.say("info", "worker started", worker=number, pid=result.worker)
        if result.findings:
            self.failing.setdefault(result.entry, []).append((result.first, number))
        self.judge_speed(result, number)
        self.findings(result.entry, tally)

    def judge_speed(self, result: "BatchResult", worker: int) -> None:
        """Say that an entry has become slower; once per entry."""
        entry = result.entry
        done, seconds = self.spent.get(entry, (0, 0.0))
        if seconds >= SLOW_SECONDS <= result.seconds and entry not in self.slowed:
            rate, before = result.done / result.seconds, done / seconds
            if rate * SLOW < before:
                self.slowed.add(entry)
                self.say(
                    "warning", "slow-down", self.plan.specs[entry], worker=worker,
                    rate=round(rate, 1), before=round(before, 1),
                )  # fmt: skip
        self.spent[entry] = done + result.done, seconds + result.seconds

    def findings(self, entry: int, tally: "Tally") -> None:
        """Say which rules an entry has broken, each once."""
        for finding in tally.findings:
            first = finding.violations[0]
            if (entry, first.rule) in self.told:
                continue
            self.told.add((entry, first.rule))
            batches = [x for x in self.failing.get(entry, ()) if x[0] <= finding.index]
            self.say(
                "warning", "violation", tally.spec, worker=max(batches)[1] if batches else None,
                rule=first.rule, alarm=first.alarm, type=first.type, schedule=finding.index,
                step=first.step, text=first.text,
            )  # fmt: skip

    def progress(self, campaign: "Campaign") -> None:
        """Say how far the campaign is, at most every 5 s; as the runner's ``progress``."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + PROGRESS_SECONDS
            failing = sum(bool(t.broken) for t in campaign.tallies)
            self.say("info", "progress", schedules=campaign.schedules, violated=failing)

    def end(self, campaign: "Campaign") -> None:
        """Say how the campaign ended."""
        self.say(
            "info", "campaign ended", verdict=campaign.verdict, schedules=campaign.schedules,
            steps=campaign.steps, seconds=round(campaign.seconds, 3),
        )  # fmt: skip
