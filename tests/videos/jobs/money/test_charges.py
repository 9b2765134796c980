"""The ledger entries of an order and its refund."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, failed, order, picture, upload
from videos.jobs import orders
from videos.media import uploads
from videos.models import Video


def entries(api: APIClient) -> list[tuple[str, int, str, str, str]]:
    """Return the entries, newest first, without the welcome credits."""
    rows = api.get("/api/users/credits/transactions").json()["transactions"][:-1]
    names = ("transaction_type", "amount", "reference_type", "reference_id", "description")
    return [tuple(row[name] for name in names) for row in rows]


def spent(video: Video, what: str) -> tuple[Any, ...]:
    words = f"Sora {what}: {video.prompt}..."
    return ("spent", -video.credits, "sora_task_creation", str(video.pk), words)


def test_entry_names_the_order_and_the_start_of_the_prompt(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    first = completed(order(alice, "A boat"), mp4)
    image = uploads.store_image(alice, upload(picture()))
    second = order(alice, "A kite", model="sora-2-pro", first_image=image)
    third = orders.remix(first, "In snow")
    assert entries(api) == [
        spent(third, "remix (standard)"),
        spent(second, "image-to-video (hd)"),
        spent(first, "text-to-video (standard)"),
    ]


def test_prompt_is_cut_when_it_is_long(api: APIClient, alice: User) -> None:
    order(alice, "x" * 200)
    assert entries(api)[0][4] == f"Sora text-to-video (standard): {'x' * 57}..."


@pytest.mark.parametrize("end", ["", ".", "...", " "])
def test_description_ends_in_three_dots_when_the_prompt_ends_in_any(
    api: APIClient, alice: User, end: str
) -> None:
    order(alice, f"A beautiful sunset{end}")
    assert entries(api)[0][4] == "Sora text-to-video (standard): A beautiful sunset..."


def test_refund_names_the_same_video(api: APIClient, alice: User) -> None:
    lost = failed(order(alice, "A storm"))
    refund, spend = entries(api)
    assert refund[:4] == ("refunded", 20, "sora_task_creation", str(lost.pk))
    assert spend == spent(lost, "text-to-video (standard)")
