"""Firefox goes the same journey as Chromium: what a person does works in another engine too."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests import backing
from tests.e2e.conftest import Opener
from tests.e2e.test_journey import travel

pytestmark = [pytest.mark.browser, pytest.mark.firefox]

# Playwright drives an ordinary Firefox by WebDriver BiDi, which cannot pretend these features.
AS_IT_IS = {"color_scheme": "null", "reduced_motion": "null", "forced_colors": "null"}


@pytest.fixture
def firefox(playwright: Playwright) -> Iterator[Browser]:
    found = backing.firefox()
    assert found, "no Firefox was found; Debian: apt-get install firefox-esr libavcodec-extra"
    browser = playwright.firefox.launch(channel="moz-firefox", executable_path=found)
    yield browser
    browser.close()


@pytest.fixture
def tab(site: str, firefox: Browser) -> Iterator[Opener]:
    """Open a page in a profile of its own; an error of a script fails the test."""
    contexts, complaints = [], []

    def open_tab(path: str = "/", **options: Any) -> Page:
        context = firefox.new_context(base_url=site, **{**options, **AS_IT_IS})
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_journey_in_firefox(tab: Opener) -> None:
    travel(tab, "firefox-live", {"viewport": {"width": 1440, "height": 844}})
