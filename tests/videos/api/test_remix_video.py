"""POST /api/videos/<id>/remix."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from tests.videos.conftest import completed, failed, order, picture, running, upload
from videos.jobs import removal
from videos.media import uploads
from videos.models import Video


def remix(client: APIClient, video: Video, format: str = "json", **body: Any) -> Any:
    return client.post(f"/api/videos/{video.pk}/remix", body, format=format)


@pytest.fixture
def done(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_remix_orders_a_new_video_when_the_source_is_completed(
    api: APIClient, alice: User, done: Video, format: str
) -> None:
    answer = remix(api, done, format, prompt="At night")
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"] != str(done.pk)
    assert (body["prompt"], body["status"], body["remix_of"]) == (
        "At night",
        "queued",
        str(done.pk),
    )
    assert (body["model"], body["size"], body["seconds"]) == ("sora-2", "1280x720", "4")
    assert (body["credits"], credits.available(alice)) == (20, 60)


def test_remix_has_only_the_webhook_url_that_is_sent_with_it(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    source = completed(order(alice, webhook_url="https://example.com/of-the-source"), mp4)
    url = "https://example.com/hook"
    sent = [
        remix(api, source, prompt="At night", webhook_url=url),
        remix(api, source, prompt="Now"),
    ]
    stored = [Video.objects.get(pk=answer.json()["id"]).webhook_url for answer in sent]
    assert stored == [url, ""]


def test_remix_charges_the_text_price_when_the_source_came_from_an_image(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    reference = uploads.store_image(alice, upload(picture()))
    video = completed(order(alice, model="sora-2-pro", first_image=reference), mp4)
    body = remix(api, video, prompt="At night").json()
    assert (video.credits, body["credits"], body["has_input_reference"]) == (35, 30, False)


@pytest.mark.parametrize("state", [order, lambda u: running(order(u)), lambda u: failed(order(u))])
def test_remix_is_400_when_the_source_is_not_completed(
    api: APIClient, alice: User, state: Any
) -> None:
    answer = remix(api, state(alice), prompt="At night")
    sentence = "Only a completed video can be remixed."
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": sentence, "code": "not_possible"},
    )
    assert Video.objects.count() == 1


@pytest.mark.parametrize("prompt", ["", "  ", None, [], "x" * 5001, "a\x00"])
def test_remix_is_422_and_names_the_prompt_when_it_is_invalid(
    api: APIClient, done: Video, prompt: object
) -> None:
    answer = remix(api, done, prompt=prompt)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "prompt"])


def test_remix_is_402_when_credits_are_too_few(api: APIClient, alice: User, done: Video) -> None:
    credits.spend(alice, 70, "test:spend")
    answer = remix(api, done, prompt="At night")
    sentence = "Insufficient credits. You need 20 credits but only have 10 available."
    assert (answer.status_code, answer.json()["detail"]) == (402, sentence)
    assert (Video.objects.count(), invariants.problems()) == (1, [])


def test_remix_is_400_when_the_engine_is_no_longer_configured(
    api: APIClient, done: Video, settings: LazySettings
) -> None:
    settings.ENGINES = {"other": settings.ENGINES["sandbox"]}
    answer = remix(api, done, prompt="At night")
    assert (answer.status_code, answer.json()["field"]) == (400, "model")


def test_remix_answers_another_user_like_an_unknown_id(stranger: APIClient, done: Video) -> None:
    answer = remix(stranger, done, prompt="At night")
    unknown = stranger.post(f"/api/videos/{uuid4()}/remix", {"prompt": "x"}, format="json")
    assert (answer.status_code, answer.content) == (404, unknown.content)


def test_remix_answers_another_user_like_an_unknown_id_when_the_prompt_is_invalid(
    stranger: APIClient, done: Video
) -> None:
    assert remix(stranger, done).status_code == 404


def test_remix_is_401_when_anonymous(anonymous: APIClient, done: Video) -> None:
    assert remix(anonymous, done, prompt="x").json() == {"detail": "Not authenticated"}


def test_remix_is_404_when_the_source_was_deleted(api: APIClient, done: Video) -> None:
    removal.delete(done)
    assert remix(api, done, prompt="At night").status_code == 404
