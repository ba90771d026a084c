"""Which mutants there are: each operator's edits, and what is left alone."""

import ast

import pytest

from tests.mutation.edits import Text, edits_of
from tests.mutation.equivalents import FILE, read
from tests.mutation.mutant import Mutant
from tests.mutation.sites import Finder, mutants


def made(body: str) -> dict[str, list[str]]:
    """Return the lines that the edits of a function's body make of it, by operator."""
    source = "def f(self, a, b):\n" + "".join(f"    {x}\n" for x in body.splitlines())
    finder = Finder(Text(source))
    finder.visit_body(ast.parse(source).body, "")
    found: dict[str, list[str]] = {}
    for place in finder.places:
        for edit in edits_of(finder.text, place.node, place.needed):
            mutant = Mutant("x.py", place.function, edit, source, place.statement)
            ast.parse(mutant.mutated)
            new = [x[2:] for x in mutant.change().splitlines() if x.startswith("+")]
            found.setdefault(edit.operator, []).append("; ".join(new))
    return found


@pytest.mark.parametrize(
    ("body", "operator", "expected"),
    [
        ("self.go(a)", "statement deleted", ["pass"]),
        ("if a:\n    self.go()", "condition negated", ["if not (a):"]),
        ("while not a:\n    b()", "condition negated", ["while a:"]),
        (
            "return a and b or self",
            "and/or",
            ["return ((a and b) and self)", "return (a or b) or self"],
        ),
        ("return a <= b", "comparison changed", ["return a < b"]),
        ("return a is not b", "comparison changed", ["return a is b"]),
        ("self.go(True)", "True/False", ["self.go(False)"]),
        ("self.x = 3", "off by one", ["self.x = 4"]),
        ("self.x = -1", "off by one", ["self.x = 0"]),
    ],
)
def test_an_operator_makes_these_edits(body: str, operator: str, expected: list[str]) -> None:
    assert made(body)[operator] == expected


@pytest.mark.parametrize(
    "body",
    [
        "c = a.b()\nself.go(c)",  # without it Python itself would stop
        "irq.said()",
        "if self.emit is not None:\n    self.emit(1)",
        '"""Words."""',
        "raise ValueError",
    ],
)
def test_nothing_is_deleted_that_only_tells_or_that_nothing_runs_without(body: str) -> None:
    deleted = made(body).get("statement deleted", [])
    assert len(deleted) == (1 if "go" in body else 0)


def test_each_equivalent_is_a_mutant_of_today() -> None:
    """Else its line has changed since, and its reason must be thought through again."""
    known = {(m.path, m.function, m.change()) for m in mutants()}
    assert [key for key in read() if key not in known] == []
    assert FILE.is_file()


def test_mutants_are_many_and_all_compile() -> None:
    found = mutants()
    assert len(found) > 1000
    assert len({(m.path, m.edit) for m in found}) == len(found)
    for mutant in found[::10]:
        ast.parse(mutant.mutated)
