"""GET /api/events over a real server: event streams and long polls."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.auth import api_keys, tokens
from accounts.models import ApiKey, Session, User
from accounts.people import deletion
from tests.conftest import ServerThread
from tests.videos.conftest import answered, failed, order, running
from tests.videos.realtime.test_consumers import Connect, bearer, connect, cookie_of, token_of
from videos import feed, tasks
from videos.engines.base import JobState
from videos.jobs import removal
from videos.models import FeedEvent
from videos.realtime import limits

__all__ = ["connect"]

SSE = {"Accept": "text/event-stream"}


def auth(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(user)}"}


class Stream:
    """A reader of an event stream, by the rules of EventSource."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()
        self.comments = 0

    def next(self) -> dict[str, Any]:
        """Return the next event: its `id`, its name `event` and its `data`."""
        fields: dict[str, Any] = {}
        for line in self._lines:
            if not line and "data" in fields:
                return {**fields, "data": json.loads(fields["data"])}
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif line:
                self.comments += 1
        raise EOFError

    def until(self, status: str) -> list[dict[str, Any]]:
        """Return the data of what comes, up to an update with this status."""
        found = [self.next()["data"]]
        while found[-1].get("updates", {}).get("status") != status:
            found.append(self.next()["data"])
        return found

    def ends(self) -> bool:
        try:
            while True:
                self.next()
        except EOFError:
            return True


Open = Callable[..., Any]


@pytest.fixture
def client(live: ServerThread) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=live.url, timeout=20) as made:
        yield made


@contextmanager
def stream(client: httpx2.Client, headers: dict[str, str], query: str = "") -> Iterator[Stream]:
    with client.stream("GET", f"/api/events{query}", headers={**SSE, **headers}) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


