"""The product as a process of its own, and people who use it with Chromium."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    APIRequestContext,
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    StorageState,
    expect,
    sync_playwright,
)

from tests import backing, migrated, tiers
from tests.backing import free_port
from tests.engine_servers.chat import ChatServer
from tests.engine_servers.loopback import serving

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
# Pages are opened with reduced motion, which saves CPU time; a few tests ask for motion.
# A service worker keeps files of one test's site; those that are about it allow it.
CALM: dict[str, Any] = {"reduced_motion": "reduce", "service_workers": "block"}
MOVING = {"reduced_motion": "no-preference"}
# Sockets that are opened while `socketsFail` is set close at once.
FAILING_SOCKETS = """
globalThis.WebSocket = new Proxy(WebSocket, { construct(Real, given) {
  if (!globalThis.socketsFail) return new Real(...given);
  const socket = new EventTarget();
  Object.assign(socket, { readyState: Real.CLOSED, send() {}, close() {} });
  setTimeout(() => socket.dispatchEvent(new CloseEvent("close", { code: 1006 })));
  return socket;
} });
"""
PASSWORD = "a-long-enough-passphrase"
_numbers = count(1)
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the product keeps everything, its log and its e-mails among it."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="package")
def site(folder: Path) -> Iterator[str]:
    """The address of `manage.py serve` with data of its own; staff need a second factor.

    The fourth video of a user waits, so that there is something to do in the queue. A chat model
    improves prompts.
    """
    own = {"STAFF_TWO_FACTOR": "1", "SANDBOX_SPEED": "8", "JOBS_PER_USER": "3"}
    own |= {"CONTENT_CREDENTIALS": "1"}
    migrated.copy_to(folder)
    with serving(ChatServer()) as chat:
        own |= {"PROMPT_HELP_MODEL": "small", "PROMPT_HELP_BASE_URL": f"{chat.url}/v1"}
        with served(folder, {**environment(folder), **own}, "--no-migrate") as url:
            yield url


def environment(folder: Path) -> dict[str, str]:
    """Of a product that keeps everything in this folder."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    own = {"DATA_DIR": str(folder), "EMBEDDED_WORKER": "1"}
    return {**kept, **own, "DJANGO_SETTINGS_MODULE": "tests.e2e.site_settings"}


