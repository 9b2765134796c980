"""Every page of config/urls.py in light and dark, wide and narrow, and without JavaScript."""

import gzip
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from tests import migrated
from tests.accounts.oauth import flow
from tests.e2e.conftest import (
    PASSWORD,
    Opener,
    card_of,
    code_of,
    keep_picture,
    new_name,
    new_person,
    offer,
    order,
    post,
    sign_up,
    wallet,
)
from tests.e2e.looks import faults

pytestmark = pytest.mark.browser


# By the name of the route; a page of config/urls.py that stands nowhere here fails a test.
PUBLIC = {
    "home": "/",
    "showcase": "/showcase/",
    "sample": "/showcase/samples/lavender/",
    "pricing": "/pricing/",
    "help": "/help/",
    "topic": "/help/failure/",
    "privacy": "/privacy/",
    "terms": "/terms/",
    "rules": "/rules/",
    "accessibility": "/accessibility/",
    "verify": "/verify/",
    "report": "/report/",
    "feedback": "/feedback/",
    "audit": "/proof/",
    "return": "/accounts/return/nonsense/",
    "account_login": "/accounts/login/",
    "account_signup": "/accounts/signup/",
    "account_inactive": "/accounts/inactive/",
    "account_email_verification_sent": "/accounts/confirm-email/",
    "account_reset_password": "/accounts/password/reset/",
    "account_reset_password_done": "/accounts/password/reset/done/",
    "account_reset_password_from_key_done": "/accounts/password/reset/key/done/",
    "socialaccount_login_cancelled": "/accounts/3rdparty/login/cancelled/",
    "socialaccount_login_error": "/accounts/3rdparty/login/error/",
    "sandbox-stripe": "/sandbox/stripe/dashboard",
    "offline": "/offline/",
}
SIGNED_IN = {
    "studio": "/studio/",
    "batch": "/studio/batch/",
    "queue": "/studio/queue/",
    "prompts": "/studio/prompts/",
    "queue-cancel": "/studio/queue/cancel/",
    "reference-library": "/studio/reference/library/",
    "library": "/library/",
    "edits": "/edits/",
    "storyboards": "/storyboards/",
    "exports": "/exports/",
    "collections": "/collections/",
    "usage": "/usage/",
    "billing": "/billing/",
    "maker-own": "/showcase/you/",
    "welcome": "/welcome/",
    "settings": "/settings/",
    "email-settings": "/settings/mails/",
    "invite": "/settings/invite/",
    "sessions": "/settings/sessions/",
    "data": "/settings/data/",
    "delete-account": "/settings/data/delete/",
    "developers": "/developers/",
    "agents": "/developers/agents/",
    "keys": "/developers/keys/",
    "requests": "/developers/requests/",
    "webhooks": "/developers/webhooks/",
    "webhook-endpoint-new": "/developers/webhooks/endpoints/new/",
    "account_email": "/accounts/email/",
    "account_change_password": "/accounts/password/change/",
    "account_logout": "/accounts/logout/",
    "account_reauthenticate": "/accounts/reauthenticate/",
    "socialaccount_connections": "/accounts/3rdparty/",
    "mfa_activate_totp": "/accounts/2fa/totp/activate/",
    "mfa_list_webauthn": "/accounts/2fa/webauthn/",
    "mfa_add_webauthn": "/accounts/2fa/webauthn/add/",
}
# With an authenticator app.
GUARDED = {
    "mfa_index": "/accounts/2fa/",
    "mfa_view_recovery_codes": "/accounts/2fa/recovery-codes/",
    "mfa_generate_recovery_codes": "/accounts/2fa/recovery-codes/generate/",
    "mfa_deactivate_totp": "/accounts/2fa/totp/deactivate/",
    "mfa_reauthenticate": "/accounts/2fa/reauthenticate/",
}
# Their addresses come with what the `world` made.
MADE_PUBLIC = {
    "review",
    *("clip", "clip-embed", "maker", "shared", "shared-embed", "shared-collection"),
    *("account_confirm_email", "account_reset_password_from_key"),
}
MADE = {
    "key",
    *("video", "video-compare", "video-edit", "video-export", "video-cancel", "video-delete"),
    "video-reviews",
    *("collection", "collection-delete", "storyboard-delete"),
    *("payment", "sandbox-checkout", "webhook-endpoint", "authorization"),
}
# Somebody half signed in; documents made by Swagger UI and Redoc, which have tests of their own.
ELSEWHERE = {"mfa_authenticate", "api-docs", "api-redoc"}
# More than a route: the same address in another state.
STATES = {
    "help-none": "/help/?q=zebra",
    "link-used": "/accounts/confirm-email/nonsense/",
    "not-found": "/no-such-page/",
}
OWN_STATES = {
    "search": "/library/?q=nothing",
    "attention": "/library/?status=attention",
    "selecting": "/library/?select=1",
    "welcome-credits": "/welcome/?step=2&scene=1",
}
# Routes that answer with a file, a redirect, a fragment or nothing but a form's result.
NO_PAGE = {
    *(
        "shown-video",
        "shown-poster",
        "clip-video",
        "clip-poster",
        "clip-like",
        "shared-video",
        "shared-poster",
    ),
    *(
        "prompt-improve",
        "billing-imported",
        "reference",
        "library-download",
        "library-collect",
        "library-tag",
        "video-tags",
        "viewing-stop",
        "usage-csv",
        "billing-csv",
    ),
    *(
        "collection-rename",
        "collection-share",
        "collection-download",
        "video-offer",
        "video-favourite",
        "video-frame",
        "video-share",
    ),
    *("video-title", "video-pick", "edit-cancel", "edit-retry"),
    *("storyboard-change", "storyboard-generate", "storyboard-film"),
    *("shot-add", "shot-change", "shot-move", "shot-delete", "shot-pick"),
    "storyboard",  # with shots and takes it is looked at in test_storyboards
    *("exports-download", "export-cancel", "export-delete"),
    "library-export",  # the formats for a selection are looked at in test_exporting
    *("review-end", "review-comment", "review-preview", "review-poster", "review-file"),
    *("video-card", "video-retry", "billing-buy", "checkout-return", "theme", "language"),
    *("session-end", "data-export", "key-revoke", "webhook-secret", "redeliver", "health"),
    *("redeliver-failed", "webhook-endpoint-switch", "webhook-endpoint-test"),
    "webhook-endpoint-delete",
    *("mfa_download_recovery_codes", "account_confirm_login_code", "google_login"),
    *("google_callback", "api-redoc-script", "shortcuts", "library-restore", "webhook-test"),
    "prompt-disclosure",
    *("reference-keep", "clip-preview-video", "clip-preview-poster"),
    *("clip-remix", "feed-atom", "feed-rss", "sitemap", "oembed"),
    *("avatar", "livez", "readyz", "invited", "llms", "agent-disconnect"),
    *("token", "client_registration", "revoke"),
    *("manifest", "service-worker", "push"),
    "clip-preview",  # for staff; looked at in test_staff
    "library-delete",  # its question is asked in test_keeping_videos
    "video-remix",  # a refused remix is the video's page again
    "account_set_password",  # only for who came by Google: the form of the change
    "socialaccount_signup",  # only with Google's answer: the form of the sign-up
    # The pages of a passkey are looked at in test_passkeys.
    *("mfa_login_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn"),
    "mfa_reauthenticate_webauthn",
    # Where accounts need an invitation, or a provider is configured.
    *("join", "invitations", "invitation-withdraw", "oidc_login", "oidc_callback"),
}
ERRORS = ("400", "403", "403_csrf", "404", "413", "429", "500", "503")


