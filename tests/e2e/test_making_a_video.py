"""A person's first ten minutes: sign up, make, watch, keep, remix, delete."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.e2e.conftest import (
    MOVING,
    Opener,
    card_of,
    keep_picture,
    make_videos,
    new_person,
    order,
    sign_up,
    wallet,
)
from tests.e2e.looks import check

pytestmark = pytest.mark.browser

WATCH_PROGRESS = """() => {
  window.sameDocument = true;
  window.seen = [];
  new MutationObserver(() => {
    const number = document.querySelector("[data-percent]");
    if (number && window.seen.at(-1) !== number.textContent) window.seen.push(number.textContent);
  }).observe(document, { subtree: true, childList: true, characterData: true });
}"""

PLAY = """() => new Promise((played, failed) => {
  const video = document.querySelector("video");
  video.addEventListener("timeupdate", () => video.currentTime > 0.3 && played(video.duration));
  video.muted = true;
  video.play().catch(failed);
})"""


def make(page: Page, prompt: str) -> None:
    """Order a video of 4 seconds and wait on the open page until it is ready."""
    order(page, prompt, "4 s")
    expect(card_of(page, prompt)).to_have_attribute("data-state", "done")


@pytest.fixture(scope="module")
def maker(site: str, chromium: Browser) -> tuple[StorageState, str]:
    """Somebody with a finished video, and where it is."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person)
    [address] = make_videos(context.request, "A boat at dusk")
    context.close()
    return person, address


def test_signing_up_gives_the_welcome_credits(tab: Opener) -> None:
    page = tab("/accounts/signup/")
    sign_up(page)
    expect(wallet(page)).to_have_text("100")


def test_prompt_of_the_start_page_is_in_the_studio_after_signing_up(tab: Opener) -> None:
    page = tab("/")
    page.get_by_label("Prompt").fill("A lighthouse in the rain")
    page.get_by_role("button", name="Generate").click()
    sign_up(page)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A lighthouse in the rain")


@pytest.mark.parametrize("width", [1440, 390])
def test_prompt_is_improved_undone_styled_saved_and_used(
    tab: Opener, person: StorageState, width: int
) -> None:
    page = tab("/studio/", person=person, viewport={"width": width, "height": 844})
    prompt, tools = page.get_by_label("Prompt", exact=True), page.locator("#prompt-tools")
    prompt.fill("A boat")
    tools.get_by_role("button", name="Improve").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("ins")).to_have_text("drifts at dawn.")
    keep_picture(page, f"prompt-improved-{width}")
    dialog.get_by_role("link", name="Keep mine").click()
    expect(prompt).to_have_value("A boat")
    tools.get_by_role("button", name="Improve").click()
    dialog.get_by_role("button", name="Use this prompt").click()
    expect(prompt).to_have_value("A boat drifts at dawn.")
    tools.get_by_role("button", name="Undo").click()
    expect(prompt).to_have_value("A boat")
    tools.get_by_role("button", name="Styles").click()
    keep_picture(page, f"prompt-styles-{width}")
    page.get_by_role("button", name="Watercolour").click()
    expect(prompt).to_have_value("A boat, watercolour")
    order(page, "A kite")
    expect(card_of(page, "A kite")).to_be_visible()
    tools.get_by_role("link", name="Your prompts").click()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_role("button", name="Delete this prompt")).to_have_count(1)
    keep_picture(page, f"prompt-list-{width}")
    prompt.evaluate("field => (field.value = '')")
    dialog.get_by_role("button", name="Use").first.click()
    expect(prompt).to_have_value("A kite")


def test_card_shows_progress_while_its_video_renders(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    order(page, "A kite over a field", "4 s")
    page.evaluate(WATCH_PROGRESS)
    card = card_of(page, "A kite over a field")
    expect(card).to_have_attribute("data-state", "done")
    expect(page.locator("[data-part=library-count]")).to_have_text("1")
    seen = [int(number) for number in page.evaluate("window.seen")]
    assert page.evaluate("window.sameDocument") is True
    assert seen == sorted(seen)
    assert len(seen) >= 2
    expect(wallet(page)).to_have_text("80")

    # The same again: what it has made is offered before anything is spent.
    prompt, offered = page.get_by_label("Prompt", exact=True), page.locator("#finished")
    prompt.press("Control+Enter")
    expect(offered).to_contain_text("You already have this video.")
    check(page, "studio-finished")
    expect(page.get_by_role("link", name="Watch it")).to_be_visible()
    prompt.press_sequentially(" at dusk")
    expect(offered).to_have_count(0)
    expect(page.locator("[data-left]")).to_have_text("60")
    prompt.fill("A kite over a field")
    prompt.press("Control+Enter")
    page.get_by_role("button", name="Make another").click()
    expect(card_of(page, "A kite over a field")).to_have_count(2)
    expect(wallet(page)).to_have_text("60")


def test_finished_video_plays(tab: Opener, maker: tuple[StorageState, str]) -> None:
    person, address = maker
    page = tab(address, person=person)
    expect(page.locator("#stage video")).to_be_visible()
    assert page.evaluate(PLAY) == pytest.approx(4, abs=0.2)
    keep_picture(page, "video")


def test_download_is_an_mp4(tab: Opener, maker: tuple[StorageState, str]) -> None:
    person, address = maker
    page = tab(address, person=person)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"
    assert download.value.suggested_filename.endswith(".mp4")


def test_frame_of_an_own_video_is_chosen_by_keyboard_and_by_dragging_its_card(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, _address = maker
    page = tab("/studio/", person=person)
    tiles = page.locator("figure.image-tile figcaption")
    page.get_by_role("button", name="Images").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="From your library")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Use a frame of your videos")
    expect(dialog.get_by_role("radio", name="Middle frame")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="A boat at dusk")).to_be_focused()
    page.keyboard.press("Enter")
    expect(tiles).to_have_text("frame-at-4.0-s.jpg")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Images")).to_be_focused()
    expect(page.locator("#go [data-cost]")).to_have_text("25")

    page.get_by_role("button", name="Remove the image").click()
    card_of(page, "A boat at dusk").locator(".card__title a").drag_to(page.locator("#prompt"))
    expect(tiles).to_have_text("frame-at-2.0-s.jpg")
    expect(page.locator(".image-tile [name=first_image]")).to_be_attached()


def test_remix_becomes_a_version_of_its_source(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, address = maker
    page = tab(address, person=person)
    page.get_by_label("What should change?").fill("Make it snow")
    page.locator("#remix").get_by_role("button", name="Remix").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Make it snow")
    expect(page.locator("#stage video")).to_be_visible()
    versions = page.get_by_role("navigation", name="Versions of this video").get_by_role("link")
    expect(versions).to_contain_text(["A boat at dusk", "Make it snow"])
    expect(wallet(page)).to_have_text("60")


def test_deleted_video_is_gone(tab: Opener, person: StorageState) -> None:
    # The only journey through pages that are animated as they change.
    page = tab("about:blank", person=person, **MOVING)
    [address] = make_videos(page.request, "A paper crane")
    page.goto(address)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="The video was deleted.")).to_be_visible()
    expect(card_of(page, "A paper crane")).to_have_count(0)
    answer = page.goto(address)
    assert answer
    assert answer.status == 404
