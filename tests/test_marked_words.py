"""No page and no letter has a word that cannot be translated."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
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

from accounts.models import User
from billing.ledger import credits, expiry_warnings
from showcase import gallery
from showcase.models import Clip
from tests import pseudo
from tests.billing import payment_events
from tests.conftest import create_user
from tests.videos.conftest import clip as drawn
from tests.videos.conftest import completed, failed, order, running
from videos.library import collections, share_links
from videos.models import DeliveryAttempt, WebhookDelivery

pytestmark = pytest.mark.embedded
ERRORS = (400, 403, 404, 413, 429, 500, 503)
# Answers to programs, and the stand-ins for other people's pages.
NOT_OURS = ("api/", "^api/", "sandbox/", "^sandbox/", "health", "reference/")


def routes(patterns: list[Any], before: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Every address with its name and the names of what must be filled in."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.name or "", list(pattern.pattern.regex.groupindex)
        elif isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)


PAGES = {
    name: names
    for route, name, names in routes(get_resolver().url_patterns)
    if not route.startswith((*NOT_OURS, "admin/"))
}


@pytest.fixture(scope="session")
def mp4() -> bytes:
    return drawn()


@pytest.fixture
def zoe(db: None) -> User:
    user = create_user("zzz", display_name="zzz")
    credits.grant(user, 2000, credits.Kind.EARNED, "gift", expires_at=None)
    return user


@pytest.fixture
def things(zoe: User, mp4: bytes) -> dict[str, Any]:
    """One of everything an address can name."""
    done = completed(order(zoe, "zzz zzz"), mp4)
    shown = gallery.offer(done)
    Clip.objects.filter(pk=shown.pk).update(title="zzz", is_active=True)
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        user=zoe,
        video=done,
        url="https://zzz.zzz/",
        state="failed",
        created_at=now,
        round_started_at=now,
    )
    DeliveryAttempt.objects.create(delivery=delivery, at=now, took_ms=1234, code=500)
    failed(order(zoe, "zzz"))
    rendering = running(order(zoe, "zzz"))
    order(zoe, "zzz")
    return {
        "rendering": rendering.pk,
        "video_id": done.pk,
        "clip_id": shown.pk,
        "topic": "prompt",
        "name": "lavender",
        "token": share_links.token_of(share_links.create_link(done)),
        "collection_id": collections.create_collection(zoe, "zzz").pk,
        "payment_id": payment_events.create_paid_payment(zoe).pk,
        "delivery_id": delivery.pk,
        "upload_id": uuid4(),
        "key_id": uuid4(),
        "uidb36": user_pk_to_url_str(zoe),
        "key": default_token_generator.make_token(zoe),
    }


@pytest.fixture(autouse=True)
def _pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo.spoken(monkeypatch)


def address(name: str, things: dict[str, Any]) -> str:
    return reverse(name, kwargs={key: things[key] for key in PAGES[name]})


def browser(user: User | None) -> Client:
    """Somebody who has just given the password again, or nobody."""
    client = Client()
    if user:
        client.force_login(user)
        client.post("/accounts/reauthenticate/", {"password": f"{user.username}-password"})
    return client


def words_of(answer: Any) -> list[str]:
    if answer.streaming or not answer.get("Content-Type", "").startswith("text/html"):
        return []
    return pseudo.missed_in(answer.content.decode())


def looked_at(client: Client, path: str) -> list[str]:
    return words_of(client.get(path, follow=True))


def sent_empty(user: User | None, path: str) -> list[str]:
    """What an empty form makes the page say; nothing of it is left behind."""
    with transaction.atomic():
        answer = browser(user).post(path, follow=True)
        transaction.set_rollback(True)
    return words_of(answer)


def test_no_page_for_everybody_has_a_word_of_its_own(things: dict[str, Any]) -> None:
    found = {name: looked_at(browser(None), address(name, things)) for name in PAGES}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_page_for_a_person_has_a_word_of_its_own(zoe: User, things: dict[str, Any]) -> None:
    found = {name: looked_at(browser(zoe), address(name, things)) for name in PAGES}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_answer_to_an_empty_form_has_a_word_of_its_own(
    zoe: User, things: dict[str, Any]
) -> None:
    found = {
        (name, bool(who)): sent_empty(who, address(name, things))
        for name in PAGES
        for who in (None, zoe)
    }
    assert {name: words for name, words in found.items() if words} == {}


def test_no_page_staff_work_on_has_a_word_of_its_own(zoe: User, things: dict[str, Any]) -> None:
    """The pages of our own; lists and forms of Django's name fields as the tables do."""
    User.objects.filter(pk=zoe.pk).update(is_staff=True, is_superuser=True)
    client = browser(zoe)
    found = [
        looked_at(client, f"/admin/billing/payment/{things['payment_id']}/refund/"),
        looked_at(client, f"/admin/billing/account/{zoe.pk}/adjust/"),
        looked_at(client, f"/admin/videos/video/{things['rendering']}/actions/fail/"),
    ]
    assert found == [[]] * 3


MISSING = "/no-such-page/"


def test_no_page_about_an_error_has_a_word_of_its_own(zoe: User) -> None:
    client = browser(zoe)
    pages = [render(RequestFactory().get("/"), f"{code}.html") for code in ERRORS]
    assert [*map(words_of, pages), looked_at(client, MISSING)] == [[]] * (len(ERRORS) + 1)


def written(client: Client, path: str, **form: str) -> list[str]:
    """The words of the letters that are sent when this form is."""
    mail.outbox.clear()
    client.post(path, form)
    return words_of_letters()


def words_of_letters() -> list[str]:
    assert mail.outbox
    plain = [line for sent in mail.outbox for line in f"{sent.subject}\n{sent.body}".splitlines()]
    alternatives = [part for sent in mail.outbox for part in getattr(sent, "alternatives", [])]
    links = re.compile(r'https?://[^\s<"]+')
    rich = [
        words for part in alternatives for words in pseudo.missed_in(links.sub("", str(part[0])))
    ]
    return [words for line in plain for words in pseudo.missed(links.sub("", line))] + rich


def test_no_letter_has_a_word_of_its_own(zoe: User) -> None:
    forms = {"username": "zzzz", "email": "zzzz@example.com", "password1": "zzz-zzz-zzz-0"}
    new = {"password1": "zzz-zzz-zzz-1", "password2": "zzz-zzz-zzz-1"}
    found = [
        written(Client(), "/accounts/signup/", **forms),
        written(Client(), "/accounts/password/reset/", email=zoe.email),
        written(Client(), "/accounts/password/reset/", email="zz@example.com"),
        written(browser(zoe), "/accounts/password/change/", oldpassword="zzz-password", **new),
    ]
    assert found == [[]] * 4


def test_the_warning_of_credits_that_expire_has_no_word_of_its_own(zoe: User) -> None:
    with time_machine.travel(timezone.now() + settings.BONUS_LIFETIME - timedelta(days=3)):
        assert expiry_warnings.send_due() == 1
    assert words_of_letters() == []
