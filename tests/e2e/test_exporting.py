"""Exporting: a file of one video on a desk, and a selection on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.conftest import Opener, keep_picture, make_videos
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


def downloaded(page: Page, name: str) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).first.click()
    return waiting.value.path()


def test_video_is_exported_and_a_selection_on_a_phone(tab: Opener, person: StorageState) -> None:
    page = tab(person=person)
    first, second = make_videos(page.request, "A kite over a dune", "A lamp in the fog")
    page.goto(first)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Export")
    page.get_by_text("When the video has another shape").click()
    page.get_by_label("What does not fit").select_option("bars")
    keep_picture(page, "export")
    assert faults(page, "export") == []
    page.get_by_role("button", name="Export: Feeds, 1:1").click()
    # The list follows what runs, without a reload.
    done = page.get_by_role("link", name="Download: Feeds, 1:1 · bars")
    expect(done).to_be_visible(timeout=20_000)
    keep_picture(page, "export-done")
    assert downloaded(page, "Download: Feeds, 1:1 · bars").read_bytes()[4:8] == b"ftyp"
    page.get_by_role("button", name="Delete the export").click()
    expect(page.locator("#exports li")).to_have_count(0)

    phone = tab(person=person, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto("/library/?select=1")
    for title in ("A kite over a dune", "A lamp in the fog"):
        phone.get_by_role("checkbox", name=f"Choose: {title}").check()
    phone.locator("#bulk").get_by_role("button", name="Export").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Export 2 videos")
    keep_picture(phone, "export-chosen-phone")
    assert faults(phone, "export-chosen") == []
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.get_by_role("button", name="Export: Contact sheet (JPEG)").tap()
    done = phone.get_by_role("link", name="Download: Contact sheet (JPEG)")
    expect(done).to_have_count(2, timeout=20_000)
    keep_picture(phone, "exports-phone")
    assert faults(phone, "exports") == []
    assert downloaded(phone, "Download all finished").read_bytes()[:2] == b"PK"
    assert second != first
