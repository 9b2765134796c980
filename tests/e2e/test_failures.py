"""What a person sees when something fails, is stopped, is too dear or is pressed twice."""

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, StorageState, WebSocketRoute, expect

from tests.e2e.conftest import FAILING_SOCKETS, Opener, card_of, keep_picture, order, wallet
from tests.e2e.looks import AXE, EVERY_RULE, NARROW, check, faults_at

pytestmark = pytest.mark.browser
# What a card says after it was fetched again, if it had said one second.
REFRESHED = """async () => {
  const eta = document.querySelector("[data-eta]");
  const { id, dataset } = eta.closest(".card");
  [eta.dataset.eta, eta.textContent] = [1, "about 1 s left"];
  const { refresh } = await import(document.querySelector("script[src*='js/live']").src);
  await refresh(dataset.id);
  return document.querySelector(`#${id} .card__eta`).textContent;
}"""
# What one would have to scroll sideways for.
SIDEWAYS = """() => [...document.querySelectorAll("#options :is(label, button, select)")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.textContent)"""


def noise(width: int, height: int) -> bytes:
    """A PNG that does not compress."""
    body = BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(body, "PNG")
    return body.getvalue()


@pytest.mark.parametrize(
    ("trigger", "state", "words"),
    [
        (
            "internal_error",
            "failed",
            r"The engine stopped at \d+%. The cause was not your prompt.",
        ),
        ("moderation_blocked", "blocked", "The content check stopped this prompt."),
    ],
)
def test_failed_video_shows_that_its_credits_were_refunded(
    tab: Opener, person: StorageState, trigger: str, state: str, words: str
) -> None:
    page = tab("/studio/", person=person)
    order(page, f"A storm [[fail:{trigger}]]")
    card = card_of(page, "A storm")
    expect(card).to_have_attribute("data-state", state)
    expect(card.locator(".card__message > strong")).to_have_text(re.compile(f"^{words}$"))
    expect(card.locator(".card__refund")).to_have_text("20 credits returned")
    expect(wallet(page)).to_have_text("100")
    keep_picture(page, f"studio-{state}")


def test_player_offers_the_download_when_the_browser_cannot_play_the_video(tab: Opener) -> None:
    page = tab()
    page.route("**/*.mp4", lambda route: route.fulfill(body="H.266", content_type="video/mp4"))
    page.goto("/showcase/samples/lavender/")
    failure = page.get_by_role("alert")
    expect(failure).to_be_hidden()
    page.locator("video").evaluate("film => { film.play().catch(() => {}); }")
    expect(failure).to_contain_text("This video cannot be played here.")
    file = page.locator("video source").get_attribute("src") or ""
    expect(failure.get_by_role("link", name="Download")).to_have_attribute("href", file)


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("application/json", '{"detail": "The engine is away.", "code": "engine_away"}',
            "The engine is away."),
        ("text/plain; charset=utf-8", "The engine is away.\n", "The engine is away."),
        ("text/html", "<h1>Away</h1>", "This video cannot be played here."),
    ],
)  # fmt: skip
def test_player_says_why_and_offers_no_download_when_the_file_is_not_sent(
    site: str, chromium: Browser, kind: str, body: str, sentence: str
) -> None:
    # Not in a `tab`, for the browser complains about every 503.
    page = chromium.new_page(base_url=site, viewport={"width": 390, "height": 844})
    page.route("**/*.mp4", lambda route: route.fulfill(status=503, body=body, content_type=kind))
    page.goto("/showcase/samples/lavender/")
    page.locator("video").evaluate("film => { film.play().catch(() => {}); }")
    failure = page.get_by_role("alert")
    expect(failure).to_have_text(re.compile(rf"^\s*{sentence}\s*Download\s*$"))
    expect(failure.get_by_role("link", name="Download")).to_be_hidden()
    film, notice = page.locator("video").bounding_box(), failure.bounding_box()
    assert film
    assert notice
    assert notice["height"] < film["height"] / 3
    page.close()