def pages(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """The names of all routes but the API's, the staff's and those of nameless stand-ins."""
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from [] if route == "admin/" else pages(each.url_patterns, route)
        elif each.name and (not route.startswith("api/") or each.name in ELSEWHERE):
            yield each.name


def test_every_url_is_among_the_checked_pages() -> None:
    seen = {*PUBLIC, *SIGNED_IN, *GUARDED, *MADE_PUBLIC, *MADE, *ELSEWHERE}
    assert sorted(pages(get_resolver().url_patterns)) == sorted([*seen, *NO_PAGE])


KINDS = {
    "done": "A reef at noon",
    "failed": "A fall [[fail:internal_error]]",
    "rendering": "A long night [[hang]]",
}


@dataclass
class World:
    """Two people, what one of them made, and where it is."""

    person: StorageState
    guarded: StorageState
    guarded_name: str = ""
    public: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def world(site: str, folder: Path, chromium: Browser) -> Iterator[World]:
    contexts = [chromium.new_context(base_url=site, reduced_motion="reduce") for _ in range(3)]
    maker, guarded, newcomer = [context.new_page() for context in contexts]
    for page in (maker, guarded):
        page.goto("/accounts/signup/")
    confirm(maker, folder, sign_up(maker))
    name, unconfirmed = sign_up(guarded), new_name()
    confirm(guarded, folder, name)
    turn_on_two_factor(guarded)
    made = World(contexts[0].storage_state(), contexts[1].storage_state(), name)
    made.own = videos_of(maker) | money_of(maker) | endpoint_of(maker)
    made.own |= key_of(maker) | app_of(maker)
    made.public = shown(maker, made.own["video"], folder)
    made.public["shared-collection"] = shared_collection(maker, made.own["collection"])
    new_person(site, chromium, unconfirmed)
    made.public["account_confirm_email"] = mailed(folder, "/accounts/confirm-email/", unconfirmed)
    newcomer.goto("/accounts/password/reset/")
    newcomer.get_by_label("Email").fill(f"{name}@example.com")
    newcomer.locator("main form button").last.click()
    newcomer.wait_for_url("**/done/")
    reset = mailed(folder, "/accounts/password/reset/key/", name)
    made.public["account_reset_password_from_key"] = reset
    for context in contexts:
        context.close()
    yield made
    publish(folder, decided=False)  # others see the site of a newcomer


def mailed(folder: Path, path: str, name: str) -> str:
    """The link of this kind in an e-mail to somebody, which is read only once."""
    link, deadline = re.compile(rf"{re.escape(path)}[-:\w]+/"), time.monotonic() + 20
    while time.monotonic() < deadline:
        for email in (folder / "mail").glob("*.html"):
            text = email.read_text()
            if f"{name}@example.com" in text and (found := link.search(text)):
                email.unlink()
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no e-mail to {name} has a link {path}")


def confirm(page: Page, folder: Path, name: str) -> None:
    page.goto(mailed(folder, "/accounts/confirm-email/", name))
    page.get_by_role("main").get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)


