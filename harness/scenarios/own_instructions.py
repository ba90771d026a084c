"""Instructions of a scenario's own, made of those that there are.

::

    [instructions]
    "rearm NS N" = ["timer NS", "user", "idle N"]

    [[vcpu]]
    program = ["rearm 100 1", "rearm 200 2"]

The first word names it, the others, in capitals, are its parameters; where one stands as a word in
a line, the argument takes its place. Lines may use instructions that stand before it. Programs are
written out when the scenario is read, so that nothing else ever sees such an instruction.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.scenarios.program import FORMS

__all__ = ["TABLE", "expand"]

TABLE = "instructions"
VERB = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
PARAMETER = re.compile(r"[A-Z][A-Z0-9_]{0,39}\Z")
LINES_MAX = 1000
"""More lines than any program may have; an instruction cannot come to more."""


class Own(NamedTuple):
    """An instruction of a scenario's own: how it is written, its parameters, and its lines."""

    form: str
    parameters: tuple[str, ...]
    lines: tuple[str, ...]


def expand(data: dict[str, Any], where: str) -> dict[str, Any]:
    """Write out the programs of a scenario as TOML gave it, and take its instructions away.

    ``where`` names the scenario in messages. What is no program at all stays as it is: whoever
    reads the rest says so.

    Raises:
        UsageError: an instruction, or a line that uses one, is wrong, and what was expected.

    """
    if TABLE not in data:
        return data
    known = read(data[TABLE], f"{where}: {TABLE}")
    out = {name: value for name, value in data.items() if name != TABLE}
    vcpus = out.get("vcpu")
    if isinstance(vcpus, list):
        out["vcpu"] = [
            written_out(vcpu, known, f"{where}, vcpu {n}") if isinstance(vcpu, dict) else vcpu
            for n, vcpu in enumerate(vcpus)
        ]
    return out


def read(table: object, where: str) -> dict[str, Own]:
    """Read the table of instructions, each with its lines written out.

    Raises:
        UsageError: one is wrong, and what was expected.

    """
    if not isinstance(table, dict):
        raise UsageError(f'{where}: expected a table of "NAME PARAMETER..." = ["line", ...]')
    known: dict[str, Own] = {}
    for form, lines in table.items():
        verb, *parameters = form.split() or [""]
        said = f"{where}: {form!r}"
        if verb in FORMS or verb in known:
            raise UsageError(f"{said}: there is an instruction {verb!r} already")
        if not VERB.match(verb) or not all(map(PARAMETER.match, parameters)):
            raise UsageError(
                f"{said}: expected a name in small letters and parameters in capitals, such as "
                "'rearm NS N'"
            )
        if not lines or not isinstance(lines, list) or not all(isinstance(x, str) for x in lines):
            raise UsageError(f"{said}: expected a list of lines, such as ['timer NS', 'idle N']")
        used = {word for line in lines for word in line.split()}
        for name in parameters:
            if name not in used or parameters.count(name) > 1:
                fault = "twice" if name in used else "used in no line"
                raise UsageError(f"{said}: parameter {name} is {fault}")
        known[verb] = Own(form, tuple(parameters), tuple(all_lines(lines, known, said)))
    return known


def written_out(vcpu: dict[str, Any], known: Mapping[str, Own], where: str) -> dict[str, Any]:
    """Return a VCPU's table with its program and its handler written out.

    Raises:
        UsageError: a line has the wrong number of arguments.

    """
    return {
        name: all_lines(value, known, f"{where}, {name}")
        if name in ("program", "handler") and isinstance(value, list)
        else value
        for name, value in vcpu.items()
    }


def all_lines(lines: list[Any], known: Mapping[str, Own], where: str) -> list[Any]:
    """Return lines with those of ``known`` instructions in their place.

    Raises:
        UsageError: a line has the wrong number of arguments, or they come to too many.

    """
    out: list[Any] = []
    for line in lines:
        verb, *arguments = line.split() or [""] if isinstance(line, str) else [""]
        own = known.get(verb)
        if own is None:
            out.append(line)
            continue
        if len(arguments) != len(own.parameters):
            raise UsageError(f"{where}: {line!r}: expected {own.form}")
        values = dict(zip(own.parameters, arguments, strict=True))
        out += [" ".join(values.get(word, word) for word in x.split()) for x in own.lines]
        if len(out) > LINES_MAX:
            raise UsageError(f"{where}: more than {LINES_MAX} lines when written out")
    return out
