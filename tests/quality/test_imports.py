"""No circle of imports, types included.

An import counts wherever it stands: at the top, in a function, under TYPE_CHECKING. Two modules
that need each other, be it for a type, cannot be read, tested or replaced one without the other.
"""

import ast
from pathlib import Path

from tests.quality.sources import CODE, ROOT, modules, parsed

Graph = dict[str, set[str]]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph_of(sources: dict[str, ast.Module]) -> Graph:
    """Which of these modules imports which other of them."""
    graph: Graph = {name: set() for name in sources}
    for name, tree in sources.items():
        wanted: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                whole = any(each not in sources for each in inner)
                wanted |= inner | ({node.module} if whole else set())
        graph[name] = (wanted & sources.keys()) - {name}
    return graph


def circles(graph: Graph) -> list[set[str]]:
    """Strongly connected components of more than one module (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []
    for root in sorted(graph):
        if root in number:
            continue
        work = [(root, iter(sorted(graph[root])))]
        number[root] = low[root] = len(number)
        stack.append(root)
        while work:
            name, others = work[-1]
            for other in others:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in stack:
                    low[name] = min(low[name], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    at = stack.index(name)
                    members = set(stack[at:])
                    del stack[at:]
                    if len(members) > 1:
                        found.append(members)
    return found


def on(**sources: str) -> list[set[str]]:
    """The circles of some snippets."""
    return circles(graph_of({name: ast.parse(text) for name, text in sources.items()}))


def test_a_circle_is_noticed() -> None:
    assert on(a="import b", b="from a import x") == [{"a", "b"}]
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import x"
    assert on(a="import b", b=for_types) == [{"a", "b"}]
    assert on(a="import b", b="import c", c="def f():\n    import a", d="import a") == [
        {"a", "b", "c"}
    ]
    assert on(a="import b", b="import a", c="import d", d="import c") == [{"a", "b"}, {"c", "d"}]


def test_what_is_no_circle() -> None:
    assert on(a="import b\nimport c", b="import c", c="import sys") == []
    assert on(a="from a import x") == []
    package = {"p": ast.parse(""), "p.a": ast.parse("from p import b"), "p.b": ast.parse("")}
    assert graph_of(package)["p.a"] == {"p.b"}


def test_no_circle_of_imports() -> None:
    graph = graph_of({name_of(path): parsed(path)[1] for path in modules(*CODE)})
    assert sum(map(len, graph.values())) > 300  # it is the whole project
    assert circles(graph) == []
