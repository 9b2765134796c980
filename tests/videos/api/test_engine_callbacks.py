"""POST /api/webhooks/<engine>: a signed callback wakes the video, any other is refused."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread
from tests.videos.conftest import order, reloaded, running
from videos.engines import base
from videos.jobs import state_machine
from videos.models import Video
from videos.sandbox import webhooks

Work = Callable[..., None]
PATH = "/api/webhooks/sandbox"
REFUSED = (401, {"detail": "Not authenticated"})
ACCEPTED = (200, {"received": True})


def body_for(job_id: str, kind: str = "video.completed") -> bytes:
    return json.dumps({"id": "evt_1", "type": kind, "data": {"id": job_id}}).encode()


def signed(
    body: bytes, secret: str, at: datetime | None = None, event_id: str = "evt_1"
) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body.decode()),
    }


def send(body: bytes, headers: dict[str, str], address: str = PATH) -> tuple[int, Any]:
    client = Client(raise_request_exception=False, headers=headers)
    answer = client.post(address, body, content_type="application/json")
    return answer.status_code, answer.json()


@pytest.fixture
def secret(settings: LazySettings) -> str:
    return str(settings.SANDBOX_WEBHOOK_SECRET)


@pytest.fixture
def video(alice: User) -> Video:
    return running(order(alice), poll_after=60.0)


def due_in(video: Video) -> float:
    due = reloaded(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


def test_next_poll_is_due_when_a_signed_callback_arrives(video: Video, secret: str) -> None:
    assert due_in(video) > 50
    body = body_for(video.engine_job_id)
    assert send(body, signed(body, secret)) == ACCEPTED
    assert due_in(video) <= 0


@pytest.mark.parametrize("kind", ["video.completed", "video.failed"])
def test_video_is_unchanged_when_a_callback_reports_its_end(
    video: Video, alice: User, secret: str, kind: str
) -> None:
    body = body_for(video.engine_job_id, kind)
    send(body, signed(body, secret))
    assert (reloaded(video).status, credits.available(alice)) == ("running", 80)


def test_callback_is_refused_when_its_signature_is_invalid(video: Video, secret: str) -> None:
    body = body_for(video.engine_job_id)
    good = signed(body, secret)
    other = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA=="
    forged = [
        {},
        signed(body, other),
        {**good, "webhook-id": "evt_2"},
        {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)},
        {**good, "webhook-timestamp": "soon"},
        {**good, "webhook-timestamp": "9" * 400},
        {**good, "webhook-signature": "v1,é"},
        {**good, "webhook-signature": "v1"},
        {**good, "webhook-signature": ""},
        {**good, "webhook-signature": "v2," + good["webhook-signature"][3:]},
    ]
    assert [send(body, headers) for headers in forged] == [REFUSED] * len(forged)
    assert send(body_for("job_x"), good) == REFUSED
    assert due_in(video) > 50


@pytest.mark.parametrize("minutes", [-6, 6])
def test_callback_is_refused_when_its_timestamp_is_stale_or_in_the_future(
    video: Video, secret: str, minutes: int
) -> None:
    body = body_for(video.engine_job_id)
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert send(body, signed(body, secret, at)) == REFUSED


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"x"', b"{", b"{}", b'{"data": []}', b'{"data": {}}', b'{"data": null}'],
)
def test_callback_is_refused_when_its_signed_body_is_malformed(
    db: None, secret: str, body: bytes
) -> None:
    assert send(body, signed(body, secret)) == REFUSED


@pytest.mark.parametrize("job_id", ["job_unknown", "", "a\x00b", "\ud800", "x" * 5000])
def test_callback_is_accepted_and_ignored_when_the_job_is_unknown(
    db: None, secret: str, job_id: str
) -> None:
    body = body_for(job_id)
    assert send(body, signed(body, secret)) == ACCEPTED


def test_callback_changes_nothing_when_it_is_replayed(
    video: Video, alice: User, secret: str
) -> None:
    body = body_for(video.engine_job_id)
    headers = signed(body, secret)
    assert [send(body, headers) for _ in range(3)] == [ACCEPTED] * 3
    state_machine.cancel(video)
    assert send(body, headers) == ACCEPTED
    assert (reloaded(video).status, credits.available(alice)) == ("cancelled", 100)


def test_callback_is_refused_when_no_secret_is_configured(
    video: Video, secret: str, settings: LazySettings
) -> None:
    settings.ENGINES = {"sandbox": {**settings.ENGINES["sandbox"], "webhook_secret": ""}}
    base.get.cache_clear()
    body = body_for(video.engine_job_id)
    assert send(body, signed(body, secret)) == REFUSED


def test_callback_is_not_found_when_the_engine_is_unknown(db: None, secret: str) -> None:
    answer = send(b"{}", signed(b"{}", secret), "/api/webhooks/nobody")
    assert answer == (404, {"detail": "Resource not found"})


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_answer_is_405_in_json_when_the_method_is_not_post(db: None, method: str) -> None:
    answer = getattr(Client(), method)(PATH)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method not allowed"})
    assert answer["Allow"] == "POST"


def test_callback_is_refused_when_its_body_is_too_large(db: None, secret: str) -> None:
    body = body_for("x" * 300_000)
    assert send(body, signed(body, secret)) == (413, {"detail": "Payload too large"})


def test_callback_is_refused_when_a_chunked_body_is_too_large(live: ServerThread) -> None:
    def pieces() -> Any:
        yield from (b"x" * 100_000 for _ in range(5))

    answer = httpx2.post(live.url + PATH, content=pieces(), timeout=30)
    assert (answer.status_code, answer.json()) == (413, {"detail": "Payload too large"})


@pytest.mark.parametrize("length", ["-1", "many", "1e9", ""])
def test_callback_is_refused_when_its_content_length_is_invalid(db: None, length: str) -> None:
    client = Client(raise_request_exception=False)
    answer = client.post(PATH, b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("trigger", ["[[webhook:dup]]", "[[webhook:badsig]]", "[[webhook:early]]"])
def test_video_is_rendered_once_when_callbacks_are_late_repeated_or_missing(
    live: ServerThread, alice: User, work: Work, trigger: str
) -> None:
    video = order(alice, f"A kite [[instant]] {trigger}")

    def done() -> bool:
        webhooks.deliver_due()
        return reloaded(video).status == "succeeded"

    work(done)
    assert (reloaded(video).submit_count, credits.available(alice)) == (1, 80)
