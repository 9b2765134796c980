"""By keyboard alone, without motion, with forced colours, on narrow, enlarged, touched screens."""

import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import APIResponse, Browser, Locator, Page, StorageState, expect

from tests.e2e.conftest import (
    MOVING,
    PASSWORD,
    Opener,
    card_of,
    csrf_token,
    keep_picture,
    make_remix,
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
  // Of a player and a date the browser marks its own controls.
  const native = (player || here.matches("[type=date]")) && !here.matches(":focus-visible");
  const framed = here.closest(".composer") && here.matches("textarea");
  const box = here.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const marked = outlined(here) || outlined(here, "::after") || outlined(here.closest("label"))
    || native || player && outlined(player)
    || framed && outlined(here.closest(".composer"))
    || framed && getComputedStyle(here.closest(".composer")).boxShadow !== "none";
  return here === document.body || inside && Boolean(marked) || here.outerHTML.slice(0, 200);
}"""
RUNNING = "document.getAnimations().filter((each) => each.playState === 'running').length"
# Controls that are not wholly inside the window, sideways; what scrolls by itself is left out.
OUTSIDE = """() => [...document.querySelectorAll("a, button, input, select, textarea, label")]
  .filter((each) => each.checkVisibility() && !each.closest(".scroll-x, .lineage, .skip-link"))
  .filter((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    return width > 1 && (left < 0 || right > innerWidth + 0.5);
  })
  .map((each) => each.outerHTML.slice(0, 120)).join()"""
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
    """Somebody with a mill, a remix of it and a video that renders; and where the mill is."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person)
    [address] = make_videos(context.request, "A mill at noon")
    make_remix(context.request, address, "It snows")
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


