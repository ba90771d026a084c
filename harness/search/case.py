"""A case: what is run, with the scenario as a value, so that it can be made smaller.

Sizes and knobs that say what a scenario says (VCPUs, preemptions, EOImode, ...) are put into it.
So a case is its scenario, the variant, and the knobs that are left.
"""

from typing import Final

import msgspec

from harness.engine.execution import Limits
from harness.engine.slot import Slot
from harness.scenarios.schema import Scenario
from harness.scenarios.writer import to_toml
from harness.spec import RunSpec
from harness.variants import resolve_variant
from harness.world import VgicWorld
from model.machine import Config

__all__ = ["Case"]

INTO_SCENARIO: Final = ("preemptions", "eoimode")
"""Knobs that are fields of a scenario, too."""


class Case(msgspec.Struct, frozen=True):
    """What to run: a scenario as a value, a variant by name, and the knobs it leaves open.

    ``scenario`` says all sizes, and has a program for each VCPU; ``rules`` are the ids of those
    that are checked (None: all that hold).
    """

    scenario: Scenario
    variant: str
    knobs: tuple[tuple[str, str], ...] = ()
    rules: tuple[str, ...] | None = None

    @classmethod
    def of(cls, spec: RunSpec) -> "Case":
        """Return the case that runs just as ``spec`` does; it has no states to reach.

        Raises:
            UsageError: its scenario cannot be had.

        """
        loaded = spec.loaded()
        knobs = dict(spec.knobs)
        said = {name: int(knobs.pop(name)) for name in INTO_SCENARIO if name in knobs}
        programs = loaded.vcpu
        vcpus = tuple(programs[v % len(programs)] for v in range(spec.vcpus))
        scenario = msgspec.structs.replace(
            loaded, pcpus=spec.pcpus, vcpu=vcpus, vcpus=None, lrs=spec.lrs, sometimes={},
            explore=None, **said,
        )  # fmt: skip
        return cls(scenario, spec.variant, tuple(sorted(knobs.items())), spec.rules)

    def replace(self, **fields: object) -> "Case":
        """Return a case with other values for these fields of its scenario."""
        scenario = msgspec.structs.replace(self.scenario, **fields)
        return msgspec.structs.replace(self, scenario=scenario)

    @property
    def spec(self) -> RunSpec:
        """The specification that runs it anywhere: it carries the scenario."""
        return RunSpec(
            scenario=self.scenario.name,
            variant=self.variant,
            pcpus=self.scenario.pcpus,
            vcpus=len(self.scenario.vcpu),
            lrs=self.scenario.lrs,
            knobs=self.knobs,
            toml=to_toml(self.scenario),
            rules=self.rules,
        )

    def world(
        self, task_class: type[Slot], *, rules: frozenset[str] | None = None, variant: str = ""
    ) -> VgicWorld:
        """Build its world for an engine's ``task_class``.

        Args:
            task_class: the engine's tasks.
            rules: the ids of the rules that are checked; None: its own.
            variant: runs another one over the same scenario ("": its own).

        Raises:
            UsageError: the variant cannot be had.

        """
        name = variant or self.variant
        knobs = dict(self.knobs)
        limits = Limits(steps_max=int(knobs["steps_max"])) if "steps_max" in knobs else Limits()
        return VgicWorld(
            self.scenario,
            self.config(),
            resolve_variant(name),
            variant=name,
            task_class=task_class,
            rules=frozenset(self.rules) if rules is None and self.rules is not None else rules,
            limits=limits,
        )

    def config(self) -> Config:
        """Return its machine's configuration."""
        s = self.scenario
        spec = RunSpec(s.name, self.variant, s.pcpus, len(s.vcpu), s.lrs, self.knobs)
        return spec.config(s)

    @property
    def id(self) -> bytes:
        """What tells it from other cases."""
        return msgspec.json.encode(
            (self.scenario, self.variant, self.knobs, self.rules), order="sorted"
        )
