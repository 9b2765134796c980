"""Web, worker and beat as three processes over PostgreSQL and Redis, by their real commands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websocket import WebSocket, WebSocketException, create_connection

from tests.faults import books, house, people
from tests.faults.books import Losses
from tests.faults.house import House
from tests.faults.people import Person

__test__ = house.POSTGRES
ORDER = ["queued", "in_progress", "completed"]


@pytest.fixture(scope="module")
def _opened(django_db_blocker: Any) -> Iterator[House]:
    redis = house.OwnRedis()
    try:
        with django_db_blocker.unblock(), house.with_celery(redis.url, cold=True) as opened:
            books.note_every_job(opened)
            opened.start_missing()
            yield opened
    finally:
        redis.kill()


@pytest.fixture
def home(_opened: House, django_db_blocker: Any) -> Iterator[House]:
    with django_db_blocker.unblock(), books.looking_into(_opened):
        yield _opened


@pytest.fixture
def person(home: House) -> Person:
    return people.newcomer(home)


def listen(home: House, person: Person) -> WebSocket:
    socket = create_connection(
        f"ws://127.0.0.1:{home.port}/ws/videos/",
        subprotocols=["bearer", person.token],
        timeout=60,
    )
    assert json.loads(socket.recv())["type"] == "connect"
    return socket


def hear_out(home: House, socket: WebSocket, video: str) -> list[dict[str, Any]]:
    """A video's updates up to its last one."""
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1]["updates"]["status"] not in {"completed", "failed"}:
        try:
            event = json.loads(socket.recv())
        except WebSocketException as error:
            raise AssertionError(f"{heard}\n{home.log.read_text()[-4000:]}") from error
        if event["video_id"] == video:
            heard.append(event)
    return heard


def test_updates_arrive_when_another_process_works(home: House, person: Person) -> None:
    socket = listen(home, person)
    video = person.order("A train in the snow [[slow:160]]")
    heard = hear_out(home, socket, video)
    socket.close()
    statuses = [event["updates"]["status"] for event in heard]
    assert list(dict.fromkeys(statuses)) == ORDER
    assert statuses == sorted(statuses, key=ORDER.index)
    progress = [event["updates"]["progress"] for event in heard]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert len([p for p in progress if 0 < p < 100]) >= 2
    numbers = [event["seq"] for event in heard]
    assert numbers == sorted(set(numbers))
    assert person.videos() == {video: "completed"}
    assert books.losses(home, person) == Losses()


def test_every_video_is_made_once_when_two_workers_share_them(home: House) -> None:
    home.hire("worker")
    crowd = [people.newcomer(home) for _ in range(4)]
    for person in crowd:
        for _ in range(5):
            person.order("A crowd of balloons")
    for person in crowd:
        books.settle(home, person)
    assert [books.losses(home, person) for person in crowd] == [Losses()] * 4
    assert [set(person.videos().values()) for person in crowd] == [{"completed"}] * 4
    assert [books.jobs_of(home, person) for person in crowd] == [5] * 4
