"""A folder with a user's files, which is the current one."""

from pathlib import Path

import pytest

from tests.unit.user.sources import RULES, STRATEGIES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules.py").write_text(RULES)
    (tmp_path / "strategy.py").write_text(STRATEGIES)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGIC_RACE_LOGS", str(tmp_path / "logs"))
    return tmp_path
