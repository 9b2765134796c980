"""The official Python SDK, sync and async, drives /v1 of a real server."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
import openai
import pytest

from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread
from tests.videos.api.gateway.clients import LosesAnswers, async_sdk, key_of, sdk
from tests.videos.conftest import completed, order, picture
from videos.models import Video

Work = Callable[..., None]


def test_video_is_made_fetched_remixed_and_deleted_by_the_sdk(
    live: ServerThread, alice: User, work: Work, finish: Callable[[Video], Video]
) -> None:
    client = sdk(live.url, key_of(alice))
    before = credits.available(alice)

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(
            client.videos.create_and_poll,
            prompt="A paper boat",
            seconds="4",
            input_reference=("boat.png", picture(size=(720, 1280)), "image/png"),
            extra_body={"metadata": {"shot": "12b"}},
            poll_interval_ms=50,
        )
        work(polled.done)
    video = polled.result()

    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.model, video.size, video.seconds) == ("sora-2", "720x1280", "4")
    assert video.model_extra == {"metadata": {"shot": "12b"}}
    assert before - credits.available(alice) == 25  # an image, in standard quality
    assert client.videos.download_content(video.id).read()[4:8] == b"ftyp"
    thumbnail = client.videos.download_content(video.id, variant="thumbnail")
    assert thumbnail.response.headers["Content-Type"] == "image/webp"

    remix = client.videos.remix(video.id, prompt="At night")
    assert remix.remixed_from_video_id == video.id
    finish(Video.objects.get(pk=remix.id.removeprefix("video_")))
    assert client.videos.retrieve(remix.id).status == "completed"
    assert [each.id for each in client.videos.list(limit=1)] == [remix.id, video.id]
    deleted = client.videos.delete(video.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (video.id, "video.deleted", True)
    with pytest.raises(openai.NotFoundError) as gone:
        client.videos.retrieve(video.id)
    assert (gone.value.code, gone.value.type) == (None, "invalid_request_error")
    assert gone.value.request_id


def test_pages_are_followed_and_a_file_is_read_by_the_async_sdk(
    live: ServerThread, alice: User, mp4: bytes
) -> None:
    made = [completed(order(alice, f"Boat {n}"), mp4) for n in range(3)]
    key = key_of(alice)

    async def run() -> tuple[list[str], bytes, str, list[str]]:
        async with async_sdk(live.url, key) as client:
            oldest = [each.id async for each in client.videos.list(limit=2, order="asc")]
            body = await client.videos.download_content(oldest[0])
            created = await client.videos.create(prompt="One more", model="sora-2-pro")
            models = [each.id async for each in client.models.list()]
            return oldest, body.content, created.status, models

    found, body, status, models = asyncio.run(run())
    assert found == [f"video_{video.pk.hex}" for video in made]
    assert (body, status, "sora-2" in models) == (mp4, "queued", True)


def test_edit_is_a_remix_and_the_rest_is_refused_by_name(
    live: ServerThread, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    client = sdk(live.url, key_of(alice))
    name = f"video_{video.pk.hex}"
    body = {"prompt": "At night", "video": {"id": name}}
    edited = client.post("/videos/edits", body=body, cast_to=openai.types.Video)
    assert edited.remixed_from_video_id == name
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/videos/extensions", body={**body, "seconds": "4"}, cast_to=object)
    assert (refused.value.param, refused.value.code) == ("model", "invalid_value")
    with pytest.raises(openai.BadRequestError) as uploaded:
        client.videos.edit(prompt="At night", video=("boat.mp4", mp4, "video/mp4"))
    assert (uploaded.value.param, uploaded.value.code) == ("video", "not_supported")
    with pytest.raises(openai.InternalServerError) as missing:
        client.videos.get_character("char_1")
    assert (missing.value.status_code, missing.value.body) == (
        501,
        {
            "message": "Characters are not supported by this server.",
            "type": "server_error",
            "param": None,
            "code": "not_implemented",
        },
    )


def test_one_video_is_made_when_the_answer_to_the_sdk_is_lost(
    live: ServerThread, alice: User
) -> None:
    before = credits.available(alice)
    with httpx2.Client(transport=LosesAnswers(1)) as losing:
        client = sdk(live.url, key_of(alice), http_client=losing, max_retries=2)
        made = client.videos.with_raw_response.create(prompt="A paper boat", seconds="4")
    video = Video.objects.get()
    assert made.parse().id == f"video_{video.pk.hex}"
    assert made.headers["Idempotent-Replayed"] == "true"
    assert before - credits.available(alice) == video.credits == 20


def test_sdk_does_not_repeat_an_order_when_credits_are_used_up(
    live: ServerThread, alice: User
) -> None:
    credits.spend(
        alice, credits.available(alice), "all", credits.Purpose("video", str(uuid4()), "All")
    )
    client = sdk(live.url, key_of(alice), max_retries=2)
    with pytest.raises(openai.RateLimitError) as refused:
        client.videos.create(prompt="A paper boat")
    assert (refused.value.code, refused.value.type) == ("insufficient_quota", "insufficient_quota")
    assert refused.value.response.request.headers["x-stainless-retry-count"] == "0"
    assert Video.objects.count() == 0
