"""A run specification: scenario, variant, sizes and knobs, checked, picklable, and buildable."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.engine.choice import Choice
from harness.engine.execution import Limits, Outcome, Slot
from harness.engine.schedule import Origin, Schedule
from harness.errors import UsageError, shortened, unknown_name
from harness.guard.inspect import attended, prepare
from harness.origin import origin
from harness.scenarios.schema import (
    GICV2_MAX,
    LRS_MAX,
    PCPUS_MAX,
    VCPUS_MAX,
    Scenario,
    load_builtin,
    load_file,
    parse,
    read_file,
)
from harness.user_rules import ids_of, own_of, referred, with_own
from harness.variants import SHIPPED, resolve_variant
from harness.world import VgicWorld
from model.config import COUNTERS, HOSTS, IPIS
from model.gic.registers import FIRST_LPI
from model.guest import LPIS
from model.machine import GIC_MESSAGES, LR_MODES, Config, Forward

__all__ = ["KNOBS", "RunSpec", "load_scenario", "parse_knobs", "portable"]

NUMBERS = {
    "gic_version": (2, 3),
    "gic_lag": (0, 8),
    "eoimode": (0, 1),
    "tdir": (0, 1),
    "posted_writes": (0, 1),
    "masks": (0, 1),
    "preemptions": (0, 8),
    "steps_max": (1, 1_000_000),
}
CHOICES = {
    "gic_messages": GIC_MESSAGES,
    "lr_on_guest_deactivate": LR_MODES,
    "counter": COUNTERS,
    "ipis": IPIS,
    "host": HOSTS,
}
KNOBS: dict[str, str] = {
    "gic_version": "2 or 3: the layout and rules of the GIC (default 3)",
    "gic_lag": "how many entries or interrupts a message may outlive, 0 to 8 (default 1)",
    "gic_messages": "queued (default), synchronous, or lagging (without any bound on how late)",
    "lr_on_guest_deactivate": "arch (default), polled, quirk or erratum: how a HW LR ends",
    "eoimode": "the guests' EOImode, 0 or 1 (default: the scenario's)",
    "tdir": "0 or 1: whether a GICv3 can trap a guest's DIR alone, without TC (default 1)",
    "posted_writes": "0 or 1: whether a write to ISACTIVER takes effect later (default 0)",
    "masks": "0 or 1: whether the host masks a timer's interrupt that a guest has (default 0)",
    "counter": "runs (default) or stops: what a guest's counter does while its VM is saved",
    "ipis": "at-once (default), queued (messages), or lossy (one may be lost on its way to a CPU)",
    "host": "nvhe (default), or vhe, era v7.2: guests have the physical timer in hardware",
    "preemptions": "the most preemptions in an execution, 0 to 8 (default: the scenario's)",
    "steps_max": "the bound on the steps of an execution (default 4000)",
}


def parse_knobs(items: "list[str] | tuple[str, ...]") -> dict[str, str]:
    """Read ``NAME=VALUE`` items.

    Raises:
        UsageError: an unknown name, or a value out of its range.

    """
    knobs: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"knob {item!r}: expected NAME=VALUE")
        knobs[name] = check_knob(name, value)
    return knobs


def check_knob(name: str, value: str) -> str:
    """Return the canonical value of a knob.

    Raises:
        UsageError: there is no such knob, or the value is not one of its own.

    """
    if name in CHOICES:
        if value not in CHOICES[name]:
            given = shortened(repr(value), 200)
            expected = ", ".join(map(repr, CHOICES[name]))
            raise UsageError(f"knob {name}={given}: expected one of: {expected}")
        return value
    if name not in NUMBERS:
        raise unknown_name("knob", name, KNOBS)
    low, high = NUMBERS[name]
    if not value.isdecimal() or len(value) > 9 or not low <= int(value) <= high:
        given = shortened(repr(value), 200)
        raise UsageError(f"knob {name}={given}: expected a number from {low} to {high}")
    return str(int(value))


class RunSpec(msgspec.Struct, frozen=True):
    """What to run.

    ``scenario`` is a built-in name, or the path of a ``.toml`` file. With ``toml``, the text of the
    scenario itself, nothing is looked for: ``scenario`` is then only what it is called. ``rules``
    are the ids of those that are checked, those of the user's own by name, sorted (None: all of
    vgic-race); of these a schedule names the user's own.
    """

    scenario: str
    variant: str
    pcpus: int
    vcpus: int
    lrs: int
    knobs: tuple[tuple[str, str], ...] = ()
    toml: str = ""
    rules: tuple[str, ...] | None = None

    @property
    def unclean(self) -> str:
        """Why the variant's era is not clean on this scenario, as it says; "" if it is.

        What is built on the era is not either: what fails there would be taken for its own. A
        scenario of a user's own is run with whatever it is to be run with, and so is an era with
        all its faults.

        Raises:
            UsageError: there is no such scenario or variant.
        """
        shipped = SHIPPED in self.variant.split("+")
        if self.toml or self.scenario.endswith(".toml") or shipped:
            return ""
        return self.loaded().unclean.get(resolve_variant(self.variant).era, "")

    @classmethod
    def make(
        cls,
        scenario: str,
        variant: str,
        *,
        pcpus: int | None = None,
        vcpus: int | None = None,
        lrs: int | None = None,
        knobs: Mapping[str, str] | None = None,
        toml: str = "",
        rules: frozenset[str] | None = None,
    ) -> "RunSpec":
        """Check everything and fill in the scenario's sizes.

        Raises:
            UsageError: an unknown name, a bad file or variant, or an impossible size.

        """
        loaded = load_scenario(scenario, toml)
        resolve_variant(variant)
        ids_of(rules or ())
        sizes = {
            "pcpus": (pcpus if pcpus is not None else loaded.pcpus, PCPUS_MAX),
            "vcpus": (vcpus if vcpus is not None else loaded.vcpus or len(loaded.vcpu), VCPUS_MAX),
            "lrs": (lrs if lrs is not None else loaded.lrs, LRS_MAX),
        }
        check_growth(loaded, scenario, sizes["vcpus"][0])
        for name, (size, most) in sizes.items():
            if not 1 <= size <= most:
                raise UsageError(f"impossible size: {name}={size}, expected 1 to {most}")
        if (knobs or {}).get("gic_version", str(loaded.gic_version)) == "2":
            check_gicv2(loaded, scenario, max(sizes["pcpus"][0], sizes["vcpus"][0]))
        if (knobs or {}).get("host") == "vhe":
            check_vhe(variant)
        checked = {name: check_knob(name, value) for name, value in (knobs or {}).items()}
        return cls(
            scenario=scenario,
            variant=variant,
            knobs=tuple(sorted(checked.items())),
            toml=toml,
            rules=None if rules is None else tuple(sorted(rules)),
            **{name: size for name, (size, _) in sizes.items()},
        )

    @classmethod
    def from_schedule(cls, schedule: Schedule, rules: frozenset[str] | None = None) -> "RunSpec":
        """Return the specification a schedule was recorded under, with these ``rules``.

        ``rules`` are ids, those of the user's own may be names; None: all, and the user's own that
        the schedule names.

        Raises:
            UsageError: it cannot be had, or one of the rules.

        """
        only = with_own(schedule.own) if rules is None else referred(rules, schedule.own)
        return cls.make(
            schedule.scenario,
            schedule.variant,
            pcpus=schedule.pcpus,
            vcpus=schedule.vcpus,
            lrs=schedule.lrs,
            knobs=dict(schedule.knobs),
            toml=schedule.toml,
            rules=only,
        )

    def loaded(self) -> Scenario:
        """Read the scenario, as it says itself: sizes and knobs are not put into it.

        Raises:
            UsageError: it cannot be had.

        """
        return load_scenario(self.scenario, self.toml)

    def origin(self) -> Origin:
        """Return what an execution of this is made with, as far as it can be told.

        Raises:
            UsageError: scenario, variant or a rule of the user's cannot be had.

        """
        return origin(self.loaded(), resolve_variant(self.variant), own_of(self.rules or ()))

    def schedule(self, outcome: Outcome) -> Schedule:
        """Return the schedule of an execution of this specification, which names its origin."""
        return self.schedule_of(outcome.choices)

    def schedule_of(self, choices: Sequence[Choice]) -> Schedule:
        """Return the schedule with these choices."""
        return Schedule(
            scenario=self.scenario,
            variant=self.variant,
            pcpus=self.pcpus,
            vcpus=self.vcpus,
            lrs=self.lrs,
            knobs=self.knobs,
            choices=tuple(choices),
            origin=self.origin(),
            toml=self.toml,
            own=own_of(self.rules or ()),
        )

    def config(self, scenario: Scenario) -> Config:
        """Return the machine's configuration."""
        knobs = dict(self.knobs)
        return Config(
            pcpus=self.pcpus,
            vcpus=self.vcpus,
            lrs=self.lrs,
            gic_version=int(knobs.get("gic_version", scenario.gic_version)),
            eoimode=int(knobs.get("eoimode", scenario.eoimode)),
            gic_messages=knobs.get("gic_messages", "queued"),
            gic_lag=int(knobs.get("gic_lag", 1)),
            lr_on_guest_deactivate=knobs.get("lr_on_guest_deactivate", "arch"),
            tdir=knobs.get("tdir", "1") == "1",
            posted_writes=knobs.get("posted_writes", "0") == "1",
            masks=knobs.get("masks", "0") == "1",
            counter=knobs.get("counter", "runs"),
            ipis=knobs.get("ipis", "at-once"),
            host=knobs.get("host", "nvhe"),
            forwards=tuple(
                Forward(
                    f.intid,
                    f.vintid,
                    f.vcpu % self.vcpus,
                    f.pcpu % self.pcpus if f.intid >= 0 else -1,
                    f.level,
                    f.events,
                    f.priority,
                    -1 if f.after is None else f.after,
                    f.signals == "resample",
                    f.signals == "level" if f.exits is None else f.exits,
                )
                for f in scenario.forward
            ),
            handler=scenario.handler,
            eoi_first=scenario.eoi_first,
            twice=scenario.twice,
            nested=scenario.nested,
            deactivate=scenario.deactivate,
            timer_priority=scenario.timer_priority,
            sgi_priority=scenario.sgi_priority,
            devices=tuple((d.intid, d.edges) for d in scenario.device),
            programs=scenario.programs(self.vcpus),
            timers=scenario.timers(self.vcpus),
        )

    def build(self, task_class: type[Slot], rules: frozenset[str] | None = None) -> VgicWorld:
        """Build the world for an engine's ``task_class``.

        ``rules`` keeps only the named ones (None: those of this specification).
        """
        if rules is None and self.rules is not None:
            rules = frozenset(self.rules)
        scenario = self.loaded()
        knobs = dict(self.knobs)
        if "preemptions" in knobs:
            scenario = msgspec.structs.replace(scenario, preemptions=int(knobs["preemptions"]))
        limits = Limits(steps_max=int(knobs["steps_max"])) if "steps_max" in knobs else Limits()
        world = VgicWorld(
            scenario,
            self.config(scenario),
            attended(resolve_variant(self.variant)),
            variant=self.variant,
            task_class=task_class,
            rules=rules,
            limits=limits,
        )
        prepare(world)
        return world


