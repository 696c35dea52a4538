"""A real browser without a screen, driven as its WebDriver (W3C) has it."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of an element's id, by the standard."""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Browser:
    """One window."""

    def __init__(self, url: str, folder: Path, *arguments: str) -> None:
        self._url = url
        options = {
            "args": [*ARGUMENTS, f"--user-data-dir={folder}", *arguments],
            "perfLoggingPrefs": {"enableNetwork": True},
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        opened = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{opened['sessionId']}"

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = Request(self._url + path, data, {"Content-Type": "application/json"},
                          method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path) -> None:
        self._ask("POST", f"{self._session}/url", {"url": page.as_uri()})

    def run(self, script: str) -> Any:
        """The value of a script's `return`; it is the test's own and not the page's."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def type(self, selector: str, keys: str) -> None:
        """Keys of the keyboard, into an element."""
        found = self._ask("POST", f"{self._session}/element",
                          {"using": "css selector", "value": selector})
        self._ask("POST", f"{self._session}/element/{found[ELEMENT]}/value", {"text": keys})

    def messages(self) -> list[str]:
        """What the console has said."""
        return [one["message"] for one in self._ask("POST", f"{self._session}/se/log",
                                                    {"type": "browser"})]

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        told = self._ask("POST", f"{self._session}/se/log", {"type": "performance"})
        messages = [json.loads(one["message"])["message"] for one in told]
        return [one["params"]["request"]["url"] for one in messages
                if one["method"] == "Network.requestWillBeSent"]

    def resize(self, width: int, height: int) -> None:
        self._ask("POST", f"{self._session}/window/rect", {"width": width, "height": height})

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self._ask("POST", f"{self._session}/print", {}))

    def close(self) -> None:
        self._ask("DELETE", self._session)


@contextmanager
def browser(folder: Path, *arguments: str) -> Iterator[Browser]:
    """A browser of its own; `arguments` are further ones of its command line."""
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout is not None
        port = next(line.rsplit(" ", 1)[1].strip(". \n") for line in driver.stdout
                    if "successfully on port" in line)
        url = f"http://127.0.0.1:{port}"
        _until_ready(url)
        window = Browser(url, folder, *arguments)
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.wait()


def _until_ready(url: str) -> None:
    for _ in range(300):
        try:
            with urlopen(f"{url}/status", timeout=5):
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError("the browser's driver does not answer")
