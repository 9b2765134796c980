"""A JSON field that is null is a field that is left out."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import signed_in


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/api/videos", "post", {"prompt": "A", "seed": None, "seconds": None, "model": None}, 201),
        ("/api/videos/text-to-video", "post", {"prompt": "A", "webhook_url": None}, 200),
        ("/api/videos/quote", "post", {"model": None, "size": None, "audio": None}, 200),
        ("/api/users/profile", "put", {"name": "Ann", "avatar_url": None}, 200),
        ("/api/users/api-keys", "post", {"name": "k", "scopes": None}, 201),
    ],
)
def test_field_is_left_out_when_it_is_null(
    alice: User, path: str, method: str, body: dict[str, Any], status: int
) -> None:
    client = signed_in(alice)
    answer = getattr(client, method)(path, body, format="json")
    assert answer.status_code == status, answer.content


def test_field_is_refused_when_it_is_required_and_null(api: APIClient) -> None:
    answer = api.post("/api/videos", {"prompt": None}, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "prompt"])
