"""Defaults of a command from ``[tool.vgic-race]`` of the user's project, and its profiles."""

from typing import Any

import click

__all__ = ["profile_option"]


def take_defaults(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Make what the project says the defaults of the command (click's callback of --profile).

    Raises:
        UsageError: there is no such profile, or a value that cannot be.
    """
    from harness.project import stress_defaults

    if not ctx.resilient_parsing:
        ctx.default_map = {**(ctx.default_map or {}), **stress_defaults(value)}
    return value


def profile_option(command: Any) -> Any:
    """Add ``--profile``; it is read before all others."""
    return click.option(
        "--profile", metavar="NAME", callback=take_defaults, is_eager=True, expose_value=False,
        help="Take defaults from [tool.vgic-race.profiles.NAME] of pyproject.toml.",
    )(command)  # fmt: skip
