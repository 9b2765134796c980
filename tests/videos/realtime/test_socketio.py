"""/socket.io/ with a client of Socket.IO: authentication and updates."""

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any

import httpx2
import pytest
import socketio as client_library
from django.conf import LazySettings
from websocket import create_connection

from accounts.auth import api_keys, tokens
from accounts.auth.key_limits import KeyLimits
from accounts.models import ApiKey, Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import answered, failed, order, reloaded, running
from videos import feed
from videos.engines.base import JobState
from videos.models import Video

TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]]


class Listener:
    """A client and the events it received."""

    def __init__(self) -> None:
        self.client = client_library.Client(reconnection=False)
        self.queues: dict[str, Queue[Any]] = {}
        for name in ("video_update", "resumed", "error", "connect_error", "disconnect"):
            queue: Queue[Any] = Queue()
            self.queues[name] = queue
            self.client.on(
                name, lambda *arguments, queue=queue: queue.put(arguments[0] if arguments else None)
            )

    def receive(self, name: str = "video_update", seconds: float = 20) -> Any:
        return self.queues[name].get(timeout=seconds)

    def request(self, *data: object) -> None:
        self.client.emit("request_video_status", data if len(data) != 1 else data[0])


Dial = Callable[..., Listener]


@pytest.fixture
def connect(live: ServerThread) -> Iterator[Dial]:
    opened: list[Listener] = []

    def call(credentials: object, transports: list[str] | None = None) -> Listener:
        opened.append(Listener())
        carriers = transports or ["websocket"]
        opened[-1].client.connect(live.url, auth=credentials, transports=carriers, wait_timeout=15)
        return opened[-1]

    yield call
    for listener in opened:
        listener.client.disconnect()


def signed(user: User) -> dict[str, str]:
    return {"token": tokens.sign_in(user, Session.Grant.PASSWORD).access}


# ---- authentication ----


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_updates_arrive_with_every_transport(
    connect: Dial, alice: User, work: Callable[..., None], transports: list[str]
) -> None:
    listener = connect(signed(alice), transports)
    video = order(alice, "A kite")
    work(lambda: reloaded(video).status == "succeeded")
    updates = [listener.receive()]
    while updates[-1]["updates"]["status"] != "completed":
        updates.append(listener.receive())
    assert {(*sorted(event), event["video_id"]) for event in updates} == {
        ("seq", "updates", "video_id", str(video.pk))
    }
    statuses = list(dict.fromkeys(event["updates"]["status"] for event in updates))
    assert statuses == ["queued", "in_progress", "completed"]
    progress = [event["updates"]["progress"] for event in updates]
    assert (progress, progress[-1]) == (sorted(progress), 100)


def test_client_connects_when_the_key_has_the_read_scope(connect: Dial, alice: User) -> None:
    _, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.READ], None)
    assert connect({"token": text}).client.connected


def refused(live: ServerThread, credentials: object, transport: str) -> Any:
    """Return the error that a refused client receives."""
    listener = Listener()
    with pytest.raises(client_library.exceptions.ConnectionError):
        listener.client.connect(live.url, auth=credentials, transports=[transport], wait_timeout=15)
    return listener.receive("connect_error")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    "arguments", [None, {}, {"token": "a.b.c"}, {"token": 5}, {"token": "\ud800"}, "x", ["x"]]
)
def test_connection_is_refused_with_a_reason_when_the_credentials_are_invalid(
    live: ServerThread, arguments: object, transport: str
) -> None:
    assert refused(live, arguments, transport) == {"message": "Authentication error"}


