"""Failing schedules that are kept from one campaign to the next, and tried first there.

They lie in ``.vgic-race/failures/`` of the nearest project (of the current folder without one), a
JSON file each, named for what is in it. One that passes now is said to, and is dropped once it has
passed :data:`PASSES` campaigns in a row. ``VGIC_RACE_KEPT`` names another folder, or is ``off``.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from harness.campaign.batches import Finding
from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.places import write_whole
from harness.project import find_project
from harness.spec import RunSpec, portable
from harness.strategies.replay import Replay

__all__ = ["PASSES", "Failed", "Store", "again", "default_store"]

ENV: Final = "VGIC_RACE_KEPT"
PASSES: Final = 3
OF_ENTRY_MOST: Final = 10
"""So many are kept of a scenario and variant; the oldest stay."""
FORMAT: Final = 1


Key = tuple[
    str, str, int, int, int, tuple[tuple[str, str], ...], tuple[str, ...] | None
]  # fmt: skip
"""What an entry is: scenario, variant, sizes, knobs, rules."""


class Failed(msgspec.Struct, frozen=True):
    """A kept failure.

    ``scenario`` and ``variant`` are what was run, paths as from the project's folder; with sizes,
    knobs and rules they say of which entry it is. ``schedules`` are what to run, the shortest
    first: it fails if one of them does. ``passed`` counts the campaigns in a row that it passed.
    """

    scenario: str
    variant: str
    pcpus: int
    vcpus: int
    lrs: int
    knobs: tuple[tuple[str, str], ...]
    rules: tuple[str, ...] | None
    rule: str
    text: str
    schedules: tuple[str, ...]
    passed: int = 0
    format: int = FORMAT

    @property
    def id(self) -> str:
        """What it is kept under: a digest of what it says."""
        bare = msgspec.structs.replace(self, passed=0)
        return hashlib.blake2b(msgspec.json.encode(bare), digest_size=8).hexdigest()


class Store:
    """The kept failures of a project.

    ``trouble`` says why they could not be kept, or read; a campaign goes on without them.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.project = project
        self.trouble = ""

    def all(self) -> list[Failed]:
        """Return what is kept, in the order of the names; what is none of these is left alone."""
        return [failed for _, failed in self.files()]

    def files(self) -> Iterator[tuple[Path, Failed]]:
        """Yield the files with what they hold."""
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError as error:
            self.trouble = f"cannot read {str(self.folder)!r}: {error.strerror}"
            return
        for path in paths:
            try:
                failed = msgspec.json.decode(path.read_bytes(), type=Failed)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if failed.format == FORMAT:
                yield path, failed

    def of(self, spec: RunSpec) -> list[Failed]:
        """Return what is kept of an entry."""
        key = self.key(spec)
        return [failed for failed in self.all() if key_of(failed) == key][:OF_ENTRY_MOST]

    def key(self, spec: RunSpec) -> Key:
        """Return what tells entries apart, however their paths are spelt."""
        scenario = self.name(spec.scenario) if spec.scenario.endswith(".toml") else spec.scenario
        where, _, name = spec.variant.rpartition(":")
        variant = f"{self.name(where)}:{name}" if where.endswith(".py") else spec.variant
        return scenario, variant, spec.pcpus, spec.vcpus, spec.lrs, spec.knobs, spec.rules

    def name(self, path: str) -> str:
        """Return a path as from the project's folder."""
        try:
            return Path(os.path.relpath(os.path.realpath(path), self.project)).as_posix()
        except ValueError:
            return path

    def spec_of(self, failed: Failed) -> RunSpec:
        """Return the entry that a kept failure is of, its paths as from here.

        Raises:
            UsageError: its scenario or variant is gone.
        """
        scenario, variant = failed.scenario, failed.variant
        if scenario.endswith(".toml"):
            scenario = os.path.relpath(self.project / scenario)
        where, _, name = variant.rpartition(":")
        if where.endswith(".py"):
            variant = f"{os.path.relpath(self.project / where)}:{name}"
        return RunSpec.make(
            scenario, variant, pcpus=failed.pcpus, vcpus=failed.vcpus, lrs=failed.lrs,
            knobs=dict(failed.knobs),
            rules=None if failed.rules is None else frozenset(failed.rules),
        )  # fmt: skip

    def keep(self, spec: RunSpec, finding: Finding, shortest: Schedule | None = None) -> None:
        """Keep a failure, unless there are enough of its entry; with ``shortest``, that as well."""
        schedules = [str(portable(Schedule.parse(finding.schedule)))]
        if shortest is not None:
            schedules.insert(0, str(shortest))
        violation = finding.violations[0]
        about = violation.rule, violation.text, tuple(schedules)
        failed = Failed(*self.key(spec), *about)
        known = self.of(spec)
        whole = str(schedules[-1])
        for path, other in list(self.files()):
            if other.schedules[-1] == whole and key_of(other) == self.key(spec):
                if len(other.schedules) >= len(failed.schedules):
                    return
                path.unlink(missing_ok=True)  # now it is known how short it can be
                known.remove(other)
        if len(known) < OF_ENTRY_MOST:
            self.write(failed)

    def write(self, failed: Failed) -> None:
        """Write a failure; what goes wrong is noted only."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            ignore = self.folder.parent / ".gitignore"
            if self.folder.parent.name == ".vgic-race" and not ignore.exists():
                write_whole(ignore, b"# made by vgic-race\n*\n")
            write_whole(self.folder / f"{failed.id}.json", msgspec.json.encode(failed) + b"\n")
        except UsageError as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"cannot write to {str(self.folder)!r}: {error.strerror}"

    def note(self, failed: Failed, *, violated: bool) -> bool:
        """Note how a kept failure went; tell whether it was dropped, as it has passed enough."""
        if violated and not failed.passed:
            return False
        passed = 0 if violated else failed.passed + 1
        if passed >= PASSES:
            (self.folder / f"{failed.id}.json").unlink(missing_ok=True)
            return True
        self.write(msgspec.structs.replace(failed, passed=passed))
        return False


def again(text: str, entry: RunSpec) -> tuple[RunSpec, Replay] | None:
    """Return what a kept schedule of an entry runs now, followed as far as it fits still.

    None: it is of a scenario or a form that there is no more.
    """
    rules = None if entry.rules is None else frozenset(entry.rules)
    try:
        schedule = Schedule.parse(text)
        recorded = msgspec.structs.replace(schedule, variant=entry.variant)
        spec = RunSpec.from_schedule(recorded, rules)
    except UsageError:
        return None
    return spec, Replay(schedule.choices, skip=True)


def key_of(failed: Failed) -> Key:
    """Return of which entry a kept failure is, as :meth:`Store.key` says it."""
    return (
        failed.scenario, failed.variant, failed.pcpus, failed.vcpus, failed.lrs, failed.knobs,
        failed.rules,
    )  # fmt: skip


def default_store() -> Store | None:
    """Return the store of the nearest project, or of this folder; None where it is turned off."""
    given = os.environ.get(ENV)
    project = find_project() or Path.cwd()
    project = Path(os.path.realpath(project))
    if given == "off":
        return None
    return Store(Path(given) if given else project / ".vgic-race" / "failures", project)
