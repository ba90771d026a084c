"""Where mutants can be made: the functions and settings of the hypervisor under test.

Left out, for they decide nothing: the lists of hooks, which are interfaces; ``steps.py``, which
declares footprints and has the audit for its oracle; ``canonical``, by which a search of all states
knows one again, with tests of its own; what only tells facts of what happened, or
asserts that a lock is held; where the GIC's messages go on by themselves (which the museum breaks:
its bounds 1 to 3); what Python or the type checker refuses (a name that nothing binds, a
function that ends without what it must return), and what is no code.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests.mutation.edits import Text, edits_of
from tests.mutation.mutant import Mutant

__all__ = ["ROOT", "files", "module_of", "mutants"]

ROOT = Path(__file__).parents[2]
FOLDERS = ("harness/kvm", "model/vgic")
LEFT_OUT = {"__init__.py", "steps.py"}
TELLING = {
    "assert_free", "assert_held", "begin_isr", "bypassed", "emit", "end_isr", "enter_from_user",
    "folded", "halting", "leave_to_user", "read", "rechecked", "resumed", "said", "say_mask",
    "told", "trapped", "wrote_back", "written",
}  # fmt: skip
"""What a statement calls or sets that only says what happened, or looks whether a lock is held."""
HARDWARE = {"at_entry", "at_exit", "before_access", "deliver_pin", "watch"}
"""What a statement calls to have the GIC's messages go on, or the engine ask a guard in time."""
DECLARED = {"FIELDS", "__slots__", "__all__", "__doc__", "era", "title"}


def files() -> list[Path]:
    """List the files that are mutated."""
    found = [p for f in FOLDERS for p in sorted((ROOT / f).glob("*.py"))]
    return [p for p in found if p.name not in LEFT_OUT]


def module_of(path: Path) -> ModuleType:
    """Return the module that a file is."""
    return import_module(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))


def mutants() -> list[Mutant]:
    """Make all mutants, in the order of files and lines."""
    return [mutant for path in files() for mutant in of_file(path)]


def of_file(path: Path) -> Iterator[Mutant]:
    """Make the mutants of one file."""
    source = path.read_text("ascii")
    name = path.relative_to(ROOT).as_posix()
    text = Text(source)
    found = Finder(text)
    found.visit_body(ast.parse(source).body, "")
    for place in found.places:
        for edit in edits_of(text, place.node, place.needed):
            step = is_bare_step(place.node)
            yield Mutant(name, place.function, edit, source, place.statement, step=step)


class Place(NamedTuple):
    """A node that may be edited, in ``function``.

    ``needed`` are the names that must stay bound there (None: a constructor). ``statement`` is the
    line of the statement that it is in, 0 if each run executes it.
    """

    function: str
    node: ast.stmt | ast.expr
    needed: frozenset[str] | None
    statement: int


class Finder:
    """Goes through a module and collects the nodes that may be edited, in ``places``."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.places: list[Place] = []
        self.last: set[ast.stmt] = set()
        """What ends a function: without a return there it would not give what it must."""

    def visit_body(self, body: list[ast.stmt], where: str) -> None:
        """Go through the statements of a module or a class."""
        for node in body:
            if isinstance(node, ast.ClassDef):
                self.visit_body(node.body, join(where, node.name))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name != "canonical":
                    self.function(node, join(where, node.name))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and where and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if not any(isinstance(t, ast.Name) and t.id in DECLARED for t in targets):
                    self.expressions(node.value, where, frozenset(), 0)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, where: str) -> None:
        """Go through a function: what is evaluated when it is defined, then its body."""
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.expressions(default, where, frozenset(), 0)
        needed = None if node.name == "__init__" else needed_names(node)
        self.last |= set(last_statements(node.body))
        for statement in node.body:
            self.statement(statement, where, needed)

    def statement(self, node: ast.stmt, where: str, needed: frozenset[str] | None) -> None:
        """Take a statement of a function, and what is in it."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.function(node, join(where, node.name))
            return
        if tells(node) or isinstance(node, ast.Raise | ast.Assert):
            return
        if not (isinstance(node, ast.Return) and node in self.last):
            self.places.append(Place(where, node, needed, node.lineno))
        line = 0 if needed is None else node.lineno
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self.statement(child, where, needed)
            elif isinstance(child, ast.expr) and not is_annotation(node, child):
                self.expressions(child, where, needed, line)

    def expressions(
        self, node: ast.expr, where: str, needed: frozenset[str] | None, statement: int
    ) -> None:
        """Take an expression, and those in it."""
        self.places.append(Place(where, node, needed, statement))
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expressions(child, where, needed, statement)
            elif isinstance(child, ast.keyword):
                self.expressions(child.value, where, needed, statement)
            elif isinstance(child, ast.comprehension):
                for part in (child.iter, *child.ifs):
                    self.expressions(part, where, needed, statement)


def last_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Name the statements after one of which a function ends."""
    yield body[-1]
    if isinstance(body[-1], ast.If):
        yield from last_statements(body[-1].body)
        if body[-1].orelse:
            yield from last_statements(body[-1].orelse)


def join(where: str, name: str) -> str:
    """Return a dotted name."""
    return f"{where}.{name}" if where else name


def is_annotation(node: ast.stmt, child: ast.expr) -> bool:
    """Tell whether ``child`` is the annotation of a variable."""
    return isinstance(node, ast.AnnAssign) and child is node.annotation


def needed_names(node: ast.AST) -> frozenset[str]:
    """Return the names that are bound once in a function, and used in it."""
    stored: dict[str, int] = {}
    loaded: set[str] = set()
    for x in ast.walk(node):
        if isinstance(x, ast.Name):
            if isinstance(x.ctx, ast.Store):
                stored[x.id] = stored.get(x.id, 0) + 1
            else:
                loaded.add(x.id)
    # A counter is bound before its loop, and changed in it: without the first nothing runs.
    counters = {
        x.target.id
        for x in ast.walk(node)
        if isinstance(x, ast.AugAssign) and isinstance(x.target, ast.Name)
    }
    return frozenset(
        name for name, n in stored.items() if name in loaded and n - (name in counters) == 1
    )


def tells(node: ast.stmt) -> bool:
    """Tell whether all that a statement does is to say what happened, or is the hardware's part."""
    if isinstance(node, ast.If):
        asks = any(isinstance(x, ast.Attribute) and x.attr == "emit" for x in ast.walk(node.test))
        return asks or all(tells(x) for x in (*node.body, *node.orelse))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        return isinstance(called, ast.Attribute) and called.attr in TELLING | HARDWARE
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        return isinstance(target, ast.Attribute) and target.attr in TELLING
    return False


def is_bare_step(node: ast.AST) -> bool:
    """Tell whether a statement is a step and nothing else: ``await t.step(Steps.x)``."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Await)):
        return False
    call = node.value.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return False
    return call.func.attr in ("step", "point", "preemptible")