def check_gicv2(scenario: Scenario, name: str, cpus: int) -> None:
    """Refuse what a GICv2 does not have; ``cpus`` are the CPUs, physical or virtual.

    Raises:
        UsageError: there are too many CPUs, an LPI, or another VCPU's redistributor.

    """
    if cpus > GICV2_MAX:
        raise UsageError(
            f"impossible size: a GICv2 has at most {GICV2_MAX} CPUs, physical or virtual"
        )
    lpis = (n for f in scenario.forward for n in (f.intid, f.vintid) if n >= FIRST_LPI)
    if lpi := next(lpis, None):
        raise UsageError(
            f"scenario {name!r} forwards LPI {lpi}, which a GICv2 does not have: leave it "
            "out, or expect gic_version=3"
        )
    if any(
        i.of >= 0 or i.code == LPIS
        for program in scenario.programs(len(scenario.vcpu))
        for i in program
    ):
        raise UsageError(
            f"scenario {name!r} names a VCPU's redistributor, and a GICv2 has none, but banked "
            "registers: leave it out, or expect gic_version=3"
        )


def check_vhe(variant: str) -> None:
    """Refuse a VHE host for a kernel whose timers do not know of it.

    Raises:
        UsageError: it is one of era v4.14.

    """
    if resolve_variant(variant).era == "v4.14":
        raise UsageError(
            f"knob host='vhe': variant {variant!r} is of era v4.14, which emulates the physical "
            "timer on every host (get_timer_map came in 5.1); expected one of era v7.2"
        )


