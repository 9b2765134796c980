"""/api/videos/{id}/reviews and /api/reviews: review links, and what was said through them."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import order
from tests.videos.editing.conftest import finished
from videos.models import ReviewComment, ReviewLink, Video
from videos.reviews import comments
from videos.reviews.comments import NewComment

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def create(api: APIClient, video: Video, **body: Any) -> Any:
    return api.post(f"/api/videos/{video.pk}/reviews", {"label": "Client", **body}, format="json")


def said(link: ReviewLink, text: str = "Too dark") -> ReviewComment:
    return comments.add(link, NewComment(name="Rea", text=text, at=0.5))


def test_link_is_created_listed_read_and_ended(
    api: APIClient, anonymous: APIClient, source: Video
) -> None:
    made = create(api, source, days=3, password="secret", full_file=True).json()
    assert (made["label"], made["has_password"], made["full_file"], made["ready"]) == (
        "Client", True, True, False,
    )  # fmt: skip
    path = made["url"].removeprefix("http://127.0.0.1:8000")
    assert anonymous.get(path).status_code == 200
    assert api.get(f"/api/videos/{source.pk}/reviews").json() == {"reviews": [made]}
    link = ReviewLink.objects.get()
    assert (link.expires_at - link.created_at).days == 3
    said(link)
    read = api.get(f"/api/reviews/{made['id']}").json()
    (comment,) = read.pop("comments")
    assert read == made
    assert (comment["name"], comment["text"], comment["at"], comment["hidden"]) == (
        "Rea", "Too dark", 0.5, False,
    )  # fmt: skip
    assert api.delete(f"/api/reviews/{made['id']}").status_code == 204
    assert api.get(f"/api/reviews/{made['id']}").json()["ended"] is True
    assert anonymous.get(path).status_code == 404


def test_comment_is_hidden_and_resolved(api: APIClient, source: Video) -> None:
    create(api, source)
    link = ReviewLink.objects.get()
    path = f"/api/reviews/{link.pk}/comments/{said(link).pk}"
    changed = api.patch(path, {"hidden": True, "resolved": True}, format="json").json()
    assert (changed["hidden"], changed["resolved"]) == (True, True)
    assert list(comments.of_link(link)) == []
    again = api.patch(path, {"hidden": False}, format="json").json()
    assert (again["hidden"], again["resolved"]) == (False, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"label": ""}, 422),
        ({"label": "x" * 61}, 422),
        ({"days": 0}, 422),
        ({"days": 91}, 422),
        ({"days": "soon"}, 422),
        ({"password": "abc"}, 400),
        ({"full_file": "perhaps"}, 422),
    ],
)
def test_bad_link_is_refused(api: APIClient, source: Video, body: Any, code: int) -> None:
    assert create(api, source, **body).status_code == code
    assert ReviewLink.objects.count() == 0


def test_unfinished_video_and_one_link_too_many_are_refused(
    api: APIClient, alice: User, source: Video, settings: LazySettings
) -> None:
    settings.REVIEW_LINKS = 1
    assert create(api, order(alice)).status_code == 400
    assert [create(api, source).status_code for _n in range(2)] == [201, 400]


def test_reviews_are_private(
    api: APIClient, stranger: APIClient, anonymous: APIClient, source: Video
) -> None:
    create(api, source)
    link = ReviewLink.objects.get()
    comment = said(link)
    calls = [
        ("get", f"/api/videos/{source.pk}/reviews"),
        ("post", f"/api/videos/{source.pk}/reviews"),
        ("get", f"/api/reviews/{link.pk}"),
        ("delete", f"/api/reviews/{link.pk}"),
        ("patch", f"/api/reviews/{link.pk}/comments/{comment.pk}"),
    ]
    assert [getattr(stranger, verb)(path).status_code for verb, path in calls] == [404] * 5
    assert [getattr(anonymous, verb)(path).status_code for verb, path in calls] == [401] * 5
    wrong = f"/api/reviews/{uuid4()}/comments/{comment.pk}"
    assert api.patch(wrong, {"hidden": True}, format="json").status_code == 404


def test_lists_take_the_same_queries_for_many_links(
    api: APIClient, source: Video, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _n in range(3):
        create(api, source)
    with django_assert_num_queries(3):
        api.get(f"/api/videos/{source.pk}/reviews")
