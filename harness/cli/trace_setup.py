"""The command ``trace setup``: the script that records a trace on a host of the user's own."""

import click

from harness.cli.options import EPILOG

__all__ = ["setup"]


@click.command("setup", epilog=EPILOG)
@click.option("--gic", type=int, default=None, help="The host's GIC, 2 or 3.  [default: found out]")
def setup(gic: int | None) -> None:
    """Print a shell script that records what KVM decides on an arm64 host of yours.

    Copy it there and run it as root: `vgic-race trace setup >record.sh`, then `sh record.sh -s 5`
    while a guest runs. `sh record.sh -h` tells its options. It needs no Python there. What it
    writes, `trace check` and `trace follow` read.
    """
    from harness.trace.setup.script import setup_script

    click.echo(setup_script(gic), nl=False)


if __name__ == "__main__":
    setup()
