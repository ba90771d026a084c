"""Writes down and tells what a campaign finds, as it is found."""

from collections.abc import Callable
from typing import Any

from harness.campaign.batches import BatchResult, Finding
from harness.campaign.kept import Store
from harness.campaign.plan import Plan
from harness.campaign.record import Record
from harness.places import shown

__all__ = ["Journal"]


class Journal:
    """The listener of a campaign: first each finding is on disk, then it is told.

    Args:
        plan: the campaign.
        record: where it is written; None if there is no place.
        tell: is told each finding once, as the objects of ``--json``.
        store: where failures are kept for the next campaign; None: they are not.

    """

    def __init__(
        self,
        plan: Plan,
        record: Record | None,
        tell: Callable[[dict[str, Any]], None],
        store: Store | None = None,
    ) -> None:
        self.plan = plan
        self.record = record
        self.tell = tell
        self.told: set[tuple[int, int]] = set()
        self.store = store
        self.kept: set[tuple[int, str, str]] = set()

    def found(self, entry: int, finding: Finding) -> None:
        """Write a finding down, and tell it."""
        if (entry, finding.index) in self.told:
            return
        self.told.add((entry, finding.index))
        if self.record is not None:
            self.record.found(entry, finding)
        spec = self.plan.specs[entry]
        first = finding.violations[0]
        kind = (entry, first.rule, first.alarm)
        if self.store is not None and finding.index >= 0 and kind not in self.kept:
            self.kept.add(kind)
            self.store.keep(spec, finding)
        place = None
        if self.record is not None and not self.record.error:
            place = shown(self.record.path)
        self.tell(
            {
                "type": "found",
                "kind": first.type,
                "rule": first.rule,
                "alarm": first.alarm,
                "text": first.text,
                "scenario": spec.scenario,
                "variant": spec.variant,
                "schedule": finding.schedule,
                "steps": finding.steps,
                "execution": finding.index,
                "written": place,
            }
        )

    def ran(self, result: BatchResult) -> None:
        """Write down what a batch came to."""
        self.told.difference_update((result.entry, f.index) for f in result.findings)
        if self.record is not None:
            self.record.ran(result)
