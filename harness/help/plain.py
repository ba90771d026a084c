"""Markdown to plain text in so many columns: as much of it as the topics use.

Headings, paragraphs, lists, tables and fenced blocks; nothing is coloured, so it can be paged,
searched and copied.
"""

import re
import textwrap
from collections.abc import Iterator

__all__ = ["to_plain"]

WIDTH = 80
LAST_MIN = 30
"""A table whose last column would be narrower is told row by row."""
ITEM = re.compile(r"(?P<indent> *)(?P<mark>[-*]|\d+\.) +(?P<text>.*)")
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def to_plain(text: str, width: int = WIDTH) -> str:
    """Return Markdown as plain text, lines of at most ``width`` columns but in fenced blocks."""
    out = ""
    before: list[str] = []
    for block in filter(None, blocks_of(text.splitlines())):
        tight = before and ITEM.match(before[0]) and ITEM.match(block[0])
        out += "" if not out else "\n" if tight else "\n\n"
        out += "\n".join(laid(block, width))
        before = block
    return out + "\n"


def blocks_of(lines: list[str]) -> Iterator[list[str]]:
    """Divide text into blocks: a fenced block, a table, an item of a list, or a paragraph."""
    block: list[str] = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            if not fenced:
                yield block
                block = []
            block.append(line)
            if fenced:
                yield block
                block = []
            fenced = not fenced
        elif fenced:
            block.append(line)
        elif not line.strip() or line.startswith("<!--"):
            yield block
            block = []
        elif line.startswith("#") or (ITEM.match(line) and block):
            yield block
            block = [line]
        else:
            block.append(line)
    yield block


def laid(block: list[str], width: int) -> list[str]:
    """Return the lines of a block."""
    if not block:
        return []
    first = block[0]
    if first == "```":
        return ["    " + line if line else "" for line in block[1:-1]]
    if first.startswith("```"):  # a file, to be copied as it is
        return block[1:-1]
    if first.startswith("#"):
        heading = inline(first.lstrip("#").strip())
        return [heading, ("=" if first.startswith("# ") else "-") * len(heading)]
    if first.startswith("|"):
        return table(block, width)
    text = inline(" ".join(line.strip() for line in block))
    if item := ITEM.match(block[0]):
        mark = " " * (2 + len(item["indent"])) + item["mark"] + " "
        text = inline(" ".join([item["text"], *(line.strip() for line in block[1:])]))
        return wrapped(text, width, mark, " " * len(mark))
    return wrapped(text, width)


def inline(text: str) -> str:
    """Take away what only marks: bold, links (their address stays), escapes."""
    text = LINK.sub(lambda m: m[1] if m[1] == m[2] else f"{m[1]} ({m[2]})", text)
    return text.replace("**", "").replace("\\|", "|")


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Fill lines; words longer than a line stay whole."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def table(block: list[str], width: int) -> list[str]:
    """Lay a table out in columns, the last one filled; row by row where it is too wide for that."""
    rows = [cells(line) for line in block if not re.fullmatch(r"[|\s:-]+", line)]
    count = max(map(len, rows))
    rows = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(count - 1)]
    left = width - 2 - sum(widths) - 2 * len(widths)
    out = []
    if left >= LAST_MIN:
        for row in rows:
            head = "  " + "".join(f"{c:{w}}  " for c, w in zip(row, widths, strict=False))
            out += wrapped(row[-1], width, head, " " * len(head)) or [head.rstrip()]
        return out
    for row in rows[1:]:
        out += wrapped(row[0], width, "  ", "  ")
        for name, cell in zip(rows[0][1:], row[1:], strict=True):
            out += wrapped(f"{name}: {cell}" if count > 2 else cell, width, "      ", "      ")
    return out


def cells(line: str) -> list[str]:
    """Return the cells of a row."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [inline(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]
