"""By keyboard alone, with little motion, on narrow, enlarged and touched screens."""

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.e2e.conftest import (
    MOVING,
    PASSWORD,
    Opener,
    card_of,
    keep_picture,
    make_videos,
    new_person,
    post,
    sign_up,
)
from tests.e2e.test_journey import PAY, PLAYING, until

pytestmark = pytest.mark.browser

# What has the focus is inside the window, and it, its label or its frame is marked.
MARKED = """() => {
  const here = document.activeElement;
  const outlined = (element, pseudo) => {
    const style = element && getComputedStyle(element, pseudo);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const player = here.matches("video") && here.closest(".player");
  const native = player && !here.matches(":focus-visible"); // the browser marks its own controls
  const framed = here.closest(".composer") && here.matches("textarea");
  const box = here.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const marked = outlined(here) || outlined(here, "::after") || outlined(here.closest("label"))
    || native || player && outlined(player)
    || framed && getComputedStyle(here.closest(".composer")).boxShadow !== "none";
  return here === document.body || inside && Boolean(marked) || here.outerHTML.slice(0, 200);
}"""
RUNNING = "document.getAnimations().filter((each) => each.playState === 'running').length"
NARROW = {"small": (320, 640, 1), "enlarged": (720, 450, 2)}


def walk_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; it can be seen at every step."""
    target.wait_for()
    for _ in range(120):
        page.keyboard.press("Tab")
        assert page.evaluate(MARKED) is True
        if target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never came to {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    walk_to(page, target)
    page.keyboard.press(key)


def write(page: Page, label: str, words: str) -> None:
    walk_to(page, page.get_by_label(label, exact=True))
    page.keyboard.type(words)


@pytest.fixture(scope="module")
def maker(site: str, chromium: Browser) -> tuple[StorageState, str]:
    """Somebody with a finished and a rendering video, and where the finished one is."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person)
    [address] = make_videos(context.request, "A mill at noon")
    post(context.request, "/api/videos", {"prompt": "An endless night [[hang]]", "seconds": "4"})
    context.close()
    return person, address


def test_a_video_is_made_and_deleted_with_the_keyboard_alone(tab: Opener) -> None:
    page = tab("/accounts/signup/")
    name = sign_up(page)
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    write(page, "Username or email", name)
    write(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studio/")
    write(page, "Prompt", "A mill at noon")
    press(page, page.get_by_role("button", name="Generate"))
    card = card_of(page, "A mill at noon")
    expect(card).to_have_attribute("data-state", "done")
    press(page, card.get_by_role("heading").get_by_role("link"))
    expect(page.get_by_role("heading", level=1)).to_have_text("A mill at noon")
    press(page, page.locator("#stage video"), "Space")
    until(lambda: page.evaluate(PLAYING) > 0.2)
    write(page, "What should change?", "It snows")
    press(page, page.locator("#remix").get_by_role("button", name="Remix"))
    expect(page.get_by_role("heading", level=1)).to_have_text("It snows")
    expect(page.locator("#stage video")).to_be_visible()
    delete = page.get_by_role("main").get_by_role("link", name="Delete")
    dialog = page.get_by_role("dialog", name="Delete this video?")
    menu = page.get_by_role("button", name="More actions")
    press(page, menu)
    press(page, delete)
    press(page, dialog.get_by_role("link", name="Keep it"))
    expect(dialog).to_have_count(0)
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    press(page, delete)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    press(page, delete)
    press(page, dialog.get_by_role("button", name="Delete"))
    expect(page.get_by_text("The video was deleted.")).to_be_visible()
    press(page, page.get_by_role("link", name="Billing"))
    page.wait_for_url("**/billing/")
    press(page, page.get_by_role("button", name="Buy Trial"))
    press(page, page.get_by_role("button", name=PAY), "Space")
    expect(page.get_by_text("Payment received.").last).to_be_visible()


def test_nothing_moves_when_reduced_motion_is_preferred(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, film = maker
    page = tab("/studio/", person=person, **MOVING)
    expect(card_of(page, "An endless night")).to_have_attribute("data-state", "rendering")
    assert page.evaluate(RUNNING) > 0, "a rendering card moves otherwise"
    page.emulate_media(reduced_motion="reduce")
    for path in ("/studio/", "/library/", film, "/billing/", "/usage/", "/", "/showcase/"):
        page.goto(path)
        page.keyboard.press("Tab")
        assert (path, page.evaluate(RUNNING)) == (path, 0)


@pytest.mark.parametrize("screen", NARROW)
def test_nothing_overflows_when_the_page_is_zoomed(
    tab: Opener, maker: tuple[StorageState, str], screen: str
) -> None:
    width, height, zoom = NARROW[screen]
    person, film = maker
    size = {"width": width, "height": height}
    page = tab("/studio/", person=person, viewport=size, device_scale_factor=zoom)
    pages = {"studio": "/studio/", "library": "/library/", "billing": "/billing/"}
    for name, path in {**pages, "video": film, "usage": "/usage/"}.items():
        page.goto(path)
        keep_picture(page, f"{screen}-{name}")
        assert (name, page.evaluate("document.documentElement.scrollWidth")) == (name, width)


@pytest.mark.parametrize(
    ("path", "main"),
    [
        ("/", "Generate"),
        ("/accounts/login/", "Sign in"),
        ("/studio/", "Generate"),
        ("/billing/", "Buy Standard"),
        ("film", "Remix"),
        ("film/delete/", "Delete"),
    ],
)
def test_main_controls_are_large_enough_for_a_thumb(
    tab: Opener, maker: tuple[StorageState, str], path: str, main: str
) -> None:
    person, film = maker
    thumb = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = tab("/", person=None if "login" in path else person, **thumb)
    page.goto(path.replace("film/", film).replace("film", film))
    found = page.get_by_role("main").get_by_role("button", name=main).first
    box = found.bounding_box()
    assert box
    assert box["height"] >= 44
    for tabs in page.locator(".tab-bar > *:visible").all():
        box = tabs.bounding_box()
        assert box
        assert box["height"] >= 44
