"""Hostile requests to every path of the API are refused with a documented answer.

The addresses are read off the resolver, so that a new one is tested as soon as it has a URL.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import order

DOCUMENTED = {400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429}
# These read no body, so they succeed whatever is sent.
NO_BODY_READ = {"/api/auth/logout", "/api/auth/test/login", "/api/webhooks/secret"}
DEEP = 100_000
VALID_FIELDS = {
    "username": "hostile", "email": "hostile@example.com", "password": "tin-lantern-9",
    "prompt": "A boat", "name": "key", "seconds": 4, "package": "trial", "language": "en",
    "refresh_token": "x", "current_password": "alice-password", "new_password": "tin-lantern-9",
}  # fmt: skip


def every_field_set_to(value: str) -> bytes:
    """Return a JSON object with every known field set to this JSON value."""
    return ("{" + ", ".join(f'"{name}": {value}' for name in VALID_FIELDS) + "}").encode()


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"nonsense",
    "half": b'{"prompt": "A boat"',
    "two": b"{}{}",
    "not UTF-8": b'{"prompt": "\xff"}',
    "UTF-16": '{"prompt": "A boat"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "null": b"null",
    "true": b"true",
    "number": b"5",
    "text": b'"text"',
    "list": b"[]",
    "list of objects": json.dumps([VALID_FIELDS]).encode(),
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"prompt":' * DEEP + b"1" + b"}" * DEEP,
    "deep, not broken": b'{"prompt":' * 40 + b"1" + b"}" * 40,
    "a key twice": b'{"prompt": "a", "prompt": "b"}',
    "NUL in a key": b'{"prompt\\u0000": "a"}',
    "half a pair in a key": b'{"\\ud800": "a"}',
    "infinite": every_field_set_to("1e400"),
    "minus infinite": every_field_set_to("-1e400"),
    "NaN": every_field_set_to("NaN"),
    "Infinity": every_field_set_to("Infinity"),
    "huge int": every_field_set_to("9" * 4000),
    "int beyond the database": every_field_set_to("99999999999999999999"),
    "negative": every_field_set_to("-1"),
    "float": every_field_set_to("0.1"),
    "NUL": every_field_set_to('"a\\u0000b"'),
    "half a surrogate pair": every_field_set_to('"\\ud800"'),
    "other half": every_field_set_to('"a\\udfffb"'),
    "nulls": every_field_set_to("null"),
    "booleans": every_field_set_to("true"),
    "lists": every_field_set_to('["a", {"b": 1}]'),
    "objects": every_field_set_to('{"a": {"b": ["c"]}}'),
    "blank": every_field_set_to('""'),
    "long": every_field_set_to('"' + "x" * 20_000 + '"'),
    "control characters": every_field_set_to('"\\u0001\\u202e\\ufeff"'),
    "too large": b'{"prompt": "' + b"x" * (1024 * 1024) + b'"}',
}
# Some bodies are valid for some paths; these are valid for none.
ALWAYS_REFUSED = {
    "no JSON", "half", "two", "not UTF-8", "UTF-16", "byte order mark", "deep list", "deep object",
    "deep, not broken", "a key twice", "NUL in a key", "half a pair in a key", "infinite",
    "minus infinite", "NaN", "Infinity", "huge int", "half a surrogate pair", "other half",
}  # fmt: skip
TYPES = [
    "", "text/plain", "application/xml", "application/json; charset=nonsense", "a/b/c", "\x00",
    "application/json; charset=base64", "application/x-www-form-urlencoded; charset=base64",
    "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x; charset=base64",
    "multipart/form-data; boundary=é",
]  # fmt: skip
MULTIPART = {
    "nothing": b"",
    "no end": b"--x\r\nContent-Disposition: form-data; name=prompt\r\n\r\nA boat",
    "no name": b"--x\r\nContent-Disposition: form-data\r\n\r\nA boat\r\n--x--\r\n",
    "NUL": b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na\x00b\r\n--x--\r\n',
    "not UTF-8": b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\n\xff\r\n--x--\r\n',
    "many": b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(1500)
    )
    + b"--x--\r\n",
    "many files": b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\n\r\n1\r\n' % n
        for n in range(200)
    )
    + b"--x--\r\n",
    "file for text": b'--x\r\nContent-Disposition: form-data; name="prompt"; filename="../a\x00"'
    b"\r\n\r\n1\r\n--x--\r\n",
    "base64": b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n",
}
QUERIES = [
    "?page=%00", "?page=last", "?page=٣", "?page=99999999999999999999999", "?page=-1", "?page=1e3",
    "?page=1&page=2", "?page_size=0", "?page_size=101", "?limit=x", "?limit=1&limit=x",
    f"?offset={'9' * 2000}", "?offset=10001", "?after=%00", "?after=x", "?after=" + "0" * 36,
    "?order=%F0%9F", "?status=%00", "?status=x", "?q=%00", "?q=%ED%A0%80", "?q=" + "x" * 5000,
    "?q=%25&q=_", "?transaction_type=%00", "?variant=%00", "?variant=x", "?download=x", "?id=%00",
    "?id=x", "?=", "?&&&", "?%", "?a" * 300, "?email=%00",
]  # fmt: skip


def routes() -> Iterator[tuple[str, Any]]:
    for pattern in get_resolver().url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLPattern) and route.startswith("api/"):
            yield f"/{route}", pattern.callback


def calls_with(*methods: str) -> list[tuple[str, str]]:
    """Return the calls of these methods; a plain view takes every method."""
    return [
        (method, route)
        for route, view in routes()
        for method in methods
        if hasattr(getattr(view, "cls", None), method) or not hasattr(view, "cls")
    ]


WRITES, READS = calls_with("post", "put", "patch", "delete"), calls_with("get")


@pytest.fixture
def client(api: APIClient) -> APIClient:
    api.raise_request_exception = False
    return api


@pytest.fixture
def fill_ids(alice: User) -> Any:
    """Return a function that fills the ids of Alice's objects into a route."""
    video_id = str(order(alice).pk)
    return lambda route: re.sub(
        r"<(\w+):\w+>", lambda m: {"uuid": video_id, "slug": "sandbox"}.get(m[1], "1"), route
    )


