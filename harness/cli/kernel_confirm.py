"""``kernel confirm``: a finding, a script or a schedule, tried on a real kernel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.kernel.history import History
    from harness.kernel.image import Image
    from harness.kernel.steer.confirm import Confirmation
    from harness.kernel.steer.script import Case

__all__ = ["confirm"]

ALL = "all"
TOML_MAX = 1 << 20


@click.command("confirm", epilog=EPILOG)
@click.argument("what", metavar="FINDING|SCRIPT|SCHEDULE|LOG")
@click.option("--kernel", "wanted", metavar="FILE|VERSION", help="The kernel: an Image of "
              "yours, or a version of Debian's [the newest in the cache].")  # fmt: skip
@click.option("--vhe", is_flag=True, help="A host with VHE (QEMU's CPU max) [nVHE].")
@click.option("--windows", type=click.IntRange(1, 100_000),
              help="So many of each kind [the script's: 200 where none says else].")  # fmt: skip
@click.option("--reproducer", metavar="DIR", type=click.Path(path_type=Path),
              help="Leave there what shows it without us: guest, VMM, Makefile.")  # fmt: skip
@json_option
def confirm(
    what: str, *, wanted: str | None, vhe: bool, windows: int | None, reproducer: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Confirm a finding on a real Linux KVM: windows with a script and without, k of n each.

    FINDING is one that has a script (F2, F3, ...), an exhibit of the museum that has one (45), or
    all; SCRIPT a file of yours (TOML); SCHEDULE or LOG a failure of the model, whose steps are
    looked up in the kernel. A script holds all CPUs but one until that one is at a place
    in the kernel. CONFIRMED (exit code 1): wrong where the kernel follows the script, beyond what
    it shows without, and the control is clean. NOT CONFIRMED (0): followed, and all was well. NOT
    FOLLOWED, NOT STEERABLE (3): the kernel does not go that way; it is said where, and what it did
    instead. A report is left under logs/.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.kernel.errors import MachineFailedError
    from harness.kernel.image import choose
    from harness.verdict import EXIT_CODES, INCONCLUSIVE, worst

    if is_model(what):
        return confirm_schedule(what, wanted, vhe=vhe, windows=windows, as_json=as_json)
    cases = cases_of(what)
    kernel = choose(wanted)
    if reproducer is not None:
        leave_reproducer(cases, kernel, reproducer, vhe=vhe, as_json=as_json)
    verdicts, violations = [], []
    for case in cases:
        try:
            found, path = tried(case, kernel, vhe=vhe, windows=windows, quiet=as_json)
        except MachineFailedError as error:
            if len(cases) == 1:
                raise UsageError(f"kernel {kernel.version}: {error}") from None
            verdicts.append(INCONCLUSIVE)
            if not as_json:
                click.echo(f"{case.id}: {INCONCLUSIVE}: {error}")
            continue
        verdicts.append(verdict_of(found))
        row = as_dict(found, path)
        if verdicts[-1] == "violated":
            violations.append(violation_of(row))
        if as_json:
            print_json(row)
        else:
            print_confirmation(found, path)
    verdict = worst(verdicts)
    if as_json:
        print_json({"type": "summary", "verdict": verdict, "violations": violations,
                    "kernel": kernel.version, "build_id": kernel.build_id})  # fmt: skip
    return EXIT_CODES[verdict]


def is_model(what: str) -> bool:
    """Tell whether it is a schedule, or a file with one or a log."""
    from harness.engine.compact import is_compact
    from harness.engine.schedule import is_schedule

    if is_schedule(what) or is_compact(what) or what == "-":
        return True
    return not what.endswith(".toml") and Path(what).is_file()


def confirm_schedule(
    what: str, wanted: str | None, *, vhe: bool, windows: int | None, as_json: bool
) -> int:
    """Try a schedule of the model on a kernel."""
    from harness.cli.output import print_json
    from harness.cli.target import load
    from harness.kernel.compare.differ import differences
    from harness.kernel.image import choose
    from harness.kernel.steer.confirm import confirm as try_it
    from harness.kernel.steer.report import markdown
    from harness.kernel.steer.schedule import prepare
    from harness.places import default_log_root, new_folder, slug, write_whole
    from harness.verdict import EXIT_CODES

    target = load(what)
    kernel = choose(wanted)
    name = f"confirm-{slug(Path(target.schedule.scenario).stem)}-{slug(kernel.version)}"
    folder = new_folder(default_log_root(), name)
    rules = None if target.header is None else frozenset(target.header.rules)
    case, story = prepare(target.schedule, rules, kernel, folder, vhe=vhe)

    def tell(line: str) -> None:
        if not as_json:
            click.echo(line, err=True)

    found = try_it(case, kernel, vhe=vhe, windows=windows, tell=tell, pick=True)
    parted = list(differences(target.schedule, followed_in(found)))
    if parted:
        story += [
            "",
            "What the guests saw, the model's and those of a window that followed:",
            *parted,
        ]
    write_whole(folder / "report.md", markdown(found, story).encode())
    row = as_dict(found, folder / "report.md")
    verdict = verdict_of(found)
    violations = [violation_of(row)] if verdict == "violated" else []
    if as_json:
        print_json({**row, "parted": parted})
        print_json({"type": "summary", "verdict": verdict, "violations": violations,
                    "kernel": kernel.version, "build_id": kernel.build_id})  # fmt: skip
    else:
        print_confirmation(found, folder / "report.md")
        for line in parted:
            click.echo(f"  {line}")
    return EXIT_CODES[verdict]


def followed_in(found: "Confirmation") -> "list[History]":
    """Return the histories of windows that followed a script, as far as they are kept."""
    tallies = [each.steered for each in found.shown]
    return [h for tally in tallies for n, h in tally.histories.items() if n in tally.followed]


def cases_of(what: str) -> "list[Case]":
    """Return the cases that are meant.

    Raises:
        UsageError: there is none of that name, or the file cannot be read.
    """
    from harness.errors import UsageError
    from harness.intake import read_text
    from harness.kernel.steer.script import case_names, load_case, read_case

    if what == ALL:
        return [load_case(name) for name in case_names()]
    if what.endswith(".toml"):
        path = Path(what)
        try:
            text = read_text(path, TOML_MAX)
        except UsageError as error:
            raise UsageError(f"cannot read the script {what!r}: {error}") from None
        return [read_case(text, path.stem, str(path.resolve().parent))]
    return [load_case(what)]


def tried(
    case: "Case", kernel: "Image", *, vhe: bool, windows: int | None, quiet: bool
) -> "tuple[Confirmation, Path]":
    """Try a case; return what came of it, and where its report is."""
    from harness.kernel.steer.confirm import confirm as try_it
    from harness.kernel.steer.report import markdown
    from harness.places import default_log_root, new_folder, slug, write_whole

    def tell(line: str) -> None:
        if not quiet:
            click.echo(f"{case.id}: {line}", err=True)

    found = try_it(case, kernel, vhe=vhe, windows=windows, tell=tell)
    folder = new_folder(default_log_root(), f"confirm-{slug(case.id)}-{slug(kernel.version)}")
    write_whole(folder / "report.md", markdown(found).encode())
    return found, folder / "report.md"


def leave_reproducer(
    cases: "list[Case]", kernel: "Image", folder: Path, *, vhe: bool, as_json: bool
) -> None:
    """Write what shows a case without this tool.

    Raises:
        UsageError: there are several, or the folder is not empty.
    """
    from harness.errors import UsageError
    from harness.kernel.steer.reproducer import write_reproducer
    from harness.places import shown

    if len(cases) != 1:
        raise UsageError("--reproducer: expected one finding, not several")
    write_reproducer(cases[0], kernel, folder, vhe=vhe)
    if not as_json:
        click.echo(f"reproducer: {shown(folder)}: make, then run it on a host with KVM")


def verdict_of(found: "Confirmation") -> str:
    """Return the verdict as all commands have it."""
    from harness.kernel.steer.confirm import CONFIRMED, NOT_CONFIRMED
    from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

    return {CONFIRMED: VIOLATED, NOT_CONFIRMED: CLEAN}.get(found.verdict, INCONCLUSIVE)


def violation_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a confirmed fault as the summary has it."""
    return {
        "type": "violation", "rule": row["id"], "text": row["title"], "kernel": row["kernel"],
        "log": row["report"],
    }  # fmt: skip


