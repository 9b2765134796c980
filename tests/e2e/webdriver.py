"""The little of the WebDriver protocol that a journey needs, for browsers Playwright cannot drive.

Selenium would bring trio, which upsets hypothesis (a warning, and warnings fail tests).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import requests

T = TypeVar("T")
# The name under which the protocol hands out elements.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SHOWN = "return arguments[0].checkVisibility()"


class Driver:
    """A session of a browser, whose WebDriver listens at this address."""

    def __init__(self, address: str, capabilities: dict[str, Any]) -> None:
        self._address, self._client = address, requests.Session()
        asked = {"capabilities": {"alwaysMatch": capabilities}}
        self._session = f"/session/{self._ask('POST', '/session', asked)['sessionId']}"

    def close(self) -> None:
        self._ask("DELETE", self._session)
        self._client.close()

    def open(self, url: str) -> None:
        self._ask("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        body = {"script": script, "args": list(arguments)}
        return self._ask("POST", f"{self._session}/execute/sync", body)

    def find(self, selector: str, text: str = "") -> str:
        """The first visible element with this text, which may take a while to come."""
        return until(lambda: next(self._visible(selector, text), None))

    def click(self, selector: str, text: str = "") -> None:
        element = self.find(selector, text)
        self._ask("POST", f"{self._session}/element/{element}/click", {})

    def type(self, selector: str, text: str) -> None:
        element = self.find(selector)
        self._ask("POST", f"{self._session}/element/{element}/value", {"text": text})

    def text(self, selector: str) -> str:
        return str(self._ask("GET", f"{self._session}/element/{self.find(selector)}/text"))

    def _visible(self, selector: str, text: str) -> Iterator[str]:
        asked = {"using": "css selector", "value": selector}
        for found in self._ask("POST", f"{self._session}/elements", asked):
            shown = f"{SHOWN} && arguments[0].textContent.includes(arguments[1])"
            if self.run(shown, found, text):
                yield found[ELEMENT]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = self._address + path
        answer = self._client.request(method, url, json=body, timeout=60).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise WebDriverError(answer["error"], answer.get("message"))
        return answer


class WebDriverError(Exception):
    """The browser refused a command; the protocol's code and the browser's message."""


@contextmanager
def session(address: str, capabilities: dict[str, Any]) -> Iterator[Driver]:
    """A session that ends with the block."""
    driver = until(lambda: _opened(address, capabilities))
    try:
        yield driver
    finally:
        driver.close()


def _opened(address: str, capabilities: dict[str, Any]) -> Driver | None:
    try:
        return Driver(address, capabilities)
    except requests.ConnectionError:  # it starts
        return None


def until(find: Callable[[], T | None], seconds: float = 60) -> T:
    """What `find` returns as soon as it is something; an element may vanish meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := find():
                return found
        except WebDriverError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.1)
