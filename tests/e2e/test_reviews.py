"""A review without an account: by keyboard on a desk, on a phone, and what its owner sees."""

import pytest
from playwright.sync_api import StorageState, expect

from tests.e2e.conftest import Opener, keep_picture, make_videos
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


def test_reviewer_comments_by_keyboard_and_approves_on_a_phone(
    tab: Opener, person: StorageState
) -> None:
    owner = tab(person=person)
    (path,) = make_videos(owner.request, "A lantern in the fog")
    owner.goto(path)
    owner.get_by_role("link", name="Ask for a review").click()
    owner.get_by_label("For whom").fill("Client")
    owner.get_by_role("button", name="Create the link").click()
    expect(owner.get_by_text("The preview is ready.")).to_be_hidden()
    link = owner.locator("#link1").input_value()

    page = tab()
    page.goto(link)
    expect(page.locator("#film")).to_be_visible()  # the page loads again by itself
    page.wait_for_function("() => document.getElementById('film').readyState > 0")
    page.locator("#film").evaluate("f => { f.currentTime = 1 }")
    expect(page.locator("#at")).to_have_value("1.00")
    page.get_by_role("button", name="Click in the picture").or_(
        page.get_by_text("Mark a place in the picture")
    ).first.click()
    page.get_by_role("button", name="Click in the picture").click()
    page.locator(".review-player").click(position={"x": 40, "y": 30})
    expect(page.locator("#pin")).to_be_visible()
    page.get_by_label("Your name").fill("Rea")
    page.get_by_label("Comment", exact=True).fill("Brighter here")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Add the comment").press("Enter")
    expect(page.locator("#comments")).to_contain_text("Brighter here")
    mark = page.locator("#line button")
    mark.focus()
    page.keyboard.press("Enter")
    assert page.locator("#film").evaluate("f => f.currentTime") == pytest.approx(1, abs=0.05)
    expect(page.locator("#pin")).to_be_visible()
    keep_picture(page, "review")
    assert faults(page, "review") == []

    phone = tab(viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto(link)
    phone.get_by_label("Your name").fill("Ben")
    phone.get_by_role("button", name="Approve").tap()
    expect(phone.locator("#comments")).to_contain_text("Approved")
    keep_picture(phone, "review-phone")

    owner.reload()
    expect(owner.get_by_text("Brighter here")).to_be_visible()
    keep_picture(owner, "reviews-owner")
    assert faults(owner, "reviews-owner") == []
