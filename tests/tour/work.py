"""What the users of the screenshots have made: videos of all kinds, a collection, a public page."""

import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.backing import free_port
from tests.e2e.conftest import PASSWORD, ROOT, csrf_token, environment, offer_videos, post
from tests.tour.pictures import shoot

HOOK_PORT = free_port()
HERO = "A paper boat crosses a still harbour at dusk, the lighthouse turning behind it"
FILMS = (
    "Aurora ripples above a snowed-in cabin, smoke rising straight up, tripod still",
    "Wind combs the crests of tall dunes at golden hour, a caravan far away, slow pan",
    "Rain on a city street at night, neon in the puddles, camera low over the kerb",
    "A comet crosses the milky way over a sleeping planet, stars turning slowly",
)
TWICE = "Lavender rows run to the horizon under drifting clouds, drone rising"
CHANGES = ("Make it storm over the harbour", "The same boat at dawn, warmer, the first gulls")
LATER = "Pull the camera back slowly"
LOST = {
    "A red kite climbs above the chalk cliffs, the tide coming in": "fail:internal_error",
    "A famous singer walks through a pine forest in heavy morning fog": "fail:moderation_blocked",
}
RENDERING = {
    "Morning fog pours between mountain ridges as the sun clears the last peak": "slow:120",
    "Snow falls on a quiet village square, lamps lit, one cat crossing": "slow:200",
    "A sailboat heels in a fresh breeze, spray over the bow, gulls around it": "slow:400",
}
WAITING = (
    "A tram climbs a steep street at blue hour, rain on its windows",
    "Lanterns rise from a lake in the evening, reflections all around",
    "A heron takes off from the reeds, slow motion, low sun",
)
TIDY = """
import re
from datetime import timedelta
from accounts.models import User
from showcase.models import Clip
from videos.models import Video
TITLES = {"paper boat": "The harbour", "Aurora": "Cabin under the aurora", "Wind": "Caravan"}
User.objects.filter(username="admin").update(must_change_password=False)
for clip in Clip.objects.filter(is_active=False):
    clip.title = next((t for w, t in TITLES.items() if w in clip.video.prompt), clip.title)
    Clip.objects.filter(pk=clip.pk).update(is_active=True, title=clip.title or "Untitled")
times = [each.name for each in Video._meta.fields if each.get_internal_type() == "DateTimeField"]
for number, video in enumerate(Video.objects.filter(user__username="mira").order_by("created_at")):
    words = re.sub(r" *\\[\\[.*?\\]\\]", "", video.prompt)
    back = timedelta(days=SPREAD[number] if number < len(SPREAD) else 0)
    at = {name: getattr(video, name) - back for name in times if back and getattr(video, name)}
    Video.objects.filter(pk=video.pk).update(prompt=words, **at)
    for event in video.events.all() if back else ():
        video.events.filter(pk=event.pk).update(at=event.at - back)
"""


@dataclass(frozen=True)
class Work:
    """The paths of pages of what was made."""

    film: str
    version: str
    take: str
    failure: str


def settings_of(folder: Path) -> dict[str, str]:
    hooks = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32", "WEBHOOK_PORTS": str(HOOK_PORT)}
    own = {"SANDBOX_SPEED": "1", "JOBS_PER_USER": "3", "RATE_GENERATE": "100/min"}
    return {**environment(folder), **hooks, **own}


def tidy(folder: Path, spread: tuple[int, ...] = ()) -> None:
    """Make the data look real: remove trigger words; `spread` is the age of each video in days."""
    code = f"SPREAD = {spread}\n{TIDY}"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    subprocess.run(command, cwd=ROOT, env=settings_of(folder), check=True)


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
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
    shoot(page, "welcome", 960)
    page.goto("/billing/")
    page.get_by_role("button", name="Buy Standard").click()
    page.wait_for_url("**/c/pay/**")
    shoot(page, "checkout", 720)
    page.get_by_role("button", name="Pay ¥").click()
    page.wait_for_url("**/billing/payments/**")


def order(page: Page, prompt: str, trigger: str = "") -> None:
    """Order a video of 4 seconds without opening the composer."""
    words = f"{prompt} [[{trigger}]]" if trigger else prompt
    post(page.request, "/api/videos", {"prompt": words, "seconds": "4"})


def wait_for(page: Page, words: str, state: str = "done") -> str:
    """Wait until the library has a video in this state, and return its path."""
    card = page.locator(f".card[data-state={state}]", has_text=words).first
    expect(card).to_be_visible(timeout=900_000)
    return card.get_attribute("data-href") or ""


def make(page: Page) -> Work:
    """Make videos of all kinds: takes, versions, failures, orders by a program."""
    for prompt in (HERO, *FILMS[:3]):
        order(page, prompt)
    page.goto("/studio/")
    page.get_by_label("Prompt", exact=True).fill(TWICE)
    for choice in ("4 s", "×2"):
        page.locator(f"#composer label:has-text('{choice}')").last.click()
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".card", has_text="Take 2 of 2")).to_be_visible()
    for prompt, trigger in LOST.items():
        order(page, prompt, trigger)
    page.goto("/library/")
    film = wait_for(page, HERO[:30])
    (version, other) = (_remix(page, film, change) for change in CHANGES)
    order_by_program(page)
    page.goto("/library/")
    for words in (*FILMS, *CHANGES):
        wait_for(page, words[:20])
    _remix(page, version, LATER)
    page.goto("/library/")
    take = wait_for(page, "Take 2 of 2")
    wait_for(page, "Take 1 of 2")
    failure, _ = (
        wait_for(page, words[:20], state)
        for words, state in zip(LOST, ("failed", "blocked"), strict=True)
    )
    wait_for(page, LATER)
    offer_videos(page.request, film, *(wait_for(page, words[:20]) for words in FILMS[:2]))
    for path in (film, other):
        token = csrf_token(page.request)
        page.request.post(f"{path}favourite/", headers={"X-CSRFToken": token})
    return Work(film, version, take, failure)


def _remix(page: Page, film: str, change: str) -> str:
    made = post(page.request, f"/api/videos/{film.split('/')[2]}/remix", {"prompt": change})
    return f"/v/{made['id']}/"


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
            body = {"prompt": prompt, "duration": 4, "webhook_url": webhook_url}
            answer = page.request.post("/api/videos/text-to-video", headers=bearer, data=body)
            assert answer.ok, answer.text()
        page.goto("/library/")
        for prompt in FILMS[3:]:
            wait_for(page, prompt[:20])
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


def collect(page: Page, name: str, *paths: str) -> str:
    """Make a collection with a link for others; the address that the link leads to."""
    ids = " ".join(path.split("/")[2] for path in paths)
    token = {"csrfmiddlewaretoken": csrf_token(page.request)}
    made = page.request.post("/collections/", form={**token, "name": name, "video": ids})
    assert made.ok
    page.goto(made.url)
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("button", name="Create a link").click()
    page.get_by_role("button", name="Share", exact=True).click()
    link = page.locator("#link").input_value()
    page.keyboard.press("Escape")
    return link


def present(page: Page) -> str:
    """Open a public page in the showcase and upload a picture; the path of the page."""
    page.goto("/showcase/you/")
    page.get_by_label("Name that is shown").fill("Mira Lind")
    page.get_by_label("About you").fill("Short films about water and weather.")
    page.get_by_role("button", name="Publish my page").click()
    path = page.get_by_role("link", name="Open your page").get_attribute("href") or ""
    page.goto("/settings/")
    page.locator("#picture").set_input_files(ROOT / "static" / "samples" / "lanterns.webp")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    return path
