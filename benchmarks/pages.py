"""`python -m benchmarks.pages`: measure what a browser with an empty cache loads for each page."""

import gzip
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Response, ViewportSize, sync_playwright

from tests import backing

ADDRESS = os.environ.get("ADDRESS", "http://127.0.0.1:8000")
NAME, PASSWORD = os.environ.get("SIGN_IN", "demo:demo-firstlight").split(":", 1)
PUBLIC = {"landing": "/", "showcase": "/showcase/", "sign in": "/accounts/login/"}
SIGNED_IN = {
    "studio": "/studio/",
    "library": "/library/",
    "video": "",
    "billing": "/billing/",
    "usage": "/usage/",
}
TEXT = {".css": "CSS", ".js": "JavaScript", ".svg": "icons"}
COLUMNS = ("HTML", "CSS", "JavaScript", "icons", "fonts", "images", "videos")


@dataclass
class Weight:
    """Bytes by kind: text with gzip compression, everything else as it is sent."""

    bytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))

    def add(self, response: Response) -> None:
        if response.status not in {200, 206} or not response.url.startswith("http"):
            return
        kind = self.kind(response)
        body = response.body()
        is_text = kind in {"HTML", *TEXT.values()}
        self.bytes[kind] += len(gzip.compress(body, 9) if is_text else body)

    @staticmethod
    def kind(response: Response) -> str:
        suffix = PurePath(urlsplit(response.url).path).suffix
        if suffix in TEXT:
            return TEXT[suffix]
        content = response.headers.get("content-type", "")
        found = {"font": "fonts", "image": "images", "video": "videos"}.get(content.split("/")[0])
        return found or "HTML"

    def row(self) -> str:
        code = sum(self.bytes[column] for column in COLUMNS[:4])
        return " | ".join(f"{n / 1024:.1f}" for n in (*self.bytes.values(), code))


def main() -> None:
    """Print a table for the running server at ADDRESS, signed in as SIGN_IN (name:password)."""
    binary = backing.browser()
    if not binary:
        sys.exit("No Chromium was found.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        print(f"KiB | {' | '.join(COLUMNS)} | all code\n{'---|' * (len(COLUMNS) + 1)}---")
        for name, path in PUBLIC.items():
            print(f"{name} | {weigh(browser, path).row()}", flush=True)
        for name, path in SIGNED_IN.items():
            print(f"{name} | {weigh(browser, path, signed_in=True).row()}", flush=True)
        browser.close()


def weigh(browser: Browser, path: str, *, signed_in: bool = False) -> Weight:
    """Load a page with the screen of a phone; without a path the page of the newest video."""
    viewport: ViewportSize = {"width": 412, "height": 823}
    context = browser.new_context(base_url=ADDRESS, viewport=viewport)
    page = context.new_page()
    if signed_in:
        page.goto("/accounts/login/")
        page.get_by_label("Username or email").fill(NAME)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/studio/$"))
        newest = page.locator(".card[data-state=done]").first.get_attribute("data-href")
        path = path or newest or "/library/"
        state = context.storage_state()
        context.close()
        # A new context has an empty cache.
        context = browser.new_context(base_url=ADDRESS, viewport=viewport, storage_state=state)
        page = context.new_page()
    responses: list[Response] = []

    def collect(response: Response) -> None:
        responses.append(response)

    page.on("response", collect)
    page.goto(path, wait_until="networkidle")
    weight = Weight()
    for response in responses:
        weight.add(response)
    context.close()
    return weight


if __name__ == "__main__":
    main()
