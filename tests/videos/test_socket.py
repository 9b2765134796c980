"""/ws/videos/ over real sockets: who may listen, and what they are told."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from websocket import WebSocket, WebSocketTimeoutException, create_connection

from accounts.auth import tokens
from accounts.models import Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import completed, failed, now_of, order, running, told
from videos import feed
from videos.engines.base import JobState
from videos.jobs import removal
from videos.models import Video
from videos.realtime import consumers

Work = Callable[..., None]
CLOSE = 8


class Socket:
    """A client of the socket."""

    def __init__(self, live: ServerThread, **options: Any) -> None:
        address = live.url.replace("http", "ws") + "/ws/videos/"
        self.raw: WebSocket = create_connection(address, timeout=20, **options)

    def say(self, message: object) -> None:
        self.raw.send(message if isinstance(message, str) else json.dumps(message))

    def hear(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw.recv())
        return found

    def until(self, done: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        heard = [self.hear()]
        while not done(heard[-1]):
            heard.append(self.hear())
        return heard

    def closed(self) -> int:
        """The code it was closed with, after whatever else was said."""
        while True:
            opcode, body = self.raw.recv_data(control_frame=True)
            if opcode == CLOSE:
                return int.from_bytes(body[:2], "big")


Dial = Callable[..., Socket]


@pytest.fixture
def dial(live: ServerThread) -> Iterator[Dial]:
    opened: list[Socket] = []

    def call(**options: Any) -> Socket:
        opened.append(Socket(live, **{"suppress_origin": True, **options}))
        return opened[-1]

    yield call
    for socket in opened:
        socket.raw.close()


def token_of(user: User) -> str:
    return tokens.sign_in(user, Session.Grant.PASSWORD).access


def bearer(user: User) -> dict[str, Any]:
    return {"subprotocols": ["bearer", token_of(user)]}


def cookie_of(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return "; ".join(f"{name}={value.value}" for name, value in browser.cookies.items())


def welcome(user: User) -> dict[str, Any]:
    return {"type": "connect", "seq": feed.current_sequence(user.pk), "user_id": str(user.pk)}


# ---- who may listen ----


def test_welcome_when_a_page_of_ours_brings_its_cookie(
    dial: Dial, live: ServerThread, alice: User
) -> None:
    socket = dial(cookie=cookie_of(alice), origin=live.url, suppress_origin=False)
    assert socket.hear() == welcome(alice)


def test_welcome_when_the_page_is_of_a_configured_front(
    dial: Dial, alice: User, settings: LazySettings
) -> None:
    settings.FRONTEND_ORIGINS = ["https://studio.example.com"]
    origin = "https://studio.example.com"
    assert dial(cookie=cookie_of(alice), origin=origin, suppress_origin=False).hear() == welcome(
        alice
    )


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example.com",
        "http://127.0.0.1:1",
        "https://127.0.0.1:{port}",
        "ftp://127.0.0.1:{port}",
        "null",
        "http://127.0.0.1",
        "",
    ],
)
def test_closed_when_a_foreign_page_brings_a_cookie(
    dial: Dial, live: ServerThread, alice: User, origin: str
) -> None:
    origin = origin.format(port=live.port)
    with_origin = {"origin": origin, "suppress_origin": False} if origin else {}
    assert dial(cookie=cookie_of(alice), **with_origin).closed() == 4403


def test_welcome_when_the_token_comes_as_a_subprotocol(dial: Dial, alice: User) -> None:
    socket = dial(**bearer(alice))
    assert socket.raw.getsubprotocol() == "bearer"
    assert socket.hear() == welcome(alice)


def test_a_token_is_welcome_when_it_comes_from_anywhere(dial: Dial, alice: User) -> None:
    socket = dial(**bearer(alice), origin="http://elsewhere.example.com", suppress_origin=False)
    assert socket.hear() == welcome(alice)


def test_welcome_when_the_token_is_the_first_message(dial: Dial, alice: User) -> None:
    socket = dial()
    socket.say({"type": "auth", "token": token_of(alice)})
    assert socket.hear() == welcome(alice)


def test_closed_when_nobody_signs_in_for_a_while(
    dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "AUTH_SECONDS", 0.05)
    assert dial().closed() == 4401


def test_it_stays_open_when_signed_in_within_the_wait(
    dial: Dial, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "AUTH_SECONDS", 0.5)
    socket = dial()
    socket.say({"type": "auth", "token": token_of(alice)})
    assert socket.hear() == welcome(alice)
    socket.raw.settimeout(1)
    with pytest.raises(WebSocketTimeoutException):
        socket.hear()


@pytest.mark.scaled
def test_it_stays_open_when_nothing_happens_for_a_while(dial: Dial, alice: User) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    socket.raw.settimeout(6)  # the channel layer waits for 5 s at a time
    with pytest.raises(WebSocketTimeoutException):
        socket.hear()


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "é"])
def test_closed_when_the_token_is_bad(dial: Dial, token: str) -> None:
    by_message = dial()
    by_message.say({"type": "auth", "token": token})
    assert by_message.closed() == 4401
    if token.isascii():
        assert dial(subprotocols=["bearer", token]).closed() == 4401


@pytest.mark.parametrize(
    "message",
    [{"type": "auth"}, {"type": "auth", "token": 5}, {"type": "resume", "after": 0}, {"type": "x"}],
)
def test_closed_when_the_first_message_is_no_sign_in(dial: Dial, message: dict[str, Any]) -> None:
    socket = dial()
    socket.say(message)
    assert socket.closed() == 4401


def test_closed_when_the_sign_in_was_revoked(dial: Dial, alice: User) -> None:
    token = token_of(alice)
    tokens.sign_out(Session.objects.get())
    assert dial(subprotocols=["bearer", token]).closed() == 4401


def test_closed_when_the_token_stands_in_the_address(
    live: ServerThread, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "AUTH_SECONDS", 0.05)
    live_url = f"{live.url}/ws/videos/?token={token_of(alice)}".replace("http", "ws")
    socket = Socket.__new__(Socket)
    socket.raw = create_connection(live_url, timeout=20, suppress_origin=True)
    assert socket.closed() == 4401


# ---- what they are told ----


def test_each_change_is_told_in_its_order_when_a_video_is_made(
    dial: Dial, alice: User, work: Work
) -> None:
    socket = dial(**bearer(alice))
    seq = socket.hear()["seq"]
    video = order(alice, "A kite")
    work(lambda: now_of(video).status == "succeeded")
    heard = socket.until(lambda m: m["updates"]["status"] == "completed")
    assert {message["type"] for message in heard} == {"video_update"}
    assert {message["video_id"] for message in heard} == {str(video.pk)}
    numbers = [message["seq"] for message in heard]
    assert (numbers[0], numbers) == (seq + 1, sorted(set(numbers)))
    progress = [message["updates"]["progress"] for message in heard]
    assert (progress, progress[0], progress[-1]) == (sorted(progress), 0, 100)
    words = list(dict.fromkeys(message["updates"]["status"] for message in heard))
    assert words == ["queued", "in_progress", "completed"]


def test_where_the_file_is_comes_with_the_end(dial: Dial, alice: User, mp4: bytes) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    video = completed(order(alice), mp4)
    last = socket.until(lambda m: m["updates"]["status"] == "completed")[-1]
    address = f"/api/videos/{video.pk}/content"
    assert sorted(last["updates"]) == [
        "completed_at",
        "error_message",
        "failure",
        "progress",
        "status",
        "thumbnail_url",
        "video_url",
    ]
    assert last["updates"]["video_url"].endswith(address)


def test_why_it_failed_comes_with_the_end(dial: Dial, alice: User) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    failed(order(alice), "moderation_blocked")
    last = socket.until(lambda m: m["updates"]["status"] == "failed")[-1]
    assert last["updates"]["failure"]["refunded"] == 20


def test_every_window_is_told_when_a_user_has_two(dial: Dial, alice: User) -> None:
    sockets = [dial(**bearer(alice)) for _ in range(2)]
    for socket in sockets:
        socket.hear()
    video = order(alice)
    assert [socket.hear()["video_id"] for socket in sockets] == [str(video.pk)] * 2


def test_nothing_of_bob_reaches_alice(dial: Dial, alice: User, bob: User) -> None:
    socket, his = dial(**bearer(alice)), dial(**bearer(bob))
    socket.hear(), his.hear()
    bobs = running(order(bob, "Bob's boat"))
    removal.delete(bobs)
    his.until(lambda m: m["updates"]["status"] == "deleted")
    mine = order(alice, "Alice's boat")
    assert socket.hear()["video_id"] == str(mine.pk)


def test_deleted_is_told_without_anything_else(dial: Dial, alice: User) -> None:
    video = order(alice)
    socket = dial(**bearer(alice))
    socket.hear()
    removal.delete(video)
    heard = socket.until(lambda m: m["updates"]["status"] == "deleted")
    assert heard[-1]["updates"] == {"status": "deleted"}


# ---- what they may ask ----


def test_the_state_is_told_to_the_asker_alone_when_asked(dial: Dial, alice: User) -> None:
    video = running(order(alice), progress=42.0, poll_after=60.0)
    asker, other = dial(**bearer(alice)), dial(**bearer(alice))
    asker.hear(), other.hear()
    asker.say({"type": "request_video_status", "video_id": str(video.pk)})
    assert asker.hear() == {
        "type": "video_update",
        "seq": video.sequence,
        "video_id": str(video.pk),
        "updates": {"status": "in_progress", "progress": 42},
    }
    told(video, JobState.RUNNING, progress=50)
    assert other.hear()["updates"]["progress"] == 50
    assert now_of(video).woken_at is not None


def test_a_foreign_video_is_as_unknown_as_garbage_when_asked_for(
    dial: Dial, alice: User, bob: User
) -> None:
    bobs = running(order(bob))
    socket = dial(**bearer(alice))
    socket.hear()
    unknown = {"type": "error", "code": "not_found", "detail": "Resource not found"}
    for video_id in (str(bobs.pk), "garbage", None, 5, ["x"], {"a": 1}, "\x00", "\ud800"):
        socket.say({"type": "request_video_status", "video_id": video_id})
        assert socket.hear() == unknown
    assert now_of(bobs).woken_at is None


def test_what_was_missed_is_told_in_order_when_resumed(dial: Dial, alice: User, bob: User) -> None:
    start = feed.current_sequence(alice.pk)
    first, second, third = order(alice, "1"), order(alice, "2"), order(alice, "3")
    order(bob)
    running(first, progress=30)
    removal.delete(second)
    socket = dial(**bearer(alice))
    socket.hear()
    socket.say({"type": "resume", "after": start})
    heard = socket.until(lambda m: m["type"] == "resumed")
    assert [m["video_id"] for m in heard[:-1]] == [str(v.pk) for v in (third, first, second)]
    assert [m["updates"]["status"] for m in heard[:-1]] == ["queued", "in_progress", "deleted"]
    assert heard[-1] == {"type": "resumed", "after": start, "complete": True}
    socket.say({"type": "resume", "after": heard[-2]["seq"]})
    assert socket.hear() == {"type": "resumed", "after": heard[-2]["seq"], "complete": True}


def test_there_is_more_when_too_much_was_missed(
    dial: Dial, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RESUME_LIMIT", 2)
    videos = [order(alice, str(n)) for n in range(3)]
    socket = dial(**bearer(alice))
    socket.hear()
    socket.say({"type": "resume", "after": 0})
    heard = socket.until(lambda m: m["type"] == "resumed")
    assert [m["video_id"] for m in heard[:-1]] == [str(video.pk) for video in videos[:2]]
    assert heard[-1]["complete"] is False


@pytest.mark.parametrize("after", [-1, None, "0", 1.5, True, [0]])
def test_an_error_is_told_when_the_number_to_resume_from_is_bad(
    dial: Dial, alice: User, after: object
) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    socket.say({"type": "resume", "after": after})
    assert socket.hear()["code"] == "bad_message"


def test_nothing_was_missed_when_the_number_is_huge(dial: Dial, alice: User) -> None:
    order(alice)
    socket = dial(**bearer(alice))
    socket.hear()
    socket.say({"type": "resume", "after": 10**30})
    assert socket.hear() == {"type": "resumed", "after": 10**30, "complete": True}


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "[]",
        "null",
        "5",
        '{"type": 5}',
        "{}",
        '{"type": "x"}',
        "[" * 50_000,
        "x" * 65_000,
    ],
)
def test_closed_at_the_third_bad_message(dial: Dial, alice: User, message: str) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    for _ in range(3):
        socket.say(message)
    assert [socket.hear()["code"] for _ in range(2)] == ["bad_message"] * 2
    assert socket.closed() == 4400


def test_closed_at_the_third_binary_message(dial: Dial, alice: User) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    for _ in range(3):
        socket.raw.send_binary(b"\x00\xff")
    assert socket.closed() == 4400


def test_a_second_sign_in_changes_nothing_when_already_signed_in(
    dial: Dial, alice: User, bob: User
) -> None:
    socket = dial(**bearer(alice))
    socket.hear()
    socket.say({"type": "auth", "token": token_of(bob)})
    order(bob)
    mine = order(alice)
    assert socket.hear()["video_id"] == str(mine.pk)
    assert Video.objects.of(bob).count() == 1
