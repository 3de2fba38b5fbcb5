"""A headless Chromium, driven by the DevTools protocol, that keeps what it was asked to load."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--window-size=1500,1000"),
    # Chromium's own connections, which are none of the page's business.
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-quic", "--disable-extensions"),
    "--no-sandbox",  # root has none, nor have users in many containers; the page is our own
)
PATIENCE = 60.0  # seconds for the browser to start, and for anything to appear


def chromium() -> str | None:
    """The path of an installed Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a Chromium; use it as a context.

    After :meth:`open`, ``requests`` are the addresses that the page and its frames asked for,
    ``errors`` the errors and exceptions on the console.
    """

    def __init__(self, program: str, profile: Path) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._contexts: dict[tuple[str, int], str] = {}  # frame by session and context
        self._answers: dict[int, dict] = {}  # by number of the command
        self._count = 0
        port = profile / "DevToolsActivePort"
        command = [program, *FLAGS, f"--user-data-dir={profile}"]
        command += ["--remote-debugging-port=0", "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with ExitStack() as stack:
            stack.callback(self._end)
            self._wait(lambda: port.exists() and port.read_text().count("\n"), "the browser")
            number, path = port.read_text().splitlines()
            address = f"ws://127.0.0.1:{number}{path}"
            self._socket = stack.enter_context(connect(address, max_size=None))
            targets = self.call("Target.getTargets", session="")["targetInfos"]
            page = next(target for target in targets if target["type"] == "page")
            opened = {"targetId": page["targetId"], "flatten": True}
            self._page = self.call("Target.attachToTarget", opened, session="")["sessionId"]
            self._watch(self._page)
            self._close = stack.pop_all().close

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def _watch(self, session: str) -> None:
        """Have a page, or a frame in a process of its own, report what happens in it."""
        for domain in ("Network", "Log", "Runtime", "Page"):
            self.call(f"{domain}.enable", session=session)
        attach = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        attach["filter"] = [{"type": "iframe"}]
        self.call("Target.setAutoAttach", attach, session=session)
        self.call("Runtime.runIfWaitingForDebugger", session=session)

    def call(self, method: str, parameters: dict | None = None, session: str | None = None) -> Any:
        """Send a command, to the page by default, and return its result."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters or {}}
        target = self._page if session is None else session
        self._socket.send(json.dumps(message | ({"sessionId": target} if target else {})))
        while number not in self._answers:
            told = json.loads(self._socket.recv(timeout=PATIENCE))
            if "method" in told:
                self._note(told["method"], told["params"], told.get("sessionId", ""))
            else:
                self._answers[told["id"]] = told
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _note(self, event: str, content: dict, session: str) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(content["request"]["url"])
        elif event == "Network.webSocketCreated":
            self.requests.append(content["url"])
        elif event == "Log.entryAdded" and content["entry"]["level"] == "error":
            self.errors.append(content["entry"]["text"])
        elif event == "Runtime.exceptionThrown":
            details = content["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and content["type"] in ("error", "assert"):
            self.errors.append(json.dumps(content["args"]))
        elif event == "Runtime.executionContextCreated":
            context = content["context"]
            self._contexts[session, context["id"]] = context["auxData"]["frameId"]
        elif event == "Runtime.executionContextDestroyed":
            self._contexts.pop((session, content["executionContextId"]), None)
        elif event == "Runtime.executionContextsCleared":
            self._contexts = {c: frame for c, frame in self._contexts.items() if c[0] != session}
        elif event == "Target.attachedToTarget" and content["targetInfo"]["type"] == "iframe":
            self._watch(content["sessionId"])

    def open(self, file: Path) -> None:
        """Open a file."""
        self.call("Page.navigate", {"url": file.resolve().as_uri()})

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page, JSON-able."""
        return self._evaluate(expression, self._page)

    def frame_values(self, expression: str) -> list[Any]:
        """Return the values of an expression in the frames inside the page."""
        self.value("0")  # takes in what was announced meanwhile
        top = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        inner = [context for context, frame in self._contexts.items() if frame != top]
        return [self._evaluate(expression, session, number) for session, number in inner]

    def _evaluate(self, expression: str, session: str, context: int | None = None) -> Any:
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        asked |= {} if context is None else {"contextId": context}
        result = self.call("Runtime.evaluate", asked, session=session)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true in the page; return its value."""
        return self._wait(lambda: self.value(expression), expression)

    def _wait(self, look: Any, what: str) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < end, f"waited in vain for {what}"
            assert self._process.poll() is None, "the browser has ended"
            time.sleep(0.05)
        return found

    def click(self, selector: str, text: str = "") -> None:
        """Click the first element of a selector with this text in it, once it is there."""
        element = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find(e => e.textContent.includes({json.dumps(text)}))"
        )
        self.wait(f"!!{element}")
        self.value(f"{element}.click()")

    def screenshot(self, file: Path) -> None:
        """Write a picture of the page as PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
