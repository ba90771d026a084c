"""Text of docstrings, as commands print it."""

__all__ = ["paragraphs"]


def paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a docstring, each on one line."""
    found = [" ".join(part.split()) for part in (text or "").split("\n\n")]
    return [part.replace("``", "'") for part in found if part] or [""]
