"""Webhook deliveries of the sandbox engine, received by a server and verified by the SDKs."""

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

from tests.verification.sandbox_engine.client import Sandbox, make_older
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
    """A webhook endpoint that answers `status` and records what it receives."""

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
    directory = tmp_path_factory.getbasetemp() / "sandbox-webhooks"
    sandbox = Sandbox(settings, directory, f"sk-{request.node.name}")
    settings.SANDBOX_WEBHOOK_URL = receiver.url
    settings.SANDBOX_WEBHOOK_SECRET = SECRET
    with STORE.writing() as connection:
        connection.execute("DELETE FROM delivery")
    return sandbox


def make_due(seconds: float) -> None:
    """Make waiting deliveries due earlier by `seconds`."""
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = due_at - ?", (seconds,))


def seconds_until_due() -> float | None:
    with STORE.reading() as connection:
        (due_at,) = connection.execute("SELECT due_at FROM delivery").fetchone()
    return None if due_at is None else round(due_at - time.time())


def test_signed_event_is_sent_when_a_video_completes(sandbox: Sandbox, receiver: Receiver) -> None:
    video = sandbox.create_completed("sea")
    assert webhooks.deliver_due() == 1
    (received,) = receiver.received
    assert received.event["type"] == "video.completed"
    assert received.event["data"] == {"id": video.id}
    assert (received.event["object"], received.event["id"][:4]) == ("event", "evt_")
    event = sandbox.client.webhooks.unwrap(received.body, received.headers, secret=SECRET)
    assert (event.type, event.data.id) == ("video.completed", video.id)  # type: ignore[union-attr]
    assert Webhook(SECRET).verify(received.body, received.headers) == received.event
    assert webhooks.deliver_due() == 0


def test_failed_event_is_sent_when_a_video_fails(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    assert webhooks.deliver_due() == 1
    assert [each.event["type"] for each in receiver.received] == ["video.failed"]


def test_event_waits_when_the_file_does_not_exist_yet(
    sandbox: Sandbox, receiver: Receiver, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 1
    video = sandbox.client.videos.create(prompt="another sea")
    assert (webhooks.deliver_due(), receiver.received) == (0, [])
    make_older(video.id, 3600)
    make_due(3600)
    sandbox.wait_until(lambda: webhooks.deliver_due() == 1)
    assert sandbox.client.videos.retrieve(video.id).status == "completed"


def test_event_is_retried_with_the_same_id_and_body_when_it_is_refused(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.status = 500
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    waits = []
    for _ in range(4):
        assert webhooks.deliver_due() == 0
        waits.append(seconds_until_due())
        make_due(1e6)
    assert waits == [5, 30, 300, 1800]
    receiver.status = 200
    assert webhooks.deliver_due() == 1
    assert seconds_until_due() is None
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.received}) == 1
    assert len(receiver.received) == 5


def test_event_is_retried_when_the_receiver_is_unreachable(
    sandbox: Sandbox, settings: LazySettings, receiver: Receiver
) -> None:
    settings.SANDBOX_WEBHOOK_URL = "http://127.0.0.1:9/nobody"
    sandbox.client.videos.create(prompt="a [[fail:x]]")
    assert (webhooks.deliver_due(), seconds_until_due()) == (0, 5)
    settings.SANDBOX_WEBHOOK_URL = receiver.url
    make_due(10)
    assert webhooks.deliver_due() == 1


def test_no_event_is_sent_when_the_prompt_says_webhook_none(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:none]] [[fail:x]]")
    assert (webhooks.deliver_due(), receiver.received) == (0, [])


def test_event_is_sent_twice_when_the_prompt_says_webhook_dup(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:dup]] [[fail:x]]")
    assert webhooks.deliver_due() == 1
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


def test_event_is_sent_late_when_the_prompt_says_webhook_late(
    sandbox: Sandbox, receiver: Receiver, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 10
    sandbox.client.videos.create(prompt="a [[webhook:late:300]] [[instant]] [[fail:x]]")
    assert (webhooks.deliver_due(), seconds_until_due()) == (0, 30)
    make_due(30)
    assert webhooks.deliver_due() == 1


def test_signature_is_invalid_when_the_prompt_says_webhook_badsig(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.client.videos.create(prompt="a [[webhook:badsig]] [[fail:x]]")
    webhooks.deliver_due()
    (received,) = receiver.received
    with pytest.raises(InvalidWebhookSignatureError):
        sandbox.client.webhooks.unwrap(received.body, received.headers, secret=SECRET)


def test_event_is_sent_before_the_create_answer_when_the_prompt_says_webhook_early(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    video = sandbox.client.videos.create(prompt="sea [[webhook:early]]")
    assert [each.event["data"]["id"] for each in receiver.received] == [video.id]
    assert (webhooks.deliver_due(), len(receiver.received)) == (0, 1)


def test_no_event_is_sent_when_the_video_was_deleted(sandbox: Sandbox, receiver: Receiver) -> None:
    video = sandbox.client.videos.create(prompt="a [[fail:x]]")
    sandbox.client.videos.delete(video.id)
    assert (webhooks.deliver_due(), receiver.received) == (0, [])
