"""The studio of an operator who has keys for several engines: sixteen models and more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, StorageState, expect

from tests import migrated
from tests.backing import free_port
from tests.e2e.conftest import Opener, card_of, environment, keep_picture, served, wallet
from tests.e2e.looks import check
from tests.e2e.test_failures import noise

pytestmark = pytest.mark.browser
PASTE = """(bytes) => {
  const clipboardData = new DataTransfer();
  const file = new File([new Uint8Array(bytes)], "dusk.png", { type: "image/png" });
  clipboardData.items.add(file);
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
KEYS = ("FAL_KEY", "GEMINI_API_KEY", "RUNWAYML_API_SECRET")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The product with keys for engines at an address where nothing listens."""
    folder = tmp_path_factory.mktemp("many-models")
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    addresses = ("FAL_URL", "FAL_REST_URL", "FAL_API_URL", "GEMINI_URL", "RUNWAY_URL")
    urls = {f"ENGINE_{name}": nobody for name in addresses}
    # An order that no engine takes waits for a second only.
    own = {**dict.fromkeys(KEYS, "key"), **urls, "QUEUE_DEADLINE": "1s"}
    migrated.copy_to(Path(folder))
    with served(folder, {**environment(folder), **own}, "--no-migrate") as url:
        yield url


def shown(page: Page, name: str) -> list[str]:
    """The labels of the choices that can be seen."""
    labels = page.locator(f"#composer label:has(input[name={name}])").filter(visible=True)
    return [text.strip() for text in labels.all_inner_texts()]


def price(page: Page) -> str:
    return page.locator("#go [data-cost]").inner_text()


def test_model_is_chosen_and_ordered_and_refunded_when_its_engine_is_unreachable(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person)
    menu, button = page.locator("#models"), page.get_by_role("button", name="Model")
    button.click()
    expect(menu.get_by_role("radio", checked=True)).to_be_focused()
    check(page, "studio-models")
    menu.locator("label:has-text('Kling 4.0')").click()
    expect(menu).to_be_hidden()
    expect(button).to_have_text("Model Kling 4.0")
    expect(button).to_be_focused()

    assert shown(page, "size") == ["16:9", "9:16"]
    assert shown(page, "resolution") == ["720p", "1080p"]
    assert shown(page, "seconds") == []
    lengths = page.get_by_role("combobox", name="Length")
    assert lengths.locator("option").all_inner_texts() == [f"{n} s" for n in range(3, 31)]
    seen = [price(page)]
    page.locator("label:has(> [name=resolution][value='1080p'])").click()
    seen.append(price(page))
    lengths.select_option("3")
    seen.append(price(page))
    page.locator("label:has(> [name=resolution][value='720p'])").click()
    page.locator("#composer label:has-text('9:16')").filter(visible=True).click()
    seen.append(price(page))
    assert seen == ["120", "176", "66", "45"]
    keep_picture(page, "studio-kling")

    page.get_by_label("Prompt", exact=True).fill("A kite over dunes")
    page.get_by_role("button", name="Generate").last.click()
    card = card_of(page, "A kite over dunes")
    expect(card).to_contain_text("Kling 4.0 · 3 s · 9:16")
    expect(card.locator(".card__refund")).to_have_text("45 credits returned")
    expect(wallet(page)).to_have_text("100")


def test_composer_keeps_its_height_whatever_the_model(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    options, models = page.locator("#options"), page.locator("[name=model]")
    heights: dict[int, set[int]] = {}
    for width in (1440, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for n in range(models.count()):
            models.nth(n).evaluate("(radio) => radio.click()")
            box = options.bounding_box()
            assert box
            heights.setdefault(width, set()).add(round(box["height"]))
    # One line, and two.
    assert heights == {1440: {54}, 1280: {96}}


def test_model_is_chosen_by_keyboard_without_ordering(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    page.get_by_label("Prompt", exact=True).fill("A fox in the snow")
    button = page.get_by_role("button", name="Model")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#models :checked")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#models")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#models")).to_be_hidden()
    expect(button).to_have_text("Model Kling 4.0")
    expect(button).to_be_focused()
    page.reload()
    # The draft stays; few lengths are side by side again.
    expect(button).to_have_text("Model Kling 4.0")
    button.click()
    page.locator("#models label:has-text('Veo 3.1 Fast')").click()
    assert shown(page, "seconds") == ["4 s", "6 s", "8 s"]
    expect(page.get_by_role("combobox", name="Length")).to_be_hidden()

    assert price(page) == "112"
    more = page.get_by_role("button", name="More options")
    more.click()
    page.locator("#more-options label:has-text('Off')").click()
    page.get_by_role("textbox", name="Seed").fill("42")
    check(page, "studio-more-options")
    page.get_by_role("textbox", name="Seed").press("Enter")
    expect(page.locator("#more-options")).to_be_hidden()
    expect(more).to_contain_text("2")
    page.reload()
    expect(more).to_contain_text("2")
    assert price(page) == "80"
    button.click()
    page.locator("#models label:has-text('Kling 4.0')").click()
    expect(more).to_be_hidden()
    expect(page.locator(".card")).to_have_count(0)


def choose_model(page: Page, name: str) -> None:
    page.get_by_role("button", name="Model").click()
    page.locator(f"#models label:has-text('{name}')").first.click()


def add_images(page: Page, slot: str, *names: str) -> None:
    body = noise(64, 36)
    files: list[FilePayload] = [
        {"name": name, "mimeType": "image/png", "buffer": body} for name in names
    ]
    page.locator(f"#{slot}-file").set_input_files(files)


def tiles(page: Page) -> list[str]:
    return page.locator("figure.image-tile figcaption").filter(visible=True).all_inner_texts()


def stored(page: Page, name: str) -> Locator:
    """The images that are sent with the order."""
    return page.locator(f"figure.image-tile [name={name}]:enabled")


def test_images_are_those_that_the_model_takes(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    choose_model(page, "Veo 3.1")
    add_images(page, "first", "dawn.png")
    expect(stored(page, "first_image")).to_have_count(1)
    page.get_by_role("button", name="Images").click()
    expect(page.locator("#references-file")).to_be_disabled()
    check(page, "studio-images")
    page.keyboard.press("Escape")
    # A pasted image goes to the next place.
    expect(page.locator("[data-add=last]")).to_be_visible()
    page.evaluate(PASTE, list(noise(64, 36)))
    expect(stored(page, "last_image")).to_have_count(1)
    assert tiles(page) == ["dawn.png", "dusk.png"]

    choose_model(page, "Gen-4.5")  # takes no last image
    assert tiles(page) == ["dawn.png"]
    expect(stored(page, "last_image")).to_have_count(0)
    choose_model(page, "Veo 3.1")
    assert tiles(page) == ["dawn.png", "dusk.png"]

    for _ in range(2):
        page.get_by_role("button", name="Remove the image").first.click()
    assert shown(page, "seconds") == ["4 s", "6 s", "8 s"]
    add_images(page, "references", "kite.png", "child.png")
    expect(stored(page, "reference_images")).to_have_count(2)
    assert shown(page, "seconds") == ["8 s"]
    add_images(page, "references", "dune.png", "dog.png")
    error = page.locator("#image-error")
    expect(stored(page, "reference_images")).to_have_count(3)
    expect(error).to_have_text("The model takes up to 3 reference images.")
    choose_model(page, "Gen-4.5")
    expect(error).to_be_hidden()
    choose_model(page, "Veo 3.1")
    expect(error).to_be_hidden()
    page.reload()
    assert tiles(page) == ["kite.png", "child.png", "dune.png"]
    keep_picture(page, "studio-references")


def test_every_model_can_be_ordered_when_javascript_is_off(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person, java_script_enabled=False)
    page.get_by_label("Prompt", exact=True).fill("A harbour")
    page.locator("#models label:has-text('Kling 4.0')").click()
    page.locator("#composer label:has(> [name=seconds][value='3'])").click()
    keep_picture(page, "studio-models-without-javascript")
    page.get_by_role("button", name="Generate").last.click()
    expect(card_of(page, "A harbour")).to_contain_text("Kling 4.0 · 3 s · 16:9")
