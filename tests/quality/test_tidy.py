"""What keeps the project small and deterministic: sizes, imports, docstrings, order of iteration.

Each check is a function of a module's text, shown on a bad example before it is asked of the
project.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.quality.sources import CODE, ROOT, complaints, modules, on, own_nodes, parsed

FILE_MAX, FILE_LARGE, FUNCTION_MAX, LINE_MAX, STRATEGY_MAX = 500, 400, 70, 100, 250
LARGE: set[str] = set()
"""Files that may have more than FILE_LARGE lines, each for a reason given in itself."""

BANNED_IN_MODEL = {"random", "time", "trio", "asyncio", "harness", "os", "structlog", "sys"}
BANNED_IN_MODEL |= {"io", "pathlib", "threading", "datetime", "secrets", "uuid", "tests"}
BANNED_CALLS = {"open", "input", "print", "id", "hash", "eval", "exec"}
ORDERED = ("model", "harness/engine", "harness/actors", "harness/kvm", "harness/strategies")
"""Where the order of everything must be the same in every process."""


# -- sizes ----------------------------------------------------------------------------------------


def long_functions(text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_MAX:
                yield f":{node.lineno}: {node.name} has {lines} lines"


def long_lines(text: str, tree: ast.Module) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"\s+# (type: ignore|noqa|fmt:).*", "", line)
        if len(bare) > LINE_MAX:
            yield f":{number}: {len(bare)} characters"


def test_files_are_short() -> None:
    sizes = {
        str(path.relative_to(ROOT)): len(parsed(path)[0].splitlines())
        for path in modules(*CODE, "tests")
    }
    assert {name: size for name, size in sizes.items() if size > FILE_MAX} == {}
    large = {name for name, size in sizes.items() if size > FILE_LARGE}
    assert large == LARGE


def test_strategies_are_short() -> None:
    sizes = {path.name: len(parsed(path)[0].splitlines()) for path in modules("harness/strategies")}
    assert {name: size for name, size in sizes.items() if size >= STRATEGY_MAX} == {}


def test_functions_are_short() -> None:
    assert on(long_functions, "def f():\n" + "    x = 1\n" * FUNCTION_MAX)
    assert not on(long_functions, "def f():\n" + "    x = 1\n" * (FUNCTION_MAX - 1))
    assert complaints(long_functions, *CODE, "tests") == []


def test_lines_are_short() -> None:
    assert on(long_lines, f"x = '{'a' * 100}'")
    assert not on(long_lines, f"x = '{'a' * 90}'  # type: ignore[misc]  # why")
    assert complaints(long_lines, *CODE, "tests") == []


# -- what a newcomer finds -----------------------------------------------------------------------


def undocumented(text: str, tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield ": no docstring"


def test_every_module_says_what_it_is() -> None:
    assert on(undocumented, "x = 1")
    assert complaints(undocumented, *CODE) == []


def test_every_folder_is_a_package() -> None:
    folders = {path.parent for folder in CODE for path in modules(folder)}
    missing = [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").is_file()]
    assert missing == []


def test_tests_are_no_packages() -> None:
    assert [path for path in modules("tests") if path.name == "__init__.py"] == []


def test_every_strategy_cites_or_explains_itself() -> None:
    for path in modules("harness/strategies"):
        if path.name != "__init__.py":
            assert len((ast.get_docstring(parsed(path)[1]) or "").splitlines()) >= 3, path.name


# -- layers ---------------------------------------------------------------------------------------


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."


def impure(text: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imported(tree):
        if name.split(".")[0] in BANNED_IN_MODEL:
            yield f":{line}: imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BANNED_CALLS:
            yield f":{node.lineno}: calls {ast.unparse(node.func)}"


def trio_primitives(text: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imported(tree):
        if name.split(".")[0] in ("trio", "asyncio", "random", "time"):
            yield f":{line}: imports {name}"


def test_the_model_is_pure() -> None:
    assert on(impure, "from random import Random")
    assert on(impure, "def f():\n    import harness.spec")
    assert on(impure, "x = open('f')")
    assert not on(impure, "from model.part import Part")
    assert complaints(impure, "model") == []


def test_tasks_and_hypervisor_know_no_engine() -> None:
    assert on(trio_primitives, "import trio")
    assert complaints(trio_primitives, "harness/actors", "harness/kvm") == []


def test_only_one_engine_imports_trio() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in modules(*CODE)
        for _, name in imported(parsed(path)[1])
        if name.split(".")[0] == "trio"
    ]
    assert set(found) == {"harness/engine/trio_engine.py"}


# -- order ----------------------------------------------------------------------------------------

INDIFFERENT = {"sorted", "any", "all", "sum", "min", "max", "set", "frozenset", "len"}
ORDERING = {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "next"}


def annotated_set(annotation: ast.expr | None) -> bool:
    text = "" if annotation is None else ast.unparse(annotation)
    return bool(re.match(r"'?(set|frozenset|Set|AbstractSet)\b", text))


class SetOrder(ast.NodeVisitor):
    """Finds where the order of a set would show."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[int] = []
        self.known: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self.is_set(node.value):
                self.known |= {ast.unparse(target) for target in node.targets}
            elif isinstance(node, ast.AnnAssign) and annotated_set(node.annotation):
                self.known.add(ast.unparse(node.target))
            elif isinstance(node, ast.arg) and annotated_set(node.annotation):
                self.known.add(node.arg)
        self.visit(tree)

    def is_set(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                named = node.func.attr in ("union", "intersection", "difference", "copy")
                return named and self.is_set(node.func.value)
            return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
        if isinstance(node, ast.BinOp) and isinstance(
            node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor
        ):
            return self.is_set(node.left) or self.is_set(node.right)
        return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in self.known

    def look(self, node: ast.expr) -> None:
        if self.is_set(node):
            self.found.append(node.lineno)

    def visit_For(self, node: ast.For) -> None:
        self.look(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        self.look(node.value)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> None:
        for generator in node.generators:
            self.look(generator.iter)
        self.generic_visit(node)

    visit_GeneratorExp = visit_DictComp = visit_ListComp

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ORDERING:
            for argument in node.args:
                self.look(argument)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "pop" and not node.args:
                self.look(node.func.value)
            elif node.func.attr in ("join", "extend"):
                for argument in node.args:
                    self.look(argument)
        if name in INDIFFERENT:
            # The order of a comprehension given to one of these does not show.
            for argument in node.args:
                if isinstance(argument, ast.GeneratorExp | ast.ListComp):
                    self.generic_visit(argument)
                else:
                    self.visit(argument)
            return
        self.generic_visit(node)


def set_order(text: str, tree: ast.Module) -> Iterator[str]:
    for line in SetOrder(tree).found:
        yield f":{line}: the order of a set shows"


@pytest.mark.parametrize(
    "bad",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "for x in a | {1}: pass",
        "s = set()\nfor x in s: pass",
        "def f(s: set[int]):\n    return [x for x in s]",
        "class C:\n    def f(self):\n        self.s = set()\n        return list(self.s)",
        "s: set[int] = z\nt = tuple(s)",
        "[*{1, 2}]",
        "','.join({'a'})",
        "{1}.pop()",
        "sum_of = {k: 1 for k in {1, 2}}",
        "next(iter({1}))",
    ],
)
def test_order_of_a_set_is_noticed(bad: str) -> None:
    assert on(set_order, bad)


@pytest.mark.parametrize(
    "good",
    [
        "for x in sorted({1, 2}): pass",
        "for x in {1: 2}: pass",
        "any(x for x in {1, 2})",
        "1 in {1, 2}",
        "s = {x for x in {1, 2}}",
        "x = [1]\nfor y in x: pass",
    ],
)
def test_what_is_no_order_of_a_set(good: str) -> None:
    assert not on(set_order, good)


def test_nothing_depends_on_the_order_of_a_set() -> None:
    assert complaints(set_order, *ORDERED) == []


# -- state and preconditions ----------------------------------------------------------------------

ACTORS = ("harness/actors", "harness/guest", "harness/kvm")


def iterator_held(text: str, tree: ast.Module) -> Iterator[str]:
    """Loops that await: where such an iterator stands is no value that a state could hold."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFor):
            yield f":{node.lineno}: async for"
        elif isinstance(node, ast.For):
            body = own_nodes(ast.Module(node.body, []))
            if any(isinstance(inner, ast.Await | ast.AsyncWith) for inner in body):
                yield f":{node.lineno}: for {ast.unparse(node.target)} awaits in its body"
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            parts = [inner for inner in own_nodes(node) if isinstance(inner, ast.Await)]
            if parts or any(each.is_async for each in node.generators):
                yield f":{node.lineno}: a comprehension awaits"


@pytest.mark.parametrize(
    "bad",
    [
        "async def f():\n    for x in y:\n        await g(x)",
        "async def f():\n    for x in range(3):\n        if x:\n            z = await g(x)",
        "async def f():\n    async for x in y: pass",
        "async def f():\n    return [await g(x) for x in y]",
        "class C:\n    async def f(self):\n        for x in y:\n            async with x: pass",
    ],
)
def test_an_iterator_across_an_await_is_noticed(bad: str) -> None:
    assert on(iterator_held, bad)


@pytest.mark.parametrize(
    "good",
    [
        "async def f():\n    n = 0\n    while n < 3:\n        await g(n)\n        n += 1",
        "async def f():\n    for x in await g():\n        h(x)",
        "async def f():\n    for x in y:\n        h(x)\n    else:\n        await g()",
        "async def f():\n    for x in y:\n        async def g():\n            await x",
    ],
)
def test_what_holds_no_iterator(good: str) -> None:
    assert not on(iterator_held, good)


def test_no_iterator_lives_across_an_await() -> None:
    assert complaints(iterator_held, *ACTORS) == []


def asserted(text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f":{node.lineno}: {ast.unparse(node)}"


def test_preconditions_of_the_model_stay_on() -> None:
    """``python -O`` removes assertions; what must hold is asked with ``if``, and raised."""
    assert on(asserted, "def f(x):\n    assert x > 0")
    assert not on(asserted, "def f(x):\n    if x <= 0:\n        raise ValueError(x)")
    assert complaints(asserted, "model") == []


# -- tests ----------------------------------------------------------------------------------------


def left_out(text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if re.fullmatch(r"pytest\.(mark\.(skip|skipif|xfail)|skip|xfail|importorskip)", name):
                yield f":{node.lineno}: {name}"


def test_no_test_is_left_out() -> None:
    for mark in ("skip", "skipif", "xfail"):
        assert on(left_out, f"@pytest.mark.{mark}\ndef test(): pass")
    for call in ("skip", "xfail", "importorskip"):
        assert on(left_out, f"pytest.{call}('why')")
    assert not on(left_out, "@pytest.mark.parametrize('x', [])\ndef test(x): pass")
    assert complaints(left_out, "tests") == []
