"""Exceptions out of executions: whose they are, and how to say so in one line."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import msgspec

from harness.engine.execution import ForeignAwaitError
from harness.engine.footprint import FootprintError
from harness.errors import UsageError
from harness.guard.awaits import Awaits
from harness.guard.code import Place, is_own, is_variant_own, place_of_traceback, told_place
from harness.guard.faults import Fault
from harness.guard.watch import watch
from harness.spec import RunSpec
from harness.user_code import named, owner_of

__all__ = ["Crash", "blame", "is_interrupt", "lost", "lost_text", "naming_variant", "stuck_text"]

LOOPS = ("trio", "asyncio", "anyio")
"""Libraries whose primitives a task must not await."""


class Crash(msgspec.Struct, frozen=True):
    """An exception in an execution, as it is told and as it can be sent between processes.

    ``text`` is one line, ``trace`` the whole traceback. ``usage`` marks bad input, a variant of the
    user's included, rather than a fault of ours.
    """

    text: str
    trace: str
    usage: bool


def unwrapped(error: BaseException) -> BaseException:
    """Return what a group of one exception holds, however deep; of several, the group."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def is_interrupt(error: BaseException) -> bool:
    """Tell whether this is, or is about, a Ctrl-C."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)


def blame(spec: RunSpec, error: BaseException, where: str) -> Crash:
    """Describe an exception: whose it is, and where in the code.

    Args:
        spec: what was run; an exception of a variant named by module or path is the user's fault,
            and so is one that a rule or a strategy of the user's raised.
        error: what was raised, with its traceback.
        where: where in the campaign, as it ends the line: "schedule 3 of scenario 'x'".
    """
    error = unwrapped(error)
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, UsageError):
        return Crash(str(error), trace, usage=True)
    own = is_variant_own(spec.variant)
    if isinstance(error, Fault):
        what = str(error)
    elif own and isinstance(error, FootprintError):
        what = f"breaks its footprint{told_place(innermost_own(error))}: {error}"
    elif own and (awaited := foreign(error)):
        what = f"awaits {awaited}{told_place(innermost_own(error))}, expected steps only"
    else:
        what = f"raised {type(error).__name__}: {error}{told_place(last_of(error))}"
    owner = owner_of(frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    text = f"{owner or named('variant', spec.variant)} {what}, in {where}"
    return Crash(text.replace("\n", " "), trace, usage=bool(owner) or own)


def last_of(error: BaseException) -> Place | None:
    """Return where it was raised: in code of the user's, if it passed any."""
    frames = traceback.extract_tb(error.__traceback__)
    if place := place_of_traceback(error.__traceback__):
        return place
    return (frames[-1].filename, frames[-1].lineno or 0, frames[-1].name) if frames else None


def innermost_own(error: BaseException) -> Place | None:
    """Return the place in code of the user's that did what the engine complains of."""
    calls = error.calls if isinstance(error, FootprintError) else ()
    own = [call for call in calls if is_own(call[0])]
    return own[0] if own else place_of_traceback(error.__traceback__)


def foreign(error: BaseException) -> str:
    """Return what a task awaited that is no step, such as "trio.sleep"; "" if it is not about that.

    Under Trio its primitives work, and the engine refuses them; without it they fail by themselves.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in frames]
    at = next(
        (
            n
            for n, name in enumerate(names)
            if name in LOOPS and n and names[n - 1] not in (*LOOPS, "harness")
        ),
        None,
    )
    if at is not None:
        return f"{names[at]}.{frames[at][0].f_code.co_name}"
    return "what is no step of a task" if isinstance(error, ForeignAwaitError) else ""


def lost_text(spec: RunSpec, index: int, status: int) -> str:
    """Say that workers died of a schedule, both times that it was tried.

    Args:
        spec: what was run.
        index: the schedule, by its number in the entry.
        status: how the last of them ended, below 0 by a signal of that number.
    """
    how = f"by signal {-status} (killed, or out of memory?)" if status < 0 else f"with {status}"
    return (
        f"a worker process ended abruptly, {how}, and so did a second one, in schedule {index} of "
        f"scenario {spec.scenario!r}, variant {spec.variant!r}"
    )


def stuck_text(spec: RunSpec, index: int, seconds: float) -> str:
    """Say that a worker was at one schedule for longer than that can take, and was ended."""
    return (
        f"variant {spec.variant!r} did not come back from schedule {index} of scenario "
        f"{spec.scenario!r} within {seconds:.1f} s, and its worker was ended: it loops or waits "
        "within a step"
    )


def lost(spec: RunSpec, why: str) -> Crash:
    """Return what became of a batch that no worker could run to its end; ``why`` is all it says."""
    return Crash(why, why, usage=":" in spec.variant)


@contextmanager
def naming_variant(spec: RunSpec) -> Iterator[None]:
    """Make bad input of whatever a variant of the user's raises in here.

    Raises:
        UsageError: the variant raised something, or forgot an await; named is the variant, the
            exception and where.
        BaseException: what a variant of ours raised, or Ctrl-C, as it is.
    """
    own = is_variant_own(spec.variant)
    watch.attend()
    try:
        with Awaits().watched() if own else nullcontext():
            yield
    except BaseException as error:
        if is_interrupt(error) or isinstance(error, UsageError):
            raise
        crash = blame(spec, error, f"scenario {spec.scenario!r}")
        if isinstance(unwrapped(error), UsageError):
            raise unwrapped(error) from None
        if not crash.usage:
            raise
        raise UsageError(crash.text) from unwrapped(error)
