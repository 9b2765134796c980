"""What a maker does with what they made: find, keep, compare, share, and all of it by keyboard."""

import json
import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image
from playwright.sync_api import Browser, Route, StorageState, WebSocketRoute, expect

from tests.e2e.conftest import (
    FAILING_SOCKETS,
    MOVING,
    Opener,
    card_of,
    keep_picture,
    make_remix,
    make_videos,
    new_person,
    order,
    wallet,
)
from tests.e2e.looks import check

pytestmark = pytest.mark.browser

# Twelve copies of the first card that render, and one that waits.
CROWD = """() => {
  const first = document.querySelector(".card");
  for (let n = 12; n >= 0; n--) {
    const copy = first.cloneNode(true);
    Object.assign(copy.dataset, { id: n, state: n < 12 ? "rendering" : "queued", active: "" });
    first.after(copy);
  }
  first.remove();
}"""
OPEN = {
    "palette": "Control+k",
    "shortcuts": "?",
}


@pytest.fixture(scope="module")
def maker(site: str, chromium: Browser) -> tuple[StorageState, dict[str, str]]:
    """Somebody with a boat, a remix of it, and a tower; and the addresses of the three."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person)
    boat, tower = make_videos(context.request, "A boat at dusk", "A tower in the rain")
    remix = make_remix(context.request, boat, "A boat at dawn")
    context.close()
    return person, {"boat": boat, "remix": remix, "tower": tower}


def tall_picture() -> bytes:
    body = BytesIO()
    Image.new("RGB", (180, 320), (200, 90, 40)).save(body, "PNG")
    return body.getvalue()


def test_every_library_page_fits_the_screen(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    person, addresses = maker
    page = tab("/library/", person=person)
    pages = {
        "library-full": "/library/",
        "library-selecting": "/library/?select=1",
        "library-nothing": "/library/?q=nothing",
        "collections-empty": "/collections/",
        "usage": "/usage/?days=7",
        "compare": f"{addresses['remix']}compare/",
        "video-remix": addresses["remix"],
    }
    for name, path in pages.items():
        page.goto(path)
        check(page, name)
    for menu in ("Add to a collection", "More actions", "As API call", "Share by link"):
        page.get_by_role("button", name=menu).click()
        check(page, f"video-{menu.lower().replace(' ', '-')}")
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Share by link").click()
    page.get_by_role("button", name="Create a link").click()
    expect(page.locator("#link")).to_be_visible()
    check(page, "video-shared")
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.locator("#link")).to_have_count(0)
    page.goto("/studio/")
    page.locator(".tips summary").click()
    page.get_by_role("button", name="Presets").click()
    check(page, "presets")
    page.keyboard.press("Escape")
    expect(page.locator(":popover-open")).to_have_count(0)
    for name, key in OPEN.items():
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        check(page, name)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)


def test_takes_leave_the_queue_and_one_is_picked(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.locator("#composer label:has-text('×2')").click()
    button = page.get_by_role("button", name="Generate").last
    expect(button).to_have_accessible_name("Generate 2 × 20 = 40 credits")
    expect(page.locator("[data-left]")).to_have_text("60")
    order(page, "A pair of swans", "4 s")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#active-videos .card")).to_have_count(2)
    expect(page.locator("#recent-videos .card[data-state=done]")).to_have_count(2)
    expect(page.locator("#active-videos")).to_be_hidden()
    assert page.evaluate("window.sameDocument") is True
    expect(wallet(page)).to_have_text("60")
    page.goto(card_of(page, "Take 2 of 2").get_attribute("data-href") or "")
    page.get_by_role("button", name="Change the title").click()
    page.get_by_role("textbox", name="Title").fill("Swans in the mist")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Swans in the mist")
    page.get_by_role("button", name="Pick this take").click()
    check(page, "video-take")
    page.get_by_role("link", name="Library").first.click()
    expect(page.locator(".card")).to_have_count(1)
    check(page, "library-picked")
    page.get_by_role("link", name="1 other take").click()
    expect(page.locator("#takes").get_by_role("link")).to_have_count(3)


def test_options_are_kept_as_a_preset_and_applied(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("A heron")
    page.locator("#composer label:has-text('Sora 2 Pro')").click()
    page.get_by_role("button", name="Presets").click()
    page.get_by_label("Save these options as").fill("Fine")
    page.get_by_label("Words to end the prompt with").fill("35 mm")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("The preset Fine was saved.")
    page.reload()
    prompt.fill("A heron")
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Fine Sora 2 Pro").click()
    expect(prompt).to_have_value("A heron, 35 mm")
    expect(page.locator("#composer .btn--primary [data-cost]")).to_have_text("30")
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Delete the preset Fine").click()
    expect(page.locator("#presets .menu__note")).to_be_visible()


def test_dropped_picture_is_shown_as_it_will_be_cropped(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "tall.png", { type: "image/png" }));
          composer.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }""",
        list(tall_picture()),
    )
    expect(page.locator(".image-tile figcaption")).to_have_text("tall.png")
    expect(page.locator("#composer .btn--primary [data-cost]")).to_have_text("25")
    page.get_by_role("button", name="Use 9:16").click()
    expect(page.locator("[name=size]:checked")).to_have_value("720x1280")
    expect(page.get_by_role("button", name="Use 9:16")).to_be_hidden()
    keep_picture(page, "studio-reference")


