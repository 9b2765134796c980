"""/socket.io/ with a client of Socket.IO: who may listen, and what they are told."""

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any

import httpx2
import pytest
import socketio as client_library
from websocket import create_connection

from accounts.auth import api_keys, tokens
from accounts.models import ApiKey, Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import now_of, order, running, told
from videos.engines.base import JobState
from videos.models import Video

TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]]


class Listener:
    """A client, and what it heard of each event."""

    def __init__(self) -> None:
        self.client = client_library.Client(reconnection=False)
        self.heard: dict[str, Queue[Any]] = {}
        for name in ("video_update", "error", "connect_error", "disconnect"):
            queue: Queue[Any] = Queue()
            self.heard[name] = queue
            self.client.on(name, lambda *said, queue=queue: queue.put(said[0] if said else None))

    def hear(self, name: str = "video_update", seconds: float = 20) -> Any:
        return self.heard[name].get(timeout=seconds)

    def ask(self, *data: object) -> None:
        self.client.emit("request_video_status", data if len(data) != 1 else data[0])


Dial = Callable[..., Listener]


@pytest.fixture
def dial(live: ServerThread) -> Iterator[Dial]:
    opened: list[Listener] = []

    def call(told: object, transports: list[str] | None = None) -> Listener:
        opened.append(Listener())
        carriers = transports or ["websocket"]
        opened[-1].client.connect(live.url, auth=told, transports=carriers, wait_timeout=15)
        return opened[-1]

    yield call
    for listener in opened:
        listener.client.disconnect()


def signed(user: User) -> dict[str, str]:
    return {"token": tokens.sign_in(user, Session.Grant.PASSWORD).access}


# ---- who may listen ----


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_each_change_is_told_whatever_carries_it(
    dial: Dial, alice: User, work: Callable[..., None], transports: list[str]
) -> None:
    listener = dial(signed(alice), transports)
    video = order(alice, "A kite")
    work(lambda: now_of(video).status == "succeeded")
    heard = [listener.hear()]
    while heard[-1]["updates"]["status"] != "completed":
        heard.append(listener.hear())
    assert {(*sorted(event), event["video_id"]) for event in heard} == {
        ("seq", "updates", "video_id", str(video.pk))
    }
    words = list(dict.fromkeys(event["updates"]["status"] for event in heard))
    assert words == ["queued", "in_progress", "completed"]
    progress = [event["updates"]["progress"] for event in heard]
    assert (progress, progress[-1]) == (sorted(progress), 100)


def test_a_key_that_may_read_is_welcome(dial: Dial, alice: User) -> None:
    _, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.READ], None)
    assert dial({"token": text}).client.connected


def refused(live: ServerThread, told: object, transport: str) -> Any:
    """What somebody is told who is not let in."""
    listener = Listener()
    with pytest.raises(client_library.exceptions.ConnectionError):
        listener.client.connect(live.url, auth=told, transports=[transport], wait_timeout=15)
    return listener.hear("connect_error")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    "said", [None, {}, {"token": "a.b.c"}, {"token": 5}, {"token": "\ud800"}, "x", ["x"]]
)
def test_refused_with_a_word_when_it_is_no_sign_in(
    live: ServerThread, said: object, transport: str
) -> None:
    assert refused(live, said, transport) == {"message": "Authentication error"}


def test_refused_when_the_sign_in_was_revoked(live: ServerThread, alice: User) -> None:
    token = signed(alice)
    tokens.sign_out(Session.objects.get())
    assert refused(live, token, "websocket") == {"message": "Authentication error"}


def test_it_ends_at_once_when_its_sign_in_does(dial: Dial, alice: User) -> None:
    mine, other = dial(signed(alice)), dial(signed(alice))
    tokens.sign_out(Session.objects.earliest("created_at"))
    mine.hear("disconnect")
    video = order(alice)
    assert other.hear()["video_id"] == str(video.pk)
    with pytest.raises(Empty):
        mine.hear(seconds=0.3)


def test_hung_up_on_when_nobody_signs_in(
    live: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videos.realtime.socketio.AUTH_SECONDS", 0.1)
    address = live.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    socket = create_connection(address, timeout=20)
    assert str(socket.recv()).startswith("0{")
    assert socket.recv() in {"1", ""}
    socket.close()


# ---- what they are told ----


def test_nothing_of_bob_reaches_alice(dial: Dial, alice: User, bob: User) -> None:
    hers, his = dial(signed(alice)), dial(signed(bob))
    bobs = order(bob, "Bob's boat")
    assert his.hear()["video_id"] == str(bobs.pk)
    mine = order(alice, "Alice's boat")
    assert hers.hear()["video_id"] == str(mine.pk)


@pytest.mark.parametrize("spelling", ["{0.pk}", "video_{0.pk.hex}"])
def test_the_state_is_told_to_the_asker_alone_when_asked(
    dial: Dial, alice: User, spelling: str
) -> None:
    video = running(order(alice), progress=42.0, poll_after=60.0)
    asker, other = dial(signed(alice)), dial(signed(alice))
    asker.ask({"video_id": spelling.format(video)})
    updates = {"status": "in_progress", "progress": 42}
    assert asker.hear() == {"seq": video.sequence, "video_id": str(video.pk), "updates": updates}
    assert now_of(video).woken_at is not None
    told(video, JobState.RUNNING, progress=50)
    assert other.hear()["updates"]["progress"] == 50


def test_a_foreign_video_is_as_unknown_as_garbage(dial: Dial, alice: User, bob: User) -> None:
    bobs = running(order(bob))
    listener = dial(signed(alice))
    for asked in ({"video_id": str(bobs.pk)}, {"video_id": 5}, {}, "x", None, ["x"]):
        listener.ask(asked)
        assert listener.hear("error") == {"code": "not_found", "detail": "Resource not found"}
    assert now_of(bobs).woken_at is None


def test_events_that_are_none_of_ours_do_no_harm(dial: Dial, alice: User, bob: User) -> None:
    listener = dial(signed(alice))
    for name in ("connect", "disconnect", "video_update", "nothing"):
        listener.client.emit(name, ({}, signed(bob)))
    order(bob)
    with pytest.raises(Empty):
        listener.hear(seconds=0.5)
    assert dial(signed(alice)).client.connected
    assert Video.objects.of(alice).count() == 0


def test_a_page_of_another_origin_may_come_but_brings_no_cookie(live: ServerThread) -> None:
    address = f"{live.url}/socket.io/?EIO=4&transport=polling"
    answer = httpx2.get(address, headers={"Origin": "https://studio.example.com"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://studio.example.com"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers
