"""Orders with a first and a last image, or with reference images, in the calls of each system."""

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from tests.videos.conftest import picture, upload
from videos.media import upload_urls, uploads
from videos.models import Upload, Video

CREATE, TASK, QUOTE = "/api/videos", "/api/videos/image-to-video", "/api/videos/quote"


def create(client: APIClient, path: str = CREATE, **fields: Any) -> Any:
    return client.post(path, {"prompt": "A paper boat", **fields}, format="multipart")


def create_task(client: APIClient, **fields: Any) -> Any:
    return client.post(TASK, {"prompt": "A paper boat", **fields}, format="json")


def files(*names: str) -> dict[str, Any]:
    """One image for each of these fields."""
    return {name: upload(picture(), f"{name}.png") for name in names}


def references(count: int) -> dict[str, Any]:
    return {"reference_images": [upload(picture(), f"{n}.png") for n in range(count)]}


@pytest.fixture
def urls(alice: User) -> list[str]:
    """The addresses of three images alice has uploaded."""
    kept = [uploads.store_image(alice, upload(picture(), f"{n}.png")) for n in range(3)]
    return [upload_urls.url_of(one) for one in kept]


def names_of(video: Video) -> list[str]:
    return [image.name.partition(".")[0] for image in video.images]


@pytest.mark.parametrize("path", [CREATE, "/api/videos/create"])
def test_video_is_ordered_with_a_first_and_a_last_image(
    api: APIClient, alice: User, path: str
) -> None:
    answer = create(api, path, **files("last_image", "input_reference"))
    video, body = Video.objects.get(), answer.json()
    assert answer.status_code == 201
    shown = ("has_input_reference", "has_last_image", "has_reference_images", "credits")
    assert [body[name] for name in shown] == [True, True, False, 25]
    assert (video.operation, names_of(video)) == (
        "first_last",
        ["input_reference", "last_image"],
    )
    assert credits.available(alice) == 75


@pytest.mark.parametrize("path", [CREATE, "/api/videos/create"])
def test_video_is_ordered_with_reference_images_in_their_order(
    api: APIClient, alice: User, path: str
) -> None:
    answer = create(api, path, **references(3))
    video, body = Video.objects.get(), answer.json()
    assert answer.status_code == 201
    shown = ("has_input_reference", "has_last_image", "has_reference_images", "credits")
    assert [body[name] for name in shown] == [False, False, True, 25]
    assert (video.operation, names_of(video)) == ("reference", ["0", "1", "2"])
    assert credits.available(alice) == 75


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        (("last_image",), "last_image", "A last image needs a first image."),
        (
            ("input_reference", "reference_images"),
            "reference_images",
            "Reference images cannot be combined with a first or a last image.",
        ),
        (
            ("last_image", "reference_images"),
            "reference_images",
            "Reference images cannot be combined with a first or a last image.",
        ),
    ],
)
def test_images_that_do_not_go_together_are_refused_and_nothing_is_kept(
    api: APIClient, alice: User, fields: tuple[str, ...], field: str, sentence: str
) -> None:
    answer = create(api, **files(*fields))
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": sentence, "code": "not_offered", "field": field},
    )
    assert (Video.objects.count(), Upload.objects.count()) == (0, 0)
    assert (credits.available(alice), invariants.problems()) == (100, [])


def test_more_reference_images_than_the_model_takes_are_refused(
    api: APIClient, alice: User
) -> None:
    answer = create(api, **references(4))
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "Sora 2 takes up to 3 reference images.",
    )
    assert create(api, **references(11)).status_code == 422
    assert (Video.objects.count(), Upload.objects.count()) == (0, 0)


