"""``kernel run`` and ``kernel list``: scenarios on a real kernel."""

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.kernel.image import Image
    from harness.kernel.run import Options, Ran
    from harness.scenarios.schema import Scenario

__all__ = ["kernel_options", "list_scenarios", "run", "scenarios_of"]

F = TypeVar("F", bound=Callable[..., Any])
ALL = "all"


def kernel_options(command: F) -> F:
    """Add what says on which machine and how a scenario is run there."""
    for option in (
        click.option("--kernel", "wanted", metavar="FILE|VERSION", help="The kernel: an Image of "
                     "yours, or a version of Debian's [the newest in the cache]."),
        click.option("--scenario-file", metavar="FILE", help="A scenario of your own (TOML)."),
        click.option("--gic", type=click.Choice(["2", "3"]), default="3", show_default=True,
                     help="Version of the host's and the guest's GIC."),
        click.option("--vhe", is_flag=True, help="A host with VHE (QEMU's CPU max) [nVHE]."),
        click.option("--vcpus", type=click.IntRange(1, 8), help="Virtual CPUs [scenario's]."),
        click.option("--software", is_flag=True, help="Play passthrough devices by such of "
                     "software: the same interrupts, without the HW bit."),
        click.option("--scale", type=click.IntRange(1, 1_000_000), default=1000,
                     show_default=True, help="A ns of the scenario takes so many there."),
    ):  # fmt: skip
        command = option(command)
    return command


def scenarios_of(name: str | None, file: str | None) -> "list[Scenario]":
    """Return what is to be run: a built-in scenario, a file, or all that there are.

    Raises:
        UsageError: both are given, or neither, or there is none of that name.
    """
    from pathlib import Path

    from harness.errors import UsageError
    from harness.scenarios.schema import builtin_names, load_builtin, load_file

    if (name is None) == (file is None):
        raise UsageError("expected either a SCENARIO (or all) or --scenario-file FILE")
    if file is not None:
        return [load_file(Path(file))]
    return [load_builtin(each) for each in (builtin_names() if name == ALL else [name or ""])]


@click.command("list", epilog=EPILOG)
@click.option("--gic", type=click.Choice(["2", "3"]), default="3", show_default=True,
              help="Version of the GIC.")  # fmt: skip
@click.option("--software", is_flag=True, help="As of kernel run.")
@json_option
def list_scenarios(*, gic: str, software: bool, as_json: bool) -> int:
    """List the built-in scenarios that a real guest can do, and why it cannot do the others."""
    from harness.cli.output import print_json
    from harness.kernel.compile import notes_of, why_not

    done = 0
    for scenario in scenarios_of(ALL, None):
        vcpus = scenario.vcpus or len(scenario.vcpu)
        reason = why_not(scenario, vcpus, int(gic), software=software)
        notes = notes_of(scenario) if not reason else ()
        done += not reason
        if as_json:
            row = {"type": "scenario", "scenario": scenario.name, "why_not": reason}
            print_json({**row, "notes": list(notes)})
        else:
            click.echo(f"{scenario.name:16} {'no: ' + reason if reason else 'yes'}")
            for note in notes:
                click.echo(f"{'':16}   {note}")
    if as_json:
        summary = {"type": "summary", "verdict": "clean", "violations": [], "scenarios": done}
        print_json(summary)
    return 0


@click.command("run", epilog=EPILOG)
@click.argument("scenario", required=False)
@kernel_options
@click.option("--executions", type=click.IntRange(1, 10_000_000), default=1000, show_default=True,
              help="So many, one after the other in one VM.")  # fmt: skip
@click.option("--seconds", type=click.IntRange(1, 86_400), default=60, show_default=True,
              help="For each scenario at most.")  # fmt: skip
@click.option("--no-jitter", is_flag=True, help="Timers as they are; guests begin together.")
@click.option("--no-preempt", is_flag=True, help="Threads stay where they are.")
@click.option("--histories", metavar="FILE", type=click.File("wb", lazy=True),
              help="Write every different history there, a JSON line each.")  # fmt: skip
