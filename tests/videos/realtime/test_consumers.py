"""/ws/videos/ over real sockets: authentication, updates and requests."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from websocket import (
    WebSocket,
    WebSocketBadStatusException,
    WebSocketTimeoutException,
    create_connection,
)

from accounts.auth import api_keys, tokens
from accounts.auth.key_limits import KeyLimits
from accounts.models import ApiKey, Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import answered, completed, failed, order, reloaded, running
from videos import feed
from videos.engines.base import JobState
from videos.jobs import removal
from videos.models import Video
from videos.realtime import limits

Work = Callable[..., None]
CLOSE = 8


class Socket:
    """A client of the socket."""

    def __init__(self, live: ServerThread, **options: Any) -> None:
        address = live.url.replace("http", "ws") + "/ws/videos/"
        self.raw: WebSocket = create_connection(address, timeout=20, **options)

    def send(self, message: object) -> None:
        self.raw.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw.recv())
        return found

    def until(self, done: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        messages = [self.receive()]
        while not done(messages[-1]):
            messages.append(self.receive())
        return messages

    def closed(self) -> int:
        """Return the close code, after skipping all messages."""
        while True:
            opcode, body = self.raw.recv_data(control_frame=True)
            if opcode == CLOSE:
                return int.from_bytes(body[:2], "big")


Connect = Callable[..., Socket]


@pytest.fixture
def connect(live: ServerThread) -> Iterator[Connect]:
    opened: list[Socket] = []

    def call(**options: Any) -> Socket:
        opened.append(Socket(live, **{"suppress_origin": True, **options}))
        return opened[-1]

    yield call
    for socket in opened:
        socket.raw.close()


def test_handshake_is_refused_where_no_socket_is_served(live: ServerThread) -> None:
    with pytest.raises(WebSocketBadStatusException) as refused:
        create_connection(live.url.replace("http", "ws") + "/ws/elsewhere/", timeout=20)
    assert refused.value.status_code == 403


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


# ---- limits ----


def test_socket_is_closed_when_the_user_has_too_many(
    connect: Connect, alice: User, bob: User, settings: LazySettings
) -> None:
    settings.SOCKETS_PER_USER = 2
    first, second = connect(**bearer(alice)), connect(**bearer(alice))
    assert [first.receive(), second.receive()] == [welcome(alice)] * 2
    assert connect(**bearer(alice)).closed() == 4429
    assert connect(**bearer(bob)).receive() == welcome(bob)
    first.raw.close()
    while limits.count_of(alice.pk) == 2:  # the server counts it out after it has closed it
        time.sleep(0.01)
    assert connect(**bearer(alice)).receive() == welcome(alice)


def test_socket_is_closed_when_it_sends_too_many_messages(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_MESSAGES_PER_SECOND = 1
    socket = connect(**bearer(alice))
    for _ in range(12):
        socket.send({"type": "auth"})
    assert socket.closed() == 4429


# ---- authentication ----


def test_socket_opens_when_our_page_sends_its_cookie(
    connect: Connect, live: ServerThread, alice: User
) -> None:
    socket = connect(cookie=cookie_of(alice), origin=live.url, suppress_origin=False)
    assert socket.receive() == welcome(alice)


def test_socket_opens_when_a_configured_origin_sends_a_cookie(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.FRONTEND_ORIGINS = ["https://studio.example.com"]
    origin = "https://studio.example.com"
    assert connect(
        cookie=cookie_of(alice), origin=origin, suppress_origin=False
    ).receive() == welcome(alice)


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
def test_socket_is_closed_when_a_foreign_page_sends_a_cookie(
    connect: Connect, live: ServerThread, alice: User, origin: str
) -> None:
    origin = origin.format(port=live.port)
    with_origin = {"origin": origin, "suppress_origin": False} if origin else {}
    assert connect(cookie=cookie_of(alice), **with_origin).closed() == 4403


def test_socket_opens_when_the_token_is_a_subprotocol(connect: Connect, alice: User) -> None:
    socket = connect(**bearer(alice))
    assert socket.raw.getsubprotocol() == "bearer"
    assert socket.receive() == welcome(alice)


def test_socket_opens_when_a_foreign_page_sends_a_token(connect: Connect, alice: User) -> None:
    socket = connect(**bearer(alice), origin="http://elsewhere.example.com", suppress_origin=False)
    assert socket.receive() == welcome(alice)


def test_socket_opens_when_the_token_is_the_first_message(connect: Connect, alice: User) -> None:
    socket = connect()
    socket.send({"type": "auth", "token": token_of(alice)})
    assert socket.receive() == welcome(alice)


def test_socket_is_closed_when_nobody_signs_in_in_time(
    connect: Connect, settings: LazySettings
) -> None:
    settings.SOCKET_AUTH_SECONDS = 0.05
    assert connect().closed() == 4401


def test_socket_stays_open_when_signed_in_in_time(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_AUTH_SECONDS = 0.5
    socket = connect()
    socket.send({"type": "auth", "token": token_of(alice)})
    assert socket.receive() == welcome(alice)
    socket.raw.settimeout(1)
    with pytest.raises(WebSocketTimeoutException):
        socket.receive()


@pytest.mark.scaled
def test_socket_stays_open_when_nothing_happens_for_a_while(connect: Connect, alice: User) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    socket.raw.settimeout(6)  # the channel layer waits for 5 s at a time
    with pytest.raises(WebSocketTimeoutException):
        socket.receive()


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "é"])
def test_socket_is_closed_when_the_token_is_invalid(connect: Connect, token: str) -> None:
    by_message = connect()
    by_message.send({"type": "auth", "token": token})
    assert by_message.closed() == 4401
    if token.isascii():
        assert connect(subprotocols=["bearer", token]).closed() == 4401


@pytest.mark.parametrize(
    "message",
    [{"type": "auth"}, {"type": "auth", "token": 5}, {"type": "resume", "after": 0}, {"type": "x"}],
)
def test_socket_is_closed_when_the_first_message_is_not_a_sign_in(
    connect: Connect, message: dict[str, Any]
) -> None:
    socket = connect()
    socket.send(message)
    assert socket.closed() == 4401


def test_socket_is_closed_when_the_session_was_revoked(connect: Connect, alice: User) -> None:
    token = token_of(alice)
    tokens.sign_out(Session.objects.get())
    assert connect(subprotocols=["bearer", token]).closed() == 4401


def test_socket_is_closed_when_the_token_is_in_the_url(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_AUTH_SECONDS = 0.05
    live_url = f"{live.url}/ws/videos/?token={token_of(alice)}".replace("http", "ws")
    socket = Socket.__new__(Socket)
    socket.raw = create_connection(live_url, timeout=20, suppress_origin=True)
    assert socket.closed() == 4401


# ---- updates ----


def test_updates_arrive_in_order_when_a_video_is_rendered(
    connect: Connect, alice: User, work: Work
) -> None:
    socket = connect(**bearer(alice))
    seq = socket.receive()["seq"]
    video = order(alice, "A kite")
    work(lambda: reloaded(video).status == "succeeded")
    messages = socket.until(lambda m: m["updates"]["status"] == "completed")
    assert {message["type"] for message in messages} == {"video_update"}
    assert {message["video_id"] for message in messages} == {str(video.pk)}
    numbers = [message["seq"] for message in messages]
    assert (numbers[0], numbers) == (seq + 1, sorted(set(numbers)))
    progress = [message["updates"]["progress"] for message in messages]
    assert (progress, progress[0], progress[-1]) == (sorted(progress), 0, 100)
    statuses = list(dict.fromkeys(message["updates"]["status"] for message in messages))
    assert statuses == ["queued", "in_progress", "completed"]


def test_last_update_has_the_file_url_when_the_video_succeeds(
    connect: Connect, alice: User, mp4: bytes
) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
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


def test_last_update_has_the_reason_when_the_video_fails(connect: Connect, alice: User) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    failed(order(alice), "moderation_blocked")
    last = socket.until(lambda m: m["updates"]["status"] == "failed")[-1]
    assert last["updates"]["failure"]["refunded"] == 20


def test_updates_reach_every_socket_when_a_user_has_two(connect: Connect, alice: User) -> None:
    sockets = [connect(**bearer(alice)) for _ in range(2)]
    for socket in sockets:
        socket.receive()
    video = order(alice)
    assert [socket.receive()["video_id"] for socket in sockets] == [str(video.pk)] * 2


def test_updates_do_not_reach_another_user(connect: Connect, alice: User, bob: User) -> None:
    socket, his = connect(**bearer(alice)), connect(**bearer(bob))
    socket.receive(), his.receive()
    bobs = running(order(bob, "Bob's boat"))
    removal.delete(bobs)
    his.until(lambda m: m["updates"]["status"] == "deleted")
    video = order(alice, "Alice's boat")
    assert socket.receive()["video_id"] == str(video.pk)


def test_deletion_update_has_only_the_status(connect: Connect, alice: User) -> None:
    video = order(alice)
    socket = connect(**bearer(alice))
    socket.receive()
    removal.delete(video)
    messages = socket.until(lambda m: m["updates"]["status"] == "deleted")
    assert messages[-1]["updates"] == {"status": "deleted"}


# ---- requests ----


def test_status_is_sent_only_to_the_requesting_socket(connect: Connect, alice: User) -> None:
    video = running(order(alice), progress=42.0, poll_after=60.0)
    asker, other = connect(**bearer(alice)), connect(**bearer(alice))
    asker.receive(), other.receive()
    asker.send({"type": "request_video_status", "video_id": str(video.pk)})
    assert asker.receive() == {
        "type": "video_update",
        "seq": video.sequence,
        "video_id": str(video.pk),
        "updates": {"status": "in_progress", "progress": 42},
    }
    answered(video, JobState.RUNNING, progress=50)
    assert other.receive()["updates"]["progress"] == 50
    assert reloaded(video).woken_at is not None


def test_error_is_the_same_when_a_video_is_unknown_or_belongs_to_another_user(
    connect: Connect, alice: User, bob: User
) -> None:
    bobs = running(order(bob))
    socket = connect(**bearer(alice))
    socket.receive()
    unknown = {"type": "error", "code": "not_found", "detail": "Resource not found"}
    for video_id in (str(bobs.pk), "garbage", None, 5, ["x"], {"a": 1}, "\x00", "\ud800"):
        socket.send({"type": "request_video_status", "video_id": video_id})
        assert socket.receive() == unknown
    assert reloaded(bobs).woken_at is None


def test_missed_updates_arrive_in_order_when_resumed(
    connect: Connect, alice: User, bob: User
) -> None:
    start = feed.current_sequence(alice.pk)
    first, second, third = order(alice, "1"), order(alice, "2"), order(alice, "3")
    order(bob)
    running(first, progress=30)
    removal.delete(second)
    socket = connect(**bearer(alice))
    socket.receive()
    socket.send({"type": "resume", "after": start})
    messages = socket.until(lambda m: m["type"] == "resumed")
    assert [(m["video_id"], m["updates"]["status"]) for m in messages[:-1]] == [
        *((str(video.pk), "queued") for video in (first, second, third)),
        *((str(first.pk), "in_progress") for _ in range(2)),
        *((str(second.pk), status) for status in ("failed", "deleted")),
    ]  # fmt: skip
    last = messages[-2]["seq"]
    ended = {"type": "resumed", "next": last, "complete": True, "reset": False}
    assert messages[-1] == {**ended, "after": start}
    socket.send({"type": "resume", "after": last})
    assert socket.receive() == {**ended, "after": last}


def test_resume_says_there_is_more_when_too_many_updates_were_missed(
    connect: Connect, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_AT_ONCE = 2
    videos = [order(alice, str(n)) for n in range(3)]
    socket = connect(**bearer(alice))
    socket.receive()
    socket.send({"type": "resume", "after": 0})
    messages = socket.until(lambda m: m["type"] == "resumed")
    assert [m["video_id"] for m in messages[:-1]] == [str(video.pk) for video in videos[:2]]
    assert messages[-1]["complete"] is False


@pytest.mark.parametrize("after", [-1, None, "0", 1.5, True, [0]])
def test_error_is_sent_when_the_sequence_number_is_invalid(
    connect: Connect, alice: User, after: object
) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    socket.send({"type": "resume", "after": after})
    assert socket.receive()["code"] == "bad_message"


def test_resume_says_so_when_the_number_was_never_given_out(connect: Connect, alice: User) -> None:
    seq = order(alice).sequence
    socket = connect(**bearer(alice))
    socket.receive()
    socket.send({"type": "resume", "after": 10**30})
    assert socket.receive() == {
        "type": "resumed",
        "after": 10**30,
        "next": seq,
        "complete": False,
        "reset": True,
    }


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
def test_socket_is_closed_at_the_third_invalid_message(
    connect: Connect, alice: User, message: str
) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    for _ in range(3):
        socket.send(message)
    assert [socket.receive()["code"] for _ in range(2)] == ["bad_message"] * 2
    assert socket.closed() == 4400


def test_socket_is_closed_at_the_third_binary_message(connect: Connect, alice: User) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    for _ in range(3):
        socket.raw.send_binary(b"\x00\xff")
    assert socket.closed() == 4400


def test_second_sign_in_is_ignored_when_already_signed_in(
    connect: Connect, alice: User, bob: User
) -> None:
    socket = connect(**bearer(alice))
    socket.receive()
    socket.send({"type": "auth", "token": token_of(bob)})
    order(bob)
    video = order(alice)
    assert socket.receive()["video_id"] == str(video.pk)
    assert Video.objects.of(bob).count() == 1


def key_from(user: User, network: str) -> tuple[ApiKey, str]:
    limits = KeyLimits(ip_ranges=(network,))
    return api_keys.issue(user, "office", ["read"], limits=limits)


def test_connection_is_closed_when_the_key_may_not_be_used_from_its_address(
    connect: Connect, alice: User
) -> None:
    _key, text = key_from(alice, "203.0.113.0/24")
    assert connect(subprotocols=["bearer", text]).closed() == 4403
    late = connect()
    late.send({"type": "auth", "token": text})
    assert late.closed() == 4403


def test_open_connection_is_closed_when_its_address_is_no_longer_allowed(
    connect: Connect, alice: User
) -> None:
    key, text = key_from(alice, "127.0.0.0/8")
    socket = connect(subprotocols=["bearer", text])
    assert socket.receive()["type"] == "connect"
    api_keys.change(key, ip_ranges=["203.0.113.0/24"])
    assert socket.closed() == 4401
