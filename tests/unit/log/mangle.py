"""Mangles logs, by a seed: cut, swapped, doubled, retyped, deepened, and filled with rubbish."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 27, 1023, 8192, 1 << 31, 1 << 63, (1 << 64) - 1, 1 << 64, 1 << 200,
    -(1 << 63) - 1, 1.5, 1e308, "", "x", "irq", "\x00", "é", "\ud800", "x" * 5_000, [], [1], {},
    {"a": 1}, [[[]]],
)  # fmt: skip
RUBBISH = (
    b"\x00", b"\xff\xfe", b"{", b"}", b"[" * 50_000, b'{"a":' * 50_000, b"\xef\xbb\xbf", b"null",
    b'"', b"1e999", b"-", b"\r", b"\n", b"9" * 5_000, b'{"event":"entry"}\n',
    b'{"event":"nonsense"}\n', b'{"event":3}\n', b'{"event":"footer"}\n', b"\xed\xa0\x80",
)  # fmt: skip

Lines = list[bytes]
Change = Callable[[Lines, Random], None]


def place(lines: Lines, random: Random) -> int:
    """Where to change something: the header and the footer are as likely as all between."""
    return random.choice((0, len(lines) - 1, random.randrange(len(lines)), 1))


def drop(lines: Lines, random: Random) -> None:
    del lines[place(lines, random)]


def double(lines: Lines, random: Random) -> None:
    i = place(lines, random)
    lines.insert(i, lines[i])


def swap(lines: Lines, random: Random) -> None:
    i, j = place(lines, random), place(lines, random)
    lines[i], lines[j] = lines[j], lines[i]


def cut_line(lines: Lines, random: Random) -> None:
    i = place(lines, random)
    lines[i] = lines[i][: random.randrange(len(lines[i]) + 1)]


def cut_end(lines: Lines, random: Random) -> None:
    del lines[random.randrange(1, len(lines) + 1) :]


def flip(lines: Lines, random: Random) -> None:
    i = place(lines, random)
    line = bytearray(lines[i])
    if line:
        line[random.randrange(len(line))] = random.randrange(256)
    lines[i] = bytes(line)


def insert(lines: Lines, random: Random) -> None:
    i = place(lines, random)
    at = random.randrange(len(lines[i]) + 1)
    lines[i] = lines[i][:at] + random.choice(RUBBISH) + lines[i][at:]


def retype(lines: Lines, random: Random) -> None:
    i = place(lines, random)
    try:
        line = json.loads(lines[i])
    except (ValueError, RecursionError):
        return
    if not isinstance(line, dict) or not line:
        return
    name = random.choice(list(line))
    change = random.randrange(4)
    if change == 0:
        del line[name]
    elif change == 1:
        line[random.choice(("pcpu", "vcpu", "life", "t", "seq", "x", "event"))] = line[name]
    else:
        line[name] = random.choice(VALUES)
    lines[i] = (
        json.dumps(line, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
        + b"\n"
    )


CHANGES: tuple[Change, ...] = (
    drop, double, swap, cut_line, cut_end, flip, insert, retype, retype, retype,
)  # fmt: skip


def mangled(data: bytes, seed: int) -> bytes:
    """The log with one to three things done to it; the same for the same seed."""
    random = Random(seed)
    lines = data.splitlines(keepends=True)
    for _ in range(random.choice((1, 1, 2, 3))):
        if len(lines) > 1:
            random.choice(CHANGES)(lines, random)
    return b"".join(lines)