def as_dict(found: "Confirmation", path: Path) -> dict[str, Any]:
    """Return what came of a case, as a JSON line."""
    from harness.kernel.run import VHE
    from harness.kernel.steer.report import title_of
    from harness.places import shown

    return {
        "type": "confirmation",
        "id": found.case.id,
        "title": title_of(found),
        "verdict": verdict_of(found),
        "said": found.verdict,
        "kernel": found.kernel.version,
        "build_id": found.kernel.build_id,
        "vhe": found.hardware.cpu == VHE,
        "without": {"wrong": len(found.plain.bad), "of": found.plain.executions},
        "scripts": [
            {
                "script": each.script.name if each.script else None,
                "said": each.verdict,
                "why": each.why,
                "wrong": len(each.steered.bad),
                "of": each.steered.executions,
                "followed": len(each.steered.followed),
                "control": {"wrong": len(each.controlled.bad), "of": each.controlled.executions},
                "seconds": round(each.steered.seconds, 3),
            }
            for each in found.shown
        ],
        "boot_seconds": round(found.boot_seconds, 3),
        "report": shown(path),
    }


def print_confirmation(found: "Confirmation", path: Path) -> None:
    """Print what came of a case."""
    from harness.kernel.steer.report import title_of
    from harness.places import shown

    click.echo(f"{title_of(found)}")
    click.echo(f"  {found.verdict} on {found.kernel.version}, build id {found.kernel.build_id}")
    if found.case.script:
        click.echo(f"  without a script: {len(found.plain.bad)} of {found.plain.executions} wrong")
    for each in found.shown:
        name = f"script {each.script.name}" if each.script else "the guest alone"
        click.echo(f"  {name}: {each.verdict}: {each.why}")
        if found.case.control:
            control = f"{len(each.controlled.bad)} of {each.controlled.executions}"
            click.echo(f"    control: {control} wrong ({found.case.control.what})")
    click.echo(f"  report: {shown(path)}")
