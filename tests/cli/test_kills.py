"""A campaign that is ended at random moments loses nothing, leaves nobody: see tests/kills.py."""

from pathlib import Path
from random import Random

import pytest

from tests.kills import KINDS, ended


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_and_nobody_left(kind: str, tmp_path: Path) -> None:
    random = Random(kind)
    for number in range(2):
        assert ended(kind, tmp_path / str(number), random)
