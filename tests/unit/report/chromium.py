"""A Chromium without a window, driven through its DevTools pipe: pages from files, keys, pictures.

No library: messages are JSON objects that end with a zero byte, on two pipes.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

BINARY = shutil.which("chromium") or "chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
TIMEOUT = 60


class Browser:
    """A running browser with one page."""

    def __init__(self, replies: BinaryIO, write: int) -> None:
        self.replies = replies
        self.write = write
        self.number = 0
        self.session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        data = bytearray()
        while (byte := self.replies.read(1)) != b"\0":
            assert byte, "the browser has gone"
            data += byte
        message: dict[str, Any] = json.loads(data)
        return message

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a DevTools method and return what it answers; events are kept."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, method: str) -> None:
        """Wait for an event that has not come yet."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def open(
        self, path: Path, *, scripts: bool = True, size: tuple[int, int] = (1500, 1000)
    ) -> Self:
        """Go to a file, and wait until it is loaded and drawn."""
        self.events.clear()
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=path.absolute().as_uri())
        self.wait_for("Page.loadEventFired")
        return self

    def value(self, expression: str) -> Any:
        """Return what an expression of the page comes to."""
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def key(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def click(self, text: str) -> None:
        """Click the button that says ``text``."""
        found = self.value(
            "[...document.querySelectorAll('button')]"
            f".filter(b => b.textContent === {json.dumps(text)}).map(b => b.click()).length"
        )
        assert found == 1, (text, found)

    def picture(self, path: Path) -> None:
        """Write a screenshot."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def pdf(self) -> bytes:
        """Return the page as it prints."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        return base64.b64decode(printed["data"])

    def complaints(self) -> list[str]:
        """Return what the page's console has of errors, and what it asked of a network."""
        out = []
        for event in self.events:
            params = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    out.append(json.dumps(params["exceptionDetails"]))
                case "Log.entryAdded":
                    out.append(params["entry"]["text"])
                case "Network.requestWillBeSent" if params["type"] != "Document":
                    out.append(params["request"]["url"])
        return out


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser with a profile of its own; it is ended whatever happens."""
    ours_in, theirs_out = os.pipe()
    theirs_in, ours_out = os.pipe()
    folder = tempfile.mkdtemp(prefix="chromium-")

    def pipes() -> None:
        # It reads its descriptor 3 and writes its descriptor 4.
        a, b = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(a, 3)
        os.dup2(b, 4)

    process = subprocess.Popen(
        [BINARY, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    replies = os.fdopen(ours_in, "rb")
    try:
        yield Browser(replies, ours_out)
    finally:
        process.kill()
        replies.close()
        process.wait(timeout=TIMEOUT)
        os.close(ours_out)
        shutil.rmtree(folder, ignore_errors=True)
