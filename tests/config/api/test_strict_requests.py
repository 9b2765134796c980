"""Texts, numbers and forms are read in one way only, by every call of the API."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from tests.schema import document
from tests.videos.conftest import order
from videos.models import Storyboard, Video

# The first two are an Arabic 3 and a full-width 1.
NO_NUMBERS = ["\u0663", "\uff11", "+1", " 1", "1 ", "", "1.0", "1e0", "0x1", "1_0", "-", "9" * 21]


def operations(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, calls in document()["paths"].items():
        if method in calls:
            yield path, calls[method]


def texts_of(operation: dict[str, Any]) -> list[str]:
    """Return the text fields of the JSON body of an operation."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    fields = document()["components"]["schemas"].get(name, {}).get("properties", {})
    return sorted(
        name
        for name, field in fields.items()
        if "string" in field.get("type", "") and field.get("format") not in {"binary", "date-time"}
    )


WRITES = [
    (method, path, texts)
    for method in ("post", "put", "delete")
    for path, operation in operations(method)
    if (texts := texts_of(operation))
]
NUMBERS = [
    (path, parameter["name"])
    for path, operation in operations("get")
    for parameter in operation.get("parameters", [])
    if parameter["in"] == "query" and parameter["schema"].get("type") == "integer"
]


@pytest.fixture
def video(alice: User) -> Video:
    """A video and a storyboard with the same id, for all addresses that have one."""
    made, now = order(alice), timezone.now()
    Storyboard.objects.create(
        pk=made.pk, user=alice, title="Harbour", created_at=now, updated_at=now
    )
    return made


def at(path: str, video: Video) -> str:
    return re.sub(r"\{\w+\}", str(video.pk), path)


def refused_fields(answer: Any) -> set[str]:
    """The refused fields of a request; under /v1 the answer names the first one."""
    if answer.status_code == 400 and "error" in answer.json():
        return {answer.json()["error"]["param"]}
    assert answer.status_code == 422, answer.content
    return {error["loc"][1] for error in answer.json()["detail"]}


def test_calls_with_texts_and_numbers_are_found() -> None:
    assert len(WRITES) > 10
    assert len(NUMBERS) > 8


@pytest.mark.parametrize(("method", "path", "texts"), WRITES)
def test_number_is_no_text(
    api: APIClient,
    video: Video,
    settings: LazySettings,
    method: str,
    path: str,
    texts: list[str],
) -> None:
    settings.GOOGLE_CLIENT_ID = "id"
    body = json.dumps(dict.fromkeys(texts, 12))
    answer = api.generic(method, at(path, video), body, "application/json")
    refused = refused_fields(answer)
    assert refused <= set(texts) if path.startswith("/v1/") else refused >= set(texts)


@pytest.mark.parametrize(("path", "name"), NUMBERS)
def test_text_that_is_no_number_is_refused_in_a_query(
    api: APIClient, video: Video, path: str, name: str
) -> None:
    for value in NO_NUMBERS:
        assert refused_fields(api.get(at(path, video), {name: value})) == {name}, value
    assert refused_fields(api.get(f"{at(path, video)}?{name}=1&{name}=2")) == {name}


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_text_that_is_no_number_is_refused_in_a_form(api: APIClient, value: str) -> None:
    answer = api.post("/api/videos", {"prompt": "A boat", "seconds": value}, format="multipart")
    assert refused_fields(answer) == {"seconds"}


@pytest.mark.parametrize("value", [*NO_NUMBERS, True, 8.5, [8]])
def test_text_that_is_no_number_is_refused_in_json(api: APIClient, value: object) -> None:
    answer = api.post("/api/videos", {"prompt": "A boat", "seconds": value}, format="json")
    assert refused_fields(answer) == {"seconds"}


@pytest.mark.parametrize("value", [8, "8", 8.0])
def test_number_or_its_text_is_accepted(api: APIClient, value: object) -> None:
    answer = api.post("/api/videos", {"prompt": "A boat", "seconds": value}, format="json")
    assert (answer.status_code, answer.json()["seconds"]) == (201, "8")


@pytest.mark.parametrize("name", ["prompt", "model", "seconds"])
@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_field_is_refused_when_a_form_has_it_twice(api: APIClient, kind: str, name: str) -> None:
    fields = {"prompt": "A boat", "model": "sora-2", "seconds": "8"}
    sent = [*fields.items(), (name, fields[name])]
    if kind == "multipart":
        parts = (
            f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in sent
        )
        body, content_type = "".join([*parts, "--x--\r\n"]), "multipart/form-data; boundary=x"
    else:
        body = "&".join(f"{key}={value}" for key, value in sent)
        content_type = "application/x-www-form-urlencoded"
    assert refused_fields(api.generic("POST", "/api/videos", body, content_type)) == {name}
    assert Video.objects.count() == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=nonsense",
        "multipart/form-data; boundary=x; charset=base64",
        "multipart/form-data; boundary=x; charset=nonsense",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
def test_answer_is_415_when_the_charset_is_not_utf_8(api: APIClient, content_type: str) -> None:
    answer = api.generic("POST", "/api/videos", '{"prompt": "A boat"}', content_type)
    assert (answer.status_code, answer.json()) == (
        415,
        {"detail": f'Unsupported media type "{content_type}" in request.'},
    )


def test_charset_may_be_named_when_it_is_utf_8(api: APIClient) -> None:
    body = json.dumps({"prompt": "A boat"})
    answer = api.generic("POST", "/api/videos", body, 'application/json; charset="UTF-8"')
    assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/api/videos", "/api/auth/login", "/api/payments/webhook/stripe"])
def test_answer_is_415_when_the_body_is_compressed(db: None, path: str) -> None:
    body = gzip.compress(b'{"prompt": "A boat"}')
    answer = Client().post(path, body, "application/json", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer["Accept-Encoding"], answer.json()) == (
        415,
        "identity",
        {"detail": "Unsupported Content-Encoding. Send the body as it is."},
    )
