"""What a variant of the user's must not do, and how it is said: bad input, with file and line.

They are no ``Exception``: a variant that catches everything must not catch what is said of it.
"""

__all__ = ["Fault", "Hang", "Left"]


class Fault(BaseException):
    """A variant broke the contract of a task. The message follows "variant X "."""


class Hang(Fault):
    """It does not come to an end: at import, or within a step."""


class Left(Fault):
    """It tried to end the process."""
