"""Where the randomness of a campaign comes from: one 64-bit seed per schedule.

It depends on the campaign's seed, the scenario, the variant and the schedule's number only, so that
neither the number of processes nor the order in which they finish can change a result.
"""

import hashlib
import secrets

__all__ = ["SEED_BITS", "fresh_seed", "schedule_seed"]

SEED_BITS = 64


def fresh_seed() -> int:
    """Draw the seed of a campaign that was not given one, 0 to 2**64 - 1, from the system."""
    return secrets.randbits(SEED_BITS)


def schedule_seed(seed: int, scenario: str, variant: str, index: int) -> int:
    """Return the seed, 0 to 2**64 - 1, of schedule ``index`` of ``scenario`` x ``variant``.

    Of what is in a file only the file's name counts, not the folder nor how that is spelt.
    """
    text = f"{seed}\0{bare(scenario)}\0{bare(variant)}\0{index}"
    digest = hashlib.blake2b(text.encode(), digest_size=SEED_BITS // 8).digest()
    return int.from_bytes(digest, "big")


def bare(name: str) -> str:
    """Return a scenario's or variant's name without folders."""
    return name.replace("\\", "/").rpartition("/")[2]
