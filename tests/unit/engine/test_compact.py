"""The compact form of a schedule: through the mail and back, and what is said of a damaged one."""

import base64
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from harness.engine.compact import BEGIN, COLUMNS, END, FORM, checksum, is_compact, pack, unpack
from harness.engine.schedule import Schedule
from harness.errors import UsageError

FAST = settings(max_examples=60, deadline=None, derandomize=True, database=None)
CHOICES = ",".join(f"v{n % 3}*{n % 7 + 1},i{n % 2},preemptions:{n % 4}/4" for n in range(80))
TEXT = (
    "v3;mine.toml;variant=mine.py:Mine;pcpus=2,vcpus=1,lrs=4;gic_lag=2;"
    f"scenario=0123abcd,code=00ff00ff,toml=bmFtZSA9ICJ4Igo;{CHOICES}"
)
SCHEDULE = Schedule.parse(TEXT)
PACKED = pack(SCHEDULE)


def test_there_and_back() -> None:
    lines = PACKED.splitlines()
    assert (lines[0], lines[-1]) == (BEGIN, END)
    assert max(map(len, lines)) == COLUMNS
    assert len(PACKED) < len(TEXT) / 2
    assert is_compact(PACKED)
    assert not is_compact(TEXT)
    assert unpack(PACKED) == SCHEDULE
    bare = Schedule.parse("v2;a;variant=v7.2;pcpus=1,vcpus=1,lrs=1;;")
    assert unpack(pack(bare)) == bare


MAILS: dict[str, Callable[[str], str]] = {
    "quoted": lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
    "quoted twice": lambda text: "".join(f"> >| {line}\n" for line in text.splitlines()),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "trailing blanks": lambda text: text.replace("\n", " \t\n"),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "one line": lambda text: text.replace("\n", " "),
    "wrapped anew": lambda text: BEGIN + "\n" + "\n> ".join(
        text.replace("\n", "").removeprefix(BEGIN).removesuffix(END)
    ) + "\n" + END,
    "soft line breaks": lambda text: text.replace("\n", "=\n", 3).replace("=\n", "\n", 1),
    "hard blanks": lambda text: text.replace("\n", "\u00a0\n"),
    "in a letter": lambda text: f"Hello,\n\nthis fails:\n\n{text}\n-- \nsomebody\n",
}  # fmt: skip


@pytest.mark.parametrize("way", MAILS)
def test_what_mail_does_to_it(way: str) -> None:
    mailed = MAILS[way](PACKED)
    assert mailed != PACKED
    assert is_compact(mailed)
    assert unpack(mailed) == SCHEDULE


@given(st.data())
@FAST
def test_a_letter_lost_or_changed_is_noticed(data: st.DataObject) -> None:
    at = data.draw(st.integers(len(BEGIN) + 1, len(PACKED) - len(END) - 3).filter(
        lambda n: not PACKED[n].isspace()
    ))  # fmt: skip
    other = data.draw(st.sampled_from(["", "A", "z", "0", "+", "AA"]).filter(
        lambda x: x != PACKED[at]
    ))  # fmt: skip
    damaged = PACKED[:at] + other + PACKED[at + 1 :]
    with pytest.raises(UsageError, match=r"compact schedule (is damaged|was written by a newer)"):
        unpack(damaged)


def packed(form: bytes, raw: bytes, *, check: bytes | None = None) -> str:
    """A compact form of anything, with the right checksum unless another is given."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeezed.compress(raw) + squeezed.flush()
    data = form + (check or checksum(body)) + body
    return f"{BEGIN}\n{base64.b64encode(data).decode()}\n{END}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT, "no compact schedule here"),
        (PACKED.replace(END, ""), "the compact schedule is cut off"),
        (f"{BEGIN}\n{END}", "its checksum is wrong"),
        (f"{BEGIN}\nA\n{END}", "its length is not one of base64"),
        (f"{BEGIN}\nABCD*\n{END}", "'*' is no letter of base64"),
        (packed(FORM, TEXT.encode(), check=b"wrong..."), "its checksum is wrong"),
        (packed(b"\x02", TEXT.encode()), "written by a newer version"),
        (packed(FORM, b"\xff\xfe"), "it is not compressed text"),
        (packed(FORM, b"hello"), "begins with 'hello'"),
        (packed(FORM, b"\0" * 20_000_000), "longer than 16 MiB when unpacked"),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        unpack(text)
    assert message in str(error.value)


def test_a_body_that_is_cut_off_or_none() -> None:
    for body, message in ((b"\xff\xff\xff", "not compressed text"), (b"", "it ends early")):
        data = base64.b64encode(FORM + checksum(body) + body).decode()
        with pytest.raises(UsageError, match=message):
            unpack(f"{BEGIN}\n{data}\n{END}")