def test_connection_is_refused_when_the_user_has_too_many(
    connect: Dial, live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.SOCKETS_PER_USER = 1
    connect(signed(alice))
    assert refused(live, signed(alice), "websocket") == {"message": "Too many connections"}


@pytest.mark.parametrize("event", ["request_video_status", "anything"])
def test_client_is_disconnected_when_it_sends_too_many_messages(
    connect: Dial, alice: User, settings: LazySettings, event: str
) -> None:
    settings.SOCKET_MESSAGES_PER_SECOND = 1
    listener = connect(signed(alice))
    for _ in range(12):
        listener.client.emit(event, {})
    listener.receive("disconnect")
    errors = [listener.receive("error") for _ in range(listener.queues["error"].qsize())]
    assert errors[-1] == {"code": "too_many_messages", "detail": "Too many messages"}


def test_connection_is_refused_when_the_session_was_revoked(
    live: ServerThread, alice: User
) -> None:
    token = signed(alice)
    tokens.sign_out(Session.objects.get())
    assert refused(live, token, "websocket") == {"message": "Authentication error"}


def test_client_is_disconnected_at_once_when_its_session_ends(connect: Dial, alice: User) -> None:
    listener, other = connect(signed(alice)), connect(signed(alice))
    tokens.sign_out(Session.objects.earliest("created_at"))
    listener.receive("disconnect")
    video = order(alice)
    assert other.receive()["video_id"] == str(video.pk)
    with pytest.raises(Empty):
        listener.receive(seconds=0.3)


def test_client_is_disconnected_when_nobody_signs_in(
    live: ServerThread, settings: LazySettings
) -> None:
    settings.SOCKET_AUTH_SECONDS = 0.1
    address = live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    socket = create_connection(address, timeout=20)
    assert str(socket.recv()).startswith("0{")
    assert socket.recv() in {"1", ""}
    socket.close()


# ---- updates ----


def test_updates_do_not_reach_another_user(connect: Dial, alice: User, bob: User) -> None:
    hers, his = connect(signed(alice)), connect(signed(bob))
    bobs = order(bob, "Bob's boat")
    assert his.receive()["video_id"] == str(bobs.pk)
    listener = order(alice, "Alice's boat")
    assert hers.receive()["video_id"] == str(listener.pk)


def test_id_has_the_printed_form_when_ids_are_prefixed(
    connect: Dial, alice: User, settings: LazySettings
) -> None:
    settings.PREFIXED_VIDEO_IDS = True
    video = order(alice)
    listener = connect(signed(alice))
    listener.request({"video_id": f"video_{video.pk.hex}"})
    assert listener.receive()["video_id"] == f"video_{video.pk.hex}"


@pytest.mark.parametrize("spelling", ["{0.pk}", "video_{0.pk.hex}"])
def test_status_is_sent_only_to_the_requesting_client(
    connect: Dial, alice: User, spelling: str
) -> None:
    video = running(order(alice), progress=42.0, poll_after=60.0)
    asker, other = connect(signed(alice)), connect(signed(alice))
    asker.request({"video_id": spelling.format(video)})
    updates = {"status": "in_progress", "progress": 42}
    assert asker.receive() == {"seq": video.sequence, "video_id": str(video.pk), "updates": updates}
    assert reloaded(video).woken_at is not None
    answered(video, JobState.RUNNING, progress=50)
    assert other.receive()["updates"]["progress"] == 50


def test_error_is_the_same_when_a_video_is_unknown_or_belongs_to_another_user(
    connect: Dial, alice: User, bob: User
) -> None:
    bobs = running(order(bob))
    listener = connect(signed(alice))
    for asked in ({"video_id": str(bobs.pk)}, {"video_id": 5}, {}, "x", None, ["x"]):
        listener.request(asked)
        assert listener.receive("error") == {"code": "not_found", "detail": "Resource not found"}
    assert reloaded(bobs).woken_at is None


def test_unknown_events_are_ignored(connect: Dial, alice: User, bob: User) -> None:
    listener = connect(signed(alice))
    for name in ("connect", "disconnect", "video_update", "nothing"):
        listener.client.emit(name, ({}, signed(bob)))
    order(bob)
    with pytest.raises(Empty):
        listener.receive(seconds=0.5)
    assert connect(signed(alice)).client.connected
    assert Video.objects.of(alice).count() == 0


def test_missed_updates_arrive_when_resumed(connect: Dial, alice: User) -> None:
    seq = feed.current_sequence(alice.pk)
    video = failed(order(alice))
    listener = connect(signed(alice))
    listener.client.emit("resume", {"after": seq})
    missed = [listener.receive() for _ in range(3)]
    assert [event["updates"]["status"] for event in missed] == ["queued", "in_progress", "failed"]
    assert {event["video_id"] for event in missed} == {str(video.pk)}
    last = missed[-1]["seq"]
    ended = {"next": last, "complete": True, "reset": False}
    assert listener.receive("resumed") == {**ended, "after": seq}
    listener.client.emit("resume", {"after": last + 1})
    assert listener.receive("resumed") == {
        "after": last + 1, "next": last, "complete": False, "reset": True,
    }  # fmt: skip


@pytest.mark.parametrize("data", [None, {}, {"after": "1"}, {"after": -1}, [1]])
def test_error_is_sent_when_the_number_to_resume_after_is_invalid(
    connect: Dial, alice: User, data: object
) -> None:
    listener = connect(signed(alice))
    listener.client.emit("resume", data)
    assert listener.receive("error") == {
        "code": "bad_message", "detail": "after must be a number from 0.",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/socket.io", "/socket.io/"])
def test_client_connects_with_and_without_a_slash_at_the_end(live: ServerThread, path: str) -> None:
    answer = httpx2.get(f"{live.url}{path}?EIO=4&transport=polling")
    assert (answer.status_code, answer.text[0]) == (200, "0")  # the handshake of Engine.IO


def test_cookie_is_ignored_when_the_origin_is_foreign(live: ServerThread) -> None:
    address = f"{live.url}/socket.io/?EIO=4&transport=polling"
    answer = httpx2.get(address, headers={"Origin": "https://studio.example.com"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://studio.example.com"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_client_is_refused_when_the_key_may_not_be_used_from_its_address(
    live: ServerThread, alice: User
) -> None:
    limits = KeyLimits(ip_ranges=("203.0.113.0/24",))
    _key, text = api_keys.issue(alice, "office", ["read"], limits=limits)
    said = {"message": "This API key may not be used from your IP address."}
    assert refused(live, {"token": text}, "websocket") == said
