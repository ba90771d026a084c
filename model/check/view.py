"""Views: what facts add up to, kept once for all rules that look at it."""

from model.check.listener import Listener

__all__ = ["View"]


class View(Listener):
    """State that facts add up to, with questions about it.

    One idea each, and few kinds of facts, so that a producer that lacks a kind loses few rules. A
    view knows only what facts said, so a rule cannot tell a run from a log or from a trace.
    """

    SHOWN = True
