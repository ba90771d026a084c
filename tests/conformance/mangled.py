"""Traces that nobody would print: cut, shuffled, with numbers and bytes that mean nothing."""

import random
import re

NUMBER = re.compile(rb"(?<=[ =x:\[])[0-9a-f]+")
HUGE = (b"0", b"1", b"-1", b"4095", b"65535", b"4294967296", b"9" * 19, b"9" * 40, b"ffffffff", b"")


def numbers(line: bytes, chance: random.Random) -> bytes:
    places = list(NUMBER.finditer(line))
    if not places:
        return line
    found = chance.choice(places)
    return line[: found.start()] + chance.choice(HUGE) + line[found.end() :]


def shuffled(line: bytes, chance: random.Random) -> bytes:
    words = line.split(b" ")
    i, j = chance.randrange(len(words)), chance.randrange(len(words))
    words[i], words[j] = words[j], words[i]
    return b" ".join(words)


def cut(line: bytes, chance: random.Random) -> bytes:
    return line[: chance.randrange(len(line) + 1)]


def noise(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line) + 1)
    return line[:at] + chance.randbytes(chance.randrange(1, 9)).replace(b"\n", b"") + line[at:]


def doubled(line: bytes, _chance: random.Random) -> bytes:
    return line + line


def mangle(lines: list[bytes], chance: random.Random) -> bytes:
    """A piece of a trace with some lines spoiled, left out, or elsewhere."""
    start = chance.randrange(len(lines))
    piece = lines[start : start + chance.choice((30, 150, 400))]
    share = chance.choice((0.0, 0.01, 0.1, 0.5))
    edit = chance.choice((numbers, shuffled, cut, noise, doubled))
    out = [edit(line, chance) if chance.random() < share else line for line in piece]
    how = chance.randrange(4)
    if how == 1:
        chance.shuffle(out)
    elif how == 2:
        out = [line for line in out if chance.random() > share / 2]
    elif how == 3:
        i, j = sorted((chance.randrange(len(out)), chance.randrange(len(out))))
        out = out[j:] + out[i:j] + out[:i]
    return b"\n".join(out)
