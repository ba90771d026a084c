"""What a mutant is: one change of one place of the hypervisor's source."""

import difflib
from typing import NamedTuple

__all__ = ["Edit", "Mutant"]


class Edit(NamedTuple):
    """The text from ``start`` to ``end`` (offsets in the source) becomes ``text``.

    ``operator`` says in which way, ``line`` is where it begins, counted from 1.
    """

    operator: str
    line: int
    start: int
    end: int
    text: str


class Mutant(NamedTuple):
    """An edit of the file ``path``, from the project's root, within ``function``.

    ``statement`` is the line of the statement that it changes, or 0 if each world executes it as it
    is made: a setting, a default, a constructor. ``step`` says that all the edit does is to leave
    out a bare step.
    """

    path: str
    function: str
    edit: Edit
    source: str
    statement: int
    step: bool = False

    @property
    def at_import(self) -> bool:
        """Whether it shows as soon as a world is made."""
        return self.statement == 0

    @property
    def module(self) -> str:
        """The module's name, as it is imported."""
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def mutated(self) -> str:
        """The source of the whole file with the edit."""
        edit = self.edit
        return self.source[: edit.start] + edit.text + self.source[edit.end :]

    def diff(self) -> str:
        """Return the edit as a unified diff."""
        lines = difflib.unified_diff(
            self.source.splitlines(keepends=True),
            self.mutated.splitlines(keepends=True),
            f"a/{self.path}",
            f"b/{self.path}",
            n=2,
        )
        return "".join(lines)

    def change(self) -> str:
        """Return the changed lines alone, as ``- old`` and ``+ new``, without indentation."""
        edit, source = self.edit, self.source
        begin = source.rfind("\n", 0, edit.start) + 1
        end = source.find("\n", edit.end)
        old = source[begin:end]
        new = source[begin : edit.start] + edit.text + source[edit.end : end]
        lines = [f"- {x.strip()}" for x in old.splitlines()]
        return "\n".join(lines + [f"+ {x.strip()}" for x in new.splitlines()])

    def __str__(self) -> str:
        return f"{self.path}:{self.edit.line} {self.function}: {self.edit.operator}"
