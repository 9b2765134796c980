"""Pages and e-mails contain no untranslatable words, checked with the pseudo language."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from billing.ledger import credits, expiry_warnings
from showcase import gallery, makers
from showcase.models import Clip
from tests import slow_work
from tests.accounts.oauth import flow
from tests.billing import payment_events
from tests.conftest import create_user
from tests.translations import pseudo_language
from tests.videos.conftest import clip as drawn
from tests.videos.conftest import completed, failed, order, running
from videos.editing import jobs
from videos.editing.exports import orders
from videos.editing.recipes import Recipe
from videos.library import collections, share_links
from videos.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from videos.storyboards import boards, shots
from videos.webhooks import endpoints

pytestmark = pytest.mark.embedded
ERRORS = (400, 403, 404, 413, 429, 500, 503)
# Answers to programs, and the pages of the sandboxes.
SKIPPED_ROUTES = (
    "api/",
    "^api",
    "v1/",
    "^/*[vV]1",
    "sandbox/",
    "^sandbox/",
    "health",
    "livez",
    "readyz",
    "reference/",
    "openapi.json",
    # Files for programs, and the address that leads a password manager to a page.
    "robots.txt",
    "sitemap.xml",
    "oembed",
    "showcase/feed.",
    "llms.txt",
    "service-worker.js",
    "token",
    "favicon.ico",
    "apple-touch-icon.png",
    ".well-known/",
    # For programs; the page of consent has a test of its own.
    "oauth/",
)


def routes(
    patterns: list[Any], before: str = "", outer: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, list[str]]]:
    """Return every route with its name and the names of its parameters."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        names = (*outer, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLPattern):
            yield route, pattern.name or "", list(names)
        elif isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route, names)


PAGES = {
    name: names
    for route, name, names in routes(get_resolver().url_patterns)
    if not route.startswith((*SKIPPED_ROUTES, "admin/"))
}


@pytest.fixture(scope="session")
def mp4() -> bytes:
    return drawn()


@pytest.fixture
def user(db: None) -> User:
    user = create_user("zzz", display_name="zzz")
    credits.grant(user, 2000, credits.Kind.EARNED, "gift", expires_at=None)
    return user


@pytest.fixture
def objects(user: User, mp4: bytes) -> dict[str, Any]:
    """Create one object for every URL parameter."""
    done = completed(order(user, "zzz zzz"), mp4)
    shown = gallery.offer(done)
    Clip.objects.filter(pk=shown.pk).update(title="zzz", is_active=True)
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        user=user,
        video=done,
        url="https://zzz.zzz/",
        state="failed",
        created_at=now,
        round_started_at=now,
    )
    DeliveryAttempt.objects.create(delivery=delivery, at=now, took_ms=1234, code=500)
    endpoint = endpoints.create(
        user, url="https://zzz.zzz/2", events=WebhookEndpoint.Event.values, description="zzz"
    )
    WebhookEndpoint.objects.update(enabled=False, failing_since=now, disabled_at=now)
    failed(order(user, "zzz"))
    rendering = running(order(user, "zzz"))
    order(user, "zzz")
    key, _text = api_keys.issue(user, "zzz", ["read"])
    ApiKey.objects.update(prefix="zzz", last4="zzz")
    board = boards.create(user, "zzz", style="zzz")
    shot = shots.add(board, {"prompt": "zzz"})
    return {
        "board_id": board.pk,
        "shot_id": shot.pk,
        "rendering": rendering.pk,
        "video_id": done.pk,
        "clip_id": shown.pk,
        "topic": "prompt",
        "name": "lavender",
        "slug": makers.publish(user, "zzz").slug,
        "token": share_links.token_of(share_links.create_link(done)),
        "collection_id": collections.create_collection(user, "zzz").pk,
        "payment_id": payment_events.create_paid_payment(user).pk,
        "delivery_id": delivery.pk,
        "endpoint_id": endpoint.pk,
        "upload_id": uuid4(),
        "edit_id": jobs.submit(user, jobs.EditOrder([done], Recipe(mute=True))).pk,
        "export_id": orders.submit(user, done, orders.Options("gif")).pk,
        "key_id": key.pk,
        "code": "zzz",
        "link_id": uuid4(),
        "invitation": "zzz",
        "invitation_id": uuid4(),
        "pk": 1,
        "comment_id": 1,
        "uidb36": user_pk_to_url_str(user),
        "key": default_token_generator.make_token(user),
    }


