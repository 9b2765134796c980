"""GET /api/users/export: all data of the user, and of no other user."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, ApiRequest, Session, User
from config.lib.models import OutgoingEmail
from tests.videos.conftest import order, picture, upload
from tests.videos.media.test_images import busy
from tests.videos.storyboards.conftest import board_of
from videos.account import data_export
from videos.library import tags
from videos.media import concurrency, uploads
from videos.media.concurrency import ConcurrencyLimit
from videos.models import Collection, Preset, RejectedPrompt, ShareLink, Video

PATH = "/api/users/export"
QUERIES = 30


async def _read(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def export(client: APIClient) -> dict[str, Any]:
    answer = client.get(PATH)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"] == 'attachment; filename="export.zip"'
    body = asyncio.run(_read(answer))
    assert len(body) == int(answer["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_archive_contains_only_the_users_own_data(api: APIClient, alice: User, bob: User) -> None:
    video = order(alice, 'A "boat" — 船')
    Video.objects.filter(pk=video.pk).update(seed=7, negative_prompt="fog")
    order(bob, "Bob's secret")
    api_keys.issue(alice, "laptop", ["read"])
    tags.add([video], ["At sea"])
    collection = Collection.objects.create(user=alice, name="Boats")
    collection.videos.add(video)
    options = {"model": "sora-2", "size": "1280x720", "seconds": 4}
    Preset.objects.create(user=alice, name="Dusk", ending="at dusk", **options)
    RejectedPrompt.objects.create(user=alice, prompt="Too much", categories=["violence"])
    ShareLink.objects.create(video=video, created_at=timezone.now())
    moment = {"created_at": timezone.now(), "round_started_at": timezone.now()}
    for user in (alice, bob):
        OutgoingEmail.objects.create(user=user, kind="receipt", text="secret", **moment)
        ApiRequest.objects.create(
            user=user, method="GET", path=f"/{user}", status=200, took_ms=1,
            created_at=timezone.now(),
        )  # fmt: skip
    shots = {user: board_of(user, f"{user}'s shot") for user in (alice, bob)}
    files = export(api)
    assert sorted(files) == [
        "api_keys.json", "collection_links.json", "collections.json", "content_credentials.json",
        "credits.json", "credits_before.json", "edits.json", "emails.json", "endpoints.json",
        "events.json", "exports.json", "links.json", "payments.json", "presets.json",
        "profile.json",
        "prompts.json",
        "push_subscriptions.json", "referrals.json", "refused.json", "requests.json",
        "review_comments.json", "review_links.json",
        "sign_ins.json", "storyboards.json", "tags.json", "uploads.json", "videos.json",
        "webhooks.json",
    ]  # fmt: skip
    assert [p["email"] for p in files["profile.json"]] == ["alice@example.com"]
    (shown,) = files["videos.json"]
    assert (shown["id"], shown["prompt"]) == (str(video.pk), 'A "boat" — 船')
    chosen = [shown[name] for name in ("requested_model", "seed", "negative_prompt", "audio")]
    assert chosen == ["", 7, "fog", None]
    assert [(e["type"], e["amount"]) for e in files["credits.json"]] == [
        ("spent", -20),
        ("bonus", 100),
    ]
    assert [(c["name"], c["videos"]) for c in files["collections.json"]] == [
        ("Boats", [str(video.pk)])
    ]
    tagged = [(tag["name"], tag["videos"]) for tag in files["tags.json"]]
    assert tagged == [("At sea", [str(video.pk)])]
    assert [(b["id"], b["shots"][0]["prompt"]) for b in files["storyboards.json"]] == [
        (str(shots[alice].pk), "alice's shot")
    ]
    assert [p["ending"] for p in files["presets.json"]] == ["at dusk"]
    assert [r["prompt"] for r in files["refused.json"]] == ["Too much"]
    assert [s["video_id"] for s in files["links.json"]] == [str(video.pk)]
    assert [e["kind"] for e in files["emails.json"]] == ["receipt"]
    assert [e["body"]["video_id"] for e in files["events.json"]] == [str(video.pk)]
    assert [call["path"] for call in files["requests.json"]] == ["/alice"]
    assert [key["name"] for key in files["api_keys.json"]] == ["laptop"]
    assert "secret" not in json.dumps(files)
    assert "digest" not in json.dumps(files)
    assert "password" not in json.dumps(files).replace('"grant": "password"', "")


def test_export_names_the_images_of_each_order(api: APIClient, alice: User) -> None:
    first, last = (uploads.store_image(alice, upload(picture())) for _ in range(2))
    order(alice, "Frames", first_image=first, last_image=last)
    order(alice, "References", references=(last, first))
    names = ("first_image_id", "last_image_id", "reference_image_ids")
    shown = {
        video["prompt"]: [video[name] for name in names] for video in export(api)["videos.json"]
    }
    assert shown == {
        "Frames": [str(first.pk), str(last.pk), []],
        "References": [None, None, [str(last.pk), str(first.pk)]],
    }


@pytest.mark.parametrize("count", [1, 5])
def test_export_needs_as_many_queries_for_many_videos(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        order(alice, str(n))
    with django_assert_num_queries(QUERIES):
        api.get(PATH)


def test_export_needs_a_fresh_sign_in(api: APIClient, alice: User) -> None:
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    page = APIClient()
    page.force_login(alice)
    for client in (api, page):
        answer = client.get(PATH)
        assert (answer.status_code, answer.json()) == (
            403,
            {"detail": "Sign in again to do this.", "code": "sign_in_again"},
        )


def test_export_is_refused_when_its_rate_is_exhausted(
    api: APIClient, settings: LazySettings
) -> None:
    settings.RATE_AUTH = (2, 60)
    data_export.count(User.objects.get())  # one on the page
    assert [api.get(PATH).status_code for _ in range(2)] == [200, 429]


def test_export_is_refused_when_too_much_of_the_users_work_waits(
    api: APIClient, stranger: APIClient, alice: User
) -> None:
    with busy(ConcurrencyLimit(1), [alice.pk] * concurrency.HELD_PER_USER):
        answer = api.get(PATH)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_at_once")
        assert stranger.get(PATH).status_code == 200


def test_export_is_refused_when_anonymous_or_signed_in_by_key(
    anonymous: APIClient, alice: User
) -> None:
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ApiKey.Scope.values)[1]})
    assert (anonymous.get(PATH).status_code, key.get(PATH).status_code) == (401, 403)
