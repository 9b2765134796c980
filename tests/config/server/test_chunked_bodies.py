"""Bodies that a client sends in chunks, without Content-Length."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from accounts.auth import tokens
from accounts.models import Session, User
from tests.conftest import ServerThread

JSON_BODY = json.dumps({"username": "nobody", "password": "tin-lantern"}).encode()


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Let the client send a body without Content-Length."""
    yield body[:10]
    yield body[10:]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        ("/api/auth/login", "application/json", JSON_BODY, 401),
        ("/api/videos", "application/json", JSON_BODY, 401),
        ("/accounts/login/", "application/x-www-form-urlencoded", b"login=a&password=b", 403),
    ],
)
def test_body_in_chunks_is_read_like_one_with_a_length(
    live: ServerThread, path: str, content_type: str, body: bytes, status: int
) -> None:
    answers = [
        httpx2.post(f"{live.url}{path}", content=content, headers={"Content-Type": content_type})
        for content in (body, in_chunks(body))
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    if status != 403:
        assert answers[0].json() == answers[1].json()


def test_order_and_upload_in_chunks_are_accepted(live: ServerThread, alice: User) -> None:
    token = {"Authorization": f"Bearer {tokens.sign_in(alice, Session.Grant.PASSWORD).access}"}
    order = json.dumps({"prompt": "A boat"}).encode()
    made = httpx2.post(
        f"{live.url}/api/videos",
        content=in_chunks(order),
        headers={**token, "Content-Type": "application/json"},
    )
    assert (made.status_code, made.json()["prompt"]) == (201, "A boat")
    form = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA kite\r\n--x--\r\n'
    made = httpx2.post(
        f"{live.url}/api/videos",
        content=in_chunks(form),
        headers={**token, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (made.status_code, made.json()["prompt"]) == (201, "A kite")