def test_confirmation_opens_as_a_dialog_on_the_page(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    order(page, "An endless night [[hang]]", "4 s")
    card = card_of(page, "An endless night")
    page.evaluate("window.sameDocument = true")
    card.hover()
    card.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog", name="Cancel this render?")
    dialog.get_by_role("link", name="Keep rendering").click()
    expect(dialog).to_have_count(0)
    card.get_by_role("link", name="Cancel").click()
    dialog.get_by_role("button", name="Cancel the render").click()
    expect(card).to_have_attribute("data-state", "cancelled")
    expect(wallet(page)).to_have_text("100")
    assert page.evaluate("window.sameDocument") is True


def test_videos_are_liked_and_collected(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab("/library/", person=maker[0])
    tower = card_of(page, "A tower")
    tower.hover()
    tower.get_by_role("button", name="Favourite").click()
    expect(
        page.locator("[data-part=pills] a", has_text="Favourites").locator(".numeric")
    ).to_have_text("1")
    page.goto("/library/?status=favourites")
    expect(page.locator(".card")).to_have_count(1)
    page.goto("/library/?select=1")
    page.get_by_role("checkbox", name="Choose: A boat at dusk").check()
    page.get_by_role("checkbox", name="Choose: A tower").click(modifiers=["Shift"])
    page.get_by_role("button", name="Collection").click()
    page.get_by_label("New collection").fill("Water")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Water")
    expect(page.locator(".card").nth(1)).to_be_visible()
    page.get_by_role("link", name="Delete the collection").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the collection").click()
    expect(page.get_by_text("Its videos are still in your library.")).to_be_visible()


def test_selected_videos_are_downloaded_and_kept_when_deletion_is_declined(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab("/library/?select=1", person=maker[0])
    page.get_by_role("button", name="Select all").click()
    expect(page.locator("#selected")).to_have_text("Selected: 3")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    with ZipFile(download.value.path()) as found:
        assert sorted(name[:12] for name in found.namelist()) == [
            "a-boat-at-da",
            "a-boat-at-du",
            "a-tower-in-t",
        ]
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 3 videos?")
    dialog.get_by_role("link", name="Keep them").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    page.reload()
    expect(page.locator(".card")).to_have_count(3)


def test_deleted_card_returns_when_the_deletion_is_undone(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab("/library/", person=maker[0])
    page.evaluate("window.sameDocument = true")
    titles = page.locator(".card__title a")
    before = titles.all_inner_texts()
    tower = card_of(page, "A tower")
    tower.get_by_role("link", name="Delete").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this video?")
    expect(dialog).to_contain_text("You can undo this for 10 seconds.")
    keep_picture(page, "delete-dialog")
    # Of deletions that take long the numbers change at once, too.
    held: list[Route] = []
    page.route("**/v/*/delete/", lambda route: held.append(route))  # noqa: PLW0108
    with page.expect_request("**/v/*/delete/"):
        dialog.get_by_role("button", name="Delete").click()
    expect(tower).to_have_count(0)
    for number in (
        "[data-part=library-count]",
        "[data-count=all] .numeric",
        "[data-count=ready] .numeric",
    ):
        expect(page.locator(number)).to_have_text("2")
    held[0].continue_()
    following = before[before.index("A tower in the rain") + 1]
    expect(page.get_by_role("link", name=following, exact=True)).to_be_focused()
    expect(page.locator("#said")).to_have_text("The video was deleted.")
    expect(page.locator("[data-part=library-count]")).to_have_text("2")
    keep_picture(page, "delete-undo")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="A tower in the rain", exact=True)).to_be_focused()
    expect(page.locator("[data-part=library-count]")).to_have_text("3")
    page.goto("/library/?select=1")
    page.get_by_role("button", name="Select all").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#said")).to_have_text("3 videos were deleted.")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".card")).to_have_count(3)
    page.reload()
    expect(titles).to_have_text(before)


def test_deletion_is_undone_by_a_form_when_javascript_is_off(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab(maker[1]["tower"], person=maker[0], java_script_enabled=False)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The video was deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 video was restored.")).to_be_visible()
    expect(card_of(page, "A tower")).to_be_visible()


def test_finished_card_plays_when_the_pointer_is_over_it(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab("/library/", person=maker[0], **MOVING)
    tower = card_of(page, "A tower")
    tower.hover()
    expect(tower.locator("video.preview")).to_be_attached()
    page.mouse.move(5, 5)
    expect(tower.locator("video.preview")).to_have_count(0)


def test_versions_are_compared_shared_and_reused_as_a_frame(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    """All by keyboard where there are keys; the page stays in place while a link is made."""
    person, addresses = maker
    page = tab(addresses["boat"], person=person)
    page.get_by_role("link", name="Compare").click()
    expect(page.locator("ins")).to_have_text("dawn")
    page.wait_for_load_state()  # the script that hears keys is there
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].every((v) => v.currentTime > 0.2)"
    )
    [first, second] = page.evaluate(
        "[...document.querySelectorAll('video')].map((v) => v.currentTime)"
    )
    assert abs(first - second) < 0.5
    expect(page.get_by_role("button", name="Pause both")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play both")).to_be_visible()
    page.keyboard.press("a")
    wipe = page.get_by_role("slider", name="How much of video A is shown, in percent")
    expect(wipe).to_have_value("100")
    page.keyboard.press("b")
    expect(wipe).to_have_value("0")
    wipe.press("ArrowRight")
    expect(wipe).to_have_value("1")
    picture = page.locator("#comparison .player").first.bounding_box()
    assert picture
    page.mouse.click(picture["x"] + picture["width"] / 4, picture["y"] + picture["height"] / 2)
    expect(wipe).to_have_value("25")
    check(page, "compare-wipe")
    page.get_by_role("button", name="Side by side").click()
    expect(wipe).to_be_hidden()
    page.locator("select[name=a]").select_option(page.locator("select[name=b]").input_value())
    expect(page.get_by_text("The prompt is the same.")).to_be_visible()

    page.goto(addresses["tower"])
    page.evaluate("window.sameDocument = true")
    page.get_by_role("button", name="Share by link").click()
    page.get_by_label("Show the prompt too").check()
    page.get_by_role("button", name="Create a link").click()
    expect(page.locator("#sharing [data-copy]")).to_have_text("Copied")
    link = page.locator("#link").input_value()
    visitor = tab(link)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("A tower in the rain")
    expect(visitor.get_by_text("AI-generated")).to_be_visible()
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_role("button", name="Create a link")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    assert visitor.request.get(link).status == 404
    page.keyboard.press("Escape")
    page.locator("#remix").get_by_text("Extend", exact=True).click()
    expect(page.get_by_label("What should change?")).to_be_hidden()
    page.get_by_label("What happens next?").fill("The rain stops")
    page.locator("#remix").get_by_role("button", name="Extend 25 credits").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("The rain stops")
    page.go_back()
    page.get_by_label("Frame at").fill("1.5")
    page.get_by_role("button", name="Use this frame").click()
    expect(page.locator("figure.image-tile")).to_contain_text("frame-at-1.5-s")
    expect(page.locator("#composer .btn--primary [data-cost]")).to_have_text("25")


AWAY = """
Object.defineProperty(document, "hidden", { get: () => true });
window.notified = [];
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { return (this.permission = "granted"); }
  constructor(title, { body }) { super(); window.notified.push(`${title}: ${body}`); }
};
"""


def test_user_is_notified_when_a_video_is_ready_in_a_hidden_tab(
    tab: Opener, person: StorageState
) -> None:
    page = tab("about:blank", person=person)
    page.add_init_script(AWAY)
    page.goto("/studio/")
    order(page, "A slow heron", "4 s")
    page.get_by_role("button", name="Notify me when it is ready").click()
    expect(page.get_by_role("button", name="Notify me when it is ready")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(card_of(page, "A slow heron")).to_have_attribute("data-state", "done")
    expect(page).to_have_title("(1) Ready · Create · Firstlight")
    assert page.evaluate("window.notified") == ["Firstlight: Ready: A slow heron"]


def test_versions_are_updated_when_one_is_made_in_another_tab(
    tab: Opener, person: StorageState
) -> None:
    here, there = tab("about:blank", person=person), tab("about:blank", person=person)
    [address] = make_videos(there.request, "A first boat")
    here.goto(address)
    expect(here.locator("#live")).to_have_text("Live updates on")
    there.goto(address)
    there.get_by_label("What should change?").fill("Now in snow")
    there.locator("#remix").get_by_role("button", name="Remix").click()
    expect(here.locator("#lineage .lineage-node")).to_have_count(2)
    expect(here.locator("#lineage .lineage-node img")).to_have_count(2)
    here.goto("/library/")
    expect(here.locator("#live")).to_have_text("Live updates on")
    there.goto("/studio/")
    order(there, "A third one", "4 s")
    expect(card_of(here, "A third one")).to_have_attribute("data-state", "done")
    here.goto("/library/?select=1")
    order(there, "A fourth [[hang]]", "4 s")
    here.reload()
    here.get_by_role("checkbox", name="Choose: A fourth").check()
    expect(card_of(here, "A fourth")).to_have_attribute("data-state", "rendering")
    card_of(there, "A fourth").hover()
    card_of(there, "A fourth").get_by_role("link", name="Cancel").click()
    there.get_by_role("button", name="Cancel the render").click()
    expect(card_of(here, "A fourth")).to_have_attribute("data-state", "cancelled")
    expect(here.get_by_role("checkbox", name="Choose: A fourth")).to_be_checked()


def test_every_view_is_reached_by_shortcuts(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    page = tab("/studio/", person=maker[0])
    page.keyboard.press("Control+k")
    page.keyboard.type("tower")
    expect(page.get_by_role("option", name="A tower in the rain")).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("A tower in the rain")
    page.keyboard.press("r")
    expect(page.get_by_label("What should change?")).to_be_focused()
    page.locator("h1").click()
    heart = page.get_by_role("button", name="Favourite")
    before = heart.get_attribute("aria-pressed") or ""
    for pressed in ({"true": "false", "false": "true"}[before], before):
        page.keyboard.press("f")
        expect(heart).to_have_attribute("aria-pressed", pressed)
    page.keyboard.press(" ")
    page.wait_for_function("() => !document.querySelector('#stage video').paused")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('#stage video').paused")
    with page.expect_download():
        page.keyboard.press("d")
    page.keyboard.press("e")
    expect(page.locator("figure.image-tile")).to_contain_text("frame-at-4.0-s")
    page.go_back()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("A boat at dawn")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/library/")
    page.keyboard.press("j")
    expect(page.locator(".card__title a").first).to_be_focused()
    page.evaluate("window.isSamePage = true")
    page.keyboard.press("x")
    expect(page.locator("#selected")).to_have_text("Selected: 1")
    expect(page).to_have_url(re.compile(r"/library/\?select=1$"))
    assert page.evaluate("window.isSamePage")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("#selected")).to_have_text("Selected: 3")
    page.keyboard.press("Escape")
    expect(page.locator("#selected")).to_have_text("None selected")
    for key, path in {"c": "studio", "b": "billing", "u": "usage"}.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**/{path}/")


def test_single_key_shortcuts_are_off_everywhere_when_switched_off(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    page.keyboard.press("?")
    with page.expect_response("**/settings/shortcuts/"):
        page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    elsewhere = tab("/library/", person=person)
    elsewhere.keyboard.press("?")
    expect(elsewhere.locator("dialog[open]")).to_have_count(0)
    elsewhere.keyboard.press("Control+k")
    expect(elsewhere.locator("#palette")).to_be_visible()
    plain = tab("/settings/", person=person, java_script_enabled=False)
    box = plain.get_by_label("Use single keys as shortcuts")
    expect(box).not_to_be_checked()
    box.check()
    plain.locator("form", has=plain.locator("#single-keys")).get_by_role("button").click()
    expect(plain.get_by_text("Keyboard shortcuts are on.")).to_be_visible()
    expect(box).to_be_checked()


def test_nothing_plays_when_touched_or_when_reduced_motion_is_preferred(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    for options in ({}, {**MOVING, "has_touch": True, "is_mobile": True}):
        page = tab("/library/", person=maker[0], **options)
        card_of(page, "A tower").hover()
        page.wait_for_timeout(600)
        expect(page.locator("video.preview")).to_have_count(0)


def test_notifications_are_chosen_in_the_settings(tab: Opener, person: StorageState) -> None:
    page = tab("about:blank", person=person)
    page.add_init_script(AWAY)
    page.goto("/settings/mails/")
    button = page.get_by_role("button", name="Notify me when it is ready")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_page_says_so_and_reconnects_when_the_connection_is_lost(
    tab: Opener, person: StorageState
) -> None:
    page = tab("about:blank", person=person)
    page.add_init_script(FAILING_SOCKETS)
    page.goto("/studio/")
    expect(page.locator("#live")).to_have_text("Live updates on")
    place = page.locator("#composer").bounding_box()
    page.evaluate("globalThis.socketsFail = true")
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#offline")).to_contain_text("Reconnecting. Your videos keep rendering.")
    assert page.locator("#composer").bounding_box() == place
    page.get_by_role("button", name="Try now").click()
    words = r"\s*Reconnecting. Your videos keep rendering.\s+Checking again in \d+ s.\s+Try now\s*"
    expect(page.locator("#offline")).to_have_text(re.compile(words))
    page.evaluate("globalThis.socketsFail = false")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#live")).to_have_text("Live updates on")


def test_few_videos_are_asked_for_at_once_when_many_render(
    tab: Opener, person: StorageState
) -> None:
    """Ten messages a second would be too many for the server; those that wait are not asked for."""
    page, asked = tab("about:blank", person=person), []

    def answer(socket: WebSocketRoute) -> None:
        socket.on_message(lambda text: asked.append(json.loads(text)))
        socket.send(json.dumps({"type": "connect"}))

    page.clock.install()
    page.route_web_socket("**/ws/videos/", answer)
    page.goto("/studio/")
    order(page, "A crowd")
    expect(page.locator("#live")).to_have_text("Live updates on")
    page.evaluate(CROWD)
    asked.clear()
    page.clock.run_for(9000)
    assert [message["video_id"] for message in asked] == [f"{n % 12}" for n in range(15)]


def test_tags_are_put_on_by_a_comma_and_found_in_the_library(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    person, addresses = maker
    page = tab(addresses["boat"], person=person)
    field = page.get_by_label("Add tags")
    field.press_sequentially("Sea,")
    shown = page.locator("#tags .tag a")
    expect(shown).to_have_text(["Sea"])
    expect(field).to_be_focused()
    field.fill("client A")
    field.press("Enter")
    expect(shown).to_have_text(["client A", "Sea"])
    field.fill("x" * 41)
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("A tag has at most 40 characters.")
    expect(field).to_have_value("x" * 41)
    page.get_by_role("button", name="Remove the tag client A").click()
    expect(shown).to_have_text(["Sea"])
    page.goto("/library/")
    page.get_by_role("button", name="Filter and sort").click()
    page.get_by_label("Tag", exact=True).select_option("Sea")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="Remove the filter Tag").click()
    page.get_by_role("link", name="Select", exact=True).click()
    page.get_by_role("checkbox", name="Choose: A tower").check()
    page.get_by_role("button", name="Tags").click()
    page.get_by_label("Add tags").fill("sea")
    page.get_by_label("Add tags").press("Enter")
    expect(page.get_by_text("1 video is tagged.")).to_be_visible()
    page.goto("/library/?tag=SEA")
    expect(page.locator(".card")).to_have_count(2)


# Chromium's headless shell has no share sheet: this one keeps what it was given, or refuses it.
SHARES = """
navigator.canShare = ({ files }) => files.every((file) => file.type === "video/mp4");
navigator.share = async ({ files: [file] }) => {
  const fault = (globalThis.faults ?? []).shift();
  if (fault) throw new DOMException("no", fault);
  globalThis.shared = [file.name, file.type, file.size > 1000];
};"""


def test_file_is_given_to_the_share_sheet_of_a_phone(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    person, addresses = maker
    wide = tab(addresses["boat"], person=person)
    expect(wide.get_by_role("link", name="Save to photos")).to_be_hidden()
    page = tab("about:blank", person=person, has_touch=True, is_mobile=True)
    page.add_init_script(SHARES)
    page.goto(addresses["boat"])
    save = page.locator("[data-save-to-photos]")
    page.evaluate("globalThis.faults = ['AbortError', 'NotAllowedError']")
    save.click()
    expect(save).not_to_have_attribute("aria-busy", "true")
    expect(save).to_have_text("Save to photos")
    save.click()
    expect(save).to_have_text("Loaded: tap again")
    save.click()
    page.wait_for_function("() => globalThis.shared")
    assert page.evaluate("shared") == ["a-boat-at-dusk.mp4", "video/mp4", True]
    page.evaluate("globalThis.faults = ['DataError']")
    with page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename.endswith(".mp4")


def test_library_works_by_forms_when_javascript_is_off(
    tab: Opener, maker: tuple[StorageState, dict[str, str]]
) -> None:
    person, addresses = maker
    page = tab("/library/", person=person, java_script_enabled=False)
    page.get_by_role("button", name="Filter and sort").click()
    page.get_by_label("Shape").select_option("tall")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.goto("/library/?select=1")
    page.get_by_role("checkbox", name="Choose: A tower").check()
    page.get_by_role("button", name="Collection").click()
    page.get_by_label("New collection").fill("By hand")
    page.get_by_role("button", name="Create and add").click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="Delete the collection").click()
    page.get_by_role("button", name="Delete the collection").click()
    page.goto("/library/?select=1")
    page.get_by_role("checkbox", name="Choose: A tower").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 1 video?")
    page.get_by_role("link", name="Keep them").click()
    page.goto(addresses["boat"])
    before = page.get_by_role("button", name="Favourite").get_attribute("aria-pressed")
    page.get_by_role("button", name="Favourite").click()
    after = page.get_by_role("button", name="Favourite").get_attribute("aria-pressed")
    assert {before, after} == {"true", "false"}
    page.goto("/studio/")
    page.get_by_label("Prompt", exact=True).fill("A heron")
    page.get_by_role("button", name="Presets").click()
    page.get_by_label("Save these options as").fill("Plain")
    page.get_by_role("button", name="Save the preset").click()
    expect(page.get_by_text("The preset Plain was saved.")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A heron")
