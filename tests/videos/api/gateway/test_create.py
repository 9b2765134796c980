"""POST /v1/videos: what an order may be, what it costs, and that a refused one costs nothing."""

import base64
import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.api.gateway.clients import key_of
from tests.videos.conftest import completed, order, picture, upload
from videos.media import upload_urls, uploads
from videos.models import Upload, Video

URL = "/v1/videos"
PNG = picture(size=(720, 1280))
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


def error_of(answer: Any) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["param"], error["code"]


@pytest.mark.parametrize("format", ["json", "multipart", "urlencoded"])
def test_defaults_are_those_of_the_protocol_when_only_a_prompt_is_sent(
    api: APIClient, alice: User, format: str
) -> None:
    before = credits.available(alice)
    if format == "urlencoded":
        answer = api.post(URL, "prompt=A+boat", content_type="application/x-www-form-urlencoded")
    else:
        answer = api.post(URL, {"prompt": "A boat"}, format=format)
    video = Video.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": f"video_{video.pk.hex}",
            "object": "video",
            "model": "sora-2",
            "status": "queued",
            "progress": 0,
            "prompt": "A boat",
            "created_at": int(video.created_at.timestamp()),
            "completed_at": None,
            "expires_at": None,
            "size": "720x1280",
            "seconds": "4",
            "remixed_from_video_id": None,
            "error": None,
            "metadata": {},
        },
    )
    assert (before - credits.available(alice), answer["openai-poll-after-ms"]) == (20, "2000")


@pytest.mark.parametrize("seconds", [8, "8"])
def test_length_is_a_text_or_a_number(api: APIClient, seconds: object) -> None:
    answer = api.post(URL, {"prompt": "A boat", "seconds": seconds}, format="json")
    assert (answer.status_code, answer.json()["seconds"]) == (200, "8")


@pytest.mark.parametrize("model", ["sora-2", "sora-2-pro"])
def test_dated_version_of_a_model_is_the_model(api: APIClient, model: str) -> None:
    answer = api.post(URL, {"prompt": "A boat", "model": f"{model}-2025-10-06"}, format="json")
    assert (answer.status_code, answer.json()["model"]) == (200, model)


def test_unknown_fields_are_ignored_and_metadata_is_kept(api: APIClient) -> None:
    sent = {"prompt": "A boat", "metadata": {"shot": "12b"}, "user": "u", "fps": 24, "quality": "x"}
    made = api.post(URL, sent, format="json").json()
    assert api.get(f"{URL}/{made['id']}").json()["metadata"] == {"shot": "12b"}


def test_names_of_metadata_are_kept_as_they_are_in_a_form(api: APIClient) -> None:
    sent = {"prompt": "A boat", "metadata[shot-id.1 é]": "12b", "metadata[b]": ""}
    made = api.post(URL, sent, format="multipart").json()
    assert made["metadata"] == {"shot-id.1 é": "12b", "b": ""}


@pytest.mark.parametrize("ids", ["char_1", ["char_1", "char_2"]])
def test_characters_are_refused_in_a_form_too(api: APIClient, ids: object) -> None:
    sent = {"prompt": "A boat", "characters[][id]": ids}
    answer = api.post(URL, sent, format="multipart")
    assert error_of(answer) == (400, "characters", "not_supported")


@pytest.mark.parametrize(
    ("sent", "format"), [({"characters": []}, "json"), ({"characters": ""}, "multipart")]
)
def test_no_characters_are_no_reason_to_refuse(
    api: APIClient, sent: dict[str, Any], format: str
) -> None:
    assert api.post(URL, {"prompt": "A boat", **sent}, format=format).status_code == 200


def test_unknown_list_of_a_form_is_ignored(api: APIClient) -> None:
    sent = {"prompt": "A boat", "tags[]": ["a", "b"], "user": ["a", "b"], "shots[][x]": ["1", "2"]}
    assert api.post(URL, sent, format="multipart").status_code == 200


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": "a", "seconds": ["4", "8"]}, "seconds"),
        ({"prompt": "a", "metadata[a]": ["b", "c"]}, "metadata"),
        ({"prompt": "a", "metadata[a][b]": "c"}, "metadata"),
        ({"prompt": "a", "input_reference[image_url]": ["b", "c"]}, "input_reference"),
    ],
)
def test_field_is_named_when_a_form_has_it_twice_or_nested(
    api: APIClient, sent: dict[str, Any], param: str
) -> None:
    assert error_of(api.post(URL, sent, format="multipart"))[:2] == (400, param)
    assert Video.objects.count() == 0


