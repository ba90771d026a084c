"""What breaks the rules about interrupt groups that a guest writes (IGROUPR)."""

from pathlib import Path

import msgspec

from harness.kvm.v7_2 import V7_2
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant

SCENARIO = str(Path(__file__).parent / "scenarios" / "groups.toml")


class GroupAsAtFirst(V7_2):
    """List Registers have the group of before the guest wrote it."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), group=irq.at_first)


GROUPS = (Mutant("G2", GroupAsAtFirst, V7_2, SCENARIO),)
