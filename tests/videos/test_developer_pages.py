"""/developers/: a first call to paste, and the webhooks with their log."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.videos.conftest import order
from videos import deliveries
from videos.models import Attempt, Delivery

URL = "https://example.com/hook"


@pytest.fixture
def delivery(alice: User) -> Delivery:
    """One that was delivered at the second attempt."""
    return delivered(alice)


def delivered(user: User) -> Delivery:
    now = timezone.now()
    row = Delivery.objects.create(
        user=user, video=order(user), url=URL, state="delivered", created_at=now, round_at=now
    )
    Attempt.objects.create(delivery=row, at=now, took_ms=1234, code=500)
    Attempt.objects.create(delivery=row, at=now, took_ms=20, code=204)
    return row


@pytest.mark.parametrize("path", ["/developers/", "/developers/webhooks/"])
def test_the_pages_ask_who_you_are(db: None, path: str) -> None:
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_the_quick_start_names_this_very_server(page: Client, settings: LazySettings) -> None:
    settings.BASE_URL = "https://films.example.com"
    text = page.get("/developers/").content.decode()
    assert "curl https://films.example.com/api/videos \\" in text
    assert 'href="/api/docs"' in text


def test_the_log_shows_each_attempt(page: Client, delivery: Delivery) -> None:
    text = page.get("/developers/webhooks/").content.decode()
    assert [part in text for part in (URL, "HTTP 500", "1,234 ms", "HTTP 204", "2 attempts")] == [
        True
    ] * 5


def test_the_log_is_narrowed_by_state(page: Client, delivery: Delivery) -> None:
    shown = [len(page.get(f"/developers/webhooks/?state={s}").context["page"]) for s in STATES]
    assert shown == [1, 0, 1]


STATES = ("delivered", "failed", "nonsense")


def test_the_log_needs_as_many_queries_for_many(
    page: Client, alice: User, delivery: Delivery, django_assert_max_num_queries: Any
) -> None:
    for _n in range(3):
        delivered(alice)
    with django_assert_max_num_queries(12):
        page.get("/developers/webhooks/")


def test_the_secret_is_changed(page: Client, alice: User) -> None:
    before = deliveries.secret_of(alice).secret
    page.post("/developers/webhooks/secret/")
    row = deliveries.secret_of(alice)
    assert (row.secret == before, row.former) == (False, before)
    assert row.secret in page.get("/developers/webhooks/").content.decode()


def test_one_is_sent_again(page: Client, delivery: Delivery) -> None:
    answer = page.post(f"/developers/webhooks/{delivery.pk}/redeliver/", follow=True)
    assert b"It is sent again." in answer.content
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    answer = page.post(f"/developers/webhooks/{delivery.pk}/redeliver/", follow=True)
    assert b"It is still being delivered." in answer.content


def test_nobody_sees_or_resends_those_of_others(page: Client, bob: User) -> None:
    theirs = delivered(bob)
    assert URL not in page.get("/developers/webhooks/").content.decode()
    assert page.post(f"/developers/webhooks/{theirs.pk}/redeliver/").status_code == 404
