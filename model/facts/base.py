"""What every fact has."""

from typing import ClassVar

import msgspec

__all__ = ["Fact"]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Base of all facts. ``KIND`` is the stable name of the fact in logs and in ``Rule.needs``."""

    KIND: ClassVar[str] = "fact"
