"""POST /api/videos: what may be asked for, and what it costs."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from tests.conftest import signed_in
from tests.videos.conftest import order, picture, upload
from videos.models import Upload, Video


def create(client: APIClient, format: str = "json", **body: Any) -> Any:
    return client.post("/api/videos", {"prompt": "A paper boat", **body}, format=format)


def nothing_ordered(user: User) -> bool:
    """No video, no upload, no credit moved."""
    counts = (Video.objects.count(), Upload.objects.count(), ledger_credits.available(user))
    return counts == (0, 0, 100) and invariants.problems() == []


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_create_answers_the_documented_object_when_only_a_prompt_is_sent(
    api: APIClient, alice: User, format: str
) -> None:
    answer = create(api, format)
    video = Video.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(video.pk),
        "user_id": str(alice.pk),
        "openai_video_id": None,
        "title": "A paper boat",
        "prompt": "A paper boat",
        "model": "sora-2",
        "made_with": {"model": "sora-2", "label": "Sora 2"},
        "seed": None,
        "negative_prompt": None,
        "audio": None,
        "size": "1280x720",
        "seconds": "8",
        "status": "queued",
        "progress": 0,
        "queue_position": 1,
        "tags": [],
        "created_at": int(video.created_at.timestamp()),
        "completed_at": None,
        "file_path": None,
        "thumbnail_path": None,
        "video_url": None,
        "thumbnail_url": None,
        "error_message": None,
        "failure": None,
        "has_input_reference": False,
        "has_last_image": False,
        "has_reference_images": False,
        "operation": "text",
        "remix_of": None,
        "edit_of": None,
        "take": None,
        "credits": 20,
        "expires_at": None,
    }
    assert ledger_credits.available(alice) == 80


@pytest.mark.parametrize("format", ["json", "multipart"])
@pytest.mark.parametrize("seconds", ["8", 8, "4", 12, "16"])
def test_seconds_are_answered_as_text_when_sent_as_text_or_number(
    api: APIClient, format: str, seconds: object
) -> None:
    answer = create(api, format, seconds=seconds)
    assert (answer.status_code, answer.json()["seconds"]) == (201, str(seconds))


def test_create_keeps_model_size_and_seconds_when_the_catalog_offers_them(
    api: APIClient, alice: User
) -> None:
    wanted = {"model": "sora-2-pro", "size": "1024x1792", "seconds": "12"}
    answer = create(api, **wanted)
    assert {key: answer.json()[key] for key in wanted} == wanted
    assert (answer.json()["credits"], ledger_credits.available(alice)) == (30, 70)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "sora-3"}, "model"),
        ({"size": "640x480"}, "size"),
        ({"size": "1792x1024"}, "size"),
        ({"seconds": "5"}, "seconds"),
        ({"seconds": 600}, "seconds"),
    ],
)
def test_create_is_400_when_the_catalog_does_not_offer_it(
    api: APIClient, alice: User, body: dict[str, Any], field: str
) -> None:
    answer = create(api, **body)
    assert (answer.status_code, sorted(answer.json())) == (400, ["code", "detail", "field"])
    assert (answer.json()["code"], answer.json()["field"]) == ("not_offered", field)
    assert nothing_ordered(alice)


@pytest.mark.parametrize(
    ("body", "field", "type"),
    [
        ({"prompt": ""}, "prompt", "value_error.any_str.min_length"),
        ({"prompt": "   "}, "prompt", "value_error.any_str.min_length"),
        ({"prompt": "x" * 5001}, "prompt", "value_error.any_str.max_length"),
        ({"prompt": None}, "prompt", "type_error.none.not_allowed"),
        ({"prompt": ["a"]}, "prompt", "value_error.invalid"),
        ({"prompt": True}, "prompt", "value_error.invalid"),
        ({"seconds": "eight"}, "seconds", "value_error.invalid"),
        ({"seconds": 0}, "seconds", "value_error.number.not_ge"),
        ({"seconds": 8.5}, "seconds", "value_error.invalid"),
        (
            {"input_reference": "https://example.com/a.png"},
            "input_reference",
            "value_error.invalid",
        ),
    ],
)
def test_create_names_the_field_when_it_is_invalid(
    api: APIClient, alice: User, body: dict[str, Any], field: str, type: str
) -> None:
    answer = create(api, **body)
    assert answer.status_code == 422
    assert [(e["loc"], e["type"]) for e in answer.json()["detail"]] == [(["body", field], type)]
    assert nothing_ordered(alice)


def test_create_names_the_prompt_when_the_body_is_empty(api: APIClient) -> None:
    answer = api.post("/api/videos", {}, format="json")
    missing = {"loc": ["body", "prompt"], "msg": "field required", "type": "value_error.missing"}
    assert (answer.status_code, answer.json()) == (422, {"detail": [missing]})


def test_create_keeps_the_whole_prompt_when_it_has_the_maximum_length(api: APIClient) -> None:
    prompt = "水" * 5000
    assert create(api, prompt=prompt).json()["prompt"] == prompt


def test_webhook_url_of_an_order_is_kept(api: APIClient) -> None:
    url = "https://example.com/hook"
    assert create(api, prompt="A boat", webhook_url=url).status_code == 201
    assert Video.objects.get().webhook_url == url


@pytest.mark.parametrize("url", [5, "ftp://example.com/", "https://user:word@example.com/"])
def test_nothing_is_ordered_when_webhook_url_is_unusable(api: APIClient, url: object) -> None:
    answer = create(api, prompt="A boat", webhook_url=url)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "webhook_url"])
    assert Video.objects.count() == 0


def test_create_is_402_when_credits_are_too_few(api: APIClient, alice: User) -> None:
    for _ in range(4):
        order(alice)
    answer = create(api, model="sora-2-pro")
    sentence = "Insufficient credits. You need 30 credits but only have 20 available."
    assert answer.status_code == 402
    assert answer.json() == {"detail": sentence}
    assert (Video.objects.count(), ledger_credits.available(alice)) == (4, 20)


@pytest.mark.parametrize(
    ("format", "name"), [("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")]
)
@pytest.mark.parametrize(("model", "credits"), [("sora-2", 25), ("sora-2-pro", 35)])
def test_create_stores_the_image_and_charges_its_price_when_one_is_sent(
    api: APIClient, alice: User, format: str, name: str, model: str, credits: int
) -> None:
    answer = create(api, "multipart", model=model, input_reference=upload(picture(format), name))
    body = answer.json()
    assert answer.status_code == 201
    assert (body["has_input_reference"], body["credits"]) == (True, credits)
    assert ledger_credits.available(alice) == 100 - credits
    kept = Upload.objects.get()
    assert (kept.user, kept.width, kept.height, kept.name) == (alice, 40, 30, "a.jpg")


def test_create_stores_no_image_when_the_prompt_is_missing(api: APIClient, alice: User) -> None:
    assert create(api, "multipart", prompt="", input_reference=upload(picture())).status_code == 422
    assert nothing_ordered(alice)


def test_create_is_401_when_anonymous(anonymous: APIClient, db: None) -> None:
    answer = create(anonymous)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert answer["WWW-Authenticate"] == "Bearer"


def test_create_charges_the_user_who_orders_when_two_users_order(alice: User, bob: User) -> None:
    create(signed_in(bob), user_id=str(alice.pk))
    assert (ledger_credits.available(alice), ledger_credits.available(bob)) == (100, 80)
    assert Video.objects.get().user == bob
