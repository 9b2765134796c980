"""Every page in light and dark, wide and narrow, and without JavaScript."""

import gzip
import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.e2e.conftest import (
    PASSWORD,
    Opener,
    card_of,
    credits_of,
    keep_picture,
    new_person,
    order,
    sign_up,
)

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
PUBLIC = {
    "home": "/",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "reset": "/accounts/password/reset/",
    "not-found": "/no-such-page/",
    "showcase": "/showcase/",
    "proof": "/proof/",
}
SIGNED_IN = {
    "studio": "/studio/",
    "library": "/library/",
    "search": "/library/?q=nothing",
    "attention": "/library/?status=attention",
    "choosing": "/library/?select=1",
    "collections": "/collections/",
    "usage": "/usage/",
    "email": "/accounts/email/",
    "password": "/accounts/password/change/",
    "sign-out": "/accounts/logout/",
}


KINDS = {
    "done": "A reef at noon",
    "failed": "A fall [[fail:internal_error]]",
    "rendering": "A long night [[hang]]",
}


def check(page: Page, name: str, width: int, theme: str) -> None:
    keep_picture(page, f"{name}-{width}-{theme}")
    assert page.evaluate("document.documentElement.scrollWidth") == width, name
    assert page.locator("h1").count() == 1, name
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    assert [(name, v["id"], v["nodes"][0]["html"]) for v in found] == []


@pytest.fixture(scope="module")
def library(site: str, chromium: Browser) -> tuple[StorageState, dict[str, str]]:
    """A person with a video of every kind, and where these videos are."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person)
    page = context.new_page()
    page.goto("/studio/")
    for prompt in KINDS.values():
        order(page, prompt, "4 s")
    addresses = {}
    for kind, prompt in KINDS.items():
        expect(card_of(page, prompt)).to_have_attribute("data-state", kind)
        addresses[kind] = card_of(page, prompt).get_attribute("data-href") or ""
    context.close()
    return person, addresses


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_fits(
    tab: Opener, library: tuple[StorageState, dict[str, str]], width: int, theme: str
) -> None:
    looks = {"viewport": {"width": width, "height": 844}, "color_scheme": theme}
    page = tab("/", reduced_motion="reduce", **looks)
    for name, path in PUBLIC.items():
        page.goto(path)
        check(page, name, width, theme)
    person, addresses = library
    page = tab("/studio/", person=person, reduced_motion="reduce", **looks)
    videos = {f"video-{kind}": address for kind, address in addresses.items()}
    confirm = {"confirm": f"{addresses['done']}delete/"}
    for name, path in {**SIGNED_IN, **videos, **confirm}.items():
        page.goto(path)
        check(page, name, width, theme)


def test_theme_is_kept_when_it_is_chosen(tab: Opener) -> None:
    page = tab("/", color_scheme="light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_a_video_is_made_watched_and_deleted(tab: Opener) -> None:
    page = tab("/accounts/signup/", java_script_enabled=False)
    name = sign_up(page)
    page.locator(".side").get_by_role("button", name="Sign out").click()
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    assert credits_of(page) == "100"
    expect(page.locator(".prices td").first).to_have_text("20, with an image 25")
    order(page, "A quiet harbour", "4 s")
    refresh = page.locator("meta[http-equiv=refresh]")
    assert refresh.get_attribute("content") == "10"
    expect(card_of(page, "A quiet harbour")).to_have_attribute("data-state", "done")
    assert refresh.count() == 0
    keep_picture(page, "studio-without-javascript")
    card_of(page, "A quiet harbour").get_by_role("heading").get_by_role("link").click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The video is deleted.")).to_be_visible()
    assert card_of(page, "A quiet harbour").count() == 0


def test_without_javascript_the_theme_is_a_form(tab: Opener) -> None:
    page = tab("/", java_script_enabled=False)
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.endswith("/")


def test_first_view_needs_little_code(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    urls = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    code = {Path(url).name: url for url in urls if re.search(r"\.(css|js)$", url)}
    assert set(code) == {
        *("tokens.css", "app.css"),
        *("app.js", "live.js", "composer.js", "actions.js", "keys.js", "page.js"),
    }
    bodies = [page.request.get(url).body() for url in code.values()]
    assert sum(len(gzip.compress(body)) for body in bodies) <= 60 * 1024
