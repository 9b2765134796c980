"""The walk through all pages, with a screenshot of each."""

from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect

from tests.e2e.conftest import csrf_token, post
from tests.tour.pictures import (
    LARGEST_SHEET,
    LOADED,
    SIZE,
    Film,
    beside,
    keep,
    seen,
    shoot,
    shoot_at,
)
from tests.tour.work import (
    FILMS,
    RENDERING,
    WAITING,
    Work,
    arrive,
    collect,
    make,
    order,
    present,
    sign_in,
    tidy,
)

FILMED = "A glass elevator climbs through a forest of giant ferns, morning light"
DAYS = (9, 8, 6, 4)
BATCH = """prompt,seconds,size
A tram climbs a steep street at blue hour,4,1280x720
Lanterns rise from a lake in the evening,8,720x1280
A heron takes off from the reeds,5,
Snow on a mountain pass at first light,12,1280x720"""
# Chromium without a window blocks notifications.
MAY_NOTIFY = "Object.defineProperty(Notification, 'permission', { get: () => 'default' })"
VIEWPORT: ViewportSize = {"width": SIZE[0], "height": SIZE[1]}
NARROW: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
}


class Visits:
    """Browsers that look at one site: as a guest, or signed in."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url

    def open(self, person: StorageState | None = None, **options: Any) -> Page:
        options = {"viewport": VIEWPORT, "reduced_motion": "reduce", **options}
        page = self._browser.new_context(
            base_url=self._url, storage_state=person, service_workers="block", **options
        ).new_page()
        page.set_default_timeout(60_000)
        return page


def walk(browser: Browser, url: str, folder: Path) -> None:
    visits = Visits(browser, url)
    page = visits.open()
    arrive(page)
    work = make(page)
    tidy(folder, DAYS)
    shoot_all(visits, page, work, folder)


def shoot_all(visits: Visits, page: Page, work: Work, folder: Path) -> None:
    link = collect(page, "Harbour trailer", work.film, work.version, work.take)
    maker = present(page)
    own_pages(page, work)
    person = page.context.storage_state()
    guest = visits.open()
    public_pages(guest, page, maker, link)
    phones(visits, person, work)
    dark(visits, person, work)
    staff(guest)
    languages(visits, person)
    film_an_order(visits, person)
    live(page, folder)


def own_pages(page: Page, work: Work) -> None:
    """The pages of a user who has made something."""
    shoot_at(page, "/library/", "library", 1040)
    shoot_at(page, "/library/?view=list", "library-list")
    page.goto("/library/?view=grid")
    page.goto(work.version)
    play(page)
    shoot(page, "video", 1180)
    page.goto(work.take)
    play(page)
    shoot(page, "takes", 1180)
    compare(page, work)
    shoot_at(page, work.failure, "failure")
    page.goto("/collections/")
    page.get_by_role("link", name="Harbour trailer").click()
    shoot(page, "collection")
    shoot_at(page, "/billing/", "billing", 1240)
    shoot_at(page, "/usage/", "usage", 1000)
    shoot_at(page, "/settings/", "settings")
    page.add_init_script(MAY_NOTIFY)
    shoot_at(page, "/settings/mails/", "notifications", 760)
    shoot_at(page, "/developers/keys/", "keys")
    shoot_at(page, "/developers/webhooks/", "webhooks", 720)
    page.goto("/studio/batch/")
    page.locator("#text").fill(BATCH)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("1 line with a fault")).to_be_visible()
    shoot(page, "batch", 1240)
    compose(page)
    shoot(page, "studio")


def compare(page: Page, work: Work) -> None:
    """Wipe one version over another, in the middle of the film."""
    page.goto(f"{work.version}compare/")
    page.wait_for_load_state()
    page.get_by_role("button", name="Play both").click()
    page.wait_for_timeout(2000)
    page.get_by_role("button", name="Pause both").click()
    page.get_by_role("button", name="Wipe").click()
    page.wait_for_timeout(500)
    shoot(page, "compare", 1240)


def play(page: Page) -> None:
    """Start the film and wait until its controls have gone."""
    page.evaluate("document.querySelector('#stage video').play()")
    page.wait_for_timeout(4000)


def compose(page: Page) -> None:
    """Fill in the composer without sending the order."""
    page.goto("/studio/")
    page.get_by_label("Prompt", exact=True).fill(next(iter(RENDERING)))
    for choice in ("Sora 2 Pro", "×2"):
        page.locator(f"#composer label:has-text('{choice}')").last.click()


def public_pages(guest: Page, page: Page, maker: str, link: str) -> None:
    """What visitors see; a clip with its remix needs a sign-in."""
    shoot_at(guest, "/", "landing", 1000)
    guest.set_viewport_size({"width": SIZE[0], "height": 1100})
    guest.locator(".gallery").first.evaluate("wall => wall.scrollIntoView({block: 'center'})")
    shoot(guest, "wall", 1100)
    shoot_at(guest, "/showcase/", "showcase", 1100)
    shoot_at(guest, maker, "maker", 720)
    shoot_at(guest, link, "shared-collection", 720)
    shoot_at(guest, "/offline/", "offline", 560)
    page.goto(maker)
    page.get_by_role("link", name="The harbour").first.click()
    shoot(page, "clip")


def visited(page: Page, path: str) -> Image.Image:
    page.goto(path)
    return seen(page)


def phones(visits: Visits, person: StorageState, work: Work) -> None:
    phone, visitor = visits.open(person, **NARROW), visits.open(**NARROW)
    pictures = [visited(phone, path) for path in ("/studio/", "/library/", work.version)]
    phone.goto("/studio/")
    phone.get_by_label("Prompt", exact=True).fill(FILMS[2])
    phone.locator("#summary").click()
    sheet = seen(phone)
    visitor.goto("/")
    visitor.get_by_role("button", name="Menu").click()
    pictures = [*pictures[:1], sheet, *pictures[1:]]
    keep(beside(pictures, 320), "phone", LARGEST_SHEET)
    others = [seen(visitor), visited(visitor, "/showcase/"), visited(phone, "/billing/")]
    others.append(visited(phone, f"{work.version}compare/"))
    keep(beside(others, 320), "phone-more", LARGEST_SHEET)


def dark(visits: Visits, person: StorageState, work: Work) -> None:
    page = visits.open(person, color_scheme="dark")
    shoot_at(page, "/library/", "dark-library")
    page.goto(work.version)
    play(page)
    shoot(page, "dark-video")
    compose(page)
    shoot(page, "dark-studio")
    shoot_at(visits.open(color_scheme="dark"), "/", "dark-landing", 1000)


def staff(page: Page) -> None:
    sign_in(page, "admin", "admin")
    shoot_at(page, "/admin/", "staff", 1100)
    shoot_at(page, "/admin/search/?q=harbour", "staff-search")
    page.goto("/admin/search/?q=mira")
    page.locator("a[href*='/admin/accounts/user/']", has_text="mira").first.click()
    shoot(page, "staff-user", 1240)


def languages(visits: Visits, person: StorageState) -> None:
    """Start page, studio and library in three languages."""
    codes = {"en": "en-US", "ja": "ja-JP", "zh-hans": "zh-CN"}
    guests = [visits.open(locale=locale) for locale in codes.values()]
    keep(beside([visited(page, "/") for page in guests], 640), "languages-landing", LARGEST_SHEET)
    page, pictures = visits.open(person), dict[str, list[Image.Image]]()
    for code in [*codes, "en"]:
        form: dict[str, str | float | bool] = {
            "language": code,
            "csrfmiddlewaretoken": csrf_token(page.request),
        }
        assert page.request.post("/language/", form=form).ok
        if len(pictures.get("studio", [])) < len(codes):
            for name in ("studio", "library"):
                pictures.setdefault(name, []).append(visited(page, f"/{name}/"))
    for name, shown in pictures.items():
        keep(beside(shown, 640), f"languages-{name}", LARGEST_SHEET)


def live(page: Page, folder: Path) -> None:
    """Videos that render, and others that wait for them."""
    page.goto("/studio/")
    page.evaluate("sessionStorage.clear()")  # the order that was not sent
    for prompt, trigger in RENDERING.items():
        order(page, prompt, trigger)
    lines = [{"prompt": prompt, "seconds": "4"} for prompt in WAITING]
    post(page.request, "/api/videos/batch", {"videos": lines})
    page.goto("/studio/")
    # The sandbox draws one after the other, and tells no progress before the first frame.
    percents = page.locator("#active-videos .card[data-state=rendering] .card__percent small")
    expect(percents).to_have_count(3, timeout=300_000)
    tidy(folder)
    page.reload()
    shoot(page, "rendering")
    page.goto("/studio/queue/")
    shoot(page, "queue")


def film_an_order(visits: Visits, state: StorageState) -> None:
    """Film a prompt, its price, the render and the finished video."""
    viewport: ViewportSize = {"width": SIZE[0], "height": 800}
    page = visits.open(state, viewport=viewport, reduced_motion="no-preference")
    page.goto("/studio/")
    page.wait_for_function(LOADED)
    film, field = Film(page), page.get_by_label("Prompt", exact=True)
    page.locator("#composer label:has-text('4 s')").last.click()
    film.frame(900)
    for end in range(9, len(FILMED) + 9, 9):
        field.fill(FILMED[:end])
        film.frame(120)
    film.frame(1200)
    page.get_by_role("button", name="Generate").click()
    card = page.locator(".card", has_text=FILMED[:20]).first
    expect(card).to_be_visible()
    while card.get_attribute("data-state") != "done":
        film.frame(250)
        page.wait_for_timeout(2_500)
    film.frame(1000)
    page.goto(card.get_attribute("data-href") or "")
    page.evaluate("document.querySelector('#stage video').play()")
    for _ in range(10):
        film.frame(300)
        page.wait_for_timeout(150)
    film.frame(1500)
    film.keep("an-order")
