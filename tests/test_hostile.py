"""Whatever is sent to whichever address of the API: it is refused in its documented way.

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
# They ask for no body, so that they do what they do whatever comes.
BODILESS = {"/api/auth/logout", "/api/auth/test/login", "/api/webhooks/secret"}
DEEP = 100_000
GOOD = {
    "username": "hostile", "email": "hostile@example.com", "password": "tin-lantern-9",
    "prompt": "A boat", "name": "key", "seconds": 4, "package": "trial", "language": "en",
    "refresh_token": "x", "current_password": "alice-password", "new_password": "tin-lantern-9",
}  # fmt: skip


def with_every(value: str) -> bytes:
    """Every known field set to this JSON."""
    return ("{" + ", ".join(f'"{name}": {value}' for name in GOOD) + "}").encode()


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
    "list of objects": json.dumps([GOOD]).encode(),
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"prompt":' * DEEP + b"1" + b"}" * DEEP,
    "deep, not broken": b'{"prompt":' * 40 + b"1" + b"}" * 40,
    "a key twice": b'{"prompt": "a", "prompt": "b"}',
    "NUL in a key": b'{"prompt\\u0000": "a"}',
    "half a pair in a key": b'{"\\ud800": "a"}',
    "infinite": with_every("1e400"),
    "minus infinite": with_every("-1e400"),
    "NaN": with_every("NaN"),
    "Infinity": with_every("Infinity"),
    "huge int": with_every("9" * 4000),
    "int beyond the database": with_every("99999999999999999999"),
    "negative": with_every("-1"),
    "float": with_every("0.1"),
    "NUL": with_every('"a\\u0000b"'),
    "half a surrogate pair": with_every('"\\ud800"'),
    "other half": with_every('"a\\udfffb"'),
    "nulls": with_every("null"),
    "booleans": with_every("true"),
    "lists": with_every('["a", {"b": 1}]'),
    "objects": with_every('{"a": {"b": ["c"]}}'),
    "blank": with_every('""'),
    "long": with_every('"' + "x" * 20_000 + '"'),
    "control characters": with_every('"\\u0001\\u202e\\ufeff"'),
    "too large": b'{"prompt": "' + b"x" * (1024 * 1024) + b'"}',
}
# Half of what is sent could be meant well by some address: these are never.
NEVER_MEANT = {
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


def taking(*methods: str) -> list[tuple[str, str]]:
    """What may be asked of each address; a plain view may be asked for anything."""
    return [
        (method, route)
        for route, view in routes()
        for method in methods
        if hasattr(getattr(view, "cls", None), method) or not hasattr(view, "cls")
    ]


WRITES, READS = taking("post", "put", "patch", "delete"), taking("get")


@pytest.fixture
def hostile(api: APIClient) -> APIClient:
    api.raise_request_exception = False
    return api


@pytest.fixture
def address(alice: User) -> Any:
    """A route with ids of what exists and belongs to Alice."""
    mine = str(order(alice).pk)
    return lambda route: re.sub(
        r"<(\w+):\w+>", lambda m: {"uuid": mine, "slug": "sandbox"}.get(m[1], "1"), route
    )


def judge(answer: Any, *what: object) -> None:
    """Refused as documented: in JSON, in words that give nothing away."""
    assert answer.status_code in DOCUMENTED, (*what, answer.status_code, answer.content[:300])
    detail = answer.json()["detail"]
    assert detail, what
    text = json.dumps(detail)
    assert not re.search(r"Traceback|\.py\b|SELECT |psycopg|sqlite", text), (*what, text)


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_no_body_breaks_it(hostile: APIClient, address: Any, method: str, route: str) -> None:
    path = address(route)
    for name, body in BODIES.items():
        answer = hostile.generic(method, path, body, "application/json")  # type: ignore[arg-type]
        if answer.status_code < 300:
            reads_no_body = method == "delete" or path in BODILESS
            assert name not in NEVER_MEANT or reads_no_body, (method, route, name)
            if path == "/api/auth/logout" or (method == "delete" and "account" in path):
                return
        else:
            judge(answer, method, route, name)


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_no_type_of_content_breaks_it(
    hostile: APIClient, address: Any, method: str, route: str
) -> None:
    path = address(route)
    for type in TYPES:
        answer = hostile.generic(method, path, '{"prompt": "x"}', type)
        if not 200 <= answer.status_code < 300:
            judge(answer, method, route, type)
    for name, body in MULTIPART.items():
        answer = hostile.generic(method, path, body, "multipart/form-data; boundary=x")  # type: ignore[arg-type]
        if not 200 <= answer.status_code < 300:
            judge(answer, method, route, name)


@pytest.mark.parametrize(("method", "route"), READS)
def test_no_query_breaks_it(hostile: APIClient, address: Any, method: str, route: str) -> None:
    path = address(route)
    for query in QUERIES:
        answer = hostile.get(path + query)
        if not 200 <= answer.status_code < 400:
            judge(answer, route, query)


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_breaks_a_form_or_a_sign_in(db: None, query: str) -> None:
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
def test_no_header_breaks_it(db: None, headers: dict[str, str]) -> None:
    client = APIClient(headers=headers)
    client.raise_request_exception = False
    for path in ("/api/auth/me", "/api/payments/packages", "/api/nothing"):
        answer = client.get(path)
        if answer.status_code != 200:
            assert answer.status_code in {*DOCUMENTED, 406}, (path, answer.content[:200])
            assert answer.json()["detail"]
