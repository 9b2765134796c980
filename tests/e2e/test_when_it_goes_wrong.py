"""What a person sees when something fails, is stopped, is too dear or is pressed twice."""

import re

import pytest
from playwright.sync_api import StorageState, WebSocketRoute, expect

from tests.e2e.conftest import Opener, card_of, credits_of, keep_picture, order

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("trigger", "state", "words"),
    [
        (
            "internal_error",
            "failed",
            r"The engine stopped at \d+%. Nothing was wrong with your prompt.",
        ),
        ("moderation_blocked", "blocked", "The content check stopped this prompt."),
    ],
)
def test_failure_returns_the_credits_and_says_so(
    tab: Opener, person: StorageState, trigger: str, state: str, words: str
) -> None:
    page = tab("/studio/", person=person)
    order(page, f"A storm [[fail:{trigger}]]")
    card = card_of(page, "A storm")
    expect(card).to_have_attribute("data-state", state)
    message = card.locator(".card__msg").inner_text().split("\n")
    sentence, returned = [line for line in message if line]
    assert re.fullmatch(words, sentence)
    assert returned == "20 credits returned"
    expect(page.locator("[data-part=wallet] strong")).to_have_text("100")
    keep_picture(page, f"studio-{state}")


def test_cancelled_render_returns_the_credits(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    order(page, "A night train [[hang]]")
    card_of(page, "A night train").get_by_role("heading").get_by_role("link").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the render").click()
    expect(page.locator("#stage")).to_contain_text("You cancelled this.")
    expect(page.locator("#stage")).to_contain_text("20 credits returned")
    assert credits_of(page) == "100"


def test_price_follows_the_choices(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    seen = []
    for choice in ("Sora 2 Pro", "20 s", "12 s"):
        page.locator(f"#composer label:has-text('{choice}')").last.click()
        cost = page.locator("#composer .btn--ink [data-cost]").inner_text()
        seen.append((cost, page.locator("[data-left]").inner_text()))
    page.locator("[name=image]").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    )
    seen.append((page.locator("#composer .btn--ink [data-cost]").inner_text(), "with an image"))
    assert seen == [("30", "70"), ("50", "50"), ("30", "70"), ("35", "with an image")]


def test_image_that_is_none_is_refused_at_its_field(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.locator("[name=image]").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
    )
    order(page, "A dot")
    expect(page.locator(".composer__error")).to_have_text(
        "The file is not a JPEG, PNG or WebP image."
    )
    assert page.get_by_label("Prompt", exact=True).input_value() == "A dot"
    assert credits_of(page) == "100"


def test_order_beyond_the_balance_keeps_the_prompt_and_offers_less(
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
    assert page.get_by_label("Prompt", exact=True).input_value() == "Third"
    keep_picture(page, "studio-short")
    page.get_by_role("button", name="Use Sora 2, 8 s instead").click()
    expect(card_of(page, "Third")).to_be_visible()
    assert credits_of(page) == "0"


def test_order_sent_twice_is_placed_once(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.get_by_label("Prompt", exact=True).fill("Only one [[hang]]")
    sent = page.evaluate("""async () => {
      const send = () => fetch("/studio/", { method: "POST", body: new FormData(composer) });
      return (await Promise.all([send(), send(), send()])).map((answer) => answer.status);
    }""")
    page.reload()
    assert sent == [200, 200, 200]
    assert page.locator(".card").count() == 1
    assert credits_of(page) == "80"


def test_two_tabs_show_the_same(tab: Opener, person: StorageState) -> None:
    here, there = tab("/studio/", person=person), tab("/studio/", person=person)
    expect(there.locator("#live")).to_have_text("Live updates on")
    there.get_by_label("Prompt", exact=True).fill("half a thought")
    order(here, "A shared sunrise", "4 s")
    expect(card_of(there, "A shared sunrise")).to_be_visible()
    expect(card_of(there, "A shared sunrise")).to_have_attribute("data-state", "done")
    expect(card_of(here, "A shared sunrise")).to_have_attribute("data-state", "done")
    expect(there.locator("[data-part=wallet] strong")).to_have_text("80")
    expect(there.locator("[data-left]")).to_have_text("60")
    assert there.get_by_label("Prompt", exact=True).input_value() == "half a thought"


def test_cards_are_polled_when_the_socket_stays_shut(tab: Opener, person: StorageState) -> None:
    page = tab("about:blank", person=person)

    def shut(socket: WebSocketRoute) -> None:
        socket.close()

    page.route_web_socket("**/ws/videos/", shut)
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