def ask(client: httpx2.Client, headers: dict[str, str], **query: object) -> dict[str, Any]:
    params = {name: str(value) for name, value in query.items()}
    answer = client.get("/api/events", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def statuses(events: list[dict[str, Any]]) -> list[str]:
    return [event["updates"]["status"] for event in events if event["type"] == "video_update"]


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def connections_of(user: User) -> int:
    return limits.count_of(user.pk)


# ---- event streams ----


def test_stream_is_not_cached_compressed_or_buffered(client: httpx2.Client, alice: User) -> None:
    with stream(client, {**auth(alice), "Accept-Encoding": "gzip"}) as read:
        headers = read.answer.headers
        assert {name: headers.get(name) for name in (
            "content-type", "cache-control", "x-accel-buffering", "content-encoding",
            "content-length",
        )} == {
            "content-type": "text/event-stream", "cache-control": "no-store",
            "x-accel-buffering": "no", "content-encoding": None, "content-length": None,
        }  # fmt: skip
        assert read.next() == {
            "retry": "3000", "id": "0", "event": "connect",
            "data": {"type": "connect", "seq": 0, "user_id": str(alice.pk)},
        }  # fmt: skip


def test_stream_has_the_same_events_as_the_socket(
    client: httpx2.Client, connect: Connect, alice: User, bob: User
) -> None:
    with stream(client, auth(alice)) as read:
        sock = connect(**bearer(alice))
        sock.receive(), read.next()
        order(bob)
        failed(order(alice))
        expected = sock.until(lambda m: m["updates"]["status"] == "failed")
        found = [read.next() for _ in expected]
        assert found == [
            {"id": str(event["seq"]), "event": "video_update", "data": event} for event in expected
        ]
        assert statuses(expected) == ["queued", "in_progress", "failed"]


def test_stream_goes_on_where_a_client_stopped_whatever_its_transport(
    client: httpx2.Client, connect: Connect, alice: User
) -> None:
    headers, seq = auth(alice), feed.current_sequence(alice.pk)
    failed(order(alice))
    gone = order(alice)
    removal.delete(gone)
    polled = ask(client, headers, after=seq)
    assert polled["complete"] is True
    assert statuses(polled["events"]) == [
        "queued", "in_progress", "failed", "queued", "failed", "deleted",
    ]  # fmt: skip
    middle = polled["events"][2]["seq"]
    for last in ({"Last-Event-ID": str(middle)}, {}):
        query = f"?after={seq if last else middle}"
        with stream(client, {**headers, **last}, query) as read:
            assert read.next()["data"]["seq"] == middle
            assert [read.next()["data"] for _ in range(3)] == polled["events"][3:]
    sock = connect(**bearer(alice))
    sock.receive()
    sock.send({"type": "resume", "after": middle})
    assert sock.until(lambda m: m["type"] == "resumed")[:-1] == polled["events"][3:]
    assert ask(client, headers, after=polled["next"])["events"] == []


def test_every_missed_event_comes_once_when_there_are_many(
    client: httpx2.Client, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_AT_ONCE = 2
    for _ in range(3):
        failed(order(alice))
    with stream(client, auth(alice), "?after=0") as read:
        read.next()
        missed = [read.next()["data"] for _ in range(9)]
        assert statuses(missed) == ["queued", "in_progress", "failed"] * 3
        assert [event["seq"] for event in missed] == sorted({event["seq"] for event in missed})
        running(order(alice))
        assert statuses(read.until("in_progress")) == ["queued", "in_progress"]


def test_stream_says_so_when_the_number_was_never_given_out(
    client: httpx2.Client, alice: User
) -> None:
    seq = order(alice).sequence
    with stream(client, auth(alice), "?after=1000") as read:
        read.next()
        assert read.next() == {
            "id": str(seq), "event": "reset", "data": {"type": "reset", "seq": seq},
        }  # fmt: skip
        order(alice)
        assert read.next()["data"]["seq"] == seq + 1


def test_stream_has_comments_while_nothing_happens(
    client: httpx2.Client, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_HEARTBEAT_SECONDS = 0.02
    with stream(client, auth(alice)) as read:
        read.next()
        time.sleep(0.2)
        order(alice)
        read.next()
        assert read.comments >= 2


def test_missing_message_is_read_from_the_database(client: httpx2.Client, alice: User) -> None:
    with stream(client, auth(alice)) as read:
        read.next()
        lost, after = feed.allocate_sequence(alice.pk), order(alice)
        assert after.sequence == lost + 1
        assert read.next()["data"]["seq"] == after.sequence
        feed.publish_progress([after])  # a message that comes late
        assert statuses([read.next()["data"] for _ in [running(after)]]) == ["in_progress"]


# ---- who may read, and for how long ----


def test_stream_opens_for_a_page_and_for_a_key(client: httpx2.Client, alice: User) -> None:
    _, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.READ], None)
    for headers in ({"Cookie": cookie_of(alice)}, {"X-API-Key": text}):
        with stream(client, headers) as read:
            assert read.next()["data"]["user_id"] == str(alice.pk)


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
def test_call_is_refused_without_a_credential_that_may_read(
    client: httpx2.Client, alice: User, accept: str
) -> None:
    _, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.GENERATE], None)
    answers = [
        client.get("/api/events", headers={"Accept": accept, **headers})
        for headers in ({}, {"Authorization": "Bearer x"}, {"X-API-Key": text})
    ]
    assert [(a.status_code, a.headers["content-type"]) for a in answers] == [
        (401, "application/json"), (401, "application/json"), (403, "application/json"),
    ]  # fmt: skip


def test_stream_and_poll_end_when_the_key_is_revoked(client: httpx2.Client, alice: User) -> None:
    key, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.READ], None)
    headers, polled = {"X-API-Key": text}, []
    poll = Thread(target=lambda: polled.append(ask(client, headers, wait=30)))
    poll.start()
    with stream(client, headers) as read:
        read.next()
        wait_until(lambda: connections_of(alice) == 2)
        api_keys.revoke(key)
        assert read.ends()
    poll.join(10)
    assert polled == [{"events": [], "next": 0, "complete": True, "reset": False}]
    assert client.get("/api/events", headers=headers).status_code == 401