@contextmanager
def served(folder: Path, environment: dict[str, str], *words: str) -> Iterator[str]:
    """The address of `manage.py serve` as long as it is needed."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", *words]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**environment, "PORT": str(port)}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_health(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _await_health(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def chromium_binary() -> str:
    found = backing.browser()
    # `make test` leaves these tests out and says so; whoever asks for them by name is told why.
    assert found, "no Chromium was found; Debian: apt-get install chromium-headless-shell"
    return found


# Not for the whole run: a loop that Playwright keeps in this thread would stop Django's queries.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_binary(), args=FLAGS)
    yield browser
    browser.close()


Opener = Callable[..., Page]


@pytest.fixture
def tab(site: str, chromium: Browser) -> Iterator[Opener]:
    """Open a page in a browser of its own; whatever it complains about fails the test."""
    contexts, complaints = [], []

    def note(message: ConsoleMessage) -> None:
        # A form that is answered with 402 or 422 is the page itself, and meant.
        page = message.page
        if message.type == "error" and not (page and message.location["url"] == page.url):
            complaints.append(message.text)

    def open_tab(path: str = "/", *, person: StorageState | None = None, **options: Any) -> Page:
        options = {**CALM, "viewport": {"width": 1440, "height": 900}, **options}
        context = chromium.new_context(base_url=site, storage_state=person, **options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def person(site: str, chromium: Browser) -> StorageState:
    """Somebody who has just signed up."""
    return new_person(site, chromium)


def new_person(site: str, chromium: Browser, name: str = "") -> StorageState:
    context = chromium.new_context(base_url=site)
    context.request.get("/accounts/signup/")
    name = name or new_name()
    form = {"username": name, "email": f"{name}@example.com", "password1": PASSWORD}
    token = next(c["value"] for c in context.cookies() if c["name"] == "csrftoken")
    answer = context.request.post("/accounts/signup/", form={**form, "csrfmiddlewaretoken": token})
    assert answer.url.endswith("/welcome/")
    state = context.storage_state()
    context.close()
    return state


def new_name() -> str:
    return f"person{os.getpid()}x{next(_numbers)}"


def sign_up(page: Page) -> str:
    """Fill in the sign-up form; the name it was filled in with."""
    name = new_name()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(f"{name}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(re.compile("/(studio|welcome)/$"))
    if page.url.endswith("/welcome/"):
        page.get_by_role("link", name="Skip", exact=True).click()
        page.wait_for_url("**/studio/")
    return name


def code_of(secret: str, later: int = 0) -> str:
    """What an authenticator app shows, now or `later` half minutes."""
    from allauth.mfa.totp.internal import auth as totp  # needs settings, which tests.tour has not

    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + later)))


def order(page: Page, prompt: str, *choices: str) -> None:
    """Write a prompt, choose options by their labels, and press Generate."""
    page.get_by_label("Prompt", exact=True).fill(prompt)
    for choice in choices:
        page.locator(f"#composer label:has-text('{choice}')").last.click()
    page.get_by_role("button", name="Generate").click()


def make_videos(request: APIRequestContext, *prompts: str) -> list[str]:
    """Order videos of 4 seconds without opening a page, and wait for them; where they are."""
    orders = [post(request, "/api/videos", {"prompt": each, "seconds": "4"}) for each in prompts]
    paths = [f"/v/{order['id']}/" for order in orders]
    for path in paths:
        wait_until_made(request, path)
    return paths


def make_remix(request: APIRequestContext, path: str, prompt: str) -> str:
    """Remix a video without opening a page, and wait for the new one; where it is."""
    made = post(request, f"/api/videos/{path.split('/')[2]}/remix", {"prompt": prompt})
    wait_until_made(request, f"/v/{made['id']}/")
    return f"/v/{made['id']}/"


def offer_videos(request: APIRequestContext, *paths: str) -> None:
    """Offer videos to the showcase without opening their pages."""
    for path in paths:
        answer = request.post(f"{path}offer/", headers={"X-CSRFToken": csrf_token(request)})
        assert answer.ok, answer.text()


def post(request: APIRequestContext, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call the API with the cookies of a browser."""
    answer = request.post(path, data=body, headers={"X-CSRFToken": csrf_token(request)})
    assert answer.ok, answer.text()
    found: dict[str, Any] = answer.json()
    return found


def csrf_token(request: APIRequestContext) -> str:
    cookies = request.storage_state()["cookies"]
    return next(each["value"] for each in cookies if each["name"] == "csrftoken")


def wait_until_made(request: APIRequestContext, path: str) -> None:
    deadline = time.monotonic() + 60
    while (video := request.get(f"/api/videos/{path.split('/')[2]}").json())[
        "status"
    ] != "completed":
        assert time.monotonic() < deadline, video
        time.sleep(0.2)


def offer(page: Page) -> None:
    """Offer the video whose page it is to the showcase."""
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Offer to the showcase").click()


def card_of(page: Page, prompt: str) -> Locator:
    return page.locator(".card", has_text=prompt)


def wallet(page: Page) -> Locator:
    """The credits beside the name."""
    return page.locator("[data-part=wallet] strong")


def keep_picture(page: Page, name: str) -> None:
    """Save a screenshot in artifacts/, in the long tier or where SCREENSHOTS=1 asks for it."""
    if not (tiers.THOROUGH or os.environ.get("SCREENSHOTS")):
        return
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.jpg", full_page=True, type="jpeg", quality=80)
