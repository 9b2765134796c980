"""Times of every answer of system C: ISO 8601 in UTC, whole seconds, ending in Z."""

import json
import re
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from showcase import gallery
from showcase.models import Clip
from tests.billing import payment_events
from tests.videos.conftest import clip as drawn
from tests.videos.conftest import completed, order

DOCUMENTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def times_of(body: Any, name: str = "") -> list[tuple[str, Any]]:
    """Return the values whose names say that they are times."""
    if isinstance(body, dict):
        return [found for key, inner in body.items() for found in times_of(inner, key)]
    if isinstance(body, list):
        return [found for inner in body for found in times_of(inner, name)]
    return [(name, body)] if re.search(r"(_at|At)$", name) and body is not None else []


def test_times_are_whole_seconds_with_z_in_every_answer(api: APIClient, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(last_login=timezone.now().replace(microsecond=7))
    video = completed(order(alice), drawn())
    payment = payment_events.create_payment(alice)
    payment_events.deliver(payment_events.checkout_completed(payment))
    clip = gallery.offer(video)
    Clip.objects.filter(pk=clip.pk).update(title="A boat", is_active=True)
    api_keys.issue(alice, "k", ["read"])
    paths = {
        "/api/users/profile": {"created_at", "last_login_at"},
        "/api/users/credits": {"next_expiry_at"},
        "/api/users/credits/transactions": {"created_at", "expires_at"},
        "/api/users/api-keys": {"created_at"},
        "/api/auth/profile": {"createdAt", "updatedAt"},
        f"/api/videos/status/{video.pk}": {"created_at", "completed_at", "createdAt", "updatedAt"},
        f"/api/videos/tasks/{video.pk}": {"created_at", "updated_at", "completed_at"},
        f"/api/tasks/{video.pk}": {"created_at", "updated_at", "completed_at"},
        "/api/tasks/user/tasks": {"created_at", "updated_at", "completed_at"},
        f"/api/payments/{payment.pk}": {"created_at", "paid_at"},
        "/api/payments": {"created_at", "paid_at"},
        "/api/showcase/videos": {"created_at"},
        f"/api/showcase/videos/{clip.pk}": {"created_at"},
    }
    for path, names in paths.items():
        found = times_of(json.loads(api.get(path).content))
        assert {name for name, _ in found} == names, path
        wrong = [
            (name, value)
            for name, value in found
            if not (isinstance(value, int) or DOCUMENTED.fullmatch(value))
        ]
        assert wrong == [], path


def test_times_are_utc_when_a_page_sends_its_time_zone(page: Client) -> None:
    page.cookies["tz"] = "Asia/Tokyo"
    created = page.get("/api/users/profile").json()["created_at"]
    assert created == User.objects.get().date_joined.strftime("%Y-%m-%dT%H:%M:%SZ")
