"""Webhooks of orders under /v1 are events that the SDK of OpenAI verifies and reads."""

import json
from typing import Any

import openai
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, deliver_due, failed, order
from tests.videos.receiver import Receiver
from videos.models import Video
from videos.webhooks import signing


@pytest.mark.parametrize("outcome", ["video.completed", "video.failed"])
def test_event_is_verified_and_read_by_the_sdk(
    api: APIClient, alice: User, mp4: bytes, receiver: Receiver, outcome: str
) -> None:
    sent = {"prompt": "A boat", "webhook_url": receiver.url}
    made: dict[str, Any] = api.post("/v1/videos", sent, format="json").json()
    video = Video.objects.get()
    ended = completed(video, mp4) if outcome == "video.completed" else failed(video)
    assert deliver_due() == 1
    headers, body = receiver.requests[0]
    secret = signing.secret_of(alice).secret
    webhooks = openai.OpenAI(api_key="k", webhook_secret=secret).webhooks
    event: Any = webhooks.unwrap(body, headers)
    assert (event.type, event.data.id, event.object) == (outcome, made["id"], "event")
    assert event.id == headers["webhook-id"]
    assert ended.completed_at
    assert event.created_at == int(ended.completed_at.timestamp())
    webhooks.verify_signature(body, headers)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        webhooks.verify_signature(body + b" ", headers)


def test_remix_and_edit_send_webhooks_too(
    api: APIClient, alice: User, mp4: bytes, receiver: Receiver
) -> None:
    source = completed(order(alice), mp4)
    own = {"prompt": "At dawn", "webhook_url": receiver.url}
    path = f"/v1/videos/video_{source.pk.hex}/remix"
    made = [api.post(path, own, format="json").json()["id"]]
    edit = {**own, "video": {"id": f"video_{source.pk.hex}"}}
    made.append(api.post("/v1/videos/edits", edit, format="json").json()["id"])
    for video in Video.objects.exclude(pk=source.pk).order_by("created_at"):
        completed(video, mp4)
    assert deliver_due() == 2
    events = [json.loads(body) for _headers, body in receiver.requests]
    ended = {(event["type"], event["data"]["id"]) for event in events}
    assert ended == {("video.completed", video_id) for video_id in made}
    refused = api.post(path, {**own, "webhook_url": "nowhere"}, format="json")
    assert refused.status_code == 400
