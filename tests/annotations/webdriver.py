"""A browser driven as a person would, over chromedriver's own HTTP (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
OPTIONS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue007", "Shift": "\ue008", "Alt": "\ue00a", "Escape": "\ue00c", "Delete": "\ue017", "Home": "\ue011"}
KEYS |= {"Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015", "Tab": "\ue004"}


class Browser:
    """One window: go to pages, run scripts, press keys and draw with the mouse."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.session = ""

    def call(self, path: str, body: dict[str, Any] | None = None, method: str = "") -> Any:
        url = f"{self.root}/session{f'/{self.session}' if self.session else ''}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method or None)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # our own driver
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:500]) from None

    def open(self, address: str) -> None:
        self.call("/url", {"url": address})

    def resize(self, width: int, height: int) -> None:
        self.call("/window/rect", {"width": width, "height": height})

    def script(self, code: str, *arguments: Any) -> Any:
        return self.call("/execute/sync", {"script": code, "args": list(arguments)})

    def wait(self, condition: str, *arguments: Any) -> Any:
        """Until a JavaScript expression holds; AssertionError after ten seconds."""
        code = f"""const done = arguments[arguments.length - 1], until = Date.now() + 10000;
        const look = () => {{ const value = ({condition}); if (value) done(value);
          else if (Date.now() > until) done(null); else setTimeout(look, 20); }}; look();"""
        value = self.call("/execute/async", {"script": code, "args": list(arguments)})
        assert value, f"it never came true: {condition}"
        return value

    def press(self, *keys: str) -> None:
        """Press keys together: `press("Shift", "Left")`."""
        codes = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": code} for code in codes]
        actions += [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self.call("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def type(self, selector: str, text: str) -> None:
        element = self.call("/element", {"using": "css selector", "value": selector})[ELEMENT]
        self.call(f"/element/{element}/value", {"text": text})

    def click(self, selector: str) -> None:
        element = self.call("/element", {"using": "css selector", "value": selector})[ELEMENT]
        self.call(f"/element/{element}/click", {})

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """With the left button, from one point of the window to another, over the middle."""
        middle = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
        moves = [
            {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y), "origin": "viewport"}
            for x, y in (start, middle, end)
        ]
        down, up = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
        actions = [moves[0], down, *moves[1:], up]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self.call("/actions", {"actions": [mouse]})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("/screenshot")))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A headless Chromium with a new profile, gone after the block."""
    command = [str(DRIVER), "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver:
        try:
            assert driver.stdout is not None
            port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
            opened = Browser(f"http://127.0.0.1:{port}")
            chrome = {"binary": CHROMIUM, "args": [*OPTIONS, f"--user-data-dir={profile}"]}
            asked = {
                "capabilities": {"alwaysMatch": {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}}
            }
            opened.session = opened.call("", asked)["sessionId"]
            try:
                yield opened
            finally:
                opened.call("", method="DELETE")
        finally:
            driver.terminate()
