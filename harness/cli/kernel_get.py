"""``kernel get`` and ``kernel doctor``: what it takes to run a real kernel."""

import click

from harness.cli.options import EPILOG, json_option

__all__ = ["doctor", "get"]


@click.command("get", epilog=EPILOG)
@click.argument("versions", metavar="[VERSION]...", nargs=-1)
@json_option
def get(versions: tuple[str, ...], *, as_json: bool) -> int:
    """Fetch Debian's arm64 kernels into the cache, as packages that are unpacked, not installed.

    VERSION is the beginning of one, as 7.2; without any the newest of each series that Debian
    offers now. The cache is vgic-race/kernel in XDG_CACHE_HOME. A kernel of yours needs none of
    this: --kernel takes its file.
    """
    from harness.cli.output import print_json
    from harness.kernel.debian import busybox, fetch_kernel
    from harness.kernel.image import read_image, wanted_of
    from harness.places import shown

    found = []
    for offer in wanted_of(versions):
        image = read_image(fetch_kernel(offer).image)
        row = {
            "type": "kernel", "version": image.version, "package": offer.package,
            "image": str(image.path), "build_id": image.build_id,
        }  # fmt: skip
        found.append(row)
        if as_json:
            print_json(row)
        else:
            click.echo(f"{image.version}  build id {image.build_id}  {shown(image.path)}")
    busybox()
    if as_json:
        print_json({"type": "summary", "verdict": "clean", "violations": [], "kernels": len(found)})
    return 0


@click.command("doctor", epilog=EPILOG)
@click.option("--kernel", "wanted", metavar="FILE|VERSION", help="Look at this kernel as well.")
@json_option
def doctor(wanted: str | None, *, as_json: bool) -> int:
    """Say what is there to run real kernels, what is missing, and the line that installs it.

    With --kernel (or one in the cache) it is booted, and asked for KVM, its functions' addresses
    and probes. Exit code 3: something is missing without which nothing runs.
    """
    from harness.cli.output import print_json
    from harness.kernel.doctor import examine

    findings = examine(wanted)
    missing = [each for each in findings if each.needed and not each.there]
    for each in findings:
        if as_json:
            print_json(
                {"type": "part", "part": each.part, "there": each.there, "said": each.said,
                 "install": each.install, "needed": each.needed}
            )  # fmt: skip
        else:
            mark = "ok " if each.there else "NO " if each.needed else "-- "
            hint = f"\n     {each.install}" if each.install and not each.there else ""
            click.echo(f"{mark} {each.part}: {each.said}{hint}")
    if as_json:
        verdict = "inconclusive" if missing else "clean"
        names = [each.part for each in missing]
        print_json({"type": "summary", "verdict": verdict, "violations": [], "missing": names})
    return 3 if missing else 0
