"""A campaign over scenarios: each is searched on a machine of its own, its failures looked into.

Evidence is on disk as soon as it is there: per failure how it was steered, the list of (CPU,
place), what rules say, and the guests' history; per kind of failure the script that shows it.
"""

import contextlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from harness.findings.lookup import find_known
from harness.kernel.errors import MachineFailedError
from harness.kernel.image import Image
from harness.kernel.run import Options
from harness.kernel.steer.derive import Trial, derive, known_script
from harness.kernel.steer.machine import places_in, steer
from harness.kernel.steer.places import Table, missing
from harness.kernel.steer.script import Script, case_names, load_case
from harness.kernel.steer.search import TURNS, Failure, Searched, search
from harness.kernel.steer.signature import signatures
from harness.kernel.steer.subject import Subject, of_scenario
from harness.kernel.steer.windows import Kind
from harness.places import slug, write_whole
from harness.scenarios.schema import Scenario
from harness.scenarios.writer import to_toml

__all__ = ["Campaign", "Explained", "Result", "known_scripts"]

KEPT = 3
"""Of each kind so many failures are kept, of a scenario."""
KINDS_MAX = 4
"""So many kinds of a scenario's failures are looked into."""
EXPLAIN_SHARE = 0.3
"""Of the time, for all of them."""
LEAST_SECONDS = 20.0
LOOKED_MAX = 100
"""In so many failures of a kind the orders of known findings are looked for."""
MACHINES_MAX = 4
"""So many machines a scenario has, if they fail."""
SEEDS = 1000
"""The next machine's seed is so much more."""
SHIPPED = "v7.2+shipped"


@dataclass(frozen=True, slots=True)
class Explained:
    """A kind of failure, looked into.

    ``finding`` is one whose script shows the same, ``seen`` in so many windows of ``of``; else
    ``script`` is one made of a failing window, or None. ``maybe`` is a finding that has such
    violations. ``orders`` has in how many of ``looked`` failures the order of which finding is.
    """

    finding: str = ""
    script: Script | None = None
    seen: int = 0
    of: int = 0
    maybe: str = ""
    path: str = ""
    orders: tuple[tuple[str, int], ...] = ()
    looked: int = 0


@dataclass(slots=True)
class Result:
    """What came of a scenario: ``why_not`` if it could not be run."""

    searched: Searched
    explained: dict[Kind, Explained] = field(default_factory=dict)
    boot_seconds: float = 0.0
    kept: int = 0
    failed: list[str] = field(default_factory=list)
    """Why machines failed, which were given up: what they did then nobody knows."""


def steering_of(failure: Failure) -> dict[str, Any]:
    """Return how an execution was steered: what its job asked, and which window it was."""
    control = dict(TURNS).get(failure.strategy)
    if control is None or failure.window is None:
        return {}
    asked = asdict(control)
    begin = failure.execution - failure.window.number
    asked |= {"mode": control.mode.name.lower(), "seed": (failure.seed << 32) + begin}
    return {"window": failure.window.number, "control": asked}


def of_a_guest(script: Script) -> bool:
    """Tell whether a script has places in a guest of its own, which no scenario's has."""
    return any(
        place.startswith("guest ") and place != "guest guest_relax" for place in script.places
    )


def known_scripts() -> list[tuple[str, Script]]:
    """Return all scripts of findings."""
    return [(case.id, script) for case in map(load_case, case_names()) for script in case.script]


