"""Buying credits: on the test checkout, and back to what one was about to make."""

import re

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.conftest import Opener, card_of, keep_picture, order, wallet
from tests.e2e.looks import check

pytestmark = pytest.mark.browser

# The test checkout is a page of its own, to which no animated page change leads.


def spend_all(page: Page) -> None:
    for prompt in ("The first half [[hang]]", "The other half [[hang]]"):
        order(page, prompt, "Sora 2 Pro", "20 s")
        expect(card_of(page, prompt)).to_be_visible()
    expect(wallet(page)).to_have_text("0")


def buy(page: Page, package: str, outcome: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=f"Buy {package}").click()
    page.get_by_role("button", name=outcome).click()


PAY = re.compile("^Pay ¥")


def test_prompt_is_kept_when_credits_are_bought_first(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    spend_all(page)
    order(page, "A lighthouse in the rain")
    expect(page.get_by_role("alert")).to_contain_text("you need 50 more. Your prompt is saved.")
    heights = [page.get_by_role("button", name=name).bounding_box() for name in ("Add", "Generate")]
    assert len({box and box["height"] for box in heights}) == 1
    keep_picture(page, "buying-out-of-credits")
    page.get_by_role("button", name="Add credits").click()
    expect(page.get_by_text("Your prompt is saved.")).to_be_visible()
    keep_picture(page, "buying-packages")
    buy(page, "Standard", PAY)
    page.wait_for_url("**/studio/")
    expect(page.get_by_text("Payment received. 500 credits were added.")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A lighthouse in the rain")
    keep_picture(page, "buying-back-with-credits")
    page.get_by_role("button", name="Generate").click()
    expect(card_of(page, "A lighthouse in the rain")).to_be_visible()
    expect(wallet(page)).to_have_text("450")


def test_add_credits_is_offered_before_the_order_is_sent(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    add = page.get_by_role("button", name="Add credits")
    expect(add).to_have_count(0)
    spend_all(page)
    page.get_by_label("Prompt", exact=True).fill("Not sent yet")
    add.click()
    page.get_by_role("link", name="Back to the prompt").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("Not sent yet")


def test_nothing_is_ordered_twice_when_enter_is_pressed_on_an_option(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    spend_all(page)
    page.get_by_label("Prompt", exact=True).fill("By keyboard")
    page.locator("[name=seconds]:checked").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Your prompt is saved.")


def test_nothing_is_charged_when_the_card_is_declined_or_the_checkout_is_left(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/billing/", person=person)
    buy(page, "Trial", "Card declined")
    expect(page.get_by_role("alert")).to_have_text("The payment was declined. Nothing was paid.")
    page.get_by_role("link", name="Cancel and go back").click()
    expect(page.get_by_text("You left the checkout without paying.")).to_be_visible()
    keep_picture(page, "buying-cancelled")
    expect(wallet(page)).to_have_text("100")
    page.locator("#receipts").get_by_role("link", name="Trial Pack").click()
    page.get_by_role("link", name="Continue to the checkout").click()
    page.get_by_role("button", name=PAY).click()
    expect(page.get_by_text("Payment received.").last).to_be_visible()
    expect(wallet(page)).to_have_text("200")


def test_open_page_shows_the_credits_when_a_payment_arrives_late(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/billing/", person=person)
    buy(page, "Trial", "Pay later and succeed")
    waiting = page.get_by_text("Waiting for the payment. This usually takes seconds.")
    # On a busy machine the payment may have arrived before the page.
    expect(waiting.or_(page.get_by_text("Payment received.")).first).to_be_visible()
    keep_picture(page, "buying-pending")
    expect(page.locator("#said")).to_have_text("Payment received. 100 credits were added.")
    expect(wallet(page)).to_have_text("200")
    keep_picture(page, "buying-receipt")


def test_payment_can_be_repeated_when_it_fails_late(tab: Opener, person: StorageState) -> None:
    page = tab("/billing/", person=person)
    buy(page, "Trial", "Pay later and fail")
    expect(page.locator("#said")).to_contain_text("The bank declined the payment.")
    keep_picture(page, "buying-failed")
    expect(wallet(page)).to_have_text("100")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name=PAY).click()
    expect(page.locator("#payment")).to_have_attribute("data-status", "succeeded")
    expect(wallet(page)).to_have_text("200")


def test_credits_are_bought_when_javascript_is_off(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person, java_script_enabled=False)
    for prompt in ("One half [[hang]]", "Another half [[hang]]"):
        order(page, prompt, "Sora 2 Pro", "20 s")
        expect(card_of(page, prompt)).to_be_visible()
    order(page, "By candle light")
    page.get_by_role("button", name="Add credits").click()
    buy(page, "Trial", "Pay later and succeed")
    refresh = page.locator("meta[http-equiv=refresh]")
    expect(refresh).to_have_attribute("content", "5")
    expect(page.locator("#payment")).to_have_attribute("data-status", "succeeded")
    expect(refresh).to_have_count(0)
    page.get_by_role("link", name="Back to the prompt").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("By candle light")
    page.get_by_role("button", name="Generate").click()
    expect(card_of(page, "By candle light")).to_be_visible()
    expect(wallet(page)).to_have_text("80")


def test_ledger_entries_of_a_video_are_found_from_its_page(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    order(page, "A storm [[fail:internal_error]]")
    card = card_of(page, "A storm")
    expect(card).to_have_attribute("data-state", "failed")
    card.get_by_role("heading").get_by_role("link").click()
    page.get_by_role("link", name="Ledger entries").click()
    amounts = page.locator("#history tbody td:nth-child(4)")
    expect(amounts).to_have_text(["+20", "−20"])
    page.get_by_role("link", name="Show all").click()
    expect(amounts).to_have_text(["+20", "−20", "+100"])
    page.get_by_role("link", name="Returned").click()
    expect(amounts).to_have_text(["+20"])


def test_billing_pages_fit_the_screen(tab: Opener, person: StorageState) -> None:
    page = tab("/billing/", person=person)
    buy(page, "Value", PAY)
    page.wait_for_url("**/payments/**")
    check(page, "payment")
    page.goto("/billing/")
    page.get_by_text("Show as a table").click()
    check(page, "billing")