def test_stream_ends_when_its_session_or_its_owner_is_locked_out(
    client: httpx2.Client, alice: User
) -> None:
    ends: list[Callable[[], object]] = [
        lambda: tokens.sign_out(Session.objects.get()),
        lambda: deletion.lock(alice),
    ]
    for end in ends:
        with stream(client, auth(alice)) as read:
            read.next()
            end()
            assert read.ends()


def test_stream_ends_when_a_revocation_was_not_heard(
    client: httpx2.Client, alice: User, settings: LazySettings
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.05
    with stream(client, auth(alice)) as read:
        read.next()
        Session.objects.update(revoked_at=alice.date_joined)
        assert read.ends()


# ---- limits ----


def test_connections_of_all_kinds_are_counted_together(
    client: httpx2.Client, connect: Connect, alice: User, bob: User, settings: LazySettings
) -> None:
    settings.SOCKETS_PER_USER = 2
    headers = auth(alice)
    with stream(client, headers) as read:
        read.next()
        connect(**bearer(alice)).receive()
        for accept in ("text/event-stream", "application/json"):
            refused = client.get("/api/events?wait=1", headers={**headers, "Accept": accept})
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
            assert refused.json() == {
                "detail": "You have too many live connections open. Close one first.",
                "code": "too_many_connections",
            }
        assert connect(**bearer(alice)).closed() == 4429
        with stream(client, auth(bob)) as his:
            his.next()
    wait_until(lambda: connections_of(alice) == 1)
    with stream(client, headers) as again:
        again.next()


def test_place_is_free_again_when_a_client_only_looks_or_leaves(
    client: httpx2.Client, alice: User
) -> None:
    headers = auth(alice)
    assert client.head("/api/events", headers={**SSE, **headers}).status_code == 200
    assert ask(client, headers, wait=0)["events"] == []
    assert connections_of(alice) == 0
    with stream(client, headers):
        pass
    wait_until(lambda: connections_of(alice) == 0)


def test_slow_reader_gets_all_and_can_be_shut_out(
    live: ServerThread, client: httpx2.Client, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_AT_ONCE = 50
    key, text = api_keys.issue(alice, "Agent", [ApiKey.Scope.READ], None)
    video = order(alice)
    for _ in range(400):
        body = {"type": "video_update", "updates": {"status": "queued", "note": "x" * 10_000}}
        seq = feed.allocate_sequence(alice.pk)
        FeedEvent.objects.create(
            user=alice, sequence=seq, body={**body, "seq": seq}, created_at=video.created_at
        )
    with socket.create_connection(("127.0.0.1", live.port), 20) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET /api/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {text}\r\n"
        line.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
        assert line.recv(15) == b"HTTP/1.1 200 OK"
        wait_until(lambda: connections_of(alice) == 1)
        with stream(client, {"X-API-Key": text}, "?after=0") as read:  # another is not held up
            read.next()
            assert [read.next()["data"]["seq"] for _ in range(401)][-1] == seq
        api_keys.revoke(key)
        wait_until(lambda: connections_of(alice) == 0)


# ---- long polls ----


def test_poll_answers_at_once_when_there_is_something(client: httpx2.Client, alice: User) -> None:
    headers, video = auth(alice), order(alice)
    began = time.monotonic()
    found = ask(client, headers, after=0, wait=30)
    assert time.monotonic() - began < 5
    assert found == {
        "events": [
            {
                "type": "video_update", "seq": video.sequence, "video_id": str(video.pk),
                "updates": {"status": "queued", "progress": 0},
            }
        ],
        "next": video.sequence, "complete": True, "reset": False,
    }  # fmt: skip


def test_poll_waits_for_the_next_event(client: httpx2.Client, alice: User) -> None:
    headers, answers = auth(alice), []
    poll = Thread(target=lambda: answers.append(ask(client, headers, wait=30)))
    poll.start()
    wait_until(lambda: connections_of(alice) == 1)
    video = order(alice)
    poll.join(10)
    [found] = answers
    assert [event["video_id"] for event in found["events"]] == [str(video.pk)]
    assert found["next"] == video.sequence


def test_poll_is_answered_without_events_when_its_time_is_over(
    client: httpx2.Client, alice: User
) -> None:
    order(alice)
    found = ask(client, auth(alice), wait=1)
    assert found == {
        "events": [], "next": feed.current_sequence(alice.pk), "complete": True, "reset": False,
    }  # fmt: skip


def test_poll_brings_a_block_and_says_that_there_is_more(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_AT_ONCE = 2
    videos = [order(alice) for _ in range(3)]
    first = api.get("/api/events?after=0").json()
    second = api.get(f"/api/events?after={first['next']}").json()
    found = [event["video_id"] for event in first["events"] + second["events"]]
    assert found == [str(video.pk) for video in videos]
    assert (first["complete"], second["complete"]) == (False, True)


def test_poll_says_so_when_the_number_was_never_given_out(api: APIClient, alice: User) -> None:
    seq = order(alice).sequence
    assert api.get("/api/events?after=99&wait=30").json() == {
        "events": [], "next": seq, "complete": False, "reset": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1.5", "wait=31", "wait=-1", "after=1&after=2"]
)
def test_poll_is_refused_when_its_query_is_invalid(api: APIClient, query: str) -> None:
    assert api.get(f"/api/events?{query}").status_code == 422


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 30])
def test_stream_is_refused_when_the_last_event_id_is_invalid(api: APIClient, number: str) -> None:
    answer = api.get("/api/events", headers={**SSE, "Last-Event-ID": number})
    assert answer.status_code == 422


# ---- what is kept ----


def test_progress_is_compacted_and_changes_of_status_are_not(api: APIClient, alice: User) -> None:
    video = running(order(alice))
    for progress in (10, 20, 30):
        answered(video, JobState.RUNNING, progress=progress)
    found = api.get("/api/events?after=0").json()["events"]
    assert [(e["updates"]["status"], e["updates"]["progress"]) for e in found] == [
        ("queued", 0), ("in_progress", 0), ("in_progress", 30),
    ]  # fmt: skip


def test_videos_come_once_as_they_are_now_when_their_events_are_too_old(
    api: APIClient, alice: User
) -> None:
    failed(order(alice))
    gone = order(alice)
    removal.delete(gone)
    FeedEvent.objects.update(created_at=alice.date_joined - feed.KEPT + timedelta(seconds=60))
    tasks.delete_expired()
    assert FeedEvent.objects.count() == 6
    FeedEvent.objects.update(created_at=alice.date_joined - feed.KEPT - timedelta(seconds=60))
    tasks.delete_expired()
    assert FeedEvent.objects.count() == 0
    running(order(alice))
    found = api.get("/api/events?after=0").json()
    assert statuses(found["events"]) == ["failed", "deleted", "queued", "in_progress"]
    assert found["complete"] is True


def test_asking_costs_one_query_when_nothing_happened(api: APIClient, alice: User) -> None:
    seq = order(alice).sequence
    with CaptureQueriesContext(connection) as idle:
        api.get(f"/api/events?after={seq}")
    with CaptureQueriesContext(connection) as missed:
        api.get("/api/events?after=0")
    assert (len(idle), len(missed)) == (2, 4)  # the session is the first


def test_no_query_is_made_while_nothing_happens(
    client: httpx2.Client, alice: User, settings: LazySettings
) -> None:
    settings.EVENTS_HEARTBEAT_SECONDS = 0.02
    with stream(client, auth(alice)) as read:
        read.next()
        with CaptureQueriesContext(connection) as quiet:
            time.sleep(0.3)
        assert len(quiet) == 0
