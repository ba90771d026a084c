"""What every event of a trace has in common."""

import msgspec

__all__ = ["Event"]


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of all events."""
