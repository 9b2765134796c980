"""`python -m tests.tour`: take the screenshots of docs/tour.md again, from the real product."""

import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import (
    Browser,
    Page,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.backing import free_port
from tests.e2e.conftest import (
    FLAGS,
    PASSWORD,
    ROOT,
    chromium_binary,
    environment,
    offer,
    served,
)

FOLDER = ROOT / "docs" / "tour"
LARGEST = 60 * 1024
SIZE = (1280, 860)
FILM_SIZE = (960, 600)
FILMED = "A glass elevator climbs through a forest of giant ferns, morning light"
HOOK_PORT = free_port()
FILMS = (
    "Aurora ripples above a snowed-in cabin, smoke rising straight up, tripod still",
    "Wind combs the crests of tall dunes at golden hour, a caravan far away, slow pan",
    "Rain on a city street at night, neon in the puddles, camera low over the kerb",
    "Lavender rows run to the horizon under drifting clouds, drone rising",
    "A comet crosses the milky way over a sleeping planet, stars turning slowly",
)
HERO = "A paper boat crosses a still harbour at dusk, the lighthouse turning behind it"
CHANGES = ("The sea is stormy", "A second sail far out, the harbour wider")
LATER = "Pull the camera back slowly"
LOST = {
    "A red kite climbs above the chalk cliffs, the tide coming in": "fail:internal_error",
    "A famous singer walks through a pine forest in heavy morning fog": "fail:moderation_blocked",
}
RENDERING = {
    "Morning fog pours between mountain ridges as the sun clears the last peak": "slow:150",
    "Snow falls on a quiet village square, lamps lit, one cat crossing": "slow:240",
    "A sailboat heels in a fresh breeze, spray over the bow, gulls around it": "slow:420",
}
LOADED = """() => document.fonts.status === "loaded" && [...document.images].every(
  (image) => image.complete || image.getBoundingClientRect().top > innerHeight)"""
# Make the data look real: remove the sandbox's trigger words and spread the dates.
TIDY = """
import re
from datetime import timedelta
from accounts.models import User
from showcase.models import Clip
from videos.models import Video
User.objects.filter(username="admin").update(must_change_password=False)
User.objects.filter(username="mira").update(display_name="Mira Lind")
Clip.objects.filter(is_active=False).update(is_active=True, title="The harbour")
times = [each.name for each in Video._meta.fields if each.get_internal_type() == "DateTimeField"]
for number, video in enumerate(Video.objects.filter(user__username="mira").order_by("created_at")):
    words = re.sub(r" *\\[\\[.*?\\]\\]", "", video.prompt)
    back = timedelta(days=SPREAD[number] if number < len(SPREAD) else 0)
    at = {name: getattr(video, name) - back for name in times if back and getattr(video, name)}
    Video.objects.filter(pk=video.pk).update(prompt=words, **at)
    for event in video.events.all() if back else ():
        video.events.filter(pk=event.pk).update(at=event.at - back)
"""


def settings_of(folder: Path) -> dict[str, str]:
    hooks = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32", "WEBHOOK_PORTS": str(HOOK_PORT)}
    return {**environment(folder), **hooks, "SANDBOX_SPEED": "6"}


def tidy(folder: Path, spread: tuple[int, ...] = ()) -> None:
    """Remove the trigger words from the prompts; `spread` is the age of each video in days."""
    code = f"SPREAD = {spread}\n{TIDY}"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    subprocess.run(command, cwd=ROOT, env=settings_of(folder), check=True)


# ---- pictures ----


def keep(picture: Image.Image, name: str) -> None:
    """Store a picture in the best quality that fits in 60 KB."""
    for quality in range(84, 20, -6):
        body = BytesIO()
        picture.save(body, "WEBP", quality=quality, method=6)
        if body.tell() <= LARGEST:
            break
    (FOLDER / f"{name}.webp").write_bytes(body.getvalue())
    print(f"{name}: {body.tell() / 1024:.0f} KB, quality {quality}", flush=True)


def seen(page: Page) -> Image.Image:
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_function(LOADED)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def shoot(page: Page, name: str, height: int = SIZE[1]) -> None:
    page.set_viewport_size({"width": SIZE[0], "height": height})
    keep(seen(page), name)
    page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})


def shoot_at(page: Page, path: str, name: str, height: int = SIZE[1]) -> None:
    page.goto(path)
    shoot(page, name, height)


