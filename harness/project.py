"""What a user's project says in ``[tool.vgic-race]`` of its ``pyproject.toml``.

The project is the closest folder upwards that has such a file. A name that is written there as
``package.module:function`` is imported from that folder.
"""

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from harness.choices import told
from harness.errors import UsageError, unknown_name
from harness.intake import parse_toml, read_text

__all__ = [
    "Defaults", "Project", "Settings", "find_project", "load_object", "load_project",
    "stress_defaults",
]  # fmt: skip

FILE = "pyproject.toml"
TABLE = "vgic-race"
PROJECT_MAX = 4 * 1024 * 1024
"""The longest such file, in bytes."""


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Defaults of ``stress``, as its options are called; those that are given replace them."""

    scenarios: list[str] | None = None
    scenario_file: list[str] | None = None
    variant: list[str] | None = None
    strategy: str | None = None
    depth: int | None = None
    seed: int | None = None
    schedules: int | None = None
    seconds: float | None = None
    jobs: int | None = None
    keep_going: bool | None = None
    no_kept: bool | None = None
    no_shrink: bool | None = None
    engine: Literal["trio", "direct"] | None = None
    knob: list[str] | None = None
    rules: str | None = None
    pcpus: int | None = None
    vcpus: int | None = None
    lrs: int | None = None
    junit: str | None = None
    ci: Literal["auto", "github", "none"] | None = None
    dask: str | None = None


PARAMETERS = {
    "scenario_file": "files", "variant": "variants", "knob": "knobs"
}  # fmt: skip
"""Options whose value the command knows by another name."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[tool.vgic-race]``. What some do to a log, ``harness.log.chain`` says.

    ``log_drop`` are kinds of events to leave out, ``log_rename`` maps fields to other names,
    ``log_redact`` are fields whose values are hidden, ``log_processors`` functions of the user's
    own as ``package.module:function``, ``log_context`` keeps what is bound, ``log_render`` is how a
    line is written. ``rules`` are rules of the user's own that are checked beside all others, as
    ``path/file.py:Class``, seen from the project's folder, or ``package.module:Class``. ``stress``
    are defaults of that command, ``profiles`` more of them by name, which ``--profile NAME`` lays
    over those.
    """

    rules: tuple[str, ...] = ()
    log_drop: tuple[str, ...] = ()
    log_rename: dict[str, str] = {}
    log_redact: tuple[str, ...] = ()
    log_processors: tuple[str, ...] = ()
    log_context: bool = False
    log_render: Literal["json", "console"] = "json"
    stress: Defaults = Defaults()
    profiles: dict[str, Defaults] = {}


class Project(msgspec.Struct, frozen=True):
    """A project's folder (None: there is no project here) and what it says."""

    folder: Path | None = None
    settings: Settings = Settings()


def find_project() -> Path | None:
    """Return the closest folder upwards that has a ``pyproject.toml``; None if there is none."""
    here = Path.cwd()
    return next((f for f in (here, *here.parents) if (f / FILE).is_file()), None)


def load_project() -> Project:
    """Return the nearest project, or an empty one.

    Raises:
        UsageError: its file cannot be read, is no TOML, or says what cannot be.

    """
    folder = find_project()
    if folder is None:
        return Project()
    path = folder / FILE
    try:
        stat = path.stat()
        return Project(folder, read_settings(path, stat.st_mtime_ns, stat.st_size))
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from None


@lru_cache(maxsize=8)
def read_settings(path: Path, _changed: int, _size: int) -> Settings:
    """Read the table from a file; it is read again only when it has changed.

    Raises:
        OSError: it cannot be read.
        UsageError: it is no TOML, or says what cannot be.

    """
    try:
        text = read_text(path, PROJECT_MAX)
    except UsageError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error}") from None
    try:
        content = parse_toml(text)
    except UsageError as error:
        raise UsageError(f"{str(path)!r} is no TOML: {error}") from None
    tool = content.get("tool", {})
    table = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
    where = f"[tool.{TABLE}] of {str(path)!r}"
    if not isinstance(table, dict):
        raise UsageError(f"{where}: expected a table")
    for name in table:
        if name not in Settings.__struct_fields__:
            raise unknown_name(f"setting in {where}:", name, Settings.__struct_fields__)
    check_defaults(table, where)
    try:
        return msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {told(error, Settings)}") from None


def check_defaults(table: dict[str, Any], where: str) -> None:
    """Look at the names of defaults.

    Raises:
        UsageError: one is no option of ``stress`` that can have a default.

    """
    profiles = table.get("profiles", {})
    named = {"stress": table.get("stress"), **(profiles if isinstance(profiles, dict) else {})}
    known = [name.replace("_", "-") for name in Defaults.__struct_fields__]
    for profile, values in named.items():
        for name in values if isinstance(values, dict) else ():
            if name not in known:
                inner = "stress" if values is named["stress"] else f"profiles.{profile}"
                raise unknown_name(f"default in {where}, {inner}:", name, known)


def stress_defaults(profile: str | None) -> dict[str, Any]:
    """Return the defaults of ``stress``, by the names of the command's parameters.

    Args:
        profile: the profile that is laid over those of the project; None: none.

    Raises:
        UsageError: there is no such profile, or the project's file says what cannot be.

    """
    project = load_project()
    settings = project.settings
    chosen = [settings.stress]
    if profile is not None:
        if profile not in settings.profiles:
            known = settings.profiles or ["(none: [tool.vgic-race.profiles.NAME] makes one)"]
            raise unknown_name("profile", profile, known)
        chosen.append(settings.profiles[profile])
    out: dict[str, Any] = {}
    for defaults in chosen:
        given = {k: v for k, v in msgspec.structs.asdict(defaults).items() if v is not None}
        if "seconds" in given or "schedules" in given:
            out.pop("seconds", None)
            out.pop("schedules", None)
        out |= {PARAMETERS.get(name, name): value for name, value in given.items()}
    return out


def load_object(name: str, folder: Path, what: str) -> Any:
    """Import what ``name``, as ``package.module:attribute``, names; ``folder`` is looked in first.

    Args:
        name: the name.
        folder: a project's folder.
        what: what it is to be, for messages, such as "log processor".

    Raises:
        UsageError: it is no such name, cannot be imported, or there is nothing of that name.

    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"{what} {name!r}: expected package.module:function")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        text = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise UsageError(f"{what} {name!r}: cannot import {module_name!r}: {text}") from None
    found = getattr(module, attribute, None)
    if found is None:
        known = [key for key, value in vars(module).items() if callable(value)]
        raise unknown_name(f"function in {what} {name!r}: no", attribute, known or ["(none)"])
    return found