def check_growth(scenario: Scenario, name: str, vcpus: int) -> None:
    """Refuse more VCPUs than a scenario has programs for, unless it says that it grows.

    Raises:
        UsageError: it does not.

    """
    programs = max(len(scenario.vcpu), scenario.vcpus or 0)
    if vcpus > programs and not scenario.grows:
        raise UsageError(
            f"impossible size: scenario {name!r} has programs for {programs} VCPUs, which wait for "
            f"each other, and does not grow; expected vcpus=1 to {programs}"
        )


def load_scenario(name: str, toml: str = "") -> Scenario:
    """Load a built-in scenario by name, or a file by a path that ends in ``.toml``.

    Args:
        name: which; with ``toml`` it only stands in messages.
        toml: the text of the scenario itself, if it is at hand.

    Raises:
        UsageError: there is none of that name, or it is none.

    """
    if toml:
        return parse(toml, f"scenario {name!r}, as the schedule carries it")
    if name.endswith(".toml"):
        return load_file(Path(name))
    return load_builtin(name)


def portable(schedule: Schedule) -> Schedule:
    """Return a schedule that carries its scenario, unless every copy of vgic-race has that.

    Raises:
        UsageError: the scenario's file cannot be read.

    """
    if schedule.toml or not schedule.scenario.endswith(".toml"):
        return schedule
    return msgspec.structs.replace(schedule, toml=read_file(Path(schedule.scenario)))
