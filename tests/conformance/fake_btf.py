"""A BTF made by hand, to try the reader of ``trace setup`` without a kernel."""

import struct

INT, PTR, ARRAY, STRUCT, UNION, ENUM, CONST, FUNC, FUNC_PROTO = 1, 2, 3, 4, 5, 6, 10, 12, 13

__all__ = ["Btf"]


class Btf:
    """Types are numbered from 1 on; a name is put into the strings once."""

    def __init__(self) -> None:
        self.types: list[bytes] = []
        self.strings = b"\0"
        self.at = {"": 0}

    def name(self, text: str) -> int:
        if text not in self.at:
            self.at[text] = len(self.strings)
            self.strings += text.encode() + b"\0"
        return self.at[text]

    def add(self, kind: int, name: str, value: int, more: tuple[int, ...], info: int = 0) -> int:
        words = (self.name(name), kind << 24 | info, value, *more)
        self.types.append(struct.pack(f"<{len(words)}I", *words))
        return len(self.types)

    def integer(self, name: str, size: int, *, signed: bool = False) -> int:
        return self.add(INT, name, size, (int(signed) << 24 | size * 8,))

    def pointer(self, to: int) -> int:
        return self.add(PTR, "", to, ())

    def array(self, of: int, count: int) -> int:
        return self.add(ARRAY, "", 0, (of, of, count))

    def struct(
        self, name: str, size: int, *members: tuple[str, int, int], kind: int = STRUCT
    ) -> int:
        """``members``: name, type, offset in bytes."""
        flat = [word for n, t, at in members for word in (self.name(n), t, at * 8)]
        return self.add(kind, name, size, tuple(flat), len(members))

    def packed(self, name: str, size: int, *members: tuple[str, int, int, int]) -> int:
        """``members``: name, type, offset in bits, width in bits (0: no bit field)."""
        flat = [word for n, t, at, bits in members for word in (self.name(n), t, bits << 24 | at)]
        return self.add(STRUCT, name, size, tuple(flat), 1 << 31 | len(members))

    def enum(self, name: str, *values: str) -> int:
        flat = [word for n, v in enumerate(values) for word in (self.name(v), n)]
        return self.add(ENUM, name, 4, tuple(flat), len(values))

    def function(self, name: str, *parameters: tuple[str, int]) -> int:
        flat = [word for n, t in parameters for word in (self.name(n), t)]
        proto = self.add(FUNC_PROTO, "", 0, tuple(flat), len(parameters))
        return self.add(FUNC, name, proto, ())

    def content(self) -> bytes:
        types = b"".join(self.types)
        head = struct.pack(
            "<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(self.strings)
        )
        return head + types + self.strings
