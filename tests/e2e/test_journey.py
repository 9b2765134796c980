"""A user signs up, makes, shares, buys and deletes; both themes and widths, with and without JS."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import PASSWORD, Opener, card_of, keep_picture, new_name, wallet

pytestmark = pytest.mark.browser

# The test checkout is a page of its own, to which no animated page change leads.
PAY = re.compile("^Pay ¥")
PROMPT = "A paper lantern drifts over a still harbour at dusk"
FAILING = "A kite above the dunes [[fail:internal_error]]"
REFRESH = "async id => (await import('/static/js/live.js')).refresh(id)"
PLAYING = "document.querySelector('video').currentTime"


class Traveller:
    """Somebody at one page, who keeps a picture of every step."""

    def __init__(self, page: Page, looks: str) -> None:
        self.page, self.looks, self.script = page, looks, not looks.endswith("forms")
        self.steps = 0

    def picture(self, step: str) -> None:
        self.steps += 1
        keep_picture(self.page, f"journey-{self.looks}-{self.steps:02}-{step}")

    def see(self, what: Locator) -> None:
        """Wait until it is there: a page without JavaScript is asked for again."""
        deadline = time.monotonic() + 60
        while not self.script and not what.is_visible() and time.monotonic() < deadline:
            self.page.wait_for_timeout(500)
            self.page.reload()
        expect(what).to_be_visible()

    def go(self, path: str) -> None:
        """Follow a link of the navigation, the side's or the tabs'."""
        self.page.locator(f"nav a[href='{path}']:visible").first.click()
        self.page.wait_for_url(f"**{path}")

    def order(self, prompt: str, state: str) -> Locator:
        self.page.get_by_label("Prompt", exact=True).fill(prompt)
        # On phones the options are in a sheet.
        if sheet := self.page.locator("#summary").is_visible():
            self.page.locator("#summary").click()
        self.page.locator("#composer label:has-text('4 s')").last.click()
        if sheet:
            self.page.get_by_role("button", name="Done").click()
        self.page.get_by_role("button", name="Generate").click()
        card: Locator = card_of(self.page, prompt)
        expect(card).to_be_visible()
        self.page.evaluate("window.sameDocument = true")
        self.picture(f"renders-until-{state}")
        self.see(self.page.locator(f".card[data-state={state}]", has_text=prompt))
        if self.script:
            assert self.page.evaluate("window.sameDocument"), "the card changed by itself"
        return card

    # ---- the steps ----

    def sign_up(self) -> None:
        name = new_name()
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Email").fill(f"{name}@example.com")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.picture("sign-up")
        self.page.get_by_role("button", name="Create account").click()
        self.page.wait_for_url("**/welcome/")
        self.picture("welcome")
        self.page.get_by_role("button", name="Next").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("You have 100 credits.")
        self.picture("welcome-credits")
        self.page.get_by_role("main").get_by_role("button", name="Open the studio").click()
        self.page.wait_for_url("**/studio/*")
        expect(wallet(self.page)).to_have_text("100")

    def create(self) -> None:
        card = self.order(PROMPT, "done")
        expect(wallet(self.page)).to_have_text("80")
        self.picture("finished")
        card.get_by_role("heading").get_by_role("link").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(PROMPT)

    def play(self) -> None:
        video = self.page.locator("#stage video")
        video.press("Space")
        until(lambda: self.page.evaluate(PLAYING) > 0.2)
        self.picture("playing")

    def remix(self) -> None:
        self.page.get_by_label("What should change?").fill("The lantern is blue")
        self.page.locator("#remix").get_by_role("button", name="Remix").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("The lantern is blue")
        self.picture("remix-renders")
        self.see(self.page.locator("#stage video"))
        versions = self.page.get_by_role("navigation", name="Versions of this video")
        expect(versions.get_by_role("link")).to_have_count(2)
        expect(wallet(self.page)).to_have_text("60")
        self.picture("remix")

    def share(self) -> str:
        self.page.get_by_role("button", name="Share by link").click()
        # News of the video arrives meanwhile, which leaves an open menu alone.
        if self.script:
            self.page.evaluate(REFRESH, self.page.locator("#watch").get_attribute("data-id"))
        self.page.get_by_label("Show the prompt too").check()
        self.page.get_by_role("button", name="Create a link").click()
        self.picture("shared")
        return self.page.locator("#link").input_value()

    def buy(self) -> None:
        self.go("/billing/")
        self.picture("billing")
        self.page.get_by_role("button", name="Buy Trial").click()
        self.page.get_by_role("button", name=PAY).wait_for()
        self.picture("checkout")
        self.page.get_by_role("button", name=PAY).click()
        self.page.wait_for_url("**/billing/payments/**")
        self.see(self.page.get_by_text("Payment received.").last)
        expect(wallet(self.page)).to_have_text("160")
        self.picture("paid")

    def fail(self) -> None:
        self.go("/studio/")
        card = self.order(FAILING, "failed")
        expect(card.get_by_text("20 credits returned")).to_be_visible()
        expect(wallet(self.page)).to_have_text("160")
        self.picture("failed")
        card.get_by_role("heading").get_by_role("link").click()
        self.page.get_by_role("link", name="Ledger entries").click()
        amounts = self.page.locator("#history tbody td:nth-child(4)")
        expect(amounts).to_have_text(["+20", "−20"])
        self.picture("ledger")

    def delete(self, address: str) -> None:
        self.page.goto(address)
        self.page.get_by_role("button", name="More actions").click()
        self.page.get_by_role("link", name="Delete").click()
        asked = self.page.get_by_role("button", name="Delete")
        expect(asked).to_be_visible()
        self.picture("delete")
        asked.click()
        expect(self.page.get_by_text("The video was deleted.")).to_be_visible()
        assert self.page.request.get(address).status == 404
        self.picture("deleted")


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def travel(tab: Opener, name: str, looks: dict[str, Any]) -> None:
    """Go the whole way, in a browser that is opened with these `looks`."""
    page = tab("/accounts/signup/", **looks)
    person = Traveller(page, name)
    person.sign_up()
    person.create()
    person.play()
    person.remix()
    remix, link = page.url, person.share()
    visitor = tab(link, **looks)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("The lantern is blue")
    keep_picture(visitor, f"journey-{person.looks}-visitor")
    person.buy()
    person.fail()
    person.delete(remix)
    assert visitor.request.get(link).status == 404


# Each theme, each width, with JavaScript and without; the long tier meets each pair of these.
# In the short one Firefox goes the way of a light desk with JavaScript (test_firefox.py).
LONG = [("light", 1440, True), ("dark", 1440, False), ("light", 390, False), ("dark", 390, True)]
WAYS = [("dark", 390, False), *(pytest.param(*way, marks=pytest.mark.thorough) for way in LONG)]


@pytest.mark.parametrize(("theme", "width", "script"), WAYS)
def test_from_signing_up_to_deleting(tab: Opener, theme: str, width: int, script: bool) -> None:
    looks = {
        "viewport": {"width": width, "height": 844},
        "color_scheme": theme,
        "java_script_enabled": script,
    }
    travel(tab, f"{width}-{theme}-{'live' if script else 'forms'}", looks)
