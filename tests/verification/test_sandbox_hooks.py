"""Webhook deliveries of the sandbox, received by a real server and verified by real clients."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings
from openai import InvalidWebhookSignatureError
from standardwebhooks import Webhook

from tests.verification.test_sandbox_server import Sandbox, age
from videos.sandbox import webhooks
from videos.sandbox.store import STORE

SECRET = "whsec_dGhlLXRlc3RzLW93bi13ZWJob29rLXNlY3JldA=="


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """A webhook endpoint that answers `status` and remembers what it got."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(headers, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *words: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def sandbox(
    settings: LazySettings,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    receiver: Receiver,
) -> Sandbox:
    directory = tmp_path_factory.getbasetemp() / "sandbox-hooks"
    sandbox = Sandbox(settings, directory, f"sk-{request.node.name}")
    settings.SANDBOX_WEBHOOK_URL = receiver.url
    settings.SANDBOX_WEBHOOK_SECRET = SECRET
    with STORE.writing() as connection:
        connection.execute("DELETE FROM delivery")
    return sandbox


def make_due(seconds: float) -> None:
    """Let time pass for deliveries that wait."""
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = due_at - ?", (seconds,))


def waits_seconds() -> float | None:
    with STORE.reading() as connection:
        (due_at,) = connection.execute("SELECT due_at FROM delivery").fetchone()
    return None if due_at is None else round(due_at - time.time())


def test_a_completed_video_is_announced_and_the_client_verifies_it(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    video = sandbox.finished("sea")
    assert webhooks.deliver_due() == 1
    (received,) = receiver.received
    assert received.event["type"] == "video.completed"
    assert received.event["data"] == {"id": video.id}
    assert (received.event["object"], received.event["id"][:4]) == ("event", "evt_")
    event = sandbox.client.webhooks.unwrap(received.body, received.headers, secret=SECRET)
    assert (event.type, event.data.id) == ("video.completed", video.id)  # type: ignore[union-attr]
    assert Webhook(SECRET).verify(received.body, received.headers) == received.event
    assert webhooks.deliver_due() == 0


def test_a_failed_video_is_announced_as_failed(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    assert webhooks.deliver_due() == 1
    assert [each.event["type"] for each in receiver.received] == ["video.failed"]


def test_nothing_is_announced_before_the_file_exists(
    sandbox: Sandbox, receiver: Receiver, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 1
    video = sandbox.client.videos.create(prompt="another sea")
    assert (webhooks.deliver_due(), receiver.received) == (0, [])
    age(video.id, 3600)
    make_due(3600)
    sandbox.until(lambda: webhooks.deliver_due() == 1)
    assert sandbox.client.videos.retrieve(video.id).status == "completed"


def test_a_refused_event_is_repeated_with_the_same_id_and_body(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.status = 500
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    waits = []
    for _ in range(4):
        assert webhooks.deliver_due() == 0
        waits.append(waits_seconds())
        make_due(1e6)
    assert waits == [5, 30, 300, 1800]
    receiver.status = 200
    assert webhooks.deliver_due() == 1
    assert waits_seconds() is None
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.received}) == 1
    assert len(receiver.received) == 5


def test_an_unreachable_receiver_is_tried_again(
    sandbox: Sandbox, settings: LazySettings, receiver: Receiver
) -> None:
    settings.SANDBOX_WEBHOOK_URL = "http://127.0.0.1:9/nobody"
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    assert (webhooks.deliver_due(), waits_seconds()) == (0, 5)
    settings.SANDBOX_WEBHOOK_URL = receiver.url
    make_due(10)
    assert webhooks.deliver_due() == 1


def test_webhook_none_sends_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:none]] [[fail:x]]")
    assert (webhooks.deliver_due(), receiver.received) == (0, [])


def test_webhook_dup_sends_the_same_event_twice(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:dup]] [[fail:x]]")
    assert webhooks.deliver_due() == 1
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


def test_webhook_late_sends_late(
    sandbox: Sandbox, receiver: Receiver, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 10
    sandbox.client.videos.create(prompt="a [[webhook:late:300]] [[instant]] [[fail:x]]")
    assert (webhooks.deliver_due(), waits_seconds()) == (0, 30)
    make_due(30)
    assert webhooks.deliver_due() == 1


def test_webhook_badsig_cannot_be_verified(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:badsig]] [[fail:x]]")
    webhooks.deliver_due()
    (received,) = receiver.received
    with pytest.raises(InvalidWebhookSignatureError):
        sandbox.client.webhooks.unwrap(received.body, received.headers, secret=SECRET)


def test_webhook_early_arrives_before_the_create_answer(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    video = sandbox.client.videos.create(prompt="sea [[webhook:early]]")
    assert [each.event["data"]["id"] for each in receiver.received] == [video.id]
    assert (webhooks.deliver_due(), len(receiver.received)) == (0, 1)


def test_a_deleted_video_is_not_announced(sandbox: Sandbox, receiver: Receiver) -> None:
    video = sandbox.client.videos.create(prompt="a [[fail:x]]")
    sandbox.client.videos.delete(video.id)
    assert (webhooks.deliver_due(), receiver.received) == (0, [])
