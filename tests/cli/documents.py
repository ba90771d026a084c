"""What a document tells a reader to do: files to write, commands to type, commands it mentions."""

import re
import shlex
from collections.abc import Iterator

__all__ = ["commands", "files", "mentioned"]

INLINE = re.compile(r"`(vgic-race [^`]+)`", re.DOTALL)


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """The fenced blocks, each with its language ("" for none)."""
    language: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, lines = line[3:], []
        else:
            yield language, lines
            language = None


def files(text: str) -> dict[str, str]:
    """The files, by the name in their first line (``# mine.py``); a later one replaces one before.

    One that begins with a table header of TOML, as ``[tool.vgic-race]``, has no name and is none.
    """
    found = {}
    for language, lines in blocks(text):
        if language and lines and (name := re.fullmatch(r"# (\S+\.\w+)", lines[0])):
            found[name[1]] = "\n".join(lines) + "\n"
    return found


def commands(text: str) -> list[list[str]]:
    """The commands in blocks without a language, each divided into words."""
    found = []
    for language, lines in blocks(text):
        for line in lines if not language else []:
            bare = line.strip().removeprefix("$ ").removeprefix("uv run ")
            if bare.startswith("vgic-race ") and (bare[0] == line[:1] or line[:1] in "$uv"):
                found.append(shlex.split(re.split(r"  +(?=\S)|\s+#", bare)[0])[1:])
    return found


def mentioned(text: str) -> list[list[str]]:
    """The commands in the running text, each divided into words as far as that goes."""
    return [" ".join(found.split()).split()[1:] for found in INLINE.findall(text)]