def test_cancelled_render_returns_the_credits(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    with page.expect_navigation():
        order(page, "A night train [[hang]]")
    eta = card_of(page, "A night train").locator("[data-eta]")
    # The time that is left does not grow when a later estimate is longer.
    expect(eta).to_be_visible()
    assert page.evaluate(REFRESHED) == "about 1 s left"
    card_of(page, "A night train").get_by_role("heading").get_by_role("link").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the render").click()
    expect(page.locator("#stage")).to_contain_text("You cancelled this.")
    expect(page.locator("#stage")).to_contain_text("20 credits returned")
    expect(wallet(page)).to_have_text("100")


def test_price_follows_the_choices(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    seen = []
    for choice in ("Sora 2 Pro", "20 s", "12 s"):
        page.locator(f"#composer label:has-text('{choice}')").last.click()
        cost = page.locator("#composer .btn--primary [data-cost]").inner_text()
        seen.append((cost, page.locator("[data-left]").inner_text()))
    page.locator("[name=first_file]").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": noise(64, 36)}
    )
    seen.append((page.locator("#composer .btn--primary [data-cost]").inner_text(), "with an image"))
    assert seen == [("30", "70"), ("50", "50"), ("30", "70"), ("35", "with an image")]


def test_refused_files_leave_nothing_behind(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    error, field = page.locator(".composer__error:visible"), page.locator("[name=first_file]")
    for name, body in (("notes.txt", b"words"), ("dot.png", b"\x89PNG")):
        kind = "text/plain" if name.endswith("txt") else "image/png"
        field.set_input_files({"name": name, "mimeType": kind, "buffer": body})
        expect(error).to_have_text(f"{name}: The file is not a JPEG, PNG or WebP image.")
        expect(page.locator("figure.image-tile")).to_have_count(0)
        expect(page.locator("#fit")).to_be_hidden()
        expect(page.locator("#go [data-cost]")).to_have_text("20")
    order(page, "A dot")
    expect(card_of(page, "A dot")).to_be_visible()
    expect(wallet(page)).to_have_text("80")


def test_file_is_rejected_at_its_field_when_javascript_is_off(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person, java_script_enabled=False)
    page.locator("[name=first_file]").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    )
    order(page, "A dot")
    error = page.locator(".composer__error:visible")
    expect(error).to_have_text("The file is not a JPEG, PNG or WebP image.")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A dot")
    expect(wallet(page)).to_have_text("100")


def test_upload_shows_its_progress_and_can_be_cancelled(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 90_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.locator("[name=first_file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise(900, 600)}
    )
    caption = page.locator(".image-tile figcaption")
    expect(caption).to_have_text(re.compile(r"Uploading [1-9]\d?%"))
    keep_picture(page, "studio-uploading")
    page.get_by_role("button", name="Remove the image").click()
    expect(page.locator("figure.image-tile")).to_have_count(0)
    expect(page.locator("#composer .btn--primary [data-cost]")).to_have_text("20")


def test_prompt_and_options_stay_over_a_reload_and_after_the_order(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    page.get_by_label("Prompt", exact=True).fill("A kite over dunes")
    page.locator("#composer label:has-text('Sora 2 Pro')").click()
    page.locator("[name=first_file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise(90, 160)}
    )
    expect(page.locator(".image-tile [name=first_image]")).to_be_attached()
    page.reload()
    cost = page.locator("#composer .btn--primary [data-cost]")
    expect(cost).to_have_text("35")
    expect(page.locator(".image-tile figcaption")).to_have_text("noise.png")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A kite over dunes")
    page.get_by_role("button", name="Use 9:16").click()
    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(card_of(page, "A kite over dunes")).to_contain_text("Sora 2 Pro · 8 s · 9:16")
    expect(wallet(page)).to_have_text("65")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A kite over dunes")
    expect(page.locator(".image-tile figcaption")).to_have_text("noise.png")
    expect(page.locator("[data-left]")).to_have_text("30")
    expect(page.locator("[name=size]:checked")).to_have_value("720x1280")


def test_a_long_prompt_is_counted(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    count = page.locator("#prompt-count")
    page.get_by_label("Prompt", exact=True).fill("a" * 4499)
    expect(count).to_be_hidden()
    page.get_by_label("Prompt", exact=True).fill("a" * 4600)
    expect(count).to_have_text("4,600 of 5,000 characters")


def test_choices_are_explained_by_keyboard(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    button = page.get_by_role("button", name="What the options mean")
    button.focus()
    page.keyboard.press("Enter")
    for word in ("Sora 2 Pro: ", "Shape:", "Length:", "Takes are several videos"):
        expect(page.locator(".menu--help:popover-open")).to_contain_text(word)
    expect(page.locator("#composer .help-button")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".menu--help:popover-open")).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    check(page, "studio-tip")


def test_every_option_is_in_a_sheet_on_a_phone(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person, viewport={"width": 390, "height": 844})
    summary = page.locator("#summary")
    expect(summary).to_have_text("Options: Sora 2 · 16:9 · 8 s · ×1")
    summary.focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("group", name="Options")
    for label in ("Sora 2 Pro", "9:16", "1080p", "12 s", "×2"):
        sheet.locator(f"label:has-text('{label}')").filter(visible=True).click()
    sheet.get_by_role("button", name="Images").click()
    page.locator("[name=first_file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise(36, 64)}
    )
    expect(sheet.get_by_role("button", name="Presets")).to_be_visible()
    assert page.evaluate(SIDEWAYS) == []
    page.evaluate(AXE)
    assert faults_at(page, "studio-options", NARROW, EVERY_RULE) == []
    sheet.get_by_role("button", name="Done").click()
    expect(sheet).to_be_hidden()
    expect(summary).to_have_text("Options: Sora 2 Pro · 9:16 · 1080p · 12 s · ×2 · image")
    expect(page.locator("#go [data-cost]")).to_have_text("70")


def test_cheaper_choice_is_offered_when_credits_do_not_suffice(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    order(page, "First [[hang]]", "Sora 2 Pro", "20 s")
    order(page, "Second [[hang]]", "Sora 2 Pro", "8 s")
    expect(page.locator(".card")).to_have_count(2)
    order(page, "Third", "Sora 2 Pro", "8 s")
    expect(page.get_by_role("alert")).to_have_text(
        "This costs 30. You have 20, so you need 10 more. Your prompt is saved."
    )
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("Third")
    keep_picture(page, "studio-short")
    page.get_by_role("button", name="Use Sora 2, 8 s instead").click()
    expect(card_of(page, "Third")).to_be_visible()
    expect(wallet(page)).to_have_text("0")


def test_order_sent_twice_is_placed_once(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.get_by_label("Prompt", exact=True).fill("Only one [[hang]]")
    sent = page.evaluate("""async () => {
      const send = () => fetch("/studio/", { method: "POST", body: new FormData(composer) });
      return (await Promise.all([send(), send(), send()])).map((answer) => answer.status);
    }""")
    page.reload()
    assert sent == [200, 200, 200]
    expect(page.locator(".card")).to_have_count(1)
    expect(wallet(page)).to_have_text("80")


def test_two_tabs_show_the_same(tab: Opener, person: StorageState) -> None:
    here, there = tab("/studio/", person=person), tab("/studio/", person=person)
    expect(there.locator("#live")).to_have_text("Live updates on")
    there.get_by_label("Prompt", exact=True).fill("half a thought")
    order(here, "A shared sunrise", "4 s")
    expect(card_of(there, "A shared sunrise")).to_be_visible()
    expect(card_of(there, "A shared sunrise")).to_have_attribute("data-state", "done")
    expect(card_of(here, "A shared sunrise")).to_have_attribute("data-state", "done")
    expect(wallet(there)).to_have_text("80")
    expect(there.locator("[data-left]")).to_have_text("60")
    expect(there.get_by_label("Prompt", exact=True)).to_have_value("half a thought")


def test_cards_are_polled_when_the_socket_cannot_connect(tab: Opener, person: StorageState) -> None:
    page = tab("about:blank", person=person)
    page.add_init_script(f"{FAILING_SOCKETS}; globalThis.socketsFail = true")
    page.goto("/studio/")
    expect(page.locator("#live")).to_have_text("Updates every 5 s")
    order(page, "A slow morning", "4 s")
    expect(card_of(page, "A slow morning")).to_have_attribute("data-state", "done")


def test_page_catches_up_after_the_connection_was_lost(tab: Opener, person: StorageState) -> None:
    page = tab("about:blank", person=person)
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws/videos/", pass_on)
    page.goto("/studio/")
    expect(page.locator("#live")).to_have_text("Live updates on")
    sockets[-1].close()
    expect(page.locator("#live")).to_have_text("Reconnecting")
    other = tab("/studio/", person=person)
    order(other, "Made meanwhile", "4 s")
    expect(card_of(page, "Made meanwhile")).to_have_attribute("data-state", "done")
    expect(page.locator("#live")).to_have_text("Live updates on")
