"""What a campaign leaves behind: a folder with failing logs, long schedules and campaign.json.

A folder is never written into twice, and campaign.json appears whole or not at all. What cannot be
written is said; it never hides what was found.
"""

import re
from pathlib import Path
from typing import Any

import msgspec

from harness.campaign.crash import naming_variant
from harness.campaign.events import Events
from harness.campaign.summary import Campaign, Tally
from harness.campaign.workers import Finding
from harness.engine.schedule import LINE_MAX, Schedule
from harness.errors import UsageError
from harness.places import next_folder, shown, write_whole
from harness.search.shrunk import Kept

__all__ = ["LOGS_MAX", "Evidence", "Failure"]

LOGS_MAX = 3
"""How many whole logs are kept per rule and variant; the other failures keep their schedules."""
NAME = "stress"


class Failure(msgspec.Struct):
    """A failing execution as it is reported.

    ``replay`` is what ``vgic-race replay`` takes: the schedule, or the file it is in; ``shortest``
    is what it was shrunk to, if it was.
    """

    tally: Tally
    finding: Finding
    replay: str
    log: Path | None = None
    shortest: Kept | None = None

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return one object per broken rule, the first one first."""
        return [
            {
                "type": v.type,
                "rule": v.rule,
                "alarm": v.alarm,
                "text": v.text,
                "scenario": self.tally.spec.scenario,
                "variant": self.tally.spec.variant,
                "schedule": self.finding.schedule,
                "schedule_file": self.replay if self.replay != self.finding.schedule else None,
                "steps": self.finding.steps,
                "log": None if self.log is None else shown(self.log),
                "execution": self.finding.index,
                "shortest": None if self.shortest is None else shown(self.shortest.schedule),
            }
            for v in self.finding.violations
        ]


class Evidence:
    """Writes the folder of a campaign, which is made when the first thing is to be written.

    ``error`` says why something could not be written; nothing more is tried after that.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder: Path | None = None
        self.error = ""
        self.names: set[str] = set()

    def place(self, name: str) -> Path:
        """Return the path of a file in the folder, which is made now if it was not yet.

        Raises:
            UsageError: the folder cannot be made.
        """
        if self.folder is None:
            self.folder = next_folder(self.root, NAME)
        return self.folder / name

    def keep(self, campaign: Campaign) -> list[Failure]:
        """Write what was found, in the order of entries and schedules.

        Per rule and variant :data:`LOGS_MAX` failures keep a whole log. What cannot be written is
        told by :attr:`error`, and returned all the same.
        """
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
                whole = logs[key] <= LOGS_MAX
                failures.append(self.keep_one(tally, finding, seed=seed, whole=whole))
                if failures[-1].log is not None:
                    path = shown(failures[-1].log)
                    which = {"schedule": finding.index, "path": path}
                    events.say("info", "evidence written", tally.spec, **which)
                elif self.error and whole:
                    why = {"schedule": finding.index, "why": self.error}
                    events.say("error", "evidence lost", tally.spec, **why)
        return failures

    def keep_one(self, tally: Tally, finding: Finding, *, seed: int | None, whole: bool) -> Failure:
        """Write the log of a failure if it is to be ``whole``, and its schedule if it is long."""
        failure = Failure(tally=tally, finding=finding, replay=finding.schedule)
        name = self.name(tally, finding)
        try:
            if not self.error and len(finding.schedule) > LINE_MAX:
                path = self.place(f"{name}.schedule")
                write_whole(path, finding.schedule.encode() + b"\n")
                failure.replay = shown(path)
            if not self.error and whole:
                failure.log = self.record(tally, finding, seed, self.place(f"{name}.jsonl"))
        except UsageError as error:
            self.error = self.error or str(error)
        return failure

    def record(self, tally: Tally, finding: Finding, seed: int | None, path: Path) -> Path:
        """Run a failing execution again with full logging; the log names the schedule's ``seed``.

        A schedule says everything; so a replay of the log writes the same bytes.

        Returns:
            The path of the log, which is ``path``.

        Raises:
            UsageError: it went otherwise this time, or a variant of the user's raised something.
            WriteError: the log cannot be written (it is a UsageError, too).
        """
        from harness.log.record import record

        with naming_variant(tally.spec):
            recorded = record(tally.spec, Schedule.parse(finding.schedule), path, seed=seed)
        again = [(v.rule, v.step) for v in recorded.outcome.violations]
        if recorded.divergence is not None or again != [
            (v.rule, v.step) for v in finding.violations
        ]:
            raise UsageError(
                f"variant {tally.spec.variant!r} is not deterministic: schedule {finding.index} "
                f"broke {finding.violations[0].rule}, and did otherwise when it was run again "
                f"({recorded.divergence or again}); see that it keeps no state of its own"
            )
        return recorded.path

    def name(self, tally: Tally, finding: Finding) -> str:
        """Return a name for an execution's files, about 120 characters at most, never twice."""
        text = f"{tally.spec.scenario}-{tally.spec.variant}-{finding.index}"
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[-120:]
        name, number = base, 2
        while name in self.names:
            name, number = f"{base}-{number}", number + 1
        self.names.add(name)
        return name

    def finish(self, figures: dict[str, Any]) -> None:
        """Write campaign.json; nothing is written after a first failure (:attr:`error`)."""
        if self.error:
            return
        try:
            path = self.place("campaign.json")
            write_whole(path, msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
        except UsageError as error:
            self.error = str(error)
