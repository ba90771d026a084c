"""How a command ended, and the types of the fixtures that run one."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

Process = subprocess.Popen[str]


class Done:
    """How a command ended. No command may ever show a traceback."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        last = self.lines[-1]
        assert last["type"] == "summary"
        return last

    def refused(self, *words: str) -> None:
        """Assert that the input was refused with one line that has all these words."""
        assert self.code == 2, (self.out, self.err)
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert self.err.splitlines()[-1] == errors[0]
        for word in words:
            assert word in errors[0]


Cli = Callable[..., Done]
Start = Callable[..., Process]
Finish = Callable[[Process], Done]
