"""What a campaign leaves behind: a folder with its record, failing logs, schedules, campaign.json.

A folder belongs to one campaign, and campaign.json appears whole or not at all. It names files as
they lie in the folder, so that that can be moved. What cannot be written is said; it never hides
what was found.
"""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.campaign.batches import Finding
from harness.campaign.crash import naming_variant
from harness.campaign.events import Events
from harness.campaign.plan import Plan
from harness.campaign.record import NAME, Record
from harness.campaign.suffered import suffered, symptom_dict
from harness.campaign.summary import Campaign, Tally
from harness.engine.schedule import LINE_MAX, Schedule
from harness.errors import UsageError
from harness.places import next_folder, shown, write_whole
from harness.search.explanation import Symptom
from harness.search.shrunk import Kept
from harness.spec import RunSpec

__all__ = ["LOGS_MAX", "Evidence", "Failure"]

LOGS_MAX = 3
"""How many whole logs are kept per rule and variant; the other failures keep their schedules."""
HURRY_SECONDS = 2.0
COMMAND = "stress"


class Failure(msgspec.Struct):
    """A failing execution as it is reported.

    ``kept`` is the id of the kept failure that it is, if it is one; ``file`` the one that its
    schedule is in, if that is long; ``shortest`` what it was shrunk to, if it was.
    """

    tally: Tally
    finding: Finding
    kept: str = ""
    file: Path | None = None
    log: Path | None = None
    shortest: Kept | None = None

    @property
    def spec(self) -> RunSpec:
        """What was run: a kept failure has a scenario of its own."""
        spec = self.tally.spec
        if not self.kept:
            return spec
        rules = None if spec.rules is None else frozenset(spec.rules)
        return RunSpec.from_schedule(Schedule.parse(self.finding.schedule), rules)

    @property
    def name(self) -> str:
        """Which execution it is, for people."""
        return f"kept failure {self.kept}" if self.kept else f"schedule {self.finding.index}"

    @property
    def replay(self) -> str:
        """What ``vgic-race replay`` takes: the schedule, or the file it is in."""
        return self.finding.schedule if self.file is None else shown(self.file)

    @property
    def symptom(self) -> Symptom | None:
        """What a guest suffers of it: looked for where it has a log; in its shortest story."""
        if self.log is None:
            return None
        if self.shortest is not None:
            shrunk = self.shortest.shrunk
            return suffered(shrunk.schedule, (shrunk.violation,))
        return suffered(Schedule.parse(self.finding.schedule), self.finding.violations)

    def as_dicts(self, *, bare: bool = False) -> list[dict[str, Any]]:
        """Return one object per broken rule, the first one first.

        Files are named as a reader finds them from here; with ``bare`` as they lie in the folder.
        """

        def named(path: Path | None) -> str | None:
            if path is None:
                return None
            return path.name if bare else shown(path)

        return [
            {
                "type": v.type,
                "rule": v.rule,
                "alarm": v.alarm,
                "text": v.text,
                "scenario": self.tally.spec.scenario,
                "variant": self.tally.spec.variant,
                "schedule": self.finding.schedule,
                "schedule_file": named(self.file),
                "steps": self.finding.steps,
                "log": named(self.log),
                "execution": self.finding.index,
                "kept": self.kept or None,
                "symptom": symptom_dict(self.symptom),
                "shortest": named(None if self.shortest is None else self.shortest.schedule),
            }
            for v in self.finding.violations
        ]