@click.option(
    "--trace",
    metavar="FILE",
    type=click.File("wb", lazy=True),
    help="Record what KVM does beside it, for 'trace follow' and 'trace check'.",
)
@json_option
def run(
    scenario: str | None, *, scenario_file: str | None, wanted: str | None,
    histories: "IO[bytes] | None", trace: "IO[bytes] | None", as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Run SCENARIO (or all that can be run) as a real guest, on a real Linux KVM under QEMU.

    Its programs are compiled to a guest, which repeats the scenario in one VM. The guest cleans up
    itself; what every guest did is judged by the rules about guests. An execution without progress
    is LATE if an exit for no reason makes it go on, else LOST. Nothing steers: what is found, time
    found.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.kernel.compile import why_not
    from harness.kernel.errors import MachineFailedError
    from harness.kernel.image import choose
    from harness.kernel.run import run_scenario, vcpus_of
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    options = options_of(**given)
    scenarios = scenarios_of(scenario, scenario_file)
    if trace is not None and scenario == ALL:
        raise UsageError("--trace: expected one scenario, not all")
    if scenario != ALL:
        check(scenarios[0], options)
    kernel = choose(wanted)
    verdicts, violations = [], []
    for each in scenarios:
        if scenario == ALL:
            reason = why_not(each, vcpus_of(each, options), options.gic, software=options.software)
            if reason:
                if not as_json:
                    click.echo(f"{each.name}: left out: {reason}")
                continue
        try:
            ran = (
                traced(each, kernel, options, trace)
                if trace
                else run_scenario(each, kernel, options)
            )
        except MachineFailedError as error:
            if scenario != ALL:
                raise UsageError(f"kernel {kernel.version}: {error}") from None
            verdicts.append(INCONCLUSIVE)
            say_failed(each, error, as_json=as_json)
            continue
        if histories is not None:
            write_histories(ran, histories)
        verdicts.append(verdict_of(ran))
        found = list(violations_of(ran))
        violations += found
        if as_json:
            print_json(as_dict(ran, found, options))
        else:
            print_ran(ran, each, options)
    verdict = worst(verdicts)
    if as_json:
        print_json({"type": "summary", "verdict": verdict, "violations": violations,
                    "kernel": kernel.version, "build_id": kernel.build_id})  # fmt: skip
    return EXIT_CODES[verdict]


def traced(scenario: "Scenario", kernel: "Image", options: "Options", file: "IO[bytes]") -> "Ran":
    """Run a scenario with a trace beside it, which is written to a file."""
    import gzip

    from harness.kernel.traced import trace_scenario

    found = trace_scenario(scenario, kernel, options)
    packed = str(getattr(file, "name", "")).endswith(".gz")
    file.write(gzip.compress(found.trace, mtime=0) if packed else found.trace)
    return found.ran


def say_failed(scenario: "Scenario", error: Exception, *, as_json: bool) -> None:
    """Say that a scenario's machine failed: nothing is known of it."""
    from harness.cli.output import print_json
    from harness.verdict import INCONCLUSIVE

    if as_json:
        print_json({"type": "scenario", "scenario": scenario.name, "verdict": INCONCLUSIVE,
                    "executions": 0, "machines_failed": [str(error)]})  # fmt: skip
    else:
        click.echo(f"{scenario.name}: {INCONCLUSIVE}: {error}")


def check(scenario: "Scenario", options: "Options") -> None:
    """Refuse a scenario that no guest of a real KVM can do, before a kernel is looked for.

    Raises:
        UsageError: it is such a one; says why.
    """
    from harness.kernel.compile import compile_scenario
    from harness.kernel.run import vcpus_of

    vcpus = vcpus_of(scenario, options)
    compile_scenario(scenario, vcpus, options.gic, software=options.software)


def options_of(*, gic: str, no_jitter: bool, no_preempt: bool, **others: Any) -> "Options":
    """Return the options as they were given."""
    from harness.kernel.run import Options

    return Options(gic=int(gic), jitter=not no_jitter, preempt=not no_preempt, **others)


def verdict_of(ran: "Ran") -> str:
    """Return the verdict of a scenario: inconclusive if there was no execution."""
    from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

    if ran.bad:
        return VIOLATED
    return CLEAN if ran.executions else INCONCLUSIVE


def violations_of(ran: "Ran") -> "list[dict[str, Any]]":
    """Return what is wrong, as JSON objects: one of each kind, with how many executions had it."""
    from harness.kernel.run import WRONG_BITS

    kinds: dict[tuple[str, str], tuple[set[int], str]] = {}
    for each in ran.found:
        key = (each.violation.rule, each.violation.alarm)
        kinds.setdefault(key, (set(), each.violation.text))[0].add(each.history.execution)
    for execution, bits in ran.wrong:
        for bit, text in WRONG_BITS.items():
            if bits & bit:
                kinds.setdefault(("guest", str(bit)), (set(), text))[0].add(execution)
    for stuck in ran.stuck:
        word = "LATE" if stuck.late else "LOST"
        text = f"{word}: an execution made no progress: {'; '.join(stuck.said)}"
        kinds.setdefault(("progress", word.lower()), (set(), text))[0].add(stuck.execution)
    for symptom in ran.symptoms:
        if symptom.woken:
            kinds.setdefault(("host", "woken"), (set(), symptom.text))[0].add(symptom.execution)
    return [
        {
            "type": "violation", "rule": rule, "alarm": alarm, "text": text,
            "scenario": ran.scenario, "executions": len(executions), "execution": min(executions),
            "history": lines_of(ran, min(executions)),
        }
        for (rule, alarm), (executions, text) in kinds.items()
    ]  # fmt: skip


def lines_of(ran: "Ran", execution: int) -> list[str]:
    """Return the history of an execution, a line for each access."""
    kept = [each for each in ran.histories if each.execution == execution]
    kept.sort(key=lambda history: history.why == "well")
    return list(kept[0].lines()) if kept else []


def write_histories(ran: "Ran", file: "IO[bytes]") -> None:
    """Write the histories of a scenario, a JSON line each."""
    import msgspec

    for history in ran.histories:
        row = {
            "type": "history", "scenario": ran.scenario, "execution": history.execution,
            "why": history.why, "cut": history.cut,
            "events": [
                {"vcpu": v if v + 1 < len(history.events) else None, "began": each.began,
                 "ended": each.ended if each.done else None, "what": each.text()}
                for v, events in enumerate(history.events) for each in events
            ],
        }  # fmt: skip
        file.write(msgspec.json.encode(row) + b"\n")


def as_dict(ran: "Ran", found: "list[dict[str, Any]]", options: "Options") -> dict[str, Any]:
    """Return what came of a scenario, as a JSON line."""
    import msgspec

    return {
        "type": "scenario",
        "scenario": ran.scenario,
        "verdict": verdict_of(ran),
        "kernel": ran.kernel.version,
        "build_id": ran.kernel.build_id,
        "gic": options.gic,
        "vhe": options.vhe,
        "executions": ran.executions,
        "bad": ran.bad,
        "distinct": ran.distinct,
        "seconds": ran.seconds,
        "boot_seconds": ran.boot_seconds,
        "symptoms": [msgspec.to_builtins(each) for each in ran.symptoms],
        "devices": ran.devices,
        "checked": ran.checked,
        "not_checked": ran.not_checked,
        "violations": found,
    }


def print_ran(ran: "Ran", scenario: "Scenario", options: "Options") -> None:
    """Print what came of a scenario."""
    from harness.kernel.compile import notes_of

    host = "VHE" if options.vhe else "nVHE"
    rate = ran.executions / ran.seconds if ran.seconds else 0.0
    once = " (of equal histories one counts)" if ran.found else ""
    click.echo(
        f"{ran.scenario} on {ran.kernel.version} ({host}, GICv{options.gic}): {verdict_of(ran)}, "
        f"{ran.bad} of {ran.executions} executions wrong{once}, {rate:.0f}/s, {ran.distinct} "
        f"different histories, {len(ran.checked)} rules checked"
    )
    for note in notes_of(scenario):
        click.echo(f"  note       {note}")
    for violation in violations_of(ran):
        click.echo(
            f"  VIOLATED {violation['rule']} [{violation['alarm']}], {violation['executions']} "
            f"executions, first {violation['execution']}: {violation['text']}"
        )
        for line in violation["history"]:
            click.echo(f"    {line}")
    for device in ran.devices[-len(scenario.forward) :] if scenario.forward else []:
        click.echo(f"  device     {device}")
