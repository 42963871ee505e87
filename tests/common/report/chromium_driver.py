"""A headless Chromium driven over the DevTools protocol through a pipe, with the network off.

Messages are JSON ended by a zero byte: commands on the browser's file descriptor 3, answers and
events on 4 (``--remote-debugging-pipe``). Only the standard library is needed.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)

LAUNCHER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class Chromium:
    """One browser process with an empty profile; pages are opened one after another."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        for_browser, self._to_browser = os.pipe()
        self._from_browser, by_browser = os.pipe()
        # The launcher puts the pipes on the two descriptors that Chromium expects; they come from
        # high ones, so that neither is overwritten before it is moved.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (for_browser, by_browser)]
        arguments = [executable, *FLAGS, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, *map(str, ends), *arguments],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in (for_browser, by_browser, *ends):
            os.close(end)
        self._buffer = b""
        self._last_id = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the browser with all its processes and remove its profile."""
        os.close(self._to_browser)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._from_browser)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(
        self, method: str, session: str | None = None, timeout_s: float = 60, **params: Any
    ) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._to_browser, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._receive(deadline)
            if answer.get("id") != self._last_id:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from_browser], [], [], left)[0]:
                raise TimeoutError("Chromium did not answer")
            data = os.read(self._from_browser, 1 << 16)
            if not data:
                raise RuntimeError("Chromium ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(
        self,
        page: Path,
        width: int = 1280,
        height: int = 900,
        *,
        dark: bool = False,
        calm: bool = False,
        scripts: bool = True,
    ) -> "Page":
        """Open a local page in a fresh tab and wait until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Page(self, target, session, width)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
        ]
        tab.call("Emulation.setEmulatedMedia", features=features)
        tab.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        tab.call("Page.navigate", url=page.as_uri())
        tab.wait_for("document.readyState === 'complete'")
        return tab


@dataclass
class Page:
    """One tab."""

    browser: Chromium
    target: str
    session: str
    width: int
    _closed: bool = field(default=False, repr=False)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a DevTools command to this tab."""
        return self.browser.call(method, self.session, **params)

    def evaluate(self, expression: str) -> Any:
        """The JSON value of an expression; promises are awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float = 30) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + timeout_s
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true within {timeout_s} s: {expression}")
            time.sleep(0.05)

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def screenshot(self, *, whole: bool = False, clip: dict[str, float] | None = None) -> bytes:
        """A PNG of the window, the whole page, or a rectangle of the page."""
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        params: dict[str, Any] = {"clip": clip | {"scale": 1}} if clip else {}
        answer = self.call(
            "Page.captureScreenshot", captureBeyondViewport=clip is not None, **params
        )
        return base64.b64decode(answer["data"])

    def problems(self) -> list[str]:
        """Console errors and warnings, exceptions, and refused or failed loads of this tab."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            params = event["params"]
            match event["method"]:
                case "Runtime.consoleAPICalled":
                    text = " ".join(str(argument.get("value")) for argument in params["args"])
                    found += [text] if _is_problem(params["type"], text) else []
                case "Runtime.exceptionThrown":
                    found.append(str(params["exceptionDetails"]))
                case "Log.entryAdded":
                    text = params["entry"]["text"]
                    found += [text] if _is_problem(params["entry"]["level"], text) else []
        return found

    def requested_urls(self) -> list[str]:
        """What the tab asked for, without what is inside the page."""
        urls = [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event.get("sessionId") == self.session
            and event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def close(self) -> None:
        """Close the tab."""
        if not self._closed:
            self._closed = True
            self.browser.call("Target.closeTarget", targetId=self.target)


# Remarks on the speed of a machine without a graphics card, which are no fault of the page.
SPEED_REMARKS = ("GL Driver Message (OpenGL, Performance", "rAF timed out in updateSource")


def _is_problem(level: str, text: str) -> bool:
    """Errors and warnings."""
    return level in ("error", "warning") and not any(remark in text for remark in SPEED_REMARKS)
