"""A case: what is run, with the scenario as a value, so that it can be made smaller.

Sizes and knobs that say what a scenario says (VCPUs, preemptions, EOImode, ...) are put into it.
So a case is its scenario, the variant, and the knobs that are left.
"""

from typing import Final

import msgspec

from harness.engine.choice import Choice
from harness.engine.execution import Limits
from harness.engine.schedule import Schedule
from harness.engine.slot import Slot
from harness.scenarios.schema import Scenario
from harness.spec import RunSpec, load_scenario
from harness.variants import resolve_variant
from harness.world import VgicWorld

__all__ = ["Case"]

INTO_SCENARIO: Final = ("preemptions", "eoimode")
"""Knobs that are fields of a scenario, too."""


class Case(msgspec.Struct, frozen=True):
    """What to run: a scenario as a value, a variant by name, and the knobs it leaves open.

    ``scenario`` says all sizes, and has a program for each VCPU.
    """

    scenario: Scenario
    variant: str
    knobs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, spec: RunSpec) -> "Case":
        """Return the case that runs just as ``spec`` does; it has no states to reach.

        Raises:
            UsageError: its scenario cannot be had.

        """
        loaded = load_scenario(spec.scenario)
        knobs = dict(spec.knobs)
        said = {name: int(knobs.pop(name)) for name in INTO_SCENARIO if name in knobs}
        programs = loaded.vcpu
        vcpus = tuple(programs[v % len(programs)] for v in range(spec.vcpus))
        scenario = msgspec.structs.replace(
            loaded, pcpus=spec.pcpus, vcpu=vcpus, vcpus=None, lrs=spec.lrs, sometimes={}, **said
        )
        return cls(scenario, spec.variant, tuple(sorted(knobs.items())))

    def replace(self, **fields: object) -> "Case":
        """Return a case with other values for these fields of its scenario."""
        scenario = msgspec.structs.replace(self.scenario, **fields)
        return msgspec.structs.replace(self, scenario=scenario)

    def spec(self, name: str) -> RunSpec:
        """Return the specification under which it runs; ``name`` is where its scenario is."""
        return RunSpec(
            scenario=name,
            variant=self.variant,
            pcpus=self.scenario.pcpus,
            vcpus=len(self.scenario.vcpu),
            lrs=self.scenario.lrs,
            knobs=self.knobs,
        )

    def schedule(self, name: str, choices: tuple[Choice, ...]) -> Schedule:
        """Return a schedule of it; ``name`` is where its scenario is."""
        spec = self.spec(name)
        return Schedule(
            spec.scenario, spec.variant, spec.pcpus, spec.vcpus, spec.lrs, spec.knobs, choices
        )

    def world(
        self, task_class: type[Slot], *, rules: frozenset[str] | None = None, variant: str = ""
    ) -> VgicWorld:
        """Build its world for an engine's ``task_class``.

        Args:
            task_class: the engine's tasks.
            rules: the ids of those that are checked; None: all that hold.
            variant: runs another one over the same scenario ("": its own).

        Raises:
            UsageError: the variant cannot be had.

        """
        name = variant or self.variant
        knobs = dict(self.knobs)
        limits = Limits(steps_max=int(knobs["steps_max"])) if "steps_max" in knobs else Limits()
        return VgicWorld(
            self.scenario,
            self.spec(self.scenario.name).config(self.scenario),
            resolve_variant(name),
            variant=name,
            task_class=task_class,
            rules=rules,
            limits=limits,
        )

    @property
    def id(self) -> bytes:
        """What tells it from other cases."""
        return msgspec.json.encode((self.scenario, self.variant, self.knobs), order="sorted")