def check_refusal(answer: Any, *request: object) -> None:
    """Assert a documented refusal in JSON that reveals no internals."""
    assert answer.status_code in DOCUMENTED, (*request, answer.status_code, answer.content[:300])
    detail = answer.json()["detail"]
    assert detail, request
    text = json.dumps(detail)
    assert not re.search(r"Traceback|\.py\b|SELECT |psycopg|sqlite", text), (*request, text)


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_answer_is_documented_when_the_body_is_hostile(
    client: APIClient, fill_ids: Any, method: str, route: str
) -> None:
    path = fill_ids(route)
    for name, body in BODIES.items():
        answer = client.generic(method, path, body, "application/json")  # type: ignore[arg-type]
        if answer.status_code < 300:
            reads_no_body = method == "delete" or path in NO_BODY_READ
            assert name not in ALWAYS_REFUSED or reads_no_body, (method, route, name)
            if path == "/api/auth/logout" or (method == "delete" and "account" in path):
                return
        else:
            check_refusal(answer, method, route, name)


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_answer_is_documented_when_the_content_type_is_hostile(
    client: APIClient, fill_ids: Any, method: str, route: str
) -> None:
    path = fill_ids(route)
    for type in TYPES:
        answer = client.generic(method, path, '{"prompt": "x"}', type)
        if not 200 <= answer.status_code < 300:
            check_refusal(answer, method, route, type)
    for name, body in MULTIPART.items():
        answer = client.generic(method, path, body, "multipart/form-data; boundary=x")  # type: ignore[arg-type]
        if not 200 <= answer.status_code < 300:
            check_refusal(answer, method, route, name)


@pytest.mark.parametrize(("method", "route"), READS)
def test_answer_is_documented_when_the_query_is_hostile(
    client: APIClient, fill_ids: Any, method: str, route: str
) -> None:
    path = fill_ids(route)
    for query in QUERIES:
        answer = client.get(path + query)
        if not 200 <= answer.status_code < 400:
            check_refusal(answer, route, query)


@pytest.mark.parametrize("query", QUERIES)
def test_test_login_answers_200_or_422_when_the_query_is_hostile(db: None, query: str) -> None:
    client = Client(raise_request_exception=False)
    answer = client.post(f"/api/auth/test/login{query}")
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer \x00"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Bearer " + "x" * 100_000},
        {"Authorization": "Bearer fl_\x00"},
        {"X-API-Key": "\x00"},
        {"X-API-Key": "fl_" + "é" * 36},
        {"X-API-Key": "x" * 100_000},
        {"Accept": "text/html"},
        {"Accept": "a/b;q=x, \x00"},
        {"Accept-Language": "\xff, x" * 100},
        {"X-Request-ID": "\x00"},
        {"Cookie": "sessionid=\x00; csrftoken=\xff"},
        {"Cookie": "sessionid=" + "x" * 5000},
        {"X-CSRFToken": "\x00"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Range": "bytes=" + "9" * 5000},
        {"If-None-Match": "\x00"},
        {"If-Modified-Since": "nonsense"},
    ],
)
def test_answer_is_documented_when_a_header_is_hostile(db: None, headers: dict[str, str]) -> None:
    client = APIClient(headers=headers)
    client.raise_request_exception = False
    for path in ("/api/auth/me", "/api/payments/packages", "/api/nothing"):
        answer = client.get(path)
        if answer.status_code != 200:
            assert answer.status_code in {*DOCUMENTED, 406}, (path, answer.content[:200])
            assert answer.json()["detail"]