def test_no_image_is_kept_when_one_of_them_is_unreadable(api: APIClient, alice: User) -> None:
    fields = {**files("input_reference"), "last_image": upload(b"no picture", "b.png")}
    answer = create(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_image")
    assert (Video.objects.count(), Upload.objects.count()) == (0, 0)


@pytest.mark.parametrize("field", ["last_image", "reference_images"])
def test_image_that_is_no_file_is_422(api: APIClient, alice: User, field: str) -> None:
    body = {"prompt": "A boat", field: "https://example.com/a.png"}
    assert api.post(CREATE, body, format="json").status_code == 422
    assert Video.objects.count() == 0


def test_last_image_that_is_sent_twice_is_422(api: APIClient, alice: User) -> None:
    twice = [upload(picture(), name) for name in ("a.png", "b.png")]
    answer = create(api, **files("input_reference"), last_image=twice)
    assert (answer.status_code, Video.objects.count()) == (422, 0)


@pytest.mark.parametrize("field", ["last_image", "reference_images"])
def test_request_differs_when_another_image_is_sent(
    api: APIClient, alice: User, field: str
) -> None:
    def send(body: bytes) -> int:
        fields = files("input_reference") if field == "last_image" else {}
        data = {"prompt": "A boat", **fields, field: upload(body)}
        answer = api.post(CREATE, data, format="multipart", headers={"Idempotency-Key": "k"})
        return int(answer.status_code)

    other = picture(size=(41, 30))
    assert [send(picture()), send(picture()), send(other)] == [201, 201, 409]
    assert Video.objects.count() == 1


# ---- tasks ----


def test_task_is_ordered_with_a_first_and_a_last_image(
    api: APIClient, alice: User, urls: list[str]
) -> None:
    answer = create_task(api, image_urls=urls[:1], last_image_url=urls[2])
    video = Video.objects.get()
    assert (answer.status_code, answer.json()["credits_estimated"]) == (200, 25)
    assert (video.operation, names_of(video)) == ("first_last", ["0", "2"])
    shown = api.get(f"/api/tasks/{video.pk}").json()
    assert shown["task_type"] == "IMAGE_TO_VIDEO"


def test_task_is_ordered_with_reference_images(
    api: APIClient, alice: User, urls: list[str]
) -> None:
    answer = create_task(api, reference_image_urls=[urls[2], urls[0]])
    video = Video.objects.get()
    assert (answer.status_code, answer.json()["credits_estimated"]) == (200, 25)
    assert (video.operation, names_of(video)) == ("reference", ["2", "0"])


def test_task_is_refused_when_its_images_do_not_go_together(
    api: APIClient, alice: User, urls: list[str]
) -> None:
    answer = create_task(api, image_urls=urls[:1], reference_image_urls=urls[1:])
    assert (answer.status_code, answer.json()["code"]) == (400, "not_offered")
    for fields in ({}, {"last_image_url": urls[0]}):
        answer = create_task(api, **fields)
        assert answer.status_code == 422
        assert [(e["loc"], e["type"]) for e in answer.json()["detail"]] == [
            (["body", "image_urls"], "value_error.missing")
        ]
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_task_is_refused_when_an_image_is_not_the_users(
    api: APIClient, stranger: APIClient, urls: list[str]
) -> None:
    missing = urls[0][:-36] + str(uuid4())
    for bad, client in ((urls[0], stranger), (missing, api)):
        for fields in (
            {"image_urls": urls[1:], "last_image_url": bad},
            {"reference_image_urls": [bad]},
        ):
            answer = create_task(client, **fields)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_image_url")
    assert Video.objects.count() == 0


@pytest.mark.django_db
def test_order_with_images_needs_a_sign_in(anonymous: APIClient) -> None:
    assert create(anonymous, **files("input_reference", "last_image")).status_code == 401
    assert create_task(anonymous, reference_image_urls=["https://a.example"]).status_code == 401
    assert Upload.objects.count() == 0


# ---- quotes ----


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"image": True, "last_image": True}, files("input_reference", "last_image")),
        ({"reference_images": 2}, references(2)),
    ],
)
def test_quote_of_images_is_the_price_of_such_an_order(
    api: APIClient, alice: User, asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    found = api.post(QUOTE, asked, format="json").json()
    assert found["credits"] == 25
    assert create(api, **sent, quote=found["quote"]).json()["credits"] == 25
    assert create(api, quote=found["quote"]).json()["code"] == "invalid_quote"


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"last_image": True}, "last_image"), ({"reference_images": 4}, "reference_images")],
)
def test_quote_is_refused_for_images_that_cannot_be_ordered(
    api: APIClient, asked: dict[str, Any], field: str
) -> None:
    answer = api.post(QUOTE, asked, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
