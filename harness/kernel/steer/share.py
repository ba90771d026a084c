"""How much of the model's hypervisor is steerable, per era and kernel.

``python -m harness.kernel.steer.share`` prints it for the kernels in the cache: of the kinds of
steps that an era makes, and of the steps that it makes in a few executions of each scenario.
"""

from collections.abc import Iterator

from harness.kernel.debian import kept
from harness.kernel.emulator import Hardware
from harness.kernel.image import read_image
from harness.kernel.steer.flow_places import STEPS, Steerable, steerable
from harness.kernel.steer.machine import places_in
from harness.scenarios.schema import builtin_names
from harness.search.case import Case
from harness.search.follow import RANDOM
from harness.search.trial import Stage
from harness.spec import RunSpec
from harness.variants import ERAS

__all__ = ["shares", "steps_made"]

SEEDS = 3


def steps_made(era: str) -> list[str]:
    """Return the hypervisor's steps in a few executions of each scenario, each as often as made."""
    known = frozenset(STEPS)
    made: list[str] = []
    for name in builtin_names():
        stage = Stage.of(Case.of(RunSpec.make(name, era)))
        for seed in range(SEEDS):
            trial = stage.run((), then=RANDOM, seed=seed, watched=True)
            made += [step.op.name for step in trial.steps if step.op.name in known]
    return made


def shares() -> Iterator[tuple[str, str, Steerable, Steerable]]:
    """Yield for each era and kernel in the cache: of the kinds of steps, and of the steps made.

    Raises:
        KernelUnavailableError: a kernel cannot be booted here.
    """
    made = {era: steps_made(era) for era in ERAS}
    for kernel in kept():
        image = read_image(kernel.image)
        places = places_in(image, Hardware())
        for era, steps in made.items():
            kinds = sorted(set(steps))
            yield era, image.version, steerable(places, kinds), steerable(places, steps)


if __name__ == "__main__":
    print("| era | kernel | kinds of steps | steps made | not steerable there |")
    print("|---|---|---|---|---|")
    for era, version, kinds, steps in shares():
        share = 100 * steps.found / max(1, steps.steps)
        none = ", ".join(kinds.none)
        print(f"| {era} | {version} | {kinds.found} of {kinds.steps} | {share:.0f} % | {none} |")
