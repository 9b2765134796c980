"""Editing a video: marks on the player, by keyboard on a desk and by fingers on a phone."""

import re

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.conftest import Opener, keep_picture, make_videos
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


def seconds(page: Page, name: str) -> float:
    return float(page.locator(f"#{name}").input_value())


def make(page: Page) -> None:
    """Order the edit and open the version that it makes."""
    page.get_by_role("button", name="Make the new version").click()
    page.wait_for_url("**/edits/#edit-*")
    keep_picture(page, "edits-running")
    page.locator("[data-status]").first.get_by_role("link", name="Open the new version").click()
    page.wait_for_url("**/v/**")
    expect(page.locator("#stage video")).to_be_visible()


def test_video_is_trimmed_by_keyboard_and_reframed_on_a_phone(
    tab: Opener, person: StorageState
) -> None:
    page = tab(person=person)
    (path,) = make_videos(page.request, "A kite over a dune")
    page.goto(path)
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Edit")
    film = page.locator("#film")
    page.wait_for_function("() => document.getElementById('film').readyState > 0")
    assert seconds(page, "trim_end") == pytest.approx(film.evaluate("f => f.duration"), abs=0.01)
    film.evaluate("f => { f.currentTime = 1 }")
    expect(page.locator("#now")).to_have_text("1.00")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#now")).to_have_text("1.04")
    page.keyboard.press("i")
    assert seconds(page, "trim_start") == pytest.approx(1 + 1 / 24, abs=0.01)
    film.evaluate("f => { f.currentTime = 2.5 }")
    expect(page.locator("#now")).to_have_text("2.50")
    page.keyboard.press("o")
    expect(page.locator("#kept")).to_have_text("1.46 s")
    keep_picture(page, "edit-trim")
    make(page)
    expect(page.get_by_role("link", name=re.compile("Edit of"))).to_be_visible()
    made = page.request.get(f"/api/videos/{page.url.rstrip('/').split('/')[-1]}").json()
    assert (made["operation"], made["seconds"], made["edit_of"]) == (
        "edit", "1", path.strip("/").split("/")[-1],
    )  # fmt: skip

    phone = tab(person=person, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto(f"{path}edit/")
    phone.get_by_text("Shape", exact=True).first.tap()
    phone.get_by_role("combobox", name="Shape").select_option("9:16")
    phone.get_by_text("Sound", exact=True).first.tap()
    phone.get_by_role("combobox", name="Sound", exact=True).select_option("mute")
    keep_picture(phone, "edit-phone")
    phone.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    assert faults(phone, "edit-open") == []
    phone.set_viewport_size({"width": 390, "height": 844})
    make(phone)
    phone.goto("/edits/")
    keep_picture(phone, "edits-phone")
    phone.go_back()
    made = phone.request.get(f"/api/videos/{phone.url.rstrip('/').split('/')[-1]}").json()
    width, height = map(int, made["size"].split("x"))
    assert width / height == pytest.approx(9 / 16, abs=0.01)
