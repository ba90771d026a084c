"""The chain of processors that an execution's log goes through, for those who add to it.

Every line is a structlog event, and goes through these in turn, each left out if not asked for:

1. what is *bound*: ``scenario``, ``variant`` and ``execution`` (an id made of the schedule) for the
   whole log, ``task`` and ``actor`` for what an actor does. These are in the event while the chain
   works on it, and are taken out again before it is written, unless ``log_context`` is set;
2. ``log_drop``: kinds of events left out (facts, ``step`` or ``rest``). The header's ``facts`` then
   lacks them, so that the log can still be read and checked;
3. ``log_rename``: fields under another name;
4. ``log_redact``: fields whose values are hidden. What was renamed or redacted is for others to
   read: ``log show`` may not take it any more;
5. ``log_processors``: functions of the user's own, in their order, as structlog calls them:
   ``function(logger, method, event) -> event``; ``structlog.DropEvent`` leaves an event out;
6. ``log_render``: JSON lines, or text as on a console.

A project that asks for none of it has the same lines written without a detour, many at a time.
"""

import hashlib
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from harness.errors import UsageError, unknown_name
from harness.log.registry import REGISTRY
from harness.project import Project, Settings, load_object, load_project
from model.facts import KINDS

__all__ = ["Chain", "Chained", "execution_id", "project_chain"]

Event = MutableMapping[str, Any]
Processor = Callable[[Any, str, Event], Any]

FIRST = ("event", "seq", "t", "step", "task")
CONTEXT = ("scenario", "variant", "execution", "actor")
HEADER = "header"
OWN = frozenset({HEADER, "violation", "footer"})
"""Kinds of lines that cannot be left out, and lines in which ``scenario`` is a field of theirs."""
HIDDEN = "(redacted)"


def execution_id(schedule: str) -> str:
    """Return a short name of an execution: the same scenario, variant and choices have the same."""
    return hashlib.sha256(schedule.encode()).hexdigest()[:12]


def project_chain() -> "Chain | None":
    """Return the chain that the nearest project asks for; None if it asks for none.

    Raises:
        UsageError: what the project says cannot be.

    """
    project = load_project()
    return None if project.settings == Settings() else Chain(project)


class Chain:
    """A project's chain, its functions imported.

    Raises:
        UsageError: a name is no function's, or no kind's of event.

    """

    def __init__(self, project: Project) -> None:
        settings = project.settings
        for kind in settings.log_drop:
            if kind not in REGISTRY or kind in OWN:
                raise unknown_name("event to drop:", kind, REGISTRY.keys() - OWN)
        self.processors: list[Processor] = []
        if settings.log_drop:
            self.processors.append(dropper(frozenset(settings.log_drop)))
        if settings.log_rename:
            self.processors.append(renamer(settings.log_rename))
        if settings.log_redact:
            self.processors.append(redacter(frozenset(settings.log_redact)))
        assert project.folder is not None
        for name in settings.log_processors:
            function = load_object(name, project.folder, "log processor")
            if not callable(function):
                raise UsageError(f"log processor {name!r}: expected a function, found {function!r}")
            self.processors.append(Guarded(name, function))
        if not settings.log_context:
            self.processors.append(without_context)
        self.processors.append(render_json if settings.log_render == "json" else render_console)


