"""Alarms: the places where a rule can complain, each with a tag and with the words it uses."""

from string import Formatter
from typing import Any, NamedTuple

__all__ = ["ALARMS", "Alarm", "alarm"]


class Alarm(NamedTuple):
    """One way to break a rule. ``tag`` is unique in its rule, ``template`` makes the sentence.

    The template names what the violation says, as in ``str.format``. A format of several words
    divided by bars picks one of them by the value: ``{level:does not fire|fires}``,
    ``{state:inactive|pending|active|pending+active}``.
    """

    tag: str
    template: str

    def text(self, said: dict[str, Any]) -> str:
        """Return the sentence for what was ``said``, by name."""
        return WORDS.vformat(self.template, (), said)


def alarm(tag: str, template: str) -> Alarm:
    """Declare an alarm, as an attribute of its rule; both are literals, so that a test finds them.

    Raises:
        ValueError: the tag is no word of small letters, digits and hyphens.

    """
    if not tag.replace("-", "").isalnum() or tag != tag.lower():
        raise ValueError(f"alarm {tag!r}: expected small letters, digits and hyphens")
    return Alarm(tag, template)


class _Words(Formatter):
    """Formats values, with words that a value picks."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            return format_spec.split("|")[int(value)]
        formatted: str = super().format_field(value, format_spec)
        return formatted


WORDS = _Words()

ALARMS: dict[tuple[str, str], Alarm] = {}
"""Every alarm by its rule's id and its tag; filled as rules are defined."""
