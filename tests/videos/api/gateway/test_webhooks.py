"""Webhooks of orders under /v1 are events that the SDK of OpenAI verifies and reads."""

from typing import Any

import openai
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, deliver_due, failed
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
