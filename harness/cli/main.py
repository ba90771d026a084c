"""The entry point ``vgic-race``: finds the subcommand, and makes an exit code of what happens.

A subcommand's module is imported when it is used, so that ``--help`` costs next to nothing.
"""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.lazy import Lazy
from harness.cli.options import EPILOG
from harness.errors import UsageError, shortened, unknown_name
from harness.guard.faults import Fault
from harness.verdict import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_PIPE, EXIT_USAGE

__all__ = ["TRACEBACK_ENV", "main"]

TRACEBACK_ENV = "VGIC_RACE_TRACEBACK"

COMMANDS: dict[str, tuple[str, str]] = {
    "stress": ("harness.cli.stress:command", "Run scenarios under many schedules, hunt for races."),
    "run": ("harness.cli.run:command", "Run one execution, and tell the life of each interrupt."),
    "merge": ("harness.cli.merge:command", "Make one campaign of its parts."),
    "replay": ("harness.cli.replay:command", "Run a schedule, or a log's, exactly again."),
    "explore": ("harness.cli.explore:command", "Look at every interleaving: prove, or violate."),
    "report": ("harness.cli.report:command", "Make a page of a log, or of a campaign."),
    "shrink": ("harness.cli.shrink:command", "Make a failure as short as it can be."),
    "why": ("harness.cli.why:command", "Explain a failure: the race, its cause, its symptom."),
    "list": ("harness.cli.list:command", "List scenarios, variants, rules, strategies, knobs."),
    "log": ("harness.cli.log:group", "Show, check, compare and query logs."),
    "trace": ("harness.cli.trace:group", "Check the rules over traces of a real Linux KVM."),
    "kernel": ("harness.cli.kernel:group", "Run scenarios on a real Linux KVM, under QEMU."),
    "export": ("harness.cli.export:group", "Write a log in the form of another program."),
    "help": ("harness.cli.help:command", "Print the reference on a topic."),
    "completion": ("harness.cli.completion:command", "Print a script that completes in a shell."),
    "conform": ("harness.conform.command:conform", "Hold the model against other implementations."),
}


class Commands(Lazy):
    """The group of all commands."""

    table = COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C and closed pipes are answered by :func:`main`.

        Raises:
            Passed: one of these two came, and click must not see it.
        """
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise Passed(error) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command.

        Raises:
            UsageError: there is none of that name; the nearest one is named.
        """
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown_name("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


class Passed(Exception):  # noqa: N818  # it carries what is no error
    """Carries an exception past click, which would answer it in its own way."""

    def __init__(self, inner: BaseException) -> None:
        super().__init__()
        self.inner = inner


def print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Print version and revision, and leave with exit code 0 (the callback of --version)."""
    if not value or ctx.resilient_parsing:
        return
    from importlib import metadata

    try:
        version = metadata.version("vgic-race")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    click.echo(f"vgic-race {version}{revision()}")
    ctx.exit(0)


def revision() -> str:
    """Return " (REVISION)" of the checkout this runs from; "" if it is none, or git cannot say."""
    import subprocess

    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return f" ({done.stdout.strip()})"


@click.group(cls=Commands, epilog=EPILOG)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version,
    help="Show the version and, in a checkout, the revision.",
)  # fmt: skip
def group() -> None:
    """Hunt for the interleavings that break KVM/ARM's forwarded physical interrupts."""


def main(args: list[str] | None = None) -> int:
    """Run the command line; return the exit code (``harness.verdict``; 141 for a closed pipe).

    ``args`` are the arguments without the program's name; None means those of this process. The
    root context's ``obj`` is when this began (monotonic clock, in seconds), for commands with a
    wall time. Nothing is raised but SystemExit, by what leaves on purpose.
    """
    if sys.stdout is None:
        return fail("stdout is closed", EXIT_PIPE)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = dispatch(args, time.monotonic())
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        return EXIT_PIPE
    except KeyboardInterrupt:
        return fail("interrupted", EXIT_INTERRUPTED, prefix="")
    except OSError as error:
        # A full disk, a folder one may not write: the surroundings, not a fault in here.
        silence(sys.stdout)
        where = f": {error.filename!r}" if error.filename else ""
        return fail(f"{error.strerror or error}{where}", EXIT_USAGE)
    return code


def dispatch(args: list[str] | None, began: float) -> int:
    """Run the command and turn what it raises into a message on stderr and an exit code.

    Raises:
        OSError, KeyboardInterrupt, SystemExit: as they are, for :func:`main`.
    """
    try:
        check_text(sys.argv[1:] if args is None else args)
        result = group.main(args=args, prog_name="vgic-race", standalone_mode=False, obj=began)
    except Passed as passed:
        raise passed.inner from None
    except UsageError as error:
        if error.__cause__ is not None and os.environ.get(TRACEBACK_ENV):
            traceback.print_exception(error.__cause__)
        return fail(str(error), EXIT_USAGE)
    except Fault as fault:
        return fail(f"the variant {fault}", EXIT_USAGE)
    except UnicodeEncodeError as error:
        # Whatever is no text came from outside: the name of a folder, or a variable.
        return fail(f"{error.object[error.start - 20 : error.end]!r} is not UTF-8", EXIT_USAGE)
    except click.Abort:
        return fail("interrupted", EXIT_INTERRUPTED, prefix="")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        usage = f" (see {context.command_path} --help)" if context is not None else ""
        return fail(error.format_message().replace("\n", " ") + usage, EXIT_USAGE)
    except (OSError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if os.environ.get(TRACEBACK_ENV):
            traceback.print_exc()
        return fail(
            f"internal error: {type(error).__name__}: {error} "
            f"(set {TRACEBACK_ENV}=1 to see where)".replace("\n", " "),
            EXIT_INTERNAL,
            prefix="",
        )
    return result if isinstance(result, int) else 0


def check_text(args: Sequence[str]) -> None:
    """Refuse arguments that are no text: a schedule, a log and JSON can only carry UTF-8.

    Raises:
        UsageError: one is not.
    """
    for arg in args:
        try:
            arg.encode()
        except UnicodeEncodeError:
            raise UsageError(f"argument {shortened(repr(arg), 200)}: not UTF-8") from None


def fail(text: str, code: int, *, prefix: str = "error: ") -> int:
    """Say on stderr what is wrong, and return ``code``; a closed stderr changes nothing."""
    try:
        click.echo(shortened(f"{prefix}{text}"), err=True)
    except OSError:
        silence(sys.stderr)
    return code


def silence(stream: Any) -> None:
    """Point a stream that cannot be written to nowhere, so that Python is quiet at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError, AttributeError):
        return


if __name__ == "__main__":
    sys.exit(main())
