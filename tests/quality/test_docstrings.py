"""Public definitions say what they mean, what they raise, and say it in the imperative.

Public is what has no leading underscore and does not stand inside a function or a private class. A
constructor is documented by its class. What overrides a documented method may go without.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.quality.sources import CODE, Function, complaints, modules, on, own_nodes, parsed

Owner = ast.ClassDef | None
Table = dict[str, list[ast.ClassDef]]


def public(name: str) -> bool:
    return not name.startswith("_")


def definitions(tree: ast.Module) -> Iterator[tuple[Owner, ast.ClassDef | Function]]:
    """The public definitions of a module, each with the class it stands in."""
    todo: list[tuple[Owner, ast.stmt]] = [(None, node) for node in tree.body]
    while todo:
        owner, node = todo.pop(0)
        if isinstance(node, ast.If | ast.Try):
            todo = [(owner, inner) for inner in node.body] + todo
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not public(node.name):
                continue
            yield owner, node
            if isinstance(node, ast.ClassDef):
                todo = [(node, inner) for inner in node.body] + todo


def classes(trees: list[ast.Module]) -> Table:
    table: Table = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                table.setdefault(node.name, []).append(node)
    return table


@cache
def the_classes() -> Table:
    return classes([parsed(path)[1] for path in modules(*CODE)])


def inherits_words(owner: ast.ClassDef, name: str, table: Table) -> bool:
    """Tell whether a class above documents a method of this name."""
    seen: set[int] = set()
    todo: list[ast.ClassDef] = [owner]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        methods = [inner for inner in node.body if isinstance(inner, Function)]
        if node is not owner and any(x.name == name and ast.get_docstring(x) for x in methods):
            return True
        for base in node.bases:
            bare = base.value if isinstance(base, ast.Subscript) else base
            todo += table.get(ast.unparse(bare).split(".")[-1], [])
    return False


def decorated(node: Function, *names: str) -> bool:
    found = {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}
    return not found.isdisjoint(names)


def silent(text: str, tree: ast.Module) -> Iterator[str]:
    table = {**the_classes(), **classes([tree])}
    for owner, node in definitions(tree):
        if ast.get_docstring(node):
            continue
        if not isinstance(node, ast.ClassDef):
            if decorated(node, "override", "overload", "setter"):
                continue
            if owner is not None and inherits_words(owner, node.name, table):
                continue
        yield f":{node.lineno}: {node.name} has no docstring"


@pytest.mark.parametrize(
    "bad",
    [
        "def f(): pass",
        "async def f(): pass",
        "class C: pass",
        "class C:\n    '''A thing.'''\n    def f(self): pass",
        "class C:\n    '''A thing.'''\n    @property\n    def f(self): pass",
        (
            "class A:\n    '''A.'''\n    def f(self): pass\nclass B(A):\n    '''B.'''\n"
            "    def f(self): pass"
        ),
    ],
)
def test_a_missing_docstring_is_noticed(bad: str) -> None:
    assert on(silent, bad)


@pytest.mark.parametrize(
    "good",
    [
        "def f():\n    '''Do it.'''\n    def inner(): pass",
        "def _f(): pass",
        "class _C:\n    def f(self): pass",
        "class C:\n    '''A thing.'''\n    def __init__(self): pass\n    def _f(self): pass",
        "class C:\n    '''A thing.'''\n    @override\n    def f(self): pass",
        (
            "class A:\n    '''A.'''\n    def f(self):\n        '''Do it.'''\n"
            "class M(A):\n    '''M.'''\nclass B(M):\n    '''B.'''\n    def f(self): pass"
        ),
    ],
)
def test_what_needs_no_docstring(good: str) -> None:
    assert not on(silent, good)


# -- what is raised -------------------------------------------------------------------------------


def makers(trees: list[ast.Module]) -> dict[str, str]:
    """Functions that return an exception, with its name: ``raise unknown_name(...)``."""
    return {
        node.name: ast.unparse(node.returns)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.returns is not None
        if re.search(r"(Error|Exception)$", ast.unparse(node.returns))
    }


@cache
def the_makers() -> dict[str, str]:
    return makers([parsed(path)[1] for path in modules(*CODE)])


def raised(function: Function, known: dict[str, str]) -> Iterator[tuple[int, str]]:
    """The exceptions that a function's own body makes and raises, by name ("": of any kind)."""
    made: dict[str, str] = {}

    def maker(call: ast.Call) -> str:
        name = ast.unparse(call.func).split(".")[-1]
        return known.get(name, name if name[:1].isupper() else "")

    for node in own_nodes(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name = maker(node.value)
            if re.search(r"(Error|Exception|Interrupt)$", name):
                made |= {ast.unparse(target): name for target in node.targets}
    for node in own_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = ast.unparse(node.exc)
            if isinstance(node.exc, ast.Call):
                name = maker(node.exc)
            elif name in made:
                name = made[name]
            elif not hasattr(builtins, name):
                continue  # what was caught is raised again
            if name != "NotImplementedError":
                yield node.lineno, name


def is_command(node: ast.ClassDef | Function) -> bool:
    """Tell whether this is a command of click: its docstring is its help, exit codes are told."""
    return any(
        isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(".command")
        for decorator in node.decorator_list
    )


def unsaid(text: str, tree: ast.Module) -> Iterator[str]:
    known = the_makers() | makers([tree])
    for _, node in definitions(tree):
        function: ast.stmt | None = node
        if isinstance(node, ast.ClassDef):
            # A constructor is documented by its class.
            functions = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
            function = next((inner for inner in functions if inner.name == "__init__"), None)
        if not isinstance(function, Function) or is_command(node):
            continue
        section = (ast.get_docstring(node) or "").partition("Raises:")[2]
        for line, name in raised(function, known):
            if not section or not re.search(rf"\b{name}\b", section):
                yield f":{line}: {node.name} raises {name or 'something'} and does not say so"


def function(doc: str, *body: str) -> str:
    return "\n    ".join(["def f():", f"'''{doc}'''", *body])


RAISES = "Do it.\n\n    Raises:\n        UsageError: it is wrong.\n    "


@pytest.mark.parametrize(
    "bad",
    [
        function("Do it.", "raise ValueError('x')"),
        function("Do it.", "raise KeyboardInterrupt"),
        function(RAISES, "raise ValueError('x')"),
        function("Do it.", "error = UsageError('x')", "raise error"),
        function("Do it.", "raise unknown_name('x', 'y', ())"),
        function("Do it.", "raise self.mistake('x')"),
        "class C:\n    '''A thing.'''\n    def __init__(self):\n        raise ValueError('x')",
        "class C:\n    '''A thing.'''\n    def f(self):\n        raise ValueError('x')",
    ],
)
def test_an_unsaid_exception_is_noticed(bad: str) -> None:
    assert on(unsaid, bad)


@pytest.mark.parametrize(
    "good",
    [
        function(RAISES, "raise UsageError('x')"),
        function(RAISES, "raise unknown_name('x', 'y', ())"),
        function(RAISES, "raise self.mistake('x')"),
        function("Do it.", "try: g()", "except OSError as error: raise error"),
        function("Do it.", "raise NotImplementedError"),
        function("Do it.", "def g():", "    raise ValueError('x')", "return g"),
        "@group.command('show')\n" + function("Do it.", "raise UsageError('x')"),
        "def _f():\n    raise ValueError('x')",
    ],
)
def test_what_need_not_be_said(good: str) -> None:
    assert not on(unsaid, good)


# -- how it is said -------------------------------------------------------------------------------


def no_action(text: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            doc = ast.get_docstring(node) or ""
            if re.match(r"(Be|Come to) ", doc):
                yield f":{node.lineno}: {node.name}: {doc.splitlines()[0]}"


def test_a_function_does_something() -> None:
    assert on(no_action, "def f():\n    '''Be the VCPU that runs.'''")
    assert on(no_action, "class C:\n    async def f(self):\n        '''Come to the write.'''")
    assert not on(no_action, "def f():\n    '''Set the running VCPU.'''")
    assert not on(no_action, "def f():\n    '''Begin.'''")


# -- the project ----------------------------------------------------------------------------------


def test_public_definitions_are_documented() -> None:
    found = [each for check in (silent, unsaid, no_action) for each in complaints(check, *CODE)]
    assert found == []
