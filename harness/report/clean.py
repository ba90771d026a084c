"""Text from a log as it may be printed: nothing in it moves a terminal's cursor."""

__all__ = ["cleaned"]


def cleaned(text: str) -> str:
    """Return ``text`` with control and other unprintable characters made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