def visit(page: Page, name: str, path: str) -> None:
    """Open a page, with the password once more where it is asked for."""
    page.goto(path)
    if "reauthenticate" in page.url and "reauthenticate" not in name:
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_url(f"**{path}")
    assert name == "account_login" or "/accounts/login/" not in page.url


def turn_on_two_factor(page: Page) -> None:
    visit(page, "mfa_activate_totp", SIGNED_IN["mfa_activate_totp"])
    secret = page.locator("main code").inner_text()
    page.locator("[name=code]").fill(code_of(secret))
    page.locator("[name=code]").press("Enter")
    page.wait_for_url("**/recovery-codes/")


def videos_of(page: Page) -> dict[str, str]:
    """A video of every kind, a version of one, and a collection with it."""
    page.goto("/studio/")
    for prompt in KINDS.values():
        order(page, prompt, "4 s")
    found = {}
    for kind, prompt in KINDS.items():
        expect(card_of(page, prompt)).to_have_attribute("data-state", kind)
        found[f"video-{kind}"] = card_of(page, prompt).get_attribute("data-href") or ""
    page.goto(found["video-done"])
    page.get_by_label("What should change?").fill("A reef at night")
    page.locator("#remix").get_by_role("button", name="Remix").click()
    expect(page.locator("#stage video")).to_be_visible()
    film = re.sub("^https?://[^/]+", "", page.url)
    page.goto("/library/?select=1")
    page.get_by_role("checkbox", name="Choose: A reef at noon").check()
    page.get_by_role("button", name="Collection").click()
    page.get_by_label("New collection").fill("Water")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Water")
    link = page.get_by_role("link", name="Delete the collection")
    board = post(page.request, "/api/storyboards", {"title": "Water"})["id"]
    return found | {
        "storyboard-delete": f"/storyboards/{board}/delete/",
        "collection": page.url,
        "collection-delete": link.get_attribute("href") or "",
        "video": film,
        "video-compare": f"{film}compare/",
        "video-edit": f"{film}edit/",
        "video-export": f"{film}export/",
        "video-reviews": f"{film}reviews/",
        "video-delete": f"{film}delete/",
        "video-cancel": f"{found['video-rendering']}cancel/",
    }


