"""The installed app: what it shows without a network, and its notifications."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests import migrated
from tests.e2e.conftest import environment, new_person, post, served
from tests.videos.push.browser import PushBrowser
from tests.videos.receiver import Receiver
from videos.push import keys

READY = "navigator.serviceWorker.ready.then(() => undefined)"
# The makers' push services are not reached from here: this one subscribes to a server of the test.
OWN_PUSH_SERVICE = """
form => PushManager.prototype.subscribe = async (options) => {
  globalThis.subscribedWith = options.applicationServerKey;
  return { toJSON: () => ({ endpoint: form.endpoint, keys: form }) };
}"""
# Chromium's headless shell asks nobody and shows no notifications: it notes what it was to show.
ALLOWED = "Object.defineProperty(Notification, 'permission', { get: () => 'granted' })"
NOTED = """
self.shown = new Promise((note) => {
  registration.showNotification = async (title, { body, tag, data }) =>
    note([title, body, tag, data.url]);
});
undefined"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_page_says_that_there_is_no_connection_and_comes_back(
    site: str, chromium: Browser, person: StorageState
) -> None:
    # The browser itself complains of a page without a network, so this is no `tab`.
    context = chromium.new_context(base_url=site, storage_state=person)
    page = context.new_page()
    page.goto("/library/")
    page.evaluate(READY)
    page.reload()  # from now on the service worker answers
    context.set_offline(True)
    page.goto("/usage/")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("No connection")
    sheets = "[...document.styleSheets].map((sheet) => sheet.cssRules.length > 0)"
    assert page.evaluate(sheets) == [True, True]
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(heading).to_have_text("Usage and cost")
    context.close()


def test_browser_shows_a_notification_when_a_video_is_ready(
    chromium: Browser, receiver: Receiver, tmp_path: Path
) -> None:
    browser, key = PushBrowser(receiver.url), keys.new_private_key()
    own = {
        "VAPID_PRIVATE_KEY": key,
        "WEBHOOK_PORTS": str(receiver.port),
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SANDBOX_SPEED": "0",
    }
    migrated.copy_to(tmp_path)
    with served(tmp_path, {**environment(tmp_path), **own}, "--no-migrate") as url:
        context = chromium.new_context(base_url=url, storage_state=new_person(url, chromium))
        context.grant_permissions(["notifications"])
        context.add_init_script(ALLOWED)
        page = context.new_page()
        _switch_on(page, browser)
        post(context.request, "/api/videos", {"prompt": "A boat [[instant]]"})
        said = _received(page, receiver, browser)
        assert said["title"] == "Your video is ready"
        (worker,) = context.service_workers
        worker.evaluate(NOTED)
        _deliver(page, url, json.dumps(said))
        shown = ["Your video is ready", "A boat [[instant]]", said["tag"], f"/v/{said['tag']}/"]
        assert worker.evaluate("self.shown") == shown
        context.close()


def _switch_on(page: Page, browser: PushBrowser) -> None:
    page.goto("/settings/mails/")
    page.evaluate(READY)
    page.evaluate(OWN_PUSH_SERVICE, browser.form)
    with page.expect_response(lambda answer: answer.request.method == "POST") as stored:
        page.get_by_role("button", name="Notify me when it is ready").click()
    assert stored.value.status == 204
    assert page.evaluate("subscribedWith.length") == 87


def _received(page: Page, receiver: Receiver, browser: PushBrowser) -> dict[str, str]:
    for _ in range(300):
        if receiver.requests:
            return browser.read(receiver.requests[0][1])
        page.wait_for_timeout(100)
    raise AssertionError("no push message came")


def _deliver(page: Page, url: str, data: str) -> None:
    """Hand a message to the service worker, as the browser does when one has come."""
    tools = page.context.new_cdp_session(page)
    registrations: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(r["registrationId"] for r in event["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    while not registrations:
        page.wait_for_timeout(20)
    message = {"origin": url, "registrationId": registrations[0], "data": data}
    tools.send("ServiceWorker.deliverPushMessage", message)
