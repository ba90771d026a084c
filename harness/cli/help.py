"""``vgic-race help``: the reference, by topic."""

import click

from harness.cli.options import EPILOG

__all__ = ["command"]


@click.command("help", epilog=EPILOG)
@click.argument("topic", required=False)
def command(topic: str | None) -> int:
    """Print the reference on TOPIC; without one, what topics there are."""
    from harness.help.topics import TOPICS, whole_text

    if topic is None:
        size = max(map(len, TOPICS))
        for name, line in TOPICS.items():
            click.echo(f"  {name:{size}}  {line}")
        click.echo(
            "\nvgic-race help TOPIC prints one; vgic-race COMMAND --help a command's options."
        )
        return 0
    from harness.help.made import MADE
    from harness.help.plain import to_plain

    click.echo(to_plain(whole_text(topic, MADE)), nl=False)
    return 0
