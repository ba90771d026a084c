"""Changes of real files: of bytes, lines, words and numbers, and pieces of other files."""

import re
from collections.abc import Callable, Sequence
from random import Random

__all__ = ["NASTY", "mutated"]

NASTY: tuple[bytes, ...] = (
    b"", b"\0", b"\xff", b"\xf0\x9f\x92\xa9", b"\xed\xa0\x80", b"-1", b"0", b"1e999", b"nan", b"-0",
    b"9" * 30, b"9" * 5_000, b"0x" + b"f" * 400, b"[" * 3_000, b'{"a":' * 2_000, b'"', b"'", b'"""',
    b"\\", b";", b",", b"=", b"*", b"\r\n", b"\n" * 50, b" " * 500, b"%s", b"../../etc", b"null",
    b"true", b"18446744073709551616", b"-9223372036854775809", b"a" * 3_000, b"\xe2\x80\xae",
)  # fmt: skip
NUMBER = re.compile(rb"\d+")
WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9-]*")
SIZE_MAX = 300_000


def span(rng: Random, data: bytes, most: int = 40) -> tuple[int, int]:
    """A piece of ``data``, most often a short one."""
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randrange(1, most))


def flip(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def delete(rng: Random, data: bytes) -> bytes:
    a, b = span(rng, data, 200)
    return data[:a] + data[b:]


def insert(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(NASTY) + data[at:]


def repeat(rng: Random, data: bytes) -> bytes:
    a, b = span(rng, data)
    return data[:a] + data[a:b] * rng.choice((2, 3, 50, 500)) + data[b:]


def cut(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def swap_lines(rng: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return b"".join(lines)


def drop_line(rng: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def double_line(rng: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    i = rng.randrange(len(lines))
    return b"".join([*lines[:i], lines[i] * rng.choice((2, 2, 40)), *lines[i + 1 :]])


def change(rng: Random, data: bytes, pattern: re.Pattern[bytes], new: Sequence[bytes]) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return data
    match = rng.choice(found)
    return data[: match.start()] + rng.choice(new) + data[match.end() :]


def change_number(rng: Random, data: bytes) -> bytes:
    near = [str(rng.choice((0, 1, 2, 3, 7, 16, 31, 32, 33, 80, 255, 1019, 1020, 8192))).encode()]
    return change(rng, data, NUMBER, [*near * 4, *NASTY])


def change_word(rng: Random, data: bytes) -> bytes:
    words = WORD.findall(data) or [b"x"]
    return change(rng, data, WORD, [*rng.choices(words, k=20), rng.choice(NASTY)])


CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    flip, delete, insert, repeat, cut, swap_lines, drop_line, double_line, change_number,
    change_number, change_number, change_word, change_word,
)  # fmt: skip


def mutated(rng: Random, corpus: Sequence[bytes]) -> bytes:
    """One of the files, changed a few times; now and then joined to a piece of another."""
    data = rng.choice(corpus)
    if rng.random() < 0.1:
        other = rng.choice(corpus)
        data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 8))):
        if data:
            data = rng.choice(CHANGES)(rng, data)
    return data[:SIZE_MAX]