class Evidence:
    """Writes the folder of a campaign, which is made when the first thing is to be written.

    ``error`` says why something could not be written; nothing more is tried after that.
    """

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self.root = root
        self.folder = folder
        self.error = ""
        self.names: set[str] = set()
        self.record: Record | None = None

    def begin(self, plan: Plan, seconds: float | None) -> Record | None:
        """Make the folder and begin the record, or go on with the one that is there.

        Args:
            plan: what is to be run.
            seconds: the wall time that was given for it, if it was.

        Returns:
            The record; None if it cannot be written, which :attr:`error` tells.
        """
        try:
            self.record = Record(self.place(NAME))
        except UsageError as error:
            self.error = str(error)
            return None
        self.record.begin(plan, datetime.now(UTC).isoformat(), seconds)
        return self.record

    @property
    def trouble(self) -> str:
        """What could not be written, if anything could not."""
        return self.error or ("" if self.record is None else self.record.error)

    def place(self, name: str) -> Path:
        """Return the path of a file in the folder, which is made now if it was not yet.

        Raises:
            UsageError: the folder cannot be made.
        """
        if self.folder is None:
            self.folder = next_folder(self.root, COMMAND)
        return self.folder / name

    def keep(self, campaign: Campaign) -> list[Failure]:
        """Write what was found, in the order of entries and schedules.

        Per rule and variant :data:`LOGS_MAX` failures keep a whole log; if the campaign was
        interrupted, as many as there is time for, since who interrupts does not wait long. What
        cannot be written is told by :attr:`error`, and returned all the same.
        """
        end = time.monotonic() + HURRY_SECONDS
        logs: dict[tuple[str, str], int] = {}
        failures = []
        events = Events(campaign.plan)
        plan = campaign.plan
        for entry, tally in enumerate(campaign.tallies):
            for finding in sorted(tally.findings, key=lambda f: f.index):
                key = (tally.spec.variant, finding.violations[0].rule)
                logs[key] = logs.get(key, 0) + 1
                seed = (
                    None if plan.strategy == "round-robin" else plan.seed_of(entry, finding.index)
                )
                in_time = not campaign.interrupted or time.monotonic() < end
                whole = logs[key] <= LOGS_MAX and in_time
                failures.append(self.keep_one(Failure(tally, finding), seed=seed, whole=whole))
                if failures[-1].log is not None:
                    path = shown(failures[-1].log)
                    which = {"schedule": finding.index, "path": path}
                    events.say("info", "evidence written", tally.spec, **which)
                elif self.error and whole:
                    why = {"schedule": finding.index, "why": self.error}
                    events.say("error", "evidence lost", tally.spec, **why)
        for again in campaign.again:
            if again.finding is not None:
                failure = Failure(campaign.tallies[again.entry], again.finding, again.id)
                failures.append(self.keep_one(failure, seed=None, whole=True))
        return failures

    def keep_one(self, failure: Failure, *, seed: int | None, whole: bool) -> Failure:
        """Write the log of a failure if it is to be ``whole``, and its schedule if it is long."""
        finding = failure.finding
        name = self.name(failure)
        try:
            if not self.error and len(finding.schedule) > LINE_MAX:
                path = self.place(f"{name}.schedule")
                write_whole(path, finding.schedule.encode() + b"\n")
                failure.file = path
            if not self.error and whole:
                failure.log = self.log_of(failure, seed, self.place(f"{name}.jsonl"))
        except UsageError as error:
            self.error = self.error or str(error)
        return failure

    def log_of(self, failure: Failure, seed: int | None, path: Path) -> Path:
        """Run a failing execution again with full logging; the log names the schedule's ``seed``.

        A schedule says everything; so a replay of the log writes the same bytes.

        Returns:
            The path of the log, which is ``path``.

        Raises:
            UsageError: it went otherwise this time, or a variant of the user's raised something.
            WriteError: the log cannot be written (it is a UsageError, too).
        """
        from harness.log.record import record

        spec, finding = failure.spec, failure.finding
        path.unlink(missing_ok=True)  # the folder is this campaign's: it went on, perhaps
        with naming_variant(spec):
            recorded = record(spec, Schedule.parse(finding.schedule), path, seed=seed)
        again = [(v.rule, v.step) for v in recorded.outcome.violations]
        if recorded.divergence is not None or again != [
            (v.rule, v.step) for v in finding.violations
        ]:
            raise UsageError(
                f"variant {spec.variant!r} is not deterministic: {failure.name} "
                f"broke {finding.violations[0].rule}, and did otherwise when it was run again "
                f"({recorded.divergence or again}); see that it keeps no state of its own"
            )
        return recorded.path

    def name(self, failure: Failure) -> str:
        """Return a name for an execution's files, about 120 characters at most, never twice."""
        spec = failure.tally.spec
        which = f"kept-{failure.kept}" if failure.kept else failure.finding.index
        text = f"{spec.scenario}-{spec.variant}-{which}"
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[-120:]
        name, number = base, 2
        while name in self.names:
            name, number = f"{base}-{number}", number + 1
        self.names.add(name)
        return name

    def finish(self, figures: dict[str, Any]) -> None:
        """Write campaign.json, and end the record; nothing is written after a first failure."""
        if self.record is not None:
            self.record.close()
        if self.error:
            return
        try:
            path = self.place("campaign.json")
            write_whole(path, msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
        except UsageError as error:
            self.error = str(error)