def money_of(page: Page) -> dict[str, str]:
    """A payment under way."""
    page.goto("/billing/")
    page.get_by_role("button", name="Buy Trial").click()
    page.wait_for_url("**/c/pay/**")
    checkout = page.url
    page.goto("/billing/")
    receipt = page.locator("#receipts").get_by_role("link", name="Trial Pack").first
    return {"sandbox-checkout": checkout, "payment": receipt.get_attribute("href") or ""}


def endpoint_of(page: Page) -> dict[str, str]:
    """A webhook endpoint."""
    page.goto("/developers/webhooks/endpoints/new/")
    page.get_by_label("Address").fill("https://example.com/webhooks")
    page.get_by_role("button", name="Add the endpoint").click()
    link = page.get_by_role("link", name="Change https://example.com/webhooks")
    return {"webhook-endpoint": link.get_attribute("href") or ""}


def key_of(page: Page) -> dict[str, str]:
    """An API key with limits."""
    page.goto("/developers/keys/")
    page.get_by_label("Name").fill("Newsletter")
    page.get_by_text("Limits", exact=True).click()
    page.get_by_label("Credits per day").fill("500")
    page.get_by_label("IP addresses it may be used from").fill("203.0.113.0/24")
    page.get_by_role("button", name="Create the key").click()
    link = page.get_by_role("link", name="Newsletter", exact=True)
    return {"key": link.get_attribute("href") or ""}


def app_of(page: Page) -> dict[str, str]:
    """An app that asks for consent."""
    redirect = "https://agents.example.com/callback"
    metadata = {"client_name": "An agent with a long name", "redirect_uris": [redirect]}
    app = page.request.post("/oauth/register", data=metadata).json()["client_id"]
    asked = flow.authorization_request(app, redirect_uri=redirect, resource="")
    return {"authorization": f"/oauth/authorize?{urlencode(asked)}"}


def shown(page: Page, film: str, folder: Path) -> dict[str, str]:
    """Shared by a link and shown to everybody, which staff decide elsewhere."""
    page.goto(film)
    page.get_by_role("button", name="Share by link").click()
    page.get_by_role("button", name="Create a link").click()
    link = page.locator("#link").input_value()
    page.goto(f"{film}reviews/")
    page.get_by_label("For whom").fill("A client with a long name")
    page.get_by_role("button", name="Create the link").click()
    review = page.locator("#link1").input_value()
    page.goto(film)
    offer(page)
    expect(page.get_by_text("You have offered this video to the showcase.")).to_be_visible()
    publish(folder, decided=True)
    page.reload()
    public = page.get_by_role("link", name="Open its public page").get_attribute("href") or ""
    return {
        "review": review,
        "shared": link,
        "shared-embed": f"{link}embed/",
        "clip": public,
        "clip-embed": f"{public}embed/",
        "maker": own_page_of(page),
    }


