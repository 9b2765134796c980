"""A video that was made here is dropped on the page that tells where files come from."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.conftest import Opener, make_videos
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


def drop(page: Page, path: Path) -> None:
    """Drop a file on the field, as a person does it."""
    box = page.locator("#file").bounding_box()
    assert box
    at = {"x": box["x"] + box["width"] * 0.8, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


def test_dropped_file_is_explained_on_wide_and_narrow_screens(
    tab: Opener, person: StorageState, tmp_path: Path
) -> None:
    own = tab(person=person)
    (path,) = make_videos(own.request, "A harbour at dawn")
    own.goto(path)
    expect(own.locator("dl.facts")).to_contain_text("Made with AI, signed by")
    source = own.locator("video source").get_attribute("src")
    film, altered = tmp_path / "harbour.mp4", tmp_path / "altered.mp4"
    film.write_bytes(own.request.get(source or "").body())
    altered.write_bytes(film.read_bytes()[:-1] + b"!")
    page = tab("/verify/")
    drop(page, film)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#finding")).to_contain_text("We signed the file, and it is unaltered")
    expect(page.locator("#finding h2")).to_have_text("harbour.mp4")
    assert faults(page, "finding") == []
    page.set_viewport_size({"width": 390, "height": 800})
    drop(page, altered)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#finding")).to_contain_text("it was changed after it was signed")
    expect(page.locator("#finding")).to_be_in_viewport()