class Chained:
    """Takes the lines of one execution through a chain; ``put`` gets what comes out, encoded."""

    def __init__(self, chain: Chain, put: Callable[[Any], None]) -> None:
        import structlog

        self.base: Any = structlog.wrap_logger(
            Last(put),
            processors=chain.processors,
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=False,
        )
        self.actors: Mapping[str, str] = {}
        self.loggers: dict[str, Any] = {}

    def bind(self, actors: Mapping[str, str], **context: str) -> None:
        """Bind what is the same for a whole execution, and per task who its actor is."""
        self.base = self.base.bind(**context)
        self.actors = actors

    def put(self, line: Any) -> None:
        """Take one line: an object in its order, or a struct of ``harness.log.lines``.

        Raises:
            UsageError: a function of the user's raised something, or made no event of it.

        """
        if isinstance(line, msgspec.Struct):
            event = {"event": line.__struct_config__.tag, **msgspec.structs.asdict(line)}
        else:
            event = dict(line)
        if event["event"] == HEADER:
            # It says these two itself, in their place.
            self.base.try_unbind("scenario", "variant").msg(**event)
        else:
            self.logger(event.get("task", "")).msg(**event)

    def logger(self, task: str) -> Any:
        """Return the logger of a task, bound to its actor."""
        if task not in self.loggers:
            bound = self.base
            if task:
                bound = bound.bind(task=task, actor=self.actors.get(task, task))
            self.loggers[task] = bound
        return self.loggers[task]


class Last:
    """Structlog's logger at the end of the chain."""

    def __init__(self, put: Callable[[Any], None]) -> None:
        self.put = put

    def msg(self, line: bytes) -> None:
        """Take one line as it is to be written."""
        self.put(msgspec.Raw(line))


class Guarded:
    """A function of the user's: what it raises, or returns instead of an event, names it."""

    def __init__(self, name: str, function: Processor) -> None:
        self.name = name
        self.function = function

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        """Call the function.

        Raises:
            UsageError: it raised something, or returned no event.
            DropEvent: it leaves the event out.

        """
        from structlog import DropEvent

        kind = event.get("event")
        try:
            result = self.function(logger, method, event)
        except DropEvent:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}".replace("\n", " ")
            raise UsageError(f"log processor {self.name!r}, a {kind!r} line: {text}") from error
        if not isinstance(result, MutableMapping):
            what = type(result).__name__
            raise UsageError(
                f"log processor {self.name!r}, a {kind!r} line: it returned a {what}, expected the "
                "event"
            )
        return result


def dropper(kinds: frozenset[str]) -> Processor:
    """Return a processor that leaves kinds of events out, and says so in the header."""

    def drop(_logger: Any, _method: str, event: Event) -> Event:
        from structlog import DropEvent

        if event["event"] in kinds:
            raise DropEvent
        if event["event"] == HEADER:
            event["facts"] = [kind for kind in KINDS if kind not in kinds]
        return event

    return drop


def renamer(names: Mapping[str, str]) -> Processor:
    """Return a processor that gives fields other names."""

    def rename(_logger: Any, _method: str, event: Event) -> Event:
        return {names.get(name, name): value for name, value in event.items()}

    return rename


def redacter(names: frozenset[str]) -> Processor:
    """Return a processor that hides the values of fields."""

    def redact(_logger: Any, _method: str, event: Event) -> Event:
        return {name: HIDDEN if name in names else value for name, value in event.items()}

    return redact


def without_context(_logger: Any, _method: str, event: Event) -> Event:
    """Take out again what was bound, where it is no field of the line's own."""
    own = event.get("event") == HEADER
    for name in CONTEXT[2:] if own else CONTEXT:
        event.pop(name, None)
    return event


def render_json(_logger: Any, _method: str, event: Event) -> bytes:
    """Encode an event as JSON: the common fields first, the others in the order given.

    Raises:
        UsageError: a value that a function of the user's put in is nothing that JSON has.

    """
    line = {name: event[name] for name in FIRST if name in event}
    try:
        return msgspec.json.encode({**line, **event})
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"a {event.get('event')!r} line cannot be written: {error}") from None


def render_console(_logger: Any, _method: str, event: Event) -> bytes:
    """Render an event as text in a line: time, step, task and event in columns, then the rest."""
    left = dict(event)
    t, step, task = (left.pop(name, "") for name in ("t", "step", "task"))
    head = f"{t:>8}  {step:>5}  {task:<6}  {left.pop('event', ''):<20}"
    text = " ".join(f"{name}={value}" for name, value in left.items())
    return f"{head} {text}".replace("\n", " ").encode(errors="replace")
