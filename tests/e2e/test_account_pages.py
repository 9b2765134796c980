"""What is done on the pages of settings, developers and the welcome, by hand."""

import re

import pytest
from playwright.sync_api import StorageState, expect

from tests.e2e.conftest import PASSWORD, Opener, keep_picture, sign_up
from tests.e2e.looks import check

pytestmark = pytest.mark.browser

PLAYED = """(video) => new Promise((resolve) => {
  video.muted = true;
  video.ontimeupdate = () => { if (video.currentTime > 0.2) resolve(video.currentTime); };
  video.play();
})"""


def test_new_user_chooses_a_scene_and_reaches_the_studio(tab: Opener) -> None:
    page = tab("/accounts/signup/", java_script_enabled=False)
    name = sign_up(page)
    page.goto("/welcome/")
    page.get_by_label(re.compile(r"^\s*Rain on a neon city")).check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have 100 credits.")
    page.get_by_role("main").get_by_role("button", name="Open the studio").click()
    text = page.get_by_label("Prompt", exact=True).input_value()
    assert text.startswith("Rain on a neon city")
    assert name


def test_language_is_chosen_when_javascript_is_off(tab: Opener) -> None:
    page = tab("/pricing/", java_script_enabled=False)
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    assert page.url.endswith("/pricing/")


def test_a_key_is_made_copied_and_revoked(tab: Opener, person: StorageState) -> None:
    page = tab("/developers/keys/", person=person, permissions=["clipboard-write"])
    page.get_by_label("Name").fill("Newsletter")
    page.get_by_role("button", name="Create the key").click()
    expect(page.locator("#new-key")).to_have_text(re.compile("^fl_[0-9A-Za-z]{36}$"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    keep_picture(page, "key-made")
    page.locator("summary", has_text="Revoke").click()
    page.get_by_role("button", name="Revoke it now").click()
    expect(page.get_by_text("You revoked the API key Newsletter.")).to_be_visible()


def test_account_is_closed_by_keyboard_when_javascript_is_off(tab: Opener) -> None:
    page = tab("/accounts/signup/", java_script_enabled=False)
    sign_up(page)
    page.goto("/settings/data/")
    page.get_by_role("link", name="Delete my account").press("Enter")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Your password").press("Enter")
    expect(page.get_by_text("We will delete it in 30 days.")).to_be_visible()


def test_two_factor_cannot_be_turned_on_when_the_address_is_not_verified(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/accounts/2fa/", person=person)
    page.get_by_role("link", name="Turn it on").click()
    expect(page.get_by_role("alert")).to_contain_text("verified your email address")


def test_password_is_shown_and_hidden_again(tab: Opener) -> None:
    page = tab("/accounts/login/")
    password = page.get_by_label("Password", exact=True)
    button = page.get_by_role("button", name="Show the password")
    password.fill("tin-lantern")
    button.click()
    expect(password).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(password).to_have_attribute("type", "password")
    expect(password).to_have_value("tin-lantern")


def test_start_page_shows_samples_when_nothing_is_published(tab: Opener) -> None:
    """Nobody published anything: the samples are there, play, and say what they are."""
    page = tab("/")
    page.get_by_role("heading", name="Videos made here").scroll_into_view_if_needed()
    expect(page.locator(".gallery .gallery-item")).to_have_count(12)
    page.get_by_role("link", name="Paper boat").click()
    check(page, "sample")
    expect(page.get_by_text("A sample that comes with the product", exact=False)).to_be_visible()
    assert page.locator("video").evaluate(PLAYED) > 0.2


def test_prices_of_several_takes_are_shown_when_javascript_is_off(tab: Opener) -> None:
    page = tab("/pricing/", java_script_enabled=False)
    page.get_by_role("link", name="3 takes").click()
    expect(page.locator("tbody tr").first).to_contain_text("60")