@dataclass(slots=True)
class Campaign:
    """Searches scenarios on a kernel.

    ``executions`` are each scenario's at most; ``seconds`` are for all; so many ``jobs`` run side
    by side, a machine each. ``failed`` is told of each failure that is kept, ``done`` of each
    scenario.
    """

    kernel: Image
    options: Options
    executions: int
    seconds: float
    seed: int
    jobs: int
    folder: Path
    failed: Callable[[Failure, Path], None] = lambda _failure, _path: None
    done: Callable[[Result], None] = lambda _result: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, scenarios: Sequence[Scenario]) -> list[Result]:
        """Search all of them; each gets its share of the time.

        Raises:
            UsageError: a scenario is none that a real guest can do.
            KernelUnavailableError: QEMU, a compiler or a function of the kernel is missing.
        """
        parts = [(scenario, 0) for scenario in scenarios]
        if len(parts) < self.jobs:
            parts += [(scenarios[n % len(scenarios)], n) for n in range(len(parts), self.jobs)]
        share = self.seconds * self.jobs / len(parts)
        if self.jobs == 1:
            return self.one_by_one(parts)
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.one, scenario, share, part) for scenario, part in parts]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self.stopped.set()
                for future in futures:
                    future.cancel()
                raise

    def one_by_one(self, parts: Sequence[tuple[Scenario, int]]) -> list[Result]:
        """Search one after the other; what one leaves of its time the others have."""
        until = time.monotonic() + self.seconds
        results = []
        for n, (scenario, part) in enumerate(parts):
            share = max(1.0, until - time.monotonic()) / (len(parts) - n)
            results.append(self.one(scenario, share, part))
        return results

    def one(self, scenario: Scenario, seconds: float, part: int) -> Result:
        """Search one scenario, then look into its failures; on another machine if one fails."""
        until = time.monotonic() + seconds
        result = Result(Searched(scenario.name))
        with tempfile.TemporaryDirectory(prefix="vgic-race-stress-") as name:
            subject = of_scenario(scenario, self.options, Path(name))
            for machine in range(MACHINES_MAX):
                if machine and until - time.monotonic() < LEAST_SECONDS:
                    break
                try:
                    self.on_a_machine(scenario, subject, until, part + machine * SEEDS, result)
                    break
                except MachineFailedError as error:
                    self.machine_failed(error, result)
        with self.lock:
            self.done(result)
        return result

    def on_a_machine(
        self, scenario: Scenario, subject: Subject, until: float, part: int, result: Result
    ) -> None:
        """Search on one machine, as long as there is time.

        Raises:
            MachineFailedError: it failed, or the VMM in it.
        """
        places = places_in(self.kernel, subject.hardware)
        known = [
            (finding, script)
            for finding, script in ((id_, each.on(places)) for id_, each in known_scripts())
            if not missing(places, script.places) and not of_a_guest(script)
        ]
        named = [place for _, script in known for place in script.places]
        with steer(
            self.kernel, subject.hardware, places, scripts=named, guest=subject.relax
        ) as steered:
            result.boot_seconds = steered.machine.seconds
            left = max(1.0, until - time.monotonic())
            searching = search(
                steered, subject, self.executions, left * (1 - EXPLAIN_SHARE),
                self.seed + part, result.searched,
            )  # fmt: skip
            with contextlib.closing(searching):
                for failure in searching:
                    self.keep(failure, steered.table, result)
                    if self.stopped.is_set():
                        return
            for kind in list(result.searched.kinds)[:KINDS_MAX]:
                if kind not in result.explained:
                    trial = Trial(steered, subject, kind, self.time_for(until, result))
                    explained = self.explain(scenario, trial, known, result)
                    looked = result.searched.kinds[kind][:LOOKED_MAX]
                    result.explained[kind] = replace(
                        explained, orders=self.orders(looked, steered.table), looked=len(looked)
                    )

    def machine_failed(self, error: MachineFailedError, result: Result) -> None:
        """Note that a machine failed; what it printed last is evidence too."""
        result.failed.append(str(error))
        name = f"{slug(result.searched.scenario)}-machine-{len(result.failed)}.txt"
        write_whole(self.folder / name, "\n".join([str(error), "", *error.console, ""]).encode())

    @staticmethod
    def time_for(until: float, result: Result) -> float:
        """Return until when a kind of failure may be looked into."""
        kinds = min(len(result.searched.kinds), KINDS_MAX) - len(result.explained)
        left = max(LEAST_SECONDS, until - time.monotonic())
        return time.monotonic() + left / max(1, kinds)

    def keep(self, failure: Failure, table: Table, result: Result) -> None:
        """Write a failure down, if there are not enough of its kinds."""
        if all(len(result.searched.kinds[kind]) > KEPT for kind, _ in failure.kinds):
            return
        path = self.folder / f"{slug(failure.scenario)}-{failure.execution}-{failure.seed}.json"
        write_whole(path, msgspec.json.format(msgspec.json.encode(self.record(failure, table))))
        result.kept += 1
        with self.lock:
            self.failed(failure, path)

    def record(self, failure: Failure, table: Table) -> dict[str, Any]:
        """Return all that is known of a failure."""
        window = failure.window
        return {
            "type": "failure",
            "kernel": self.kernel.version,
            "build_id": self.kernel.build_id,
            "scenario": failure.scenario,
            "strategy": failure.strategy,
            "seed": failure.seed,
            "execution": failure.execution,
            **steering_of(failure),
            "violations": [
                {"rule": rule, "alarm": alarm, "text": text}
                for (rule, alarm), text in failure.kinds
            ],
            "decisions": [] if window is None else [
                [each.cpu, table.name(each.place), each.next] for each in window.decisions
            ],
            "history": [] if failure.history is None else list(failure.history.lines()),
            "said": list(failure.said),
        }  # fmt: skip

    def orders(self, failures: Sequence[Failure], table: Table) -> tuple[tuple[str, int], ...]:
        """Return in how many failures the order of which finding is."""
        counts = Counter(id_ for each in failures for id_ in signatures(self.record(each, table)))
        return tuple(sorted(counts.items()))

    def explain(
        self, scenario: Scenario, trial: Trial, known: Sequence[tuple[str, Script]], result: Result
    ) -> Explained:
        """Find a script for a kind of failure."""
        failures = result.searched.kinds[trial.kind]
        maybe = self.maybe(scenario, trial, failures)
        found = known_script(trial, known)
        if found is not None:
            finding, script, seen, of = found
            return Explained(finding, script, seen, of, maybe)
        made = derive(trial, failures, "derived")
        if made is None:
            return Explained(maybe=maybe)
        seen, of = trial.shows(made, 60)
        path = self.folder / f"{slug(scenario.name)}-{slug('-'.join(trial.kind))}.toml"
        self.write_script(scenario, trial.kind, made, path)
        return Explained("", made, seen, of, maybe, str(path))

    def maybe(self, scenario: Scenario, trial: Trial, failures: Sequence[Failure]) -> str:
        """Return a finding that has such violations in such a scenario; "" if none is known."""
        toml = to_toml(scenario)
        for failure in failures:
            history = failure.history
            for violation in () if history is None else trial.subject.violations(history):
                if (violation.rule, violation.alarm) == trial.kind:
                    finding = find_known(violation, scenario.name, SHIPPED, {}, toml=toml)
                    return finding.id if finding is not None else ""
        return ""

    def write_script(self, scenario: Scenario, kind: Kind, script: Script, path: Path) -> None:
        """Write a script, and its scenario beside it, as ``kernel confirm`` takes them."""
        beside = path.with_suffix(".scenario.toml")
        write_whole(beside, to_toml(scenario).encode())
        steps = "".join(f"    {msgspec.json.encode(step).decode()},\n" for step in script.steps)
        text = (
            f'title = "{kind[0]} {kind[1]} in {scenario.name}"\n'
            f'scenario = "{beside.name}"\n'
            f"software = {str(self.options.software).lower()}\n"
            f"jitter = {str(self.options.jitter).lower()}\n"
            f"preempt = {str(self.options.preempt).lower()}\n\n"
            f'[[script]]\nname = "{script.name}"\nwhat = "{script.what}"\n'
            f"steps = [\n{steps}]\n"
        )
        write_whole(path, text.encode())