def test_versions_are_compared_and_a_deletion_is_undone_with_the_keyboard_alone(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, film = maker
    page = tab(film, person=person)
    press(page, page.get_by_role("link", name="Compare"))
    press(page, page.get_by_role("button", name="Wipe"))
    wipe = page.get_by_role("slider", name="How much of video A is shown, in percent")
    walk_to(page, wipe)
    page.keyboard.press("ArrowRight")
    expect(wipe).to_have_value("51")
    for key, shown in (("a", "100"), ("b", "0")):
        page.keyboard.press(key)
        expect(wipe).to_have_value(shown)
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].every((each) => each.currentTime > 0.1)"
    )
    press(page, page.get_by_role("link", name="Library").first)
    press(page, page.get_by_role("button", name="Filter and sort"))
    walk_to(page, page.get_by_label("Sort", exact=True))
    page.keyboard.press("ArrowDown")
    press(page, page.get_by_role("button", name="Apply"))
    page.wait_for_url("**/library/?sort=oldest")
    title = page.get_by_role("link", name="A mill at noon", exact=True)
    press(page, page.get_by_role("link", name="Delete: A mill at noon"))
    dialog = page.get_by_role("dialog", name="Delete this video?")
    press(page, dialog.get_by_role("button", name="Delete"))
    expect(title).to_have_count(0)
    expect(page.locator(".toast").get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(title).to_be_focused()


# Role and name of each stop of the Tab key: what a screen reader says.
APP = """
    link Skip to content, link Firstlight, button Search or jump to Ctrl K, link Create, link
    Library 3, link Collections, link Storyboards, link Showcase, link Usage and cost, link
    Billing, link Developers, link Settings, link Help, link Credits, button Keyboard shortcuts,
    button Sign out, button Light theme, button System theme, button Dark theme,
"""
STUDIO = """
    link Order a batch, textbox Prompt, radio Sora 2, radio 16:9, radio 8 s, radio 1 take,
    button Images, button Presets, button What the options mean, button Generate 20 credits,
    button Improve, link Your prompts, button Styles, button Camera moves, DisclosureTriangle
    How to write a prompt, link Open the queue, link Cancel: An endless night [[hang]], link An
    endless night [[hang]], link Open the library, link Remix: It snows, link Download: It
    snows, link Delete: It snows, button Favourite: It snows, link It snows, link Remix: A mill
    at noon, link Download: A mill at noon, link Delete: A mill at noon, button Favourite: A
    mill at noon, link A mill at noon
"""
VIDEO = """
    link Library, link Newer K, button Change the title, link Download, link Edit, link Ask for
    a review, button Share by link, button Favourite, button Add to a collection, button More
    actions, Video A mill at noon, spinbutton Frame at, button Previous frame, button Next
    frame, button Use this frame, link Contact sheet, radio Remix, textbox What should change?,
    button Remix 20 credits, link Compare, navigation Versions of this video, link This version
    A mill at noon, link Remix It snows, combobox Add tags, button Add, button As API call, link
    Check a file, button Copy the id, link Ledger entries
"""


def names_by_tab(page: Page) -> list[str]:
    """Role and name of each stop of the Tab key, as the accessibility tree has them."""
    client = page.context.new_cdp_session(page)
    stops: list[str] = []
    while True:
        page.keyboard.press("Tab")
        here = client.send("Runtime.evaluate", {"expression": "document.activeElement"})
        asked = {"objectId": here["result"]["objectId"], "fetchRelatives": False}
        node = client.send("Accessibility.getPartialAXTree", asked)["nodes"][0]
        if node["ignored"] or node["role"]["value"] == "RootWebArea" or len(stops) > 120:
            return stops
        stop = f"{node['role']['value']} {node['name']['value']}"
        stop = re.sub("^link Credits .*", "link Credits", stop)  # how many, and when they expire
        if stops[-1:] != [stop]:  # a player has stops of its own
            stops.append(stop)


def names_in(text: str) -> list[str]:
    return " ".join(text.split()).split(", ")


def test_controls_are_read_in_the_order_of_the_tab_key(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, film = maker
    page = tab("/studio/", person=person)
    expect(card_of(page, "An endless night")).to_have_attribute("data-state", "rendering")
    assert names_by_tab(page) == names_in(APP + STUDIO)
    page.goto(film)
    assert names_by_tab(page) == names_in(APP + VIDEO)


def colours(page: Page, target: Locator) -> list[Any]:
    """Of a part of the page, those that cover a twentieth of it, the most frequent first."""
    box = target.bounding_box()
    assert box
    picture = page.screenshot(clip=box)
    image = Image.open(BytesIO(picture)).convert("RGB")
    found = sorted(image.getcolors(1 << 24) or [], reverse=True)
    return [colour for n, colour in found if 20 * n >= image.width * image.height]


def test_choice_focus_and_progress_are_seen_with_forced_colours(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, film = maker
    page = tab("/studio/", person=person, forced_colors="active")
    for group in ("#composer .segmented label", ".sidebar .nav a", ".sidebar .segmented button"):
        all_of = page.locator(f"{group}:visible")
        chosen = ":has(:checked), [aria-current], [aria-pressed=true]"
        first = all_of.and_(page.locator(f":is({chosen})")).first
        other = all_of.and_(page.locator(f":not({chosen})")).first
        assert colours(page, first)[0] != colours(page, other)[0], group
    assert len(colours(page, page.get_by_role("progressbar", name="An endless night"))) >= 2
    walk_to(page, page.get_by_role("button", name="Generate"))  # everything before it is marked
    keep_picture(page, "forced-colours-studio")
    page.goto(f"{film}compare/")
    page.keyboard.press("a")
    page.keyboard.press("ArrowLeft")
    line = page.locator(".comparison__line")
    with_it = colours(page, line)
    keep_picture(page, "forced-colours-compare")
    line.evaluate("(element) => { element.style.opacity = 0 }")
    assert with_it[0] not in colours(page, line)


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


@pytest.fixture(scope="module")
def places(site: str, chromium: Browser, maker: tuple[StorageState, str]) -> dict[str, str]:
    """The main pages, among them a collection of the maker's and the maker's public page."""
    person, film = maker
    context = chromium.new_context(base_url=site, storage_state=person)

    def send(path: str, **form: str) -> APIResponse:
        token = csrf_token(context.request)
        return context.request.post(path, form={**form, "csrfmiddlewaretoken": token})

    collection = send("/collections/", name="Mills and other old machines", video=film[3:-1]).url
    link = re.search("/showcase/by/[-\\w]+/", send("/showcase/you/", name="Mira Lind").text())
    context.close()
    assert link
    orders = ("studio", "studio/batch", "studio/queue", "library", "collections", "billing")
    others = ("usage", "settings", "developers", "showcase", "accessibility")
    return {
        **{name: f"/{name}/" for name in (*orders, *others)},
        "video": film,
        "compare": f"{film}compare/",
        "list": "/library/?view=list",
        "collection": collection,
        "maker": link[0],
    }


# Pages of every style sheet that a user reaches, and a file, each after one of another kind.
IN_A_ROW = (
    *("/", "/showcase/", "/pricing/", "/api/docs", "/studio/", "/library/", "/usage/", "/billing/"),
    *(
        "/sandbox/stripe/dashboard",
        "/settings/",
        "/developers/",
        "/api/redoc",
        "/help/",
        "/openapi.json",
    ),
)


def test_no_page_logs_an_error_when_motion_is_allowed(
    tab: Opener, maker: tuple[StorageState, str]
) -> None:
    person, film = maker
    page = tab("/studio/", person=person, **MOVING)
    for path in (film, f"{film}compare/", *IN_A_ROW):
        # As a link does: a transition between pages does not happen where an address is typed in.
        with page.expect_navigation(url=re.compile(f"{re.escape(path)}$")):
            page.evaluate("(path) => { location.assign(path) }", path)
    page.wait_for_timeout(500)  # a complaint comes once the last page is shown; the tab fails on it


@pytest.mark.parametrize("screen", NARROW)
def test_nothing_overflows_when_the_page_is_zoomed(
    tab: Opener, maker: tuple[StorageState, str], places: dict[str, str], screen: str
) -> None:
    width, height, zoom = NARROW[screen]
    size = {"width": width, "height": height}
    page = tab("/studio/", person=maker[0], viewport=size, device_scale_factor=zoom)
    page.locator("#summary").click()
    wrong = [("sheet", page.evaluate(OUTSIDE))]
    keep_picture(page, f"{screen}-sheet")
    for name, path in places.items():
        page.goto(path)
        keep_picture(page, f"{screen}-{name.replace('/', '-')}")
        wrong.append((name, page.evaluate(OUTSIDE)))
        if page.evaluate("document.documentElement.scrollWidth") != width:
            wrong.append((name, "is wider than the screen"))
    assert [each for each in wrong if each[1]] == []


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
