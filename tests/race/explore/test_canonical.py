"""What ``Part.canonical`` takes for dead is dead: a run that forgets it at every step is the same.

Guests' programs with loops and with handlers of their own are where that is least plain: there a
count that no line ahead asks for may be asked for again.
"""

from collections.abc import Callable, Sequence
from itertools import cycle

import msgspec
import pytest

from harness.contract import Abandon, Task
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution
from harness.engine.outcome import Outcome
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.variants import ERAS
from harness.world import VgicWorld
from model import guest as guest_module
from model.facts import Exited, Fact
from model.guest import REPEAT, RETURN, Guest, Instruction, Waits, waits_of
from tests.generate.making import make_numbered
from tests.race.explore.tiny import in_turns

PROGRAMS = {
    "loop": '[[vcpu]]\nprogram = ["timer 10", "repeat 2", "idle 1", "work 1", "end"]\n',
    "loop of waits": '[[vcpu]]\nprogram = ["sgi 1 0", "repeat 3", "await 1", "work 1", "end"]\n',
    "handler": """[[vcpu]]
program = ["timer 20", "spin 1 3", "idle 1", "timer 10", "idle 2"]
handler = ["iar", "if-acked 27", "silence", "end", "eoi"]
""",
    "handler with a loop": """[[vcpu]]
program = ["sgi 3 0", "timer 20", "await 3", "idle 1"]
handler = ["iar", "repeat 2", "work 1", "end", "silence", "eoi"]
""",
}
"""In the first two, what was handled in a turn is asked for in the next."""


class Forgets(RandomWalk):
    """A random walk; ``dead`` lets what is dead be forgotten before each step."""

    every_step = True

    def __init__(self, seed: int, world: VgicWorld, *, dead: bool) -> None:
        super().__init__(seed)
        self.world = world
        self.dead = dead
        self.forgot = 0

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Forget, then choose as the other does."""
        if self.dead:
            parts = (*self.world.machine.parts, *self.world.checker.parts)
            for _, part in parts:
                key = part.canonical()
                if key != part.key():
                    self.forgot += 1
                    part.restore(key)
        return super().choose(enabled, pending, current)


class Site:
    """A world whose facts are kept."""

    def __init__(self, spec: RunSpec) -> None:
        self.world: VgicWorld = spec.build(DirectTask)
        self.facts: list[Fact] = []
        kinds = set(self.world.checker.table)
        self.world.subscribe(dict.fromkeys(kinds, self.hear))

    def hear(self, fact: Fact) -> None:
        """Keep a fact; of instructions only whether there were any is told the same."""
        if isinstance(fact, Exited):
            fact = msgspec.structs.replace(fact, instructions=min(1, fact.instructions))
        self.facts.append(fact)

    def run(self, seed: int, *, dead: bool) -> tuple[list[Fact], Outcome, int]:
        """Run one execution; return its facts, its outcome and how often something was dead."""
        self.facts = []
        walk = Forgets(seed, self.world, dead=dead)
        outcome = DirectEngine().execute(Execution(self.world, walk))
        assert outcome is not None
        return self.facts, outcome, walk.forgot


def the_same(spec: RunSpec, seeds: range) -> int:
    """Hold runs that forget against runs that do not; return how much was forgotten."""
    site, forgot = Site(spec), 0
    for seed in seeds:
        facts, outcome, _ = site.run(seed, dead=False)
        again, other, times = site.run(seed, dead=True)
        assert again == facts
        assert other == outcome
        forgot += times
    return forgot


def of_program(name: str, era: str) -> RunSpec:
    toml = f'name = "dead"\ntitle = "dead"\npreemptions = 1\n{PROGRAMS[name]}'
    return RunSpec.make("dead", era, toml=toml)


@pytest.mark.parametrize("name", PROGRAMS)
def test_with_loops_and_handlers(name: str) -> None:
    assert sum(the_same(of_program(name, era), range(1)) for era in ERAS)


def of_made(index: int, era: str) -> RunSpec:
    made = make_numbered(14, index)
    return RunSpec.make(made.scenario.name, era, knobs=dict(made.knobs), toml=made.toml)


def test_with_generated_programs() -> None:
    assert the_same(of_made(0, "v7.2"), range(1))


@pytest.mark.long
def test_with_many_generated_programs() -> None:
    for index, era in zip(range(20), cycle(ERAS), strict=False):
        the_same(of_made(index, era), range(2))


@pytest.mark.long
@pytest.mark.parametrize(("scenario", "era"), in_turns(builtin_names()[::2]))
def test_in_built_in_scenarios(scenario: str, era: str) -> None:
    assert the_same(RunSpec.make(scenario, era), range(3))


# -- what would be wrong ---------------------------------------------------------------------------


def as_if_straight(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Loops (REPEAT), or handlers (RETURN), are not seen."""
    other = Instruction(guest_module.WORK)

    def without(program: tuple[Instruction, ...]) -> tuple[Waits, ...]:
        return waits_of(tuple([other if i.code == code else i for i in program]))

    monkeypatch.setattr(guest_module, "waits_of", without)


def counts_one_less(monkeypatch: pytest.MonkeyPatch, _code: int) -> None:
    """One interrupt less than is waited for is told apart from none."""
    canonical = Guest.canonical

    def less(self: Guest) -> object:
        key = list(canonical(self))  # type: ignore[call-overload]
        at = Guest.FIELDS.index("taken")
        key[at] = min(key[at], max(0, self.waits[self.pc].taken - 1))
        return tuple(key)

    monkeypatch.setattr(Guest, "canonical", less)


@pytest.mark.parametrize(
    ("plant", "code", "name"),
    [
        (as_if_straight, REPEAT, "loop"),
        (as_if_straight, REPEAT, "loop of waits"),
        (as_if_straight, RETURN, "handler"),
        (counts_one_less, 0, "handler"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_wrong_reduction_is_seen(
    plant: Callable[[pytest.MonkeyPatch, int], None],
    code: int,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, code)
    with pytest.raises(AssertionError):
        the_same(of_program(name, "v7.2"), range(6))
