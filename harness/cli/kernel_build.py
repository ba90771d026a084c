"""``kernel build``: a small kernel with KVM from its source."""

import os
from pathlib import Path

import click

from harness.cli.options import EPILOG, json_option

__all__ = ["build"]


@click.command("build", epilog=EPILOG)
@click.argument("source")
@click.option("--patch", "patches", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Lay this over it first (patch -p1); repeatable, in order.")  # fmt: skip
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path),
              help="Options besides the minimal ones, as CONFIG_X=y, one a line.")  # fmt: skip
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path),
              help="Copy the Image there; the next build makes another.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count() or 1,
              help="So many compilers at a time [as many as CPUs].")  # fmt: skip
@json_option
def build(
    source: str, patches: tuple[Path, ...], *, config: Path | None, output: Path | None,
    jobs: int, as_json: bool,
) -> int:  # fmt: skip
    """Build a small kernel with KVM from SOURCE, for --kernel of the other commands.

    SOURCE is a source tree of Linux, a tarball of one (Debian's linux-source), or a version of
    which Debian has the source, as 7.2. A tree is copied, never changed. Minutes the first time,
    seconds after a change of a file or of the patches.
    """
    from harness.cli.output import print_json
    from harness.kernel.build import build_kernel
    from harness.places import shown

    built = build_kernel(
        source, patches, jobs=jobs, config=config,
        say=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    path = built.image.path
    if output is not None:
        output.write_bytes(path.read_bytes())
        path = output
    if as_json:
        print_json(
            {"type": "summary", "verdict": "clean", "violations": [], "image": str(path),
             "version": built.image.version, "build_id": built.image.build_id,
             "left_out": list(built.left_out)}
        )  # fmt: skip
        return 0
    click.echo(f"{built.image.version}  build id {built.image.build_id}  {shown(path)}")
    if built.left_out:
        click.echo(f"not taken by this source: {', '.join(built.left_out)}")
    return 0