@pytest.mark.parametrize("kind", ["file", "data URL", "jpg", "bracketed", "upload"])
def test_first_image_is_taken_in_every_form(api: APIClient, alice: User, kind: str) -> None:
    before = credits.available(alice)
    if kind == "file":
        sent: dict[str, Any] = {"input_reference": upload(PNG)}
    elif kind == "bracketed":
        sent = {"input_reference[image_url]": DATA_URL}
    else:
        stored = upload_urls.url_of(uploads.store_image(alice, upload(PNG)))
        urls = {"data URL": DATA_URL, "jpg": DATA_URL.replace("png", "jpg"), "upload": stored}
        sent = {"input_reference": {"image_url": urls[kind]}}
    format = "multipart" if kind in ("file", "bracketed") else "json"
    answer = api.post(URL, {"prompt": "A boat", **sent}, format=format)
    image = Video.objects.get().first_image
    assert (answer.status_code, before - credits.available(alice)) == (200, 25)
    assert image
    assert (image.width, image.height) == (720, 1280)


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": 7}, "prompt", "invalid_value"),
        ({"prompt": "x" * 5001}, "prompt", "invalid_value"),
        ({"model": "no-such"}, "model", "invalid_value"),
        ({"model": "no-such-2025-10-06"}, "model", "invalid_value"),
        ({"size": "1x1"}, "size", "invalid_value"),
        ({"seconds": "5"}, "seconds", "invalid_value"),
        ({"seconds": "4.5"}, "seconds", "invalid_value"),
        ({"seconds": True}, "seconds", "invalid_value"),
        ({"input_reference": "boat.png"}, "input_reference", "invalid_type"),
        ({"input_reference": {}}, "input_reference", "invalid_type"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference", "not_supported"),
        ({"input_reference": {"image_url": "https://example.com/a.png"}}, "input_reference", None),
        ({"input_reference": {"image_url": "data:image/png;base64,%"}}, "input_reference", None),
        ({"input_reference": {"image_url": "data:text/html;base64,YQ=="}}, "input_reference", None),
        ({"input_reference": {"image_url": "data:image/png;base64,YQ=="}}, "input_reference", None),
        ({"characters": [{"id": "char_1"}]}, "characters", "not_supported"),
        ({"metadata": {"a": 1}}, "metadata", "invalid_type"),
        ({"metadata": {"a" * 65: ""}}, "metadata", "invalid_value"),
        ({"metadata": {"": "a"}}, "metadata", "invalid_value"),
        ({"metadata": {"a": "b" * 513}}, "metadata", "invalid_value"),
        ({"metadata": {"a": "\0"}}, "metadata", "invalid_value"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "invalid_value"),
        ({"webhook_url": "ftp://example.com"}, "webhook_url", "invalid_value"),
    ],
)
def test_order_is_refused_and_free_when_a_field_is_wrong(
    api: APIClient, alice: User, sent: dict[str, Any], param: str, code: str | None
) -> None:
    before = credits.available(alice)
    answer = api.post(URL, {"prompt": "A boat", **sent}, format="json")
    status, found, reason = error_of(answer)
    assert (status, found) == (400, param)
    assert code in (None, reason)
    assert (Video.objects.count(), Upload.objects.count()) == (0, 0)
    assert credits.available(alice) == before


def test_image_of_another_user_is_refused(api: APIClient, bob: User) -> None:
    foreign = upload_urls.url_of(uploads.store_image(bob, upload(PNG)))
    sent = {"prompt": "A boat", "input_reference": {"image_url": foreign}}
    assert error_of(api.post(URL, sent, format="json")) == (
        400,
        "input_reference",
        "bad_image_url",
    )


def test_prompt_that_moderation_stops_is_refused_by_name(api: APIClient, alice: User) -> None:
    before = credits.available(alice)
    answer = api.post(URL, {"prompt": "child porn"}, format="json")
    assert error_of(answer) == (400, "prompt", "moderation_blocked")
    assert credits.available(alice) == before


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_data_url_of_several_megabytes_is_taken(api: APIClient, format: str) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG + b"\0" * 2_000_000).decode()
    sent = {"input_reference": {"image_url": url}}
    if format == "multipart":
        sent = {"input_reference[image_url]": url}  # type: ignore[dict-item]
    answer = api.post(URL, {"prompt": "A", **sent}, format=format)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"prompt": "a", "prompt": "b"}', "application/json", 400),
        (b"a", "text/plain", 415),
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA bo',
            "multipart/form-data; boundary=x",
            400,
        ),
    ],
)
def test_body_that_cannot_be_read_is_refused_in_the_envelope(
    api: APIClient, body: bytes, kind: str, status: int
) -> None:
    assert error_of(api.post(URL, body, content_type=kind))[0] == status
    assert Video.objects.count() == 0


def test_order_is_refused_when_the_key_may_only_read(alice: User) -> None:
    reader = Client(headers={"Authorization": f"Bearer {key_of(alice, ['read'])}"})
    answer = reader.post(URL, json.dumps({"prompt": "A"}), content_type="application/json")
    assert error_of(answer) == (403, None, "insufficient_permissions")
    assert reader.get(URL).status_code == 200


def test_order_needs_token_and_key_when_the_operator_says_so(alice: User, settings: Any) -> None:
    settings.REQUIRE_API_KEY = True
    client = Client(headers={"Authorization": f"Bearer {key_of(alice)}"})
    for path in (URL, f"{URL}/edits", f"{URL}/video_{'0' * 32}/remix"):
        assert error_of(client.post(path, "{}", content_type="application/json"))[0] == 401


def test_remix_is_refused_and_free_when_the_video_is_not_finished(
    api: APIClient, alice: User
) -> None:
    video = order(alice)
    before = credits.available(alice)
    answer = api.post(f"{URL}/{video.pk}/remix", {"prompt": "At night"}, format="json")
    assert error_of(answer) == (400, None, "not_possible")
    assert credits.available(alice) == before


def test_remix_takes_a_form_too(api: APIClient, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    answer = api.post(f"{URL}/{video.pk}/remix", {"prompt": "At night"}, format="multipart")
    assert answer.json()["remixed_from_video_id"] == f"video_{video.pk.hex}"
    assert answer.status_code == 200
