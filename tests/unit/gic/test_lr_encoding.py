"""The two encodings of a List Register, bit for bit."""

import pytest
from hypothesis import given, strategies as st

from model.gic.lr import (
    ACTIVE,
    EMPTY,
    INACTIVE,
    PENDING,
    PENDING_ACTIVE,
    Lr,
    decode_v2,
    decode_v3,
    encode_v2,
    encode_v3,
)


def hw(state: int, group: int = 0) -> Lr:
    return Lr(vintid=77, state=state, hw=True, pintid=42, priority=0x80, group=group)


# The first three GICv2 values were read from QEMU; the others are worked out from the layouts.
V2 = [
    (0x9800A84D, hw(PENDING)),
    (0xA800A84D, hw(ACTIVE)),
    (0x8800A84D, hw(INACTIVE)),
    (0xB800A84D, hw(PENDING_ACTIVE)),
    (0xD800A84D, hw(PENDING, group=1)),
    (0x0000_0000, Lr(group=0)),
    (0x1808_004D, Lr(vintid=77, state=PENDING, priority=0x80, group=0, eoi=True)),
    (0x1400_0C05, Lr(vintid=5, state=PENDING, priority=0x40, group=0, source=3)),
]
V3 = [
    (0x6080_002A_0000_004D, hw(PENDING)),
    (0xA080_002A_0000_004D, hw(ACTIVE)),
    (0x7080_002A_0000_004D, hw(PENDING, group=1)),
    (0xF080_002A_0000_004D, hw(PENDING_ACTIVE, group=1)),
    (0x50A0_0200_0000_0021, Lr(33, PENDING, priority=0xA0, eoi=True)),
    (0x50A0_0000_0000_2001, Lr(8193, PENDING, priority=0xA0)),
    (0x50A0_0000_0000_0C05, Lr(5, PENDING, priority=0xA0, source=3)),
    (0x1000_0000_0000_0000, EMPTY),
]


@pytest.mark.parametrize(("bits", "lr"), V2)
def test_gicv2_encoding(bits: int, lr: Lr) -> None:
    assert encode_v2(lr) == bits
    assert decode_v2(bits) == lr


@pytest.mark.parametrize(("bits", "lr"), V3)
def test_gicv3_encoding(bits: int, lr: Lr) -> None:
    assert encode_v3(lr) == bits
    assert decode_v3(bits) == lr


@pytest.mark.parametrize(
    ("encode", "lr"),
    [
        (encode_v2, Lr(vintid=1024)),
        (encode_v2, Lr(hw=True, pintid=1024)),
        (encode_v2, Lr(vintid=3, source=8)),
        (encode_v3, Lr(vintid=1 << 32)),
        (encode_v3, Lr(hw=True, pintid=1 << 13)),
        (encode_v3, Lr(vintid=40, source=1)),
    ],
)
def test_what_does_not_fit_is_refused(encode: object, lr: Lr) -> None:
    assert callable(encode)
    with pytest.raises(ValueError, match="does not fit"):
        encode(lr)


def lrs(vintids: st.SearchStrategy[int], pintid_bits: int) -> st.SearchStrategy[Lr]:
    common = {
        "state": st.integers(0, 3),
        "priority": st.integers(0, 31).map(lambda p: p << 3),
        "group": st.integers(0, 1),
    }
    hardware = st.builds(
        Lr,
        vintid=vintids,
        hw=st.just(True),
        pintid=st.integers(0, (1 << pintid_bits) - 1),
        **common,
    )
    software = st.builds(Lr, vintid=vintids, eoi=st.booleans(), **common)
    sgi = st.builds(
        Lr, vintid=st.integers(0, 15), source=st.integers(0, 7), eoi=st.booleans(), **common
    )
    return hardware | software | sgi


@given(lrs(st.integers(0, 1023), 10))
def test_gicv2_round_trip(lr: Lr) -> None:
    assert decode_v2(encode_v2(lr)) == lr
    assert encode_v2(lr) < 1 << 32


@given(lrs(st.integers(0, 1019) | st.integers(8192, (1 << 32) - 1), 13))
def test_gicv3_round_trip(lr: Lr) -> None:
    assert decode_v3(encode_v3(lr)) == lr
    assert encode_v3(lr) < 1 << 64


@given(st.integers(0, (1 << 32) - 1))
def test_any_gicv2_register_value_survives_but_its_reserved_bits(bits: int) -> None:
    reserved = 0x0070_0000 if bits >> 31 else 0x0070_0000 | 0x0007_E000
    assert encode_v2(decode_v2(bits)) == bits & ~reserved