@pytest.fixture(autouse=True)
def _pseudo_language(monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo_language.mark_translations(monkeypatch)


def address_of(name: str, objects: dict[str, Any]) -> str:
    return reverse(name, kwargs={key: objects[key] for key in PAGES[name]})


def browser(user: User | None) -> Client:
    """Return a client that is signed in and reauthenticated, or an anonymous one."""
    client = Client()
    if user:
        client.force_login(user)
        client.post("/accounts/reauthenticate/", {"password": f"{user.username}-password"})
    return client


def untranslated_words(answer: Any) -> list[str]:
    if answer.streaming or not answer.get("Content-Type", "").startswith("text/html"):
        return []
    return pseudo_language.unmarked_in_html(answer.content.decode())


def words_of_page(client: Client, path: str) -> list[str]:
    return untranslated_words(client.get(path, follow=True))


def words_after_empty_form(user: User | None, path: str) -> list[str]:
    """Return the untranslated words of the answer to an empty form; roll its changes back."""
    with slow_work.transaction_of_test():
        answer = browser(user).post(path, follow=True)
        transaction.set_rollback(True)
    return untranslated_words(answer)


def test_pages_have_no_untranslated_words_when_anonymous(objects: dict[str, Any]) -> None:
    found = {name: words_of_page(browser(None), address_of(name, objects)) for name in PAGES}
    assert {name: words for name, words in found.items() if words} == {}


def test_pages_have_no_untranslated_words_when_signed_in(
    user: User, objects: dict[str, Any]
) -> None:
    found = {name: words_of_page(browser(user), address_of(name, objects)) for name in PAGES}
    assert {name: words for name, words in found.items() if words} == {}


def test_form_errors_have_no_untranslated_words_when_a_form_is_empty(
    user: User, objects: dict[str, Any]
) -> None:
    found = {
        (name, bool(sender)): words_after_empty_form(sender, address_of(name, objects))
        for name in PAGES
        for sender in (None, user)
    }
    assert {name: words for name, words in found.items() if words} == {}


def test_page_of_consent_has_no_untranslated_words(user: User) -> None:
    query = flow.authorization_request(flow.client_id("zzz"), resource="")
    assert words_of_page(browser(user), f"/oauth/authorize?{urlencode(query)}") == []
    unsafe = urlencode({**query, "prompt": "none"})
    assert words_of_page(browser(user), f"/oauth/authorize?{unsafe}") == []


def test_staff_pages_have_no_untranslated_words(user: User, objects: dict[str, Any]) -> None:
    """Only our own pages; Django's lists and forms use the names of the fields."""
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    client = browser(user)
    found = [
        words_of_page(client, f"/admin/billing/payment/{objects['payment_id']}/refund/"),
        words_of_page(client, f"/admin/billing/account/{user.pk}/adjust/"),
        words_of_page(client, f"/admin/videos/video/{objects['rendering']}/actions/fail/"),
    ]
    assert found == [[]] * 3


MISSING = "/no-such-page/"


def test_error_pages_have_no_untranslated_words(user: User) -> None:
    client = browser(user)
    pages = [render(RequestFactory().get("/"), f"{code}.html") for code in ERRORS]
    assert [*map(untranslated_words, pages), words_of_page(client, MISSING)] == [[]] * (
        len(ERRORS) + 1
    )


def words_of_sent_emails(client: Client, path: str, **form: str) -> list[str]:
    """Return the untranslated words of the e-mails that are sent for this form."""
    mail.outbox.clear()
    client.post(path, form)
    return words_of_emails()


def words_of_emails() -> list[str]:
    assert mail.outbox
    plain = [line for sent in mail.outbox for line in f"{sent.subject}\n{sent.body}".splitlines()]
    alternatives = [part for sent in mail.outbox for part in getattr(sent, "alternatives", [])]
    links = re.compile(r'https?://[^\s<"]+')
    rich = [
        words
        for part in alternatives
        for words in pseudo_language.unmarked_in_html(links.sub("", str(part[0])))
    ]
    return [
        words for line in plain for words in pseudo_language.unmarked(links.sub("", line))
    ] + rich


def test_account_emails_have_no_untranslated_words(user: User) -> None:
    forms = {"username": "zzzz", "email": "zzzz@example.com", "password1": "zzz-zzz-zzz-0"}
    new = {"password1": "zzz-zzz-zzz-1", "password2": "zzz-zzz-zzz-1"}
    found = [
        words_of_sent_emails(Client(), "/accounts/signup/", **forms),
        words_of_sent_emails(Client(), "/accounts/password/reset/", email=user.email),
        words_of_sent_emails(Client(), "/accounts/password/reset/", email="zz@example.com"),
        words_of_sent_emails(
            browser(user), "/accounts/password/change/", oldpassword="zzz-password", **new
        ),
    ]
    assert found == [[]] * 4


def test_expiry_warning_has_no_untranslated_words(user: User) -> None:
    with time_machine.travel(timezone.now() + settings.BONUS_LIFETIME - timedelta(days=3)):
        assert expiry_warnings.send_due() == 1
    assert words_of_emails() == []
