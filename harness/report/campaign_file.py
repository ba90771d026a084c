"""A campaign as it lies on disk: what campaign.json says, its kinds of failures, their logs.

Where the campaign found out which bugs are behind its failures (``stress --keep-going``), these are
the kinds. Else failures are of one kind if scenario and variant are the same, and the first rule
that they broke, and by which alarm.
"""

import shlex
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.engine.schedule import LINE_MAX
from harness.errors import UsageError
from harness.log.reader import Log, parse_log, read_log
from harness.places import shown
from harness.report.chain import moment_text
from harness.search.explanation import Moment, Pair

__all__ = [
    "Bucket", "CampaignFile", "Entry", "Found", "Told", "buckets_of", "log_of", "read_campaign",
    "replay_of",
]  # fmt: skip

NAME = "campaign.json"
RECORD = "campaign.record"


class Entry(msgspec.Struct, frozen=True):
    """A row of the campaign: a scenario under a variant, and what it came to."""

    scenario: str
    variant: str
    verdict: str
    schedules: int
    steps: int
    broken: dict[str, int] = {}
    reasons: tuple[str, ...] = ()
    windows: dict[str, int] = {}


class Found(msgspec.Struct, frozen=True):
    """A broken rule of a failing execution, the first one of the execution first."""

    rule: str
    text: str
    scenario: str
    variant: str
    schedule: str
    steps: int
    execution: int
    alarm: str = ""
    log: str | None = None
    schedule_file: str | None = None


class Told(msgspec.Struct, frozen=True):
    """A bug behind failures, as the campaign found it out: how many there are, what decides."""

    variant: str
    count: int
    scenario: str
    rule: str
    text: str
    steps: int
    schedule: str
    exact: bool = True
    alarms: dict[str, int] = {}
    scenarios: dict[str, int] = {}
    pair: Pair | None = None
    cause: Moment | None = None
    calm: bool | None = None
    replay: str = ""

    def reasons(self) -> list[str]:
        """Say what is known of it."""
        out = [f"{', '.join(f'{name} x{n}' for name, n in self.alarms.items())}"]
        out.append(f"in {', '.join(f'{name} x{n}' for name, n in self.scenarios.items())}")
        if self.calm:
            out.append("it fails in the calm order itself: no race is needed")
        if self.pair is not None:
            first, second = moment_text(self.pair.first), moment_text(self.pair.second)
            out.append(f"it takes: {first} before {second}")
        if self.cause is not None:
            out.append(f"the era does otherwise in {moment_text(self.cause)}")
        return out


class CampaignFile(msgspec.Struct, frozen=True):
    """What campaign.json says, as far as a report shows it; ``folder`` is where it lies."""

    verdict: str
    entries: tuple[Entry, ...]
    violations: tuple[Found, ...]
    schedules: int
    steps: int
    seed: int
    strategy: str = ""
    began: str = ""
    seconds: float = 0.0
    arguments: tuple[str, ...] = ()
    buckets: tuple[Told, ...] = ()
    folder: str = "."


class Bucket(NamedTuple):
    """Failures of one kind: how many there are, and the one to tell of, the shortest.

    ``kept`` are those that the file has, or, where ``told`` says which bug it is, all of them.
    """

    number: int
    kept: int
    best: Found
    told: Told | None = None

    @property
    def many(self) -> str:
        """How many there are, for people."""
        if self.told is None:
            return f"{self.kept} kept"
        return f"{'' if self.told.exact else 'about '}{self.told.count}"

    @property
    def note(self) -> str:
        """Which execution it tells of, and of how many."""
        if self.told is not None:
            return f", the shortest of {self.many}"
        which = f", schedule {self.best.execution}" if self.best.execution >= 0 else ""
        return f"{which}, one of {self.many}"


def read_campaign(path: Path) -> CampaignFile:
    """Read a campaign from its folder or its campaign.json.

    Raises:
        UsageError: there is none, or the file is no campaign: what is wrong with it.

    """
    file = path / NAME if path.is_dir() else path
    try:
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if (file.parent / RECORD).exists():
            reason = f"it was cut off; first: vgic-race merge {shlex.quote(str(file.parent))}"
        raise UsageError(f"cannot read the campaign {str(file)!r}: {reason}") from None
    try:
        campaign = msgspec.json.decode(data, type=CampaignFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(file)!r} is no campaign of stress: {error}") from None
    return msgspec.structs.replace(campaign, folder=str(file.parent))


def buckets_of(campaign: CampaignFile) -> list[Bucket]:
    """Return the bugs that were found, else the kinds of failures as they were found first."""
    if campaign.buckets:
        return [
            Bucket(n, told.count, found_of(told), told)
            for n, told in enumerate(campaign.buckets, 1)
        ]
    executions: dict[tuple[str, str, int], Found] = {}
    for found in campaign.violations:
        executions.setdefault((found.scenario, found.variant, found.execution), found)
    kinds: dict[tuple[str, str, str, str], list[Found]] = {}
    for found in executions.values():
        key = (found.scenario, found.variant, found.rule, found.alarm)
        kinds.setdefault(key, []).append(found)
    return [
        Bucket(n, len(some), min(some, key=lambda x: (x.log is None, x.steps, x.execution)))
        for n, some in enumerate(kinds.values(), 1)
    ]


def found_of(told: Told) -> Found:
    """Return the story of a bug as a failure."""
    file = told.replay if told.replay != told.schedule and len(told.schedule) > LINE_MAX else None
    return Found(
        rule=told.rule, text=told.text, scenario=told.scenario, variant=told.variant,
        schedule=told.schedule, steps=told.steps, execution=-1, schedule_file=file or None,
    )  # fmt: skip


def log_of(campaign: CampaignFile, found: Found) -> tuple[Log, Path | None]:
    """Return the log of a failure: as it lies there, else had by running the schedule again.

    Raises:
        UsageError: it is not there, and cannot be run.

    """
    from harness.campaign.crash import naming_variant
    from harness.engine.schedule import Schedule
    from harness.log.record import remember
    from harness.spec import RunSpec

    if found.log is not None:
        for path in (Path(campaign.folder) / Path(found.log).name, Path(found.log)):
            if path.is_file():
                return read_log(path, partial=True), path
    schedule = Schedule.parse(found.schedule)
    spec = RunSpec.from_schedule(schedule)
    with naming_variant(spec):
        _, data = remember(spec, schedule, Path("again"), engine="direct", seed=None)
    return parse_log(data, Path("again")), None


def replay_of(campaign: CampaignFile, found: Found) -> str:
    """Return what ``replay`` takes for a failure: its file as found from here, or the schedule."""
    if found.schedule_file is None:
        return found.schedule
    path = Path(campaign.folder) / Path(found.schedule_file).name
    return shown(path) if path.is_file() else found.schedule
