"""Slow-downs and leaks, planted from outside: what the benchmark must catch.

Each is a :class:`Product` with one thing made worse. The product itself is not changed, except for
the log of the slow recorder while it runs.
"""

import json
from typing import Any
from unittest.mock import patch

from msgspec import to_builtins

from harness.contract import Strategy
from harness.engine.choice import Choice
from harness.engine.execution import Execution, Slot
from harness.log.writer import LogFile
from harness.spec import RunSpec
from tests.bench.product import Product, process


class FormattedChoices(list[Choice]):
    """Choices that are put into words as they are recorded: 14 us each on a 3 GHz core."""

    __slots__ = ()

    def append(self, choice: Choice) -> None:
        "; ".join(
            f"choice {len(self)}: {choice!s:>6} of {i:04x} at {i * 1.5:8.3f}" for i in range(16)
        )
        super().append(choice)


class FormattingExecution(Execution):
    __slots__ = ()

    def begin(self) -> bool:
        begun = super().begin()
        self.choices = FormattedChoices()
        return begun


class Formats(Product):
    """A format per choice."""

    execution_class = FormattingExecution


class Leaks(Product):
    """250 bytes kept per execution."""

    SIZE = 250 - b"".__sizeof__()

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def execution(self, world: Any, choices: Strategy) -> Execution:
        self.kept.append(bytes(self.SIZE))
        return super().execution(world, choices)


class AskingExecution(Execution):
    __slots__ = ()

    def pick(self, current: Slot | None) -> Slot | None:
        self.wake(self.tasks, -1)
        return super().pick(current)


class Asks(Product):
    """Every guard re-evaluated at every step, whoever wrote what."""

    execution_class = AskingExecution


class SlowRecorder(Product):
    """A recorder that puts each line into pretty JSON, too."""

    def record(self, spec: Any, schedule: Any) -> float:
        put_all = LogFile.put_all

        def slowly(log: LogFile, lines: list[Any]) -> None:
            for line in lines:
                json.dumps(to_builtins(line), indent=1)
            put_all(log, lines)

        with patch.object(LogFile, "put_all", slowly):
            return super().record(spec, schedule)


class SlowImport(Product):
    """A command that imports Trio before it prints its help."""

    def help(self) -> float:
        main = "from harness.cli.main import main; sys.exit(main(['--help']))"
        return process(f"import sys, trio; {main}")


class LoopingExecution(Execution):
    __slots__ = ()

    def pick(self, current: Slot | None) -> Slot | None:
        for task in self.tasks:
            str(task.bit)
        return super().pick(current)


class Squares(Product):
    """What each actor does to each other, made beforehand; and a look at every actor per step."""

    execution_class = LoopingExecution

    def __init__(self) -> None:
        self.tables: dict[int, list[str]] = {}

    def world(self, spec: RunSpec, engine: str = "direct") -> Any:
        world = super().world(spec, engine)
        self.tables[spec.vcpus] = [
            f"{one.name} to {other.name}, {i}"  # no objects that the garbage collector looks at
            for one in world.slots
            for other in world.slots
            for i in range(6)
        ]
        return world
