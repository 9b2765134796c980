"""Web, worker and beat as three processes on PostgreSQL and Redis, by their real commands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from websocket import WebSocket, WebSocketException, create_connection

from tests.faults import checks, processes, users
from tests.faults.checks import Violations
from tests.faults.processes import Deployment
from tests.faults.users import HttpUser
from videos.models import WebhookDelivery

__test__ = processes.POSTGRES
ORDER = ["queued", "in_progress", "completed"]


@pytest.fixture(scope="module")
def _deployment(django_db_blocker: Any) -> Iterator[Deployment]:
    redis = processes.OwnRedis()
    try:
        with (
            django_db_blocker.unblock(),
            processes.scratch_database() as database_url,
            processes.with_celery(redis.url, database_url, by_command_line=True) as deployment,
        ):
            checks.record_every_job(deployment)
            deployment.start_missing()
            yield deployment
    finally:
        redis.kill()


@pytest.fixture
def deployment(_deployment: Deployment, django_db_blocker: Any) -> Iterator[Deployment]:
    with django_db_blocker.unblock(), checks.use_database_of(_deployment):
        yield _deployment


@pytest.fixture
def user(deployment: Deployment) -> HttpUser:
    return users.create_user(deployment)


def connect(deployment: Deployment, user: HttpUser) -> WebSocket:
    socket = create_connection(
        f"ws://127.0.0.1:{deployment.port}/ws/videos/",
        subprotocols=["bearer", user.token],
        timeout=60,
    )
    assert json.loads(socket.recv())["type"] == "connect"
    return socket


def receive_updates(deployment: Deployment, socket: WebSocket, video: str) -> list[dict[str, Any]]:
    """Return a video's updates up to its last one."""
    updates: list[dict[str, Any]] = []
    while not updates or updates[-1]["updates"]["status"] not in {"completed", "failed"}:
        try:
            event = json.loads(socket.recv())
        except WebSocketException as error:
            raise AssertionError(f"{updates}\n{deployment.log.read_text()[-4000:]}") from error
        if event["video_id"] == video:
            updates.append(event)
    return updates


def test_updates_arrive_when_another_process_executes_the_job(
    deployment: Deployment, user: HttpUser
) -> None:
    socket = connect(deployment, user)
    video = user.order("A train in the snow [[slow:160]]")
    updates = receive_updates(deployment, socket, video)
    socket.close()
    statuses = [event["updates"]["status"] for event in updates]
    assert list(dict.fromkeys(statuses)) == ORDER
    assert statuses == sorted(statuses, key=ORDER.index)
    progress = [event["updates"]["progress"] for event in updates]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert len([p for p in progress if 0 < p < 100]) >= 2
    numbers = [event["seq"] for event in updates]
    assert numbers == sorted(set(numbers))
    assert user.videos() == {video: "completed"}
    assert checks.find_violations_of(deployment, user) == Violations()


def test_every_video_is_rendered_once_when_two_workers_share_them(deployment: Deployment) -> None:
    deployment.start_another("worker")
    owners = [users.create_user(deployment) for _ in range(4)]
    for user in owners:
        for _ in range(5):
            user.order("A crowd of balloons")
    for user in owners:
        checks.wait_until_ended(deployment, user)
    assert [checks.find_violations_of(deployment, user) for user in owners] == [Violations()] * 4
    assert [set(user.videos().values()) for user in owners] == [{"completed"}] * 4
    assert [checks.count_jobs_of(deployment, user) for user in owners] == [5] * 4


def test_webhook_is_attempted_when_only_workers_run_beside_the_web_process(
    deployment: Deployment, user: HttpUser
) -> None:
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        user=user.account, video_id=user.order("A heron"), url="http://127.0.0.1/",
        created_at=now, round_started_at=now, next_try_at=now,
    )  # fmt: skip
    attempts = delivery.attempts.all()
    processes.wait_until(attempts.exists, "an attempt to deliver")
    assert [(a.code, a.error) for a in attempts.all()] == [
        (None, "The address is not one that webhooks may go to.")
    ]