def beside(pictures: list[Image.Image], width: int, gap: int = 24) -> Image.Image:
    """Join narrow pictures in one row."""
    small = [each.resize((width, each.height * width // each.width)) for each in pictures]
    sheet = Image.new(
        "RGB",
        ((width + gap) * len(small) + gap, small[0].height + 2 * gap),
        (226, 222, 214),
    )
    for number, each in enumerate(small):
        sheet.paste(each, (gap + number * (width + gap), gap))
    return sheet


class Film:
    """An animated picture of a page, frame by frame."""

    def __init__(self, page: Page) -> None:
        self._page, self._frames, self._times = page, list[Image.Image](), list[int]()

    def frame(self, milliseconds: int = 200) -> None:
        """Take a screenshot that is shown for so long."""
        picture = Image.open(BytesIO(self._page.screenshot())).convert("RGB")
        self._frames.append(picture.resize(FILM_SIZE, Image.Resampling.LANCZOS))
        self._times.append(milliseconds)

    def keep(self, name: str) -> None:
        first, *others = self._frames
        file = FOLDER / f"{name}.webp"
        options: dict[str, Any] = {"quality": 62, "method": 6, "minimize_size": True, "loop": 0}
        first.save(file, save_all=True, append_images=others, duration=self._times, **options)
        print(
            f"{name}: {file.stat().st_size / 1024:.0f} KB, {len(self._frames)} frames", flush=True
        )


# ---- actions of users ----


def order(page: Page, prompt: str, trigger: str = "") -> None:
    page.goto("/studio/")
    page.get_by_label("Prompt", exact=True).fill(f"{prompt} [[{trigger}]]" if trigger else prompt)
    page.locator("#composer label:has-text('4 s')").last.click()
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".card", has_text=prompt)).to_be_visible()


def wait_for(page: Page, prompt: str, state: str = "done") -> str:
    """Wait until the video is in this state, and return its URL."""
    card = page.locator(f".card[data-state={state}]", has_text=prompt).first
    expect(card).to_be_visible(timeout=600_000)
    return card.get_attribute("data-href") or ""


def remix(page: Page, film: str, change: str) -> str:
    page.goto(film)
    page.get_by_label("What should change?").fill(change)
    page.locator("#remix").get_by_role("button", name="Remix").click()
    expect(page.locator("#stage video")).to_be_visible(timeout=600_000)
    return page.url


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/studio/")


def arrive(page: Page) -> None:
    """Sign up, look around, buy credits."""
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Email").fill("mira@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    shoot(page, "sign-up", 720)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/welcome/")
    shoot(page, "welcome", 720)
    page.goto("/billing/")
    page.get_by_role("button", name="Buy Standard").click()
    page.wait_for_url("**/c/pay/**")
    shoot(page, "checkout", 720)
    page.get_by_role("button", name="Pay ¥").click()
    page.wait_for_url("**/billing/payments/**")


def make(page: Page) -> tuple[str, str, str]:
    """Make videos of all kinds; return the URLs of the first, of its remix, and of a failure."""
    for prompt in (HERO, *FILMS[:3]):
        order(page, prompt)
    film = wait_for(page, HERO)
    for prompt in FILMS[:3]:
        wait_for(page, prompt)
    order_by_program(page)
    for prompt, trigger in LOST.items():
        order(page, prompt, trigger)
    failure, _ = (wait_for(page, *each) for each in zip(LOST, ("failed", "blocked"), strict=True))
    version, _ = (remix(page, film, change) for change in CHANGES)
    remix(page, version, LATER)
    page.goto(film)
    offer(page)
    for prompt in (HERO, FILMS[0]):
        page.goto("/library/")
        page.locator(".card", has_text=prompt).first.hover()
        page.get_by_role("button", name=f"Favourite: {prompt}").click()
    return film, version, failure


def order_by_program(page: Page) -> None:
    """Order with an API key and a webhook_url, so that the pages show both."""
    page.goto("/developers/keys/")
    for name in ("Website", "Nightly batch"):
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Create the key").click()
        page.locator("#new-key").wait_for()
    bearer = {"Authorization": f"Bearer {page.locator('#new-key').inner_text()}"}
    with ThreadingHTTPServer(("127.0.0.1", HOOK_PORT), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        webhook_url = f"http://127.0.0.1:{HOOK_PORT}/videos"
        for prompt in FILMS[3:]:
            body = {"prompt": prompt, "webhook_url": webhook_url}
            answer = page.request.post("/api/videos/text-to-video", headers=bearer, data=body)
            assert answer.ok, answer.text()
        page.goto("/studio/")
        for prompt in FILMS[3:]:
            wait_for(page, prompt)
        page.wait_for_timeout(5000)
        receiver.shutdown()


class Receiver(BaseHTTPRequestHandler):
    """A program of the user that receives webhooks."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def walk(browser: Browser, url: str, folder: Path) -> None:
    desktop: dict[str, Any] = {"base_url": url, "reduced_motion": "reduce"}
    viewport: ViewportSize = {"width": SIZE[0], "height": SIZE[1]}
    page = browser.new_context(**desktop, viewport=viewport).new_page()
    page.set_default_timeout(60_000)
    arrive(page)
    _, version, failure = make(page)
    tidy(folder, (9, 8, 6, 4, 3, 1, 1, 1, 0, 0, 0))
    shoot_at(page, "/library/", "library", 1040)
    page.goto(version)
    play(page)
    shoot(page, "video", 1180)
    shoot_at(page, failure, "failure")
    shoot_at(page, "/billing/", "billing", 1240)
    shoot_at(page, "/usage/", "usage", 1000)
    shoot_at(page, "/developers/keys/", "keys")
    shoot_at(page, "/developers/webhooks/", "webhooks", 720)
    compose(page)
    live(page, folder)
    narrow: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
    state = page.context.storage_state()
    phone = browser.new_context(**desktop, **narrow, is_mobile=True, storage_state=state).new_page()
    phones = [visited(phone, path) for path in ("/studio/", "/library/", version)]
    keep(beside(phones, 320), "phone")
    dark = browser.new_context(
        **desktop, viewport=viewport, storage_state=state, color_scheme="dark"
    ).new_page()
    shoot_at(dark, "/library/", "dark-library")
    dark.goto(version)
    play(dark)
    shoot(dark, "dark-video")
    guest = browser.new_context(**desktop, viewport=viewport).new_page()
    shoot_at(guest, "/", "landing", 1000)
    shoot_at(guest, "/showcase/", "showcase")
    sign_in(guest, "admin", "admin")
    shoot_at(guest, "/admin/", "staff", 1100)
    film_an_order(browser, url, state)


def play(page: Page) -> None:
    """Start the film and wait until its controls have gone."""
    page.evaluate("document.querySelector('#stage video').play()")
    page.wait_for_timeout(4000)


def visited(page: Page, path: str) -> Image.Image:
    page.goto(path)
    return seen(page)


def compose(page: Page) -> None:
    """Fill in the composer without sending the order."""
    page.goto("/studio/")
    page.get_by_label("Prompt", exact=True).fill(next(iter(RENDERING)))
    for choice in ("Sora 2 Pro", "×2"):
        page.locator(f"#composer label:has-text('{choice}')").last.click()
    shoot(page, "studio")


def live(page: Page, folder: Path) -> None:
    page.evaluate("sessionStorage.clear()")  # the order that was not sent
    page.goto("/studio/")
    for prompt, trigger in RENDERING.items():
        order(page, prompt, trigger)
    tidy(folder)
    page.reload()
    expect(page.locator("#active-videos .card[data-state=rendering]")).to_have_count(3)
    shoot(page, "rendering")


def film_an_order(browser: Browser, url: str, state: StorageState) -> None:
    """Film a prompt, its price, the render and the finished video."""
    viewport: ViewportSize = {"width": SIZE[0], "height": 800}
    page = browser.new_context(base_url=url, viewport=viewport, storage_state=state).new_page()
    page.set_default_timeout(60_000)
    page.goto("/studio/")
    page.wait_for_function(LOADED)
    film, field = Film(page), page.get_by_label("Prompt", exact=True)
    film.frame(900)
    for end in range(9, len(FILMED) + 9, 9):
        field.fill(FILMED[:end])
        film.frame(120)
    film.frame(1200)
    page.get_by_role("button", name="Generate").click()
    card = page.locator(".card", has_text=FILMED).first
    expect(card).to_be_visible()
    while card.get_attribute("data-state") != "done":
        film.frame(250)
        page.wait_for_timeout(1_500)
    film.frame(1000)
    page.goto(card.get_attribute("data-href") or "")
    page.evaluate("document.querySelector('#stage video').play()")
    for _ in range(10):
        film.frame(300)
        page.wait_for_timeout(150)
    film.frame(1500)
    film.keep("an-order")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        served(Path(name), settings_of(Path(name)), "--first-run") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_binary(), args=FLAGS)
        walk(browser, url, Path(name))
        browser.close()
    print(f"{sum(each.stat().st_size for each in FOLDER.glob('*.webp')) / 1024:.0f} KB in all")


if __name__ == "__main__":
    main()