def own_page_of(page: Page) -> str:
    """The page of a maker who agreed to be named."""
    page.goto("/showcase/you/")
    page.get_by_label("Name that is shown").fill("Mira Lind")
    page.get_by_role("button", name="Publish my page").click()
    link = page.locator("main .notice a[href*='/showcase/by/']")
    return link.get_attribute("href") or ""


def shared_collection(page: Page, address: str) -> str:
    """Where anyone sees a collection."""
    page.goto(address)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Create a link").click()
    page.get_by_role("button", name="Share").click()
    return re.sub("^https?://[^/]+", "", page.locator("#link").input_value())


def publish(folder: Path, *, decided: bool) -> None:
    """Write what staff decide of every clip; a process of Django would take a second of CPU."""
    database = sqlite3.connect(folder / migrated.NAME, timeout=30)
    with closing(database), database:
        database.execute("UPDATE showcase_clip SET is_active = ?", (decided,))


def test_every_public_page_fits_the_screen(tab: Opener, world: World) -> None:
    page, wrong = tab("/"), []
    assert world.public.keys() == MADE_PUBLIC
    for name, path in {**PUBLIC, **STATES, **world.public}.items():
        visit(page, name, path)
        wrong += faults(page, name)
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill(world.guarded_name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/2fa/authenticate/**")
    assert wrong + faults(page, "mfa_authenticate") == []


def test_every_page_of_a_signed_in_user_fits_the_screen(tab: Opener, world: World) -> None:
    page = tab("/studio/", person=world.person)
    assert world.own.keys() >= MADE
    wrong = []
    for name, path in {**SIGNED_IN, **OWN_STATES, **world.own}.items():
        visit(page, name, path)
        wrong += faults(page, name)
    page = tab("/studio/", person=world.guarded)
    for name, path in GUARDED.items():
        visit(page, name, path)
        wrong += faults(page, name)
    assert wrong == []


def test_every_error_page_fits_the_screen(tab: Opener) -> None:
    page, wrong = tab("/"), []
    for name in ERRORS:
        page.route(f"**/{name}/", partial(answer, render_to_string(f"{name}.html")))
        page.goto(f"/{name}/")
        wrong += faults(page, f"error-{name}")
    assert wrong == []


def answer(body: str, route: Route) -> None:
    route.fulfill(body=body, content_type="text/html")


def test_theme_is_kept_when_it_is_chosen(tab: Opener) -> None:
    page = tab("/", color_scheme="light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_video_is_made_watched_and_deleted_when_javascript_is_off(tab: Opener) -> None:
    page = tab("/accounts/signup/", java_script_enabled=False)
    name = sign_up(page)
    page.locator(".sidebar").get_by_role("button", name="Sign out").click()
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(wallet(page)).to_have_text("100")
    expect(page.locator(".price-table td").first).to_have_text("20, with an image 25")
    order(page, "A quiet harbour", "4 s")
    refresh = page.locator("meta[http-equiv=refresh]")
    expect(refresh).to_have_attribute("content", "10")
    expect(card_of(page, "A quiet harbour")).to_have_attribute("data-state", "done")
    expect(refresh).to_have_count(0)
    keep_picture(page, "studio-without-javascript")
    card_of(page, "A quiet harbour").get_by_role("heading").get_by_role("link").click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The video was deleted.")).to_be_visible()
    expect(card_of(page, "A quiet harbour")).to_have_count(0)


def test_theme_is_chosen_by_a_form_when_javascript_is_off(tab: Opener) -> None:
    page = tab("/", java_script_enabled=False)
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.endswith("/")


def test_first_page_loads_little_javascript(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/", person=person)
    urls = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    code = {Path(url).name: url for url in urls if re.search(r"\.(css|js)$", url)}
    assert set(code) == {
        "app.css",
        *("app.js", "live.js", "composer.js", "images.js", "offers.js", "actions.js", "keys.js"),
        *("page.js", "counts.js", "library-frames.js", "prompts.js"),
    }
    bodies = [page.request.get(url).body() for url in code.values()]
    assert sum(len(gzip.compress(body)) for body in bodies) <= 60 * 1024
