"""A storyboard of two shots, by keyboard on a desk and by fingers on a phone."""

import re

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.conftest import Opener, keep_picture
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


def generate(page: Page) -> None:
    """Generate what is due, by keyboard, and wait for the take."""
    page.locator("#generate-all").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/#shots")


def shots(page: Page) -> list[str]:
    return [field.input_value() for field in page.locator("#shots textarea").all()]


def test_storyboard_becomes_a_film_by_keyboard_and_on_a_phone(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    page.locator(".sidebar").get_by_role("link", name="Storyboards").press("Enter")
    page.get_by_role("textbox", name="New storyboard").fill("Harbour at dawn")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour at dawn")
    page.get_by_label("Style").fill("35 mm, soft light")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_label("New shot").fill("A boat leaves the harbour")
    page.locator("#seconds-new").select_option("4")
    page.get_by_role("button", name="Add the shot").press("Enter")
    expect(page.locator("#shots .shot")).to_have_count(1)
    page.get_by_label("New shot").fill("It passes the lighthouse")
    page.locator("#seconds-new").select_option("4")
    page.locator("#begins-new").select_option("frame")
    page.get_by_role("button", name="Add the shot").press("Enter")
    expect(page.locator(".board-bar")).to_contain_text("Shot 2 waits for shot 1.")
    address = page.url.split("#")[0]
    keep_picture(page, "storyboard-planned")

    # Saved in place: the price follows, and the text survives a reload.
    first = page.locator("#shots .shot").first
    first.get_by_role("textbox").fill("A boat leaves the old harbour")
    first.get_by_label("Length").select_option("16")
    expect(first.locator("output")).to_have_text("Saved")
    expect(page.locator("#generate-all [data-cost]")).to_have_text("27")
    first.get_by_label("Length").select_option("4")
    expect(page.locator("#generate-all [data-cost]")).to_have_text("20")
    page.reload()
    assert shots(page) == ["A boat leaves the old harbour", "It passes the lighthouse"]

    generate(page)
    expect(page.locator(".shot").first.locator("[data-film]")).to_be_visible()
    expect(page.locator("#generate-all [data-cost]")).to_have_text("25")
    generate(page)
    expect(page.locator("[data-film]")).to_have_count(2)
    keep_picture(page, "storyboard-made")

    # A second take of the first shot is picked by itself, and the older one by its button.
    page.locator(".shot").first.get_by_role("button", name="Another take").press("Enter")
    takes = page.locator(".shot").first.get_by_role("group", name="Takes of shot 1")
    expect(takes.get_by_role("button", name="Take 2")).to_have_attribute("aria-pressed", "true")
    takes.get_by_role("button", name="Take 1").press("Enter")
    expect(takes.get_by_role("button", name="Take 1")).to_have_attribute("aria-pressed", "true")
    expect(takes.get_by_role("button", name="Take 1")).to_be_focused()

    page.get_by_role("button", name="Play all").press("Enter")
    expect(page.locator("#reel-title")).to_have_text("Shot 1")
    page.locator("#reel-film").evaluate("film => { film.playbackRate = 8 }")
    expect(page.locator("#reel-title")).to_have_text("Shot 2")
    expect(page.locator(".shot").nth(1)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Close").press("Enter")
    page.get_by_role("button", name="Make the film").press("Enter")
    expect(page.locator("#open-film")).to_be_visible()
    assert faults(page, "storyboard") == []

    phone = tab(address, person=person, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.get_by_role("button", name="Move shot 2 up").tap()
    expect(phone.get_by_role("button", name="Move shot 1 down")).to_be_focused()
    assert shots(phone) == ["It passes the lighthouse", "A boat leaves the old harbour"]
    keep_picture(phone, "storyboard-phone")
    phone.reload()
    assert shots(phone)[0] == "It passes the lighthouse"
    phone.locator("#open-film").tap()
    phone.wait_for_url("**/v/**")
    made = phone.request.get(f"/api/videos/{phone.url.rstrip('/').split('/')[-1]}").json()
    assert (made["operation"], made["seconds"]) == ("edit", "8")

    # By the mouse: the grip drags a shot.
    page.goto(address)
    grips = page.locator(".shot__grip")
    grips.nth(1).drag_to(page.locator(".shot").first, target_position={"x": 40, "y": 4})
    expect(page.locator("#shots textarea").first).to_have_value(re.compile("A boat leaves"))
    expect(page.locator("#shots label").first).to_have_text("Shot 1")
    page.reload()
    assert shots(page)[0] == "A boat leaves the old harbour"
