"""What the history of credits says about an order and its refund."""

from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, failed, order, picture, upload
from videos.jobs import orders
from videos.media import uploads
from videos.models import Video


def lines(api: APIClient) -> list[tuple[str, int, str, str, str]]:
    """The newest line first, without the welcome credits."""
    rows = api.get("/api/users/credits/transactions").json()["transactions"][:-1]
    names = ("transaction_type", "amount", "reference_type", "reference_id", "description")
    return [tuple(row[name] for name in names) for row in rows]


def spent(video: Video, what: str) -> tuple[Any, ...]:
    words = f"Sora {what}: {video.prompt}"
    return ("spent", -video.credits, "sora_task_creation", str(video.pk), words)


def test_a_line_says_what_was_ordered_and_how_it_begins(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    first = completed(order(alice, "A boat"), mp4)
    image = uploads.store_image(alice, upload(picture()))
    second = order(alice, "A kite", model="sora-2-pro", reference=image)
    third = orders.remix(first, "In snow")
    assert lines(api) == [
        spent(third, "remix (standard)"),
        spent(second, "image-to-video (hd)"),
        spent(first, "text-to-video (standard)"),
    ]


def test_a_long_prompt_is_cut(api: APIClient, alice: User) -> None:
    order(alice, "x" * 200)
    assert lines(api)[0][4] == f"Sora text-to-video (standard): {'x' * 59}…"


def test_a_refund_names_the_same_video(api: APIClient, alice: User) -> None:
    lost = failed(order(alice, "A storm"))
    refund, spend = lines(api)
    assert refund[:4] == ("refunded", 20, "sora_task_creation", str(lost.pk))
    assert spend == spent(lost, "text-to-video (standard)")
