"""Replicate's own SDK against our local server of its API: both read the wire in the same way."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ReplicateError
from replicate.pagination import paginate
from replicate.webhook import InvalidSignatureError, Webhooks

from tests.engine_servers.loopback import serving
from tests.engine_servers.replicate import KEY, NO_CREDIT, THROTTLED, ReplicateServer

MODEL = "google/veo-3.1-fast"
INPUT = {"prompt": "A paper boat", "duration": 8}


@pytest.fixture
def server() -> Iterator[ReplicateServer]:
    with serving(ReplicateServer()) as server:
        yield server


@pytest.fixture
def client(server: ReplicateServer) -> Client:
    found = Client(api_token=KEY, base_url=server.url)
    found.poll_interval = 0
    return found


def create(client: Client, **changes: Any) -> Any:
    return client.models.predictions.create(MODEL, {**INPUT, **changes})


def test_sdk_follows_a_prediction_to_its_video(server: ReplicateServer, client: Client) -> None:
    job = client.models.predictions.create(
        MODEL, INPUT, webhook="https://ours.example/callback", webhook_events_filter=["completed"]
    )
    (submit,) = server.sent("POST")
    assert submit.path == f"/v1/models/{MODEL}/predictions"
    assert submit.json == {
        "input": INPUT,
        "webhook": "https://ours.example/callback",
        "webhook_events_filter": ["completed"],
    }
    assert (job.status, job.model, job.version) == ("starting", MODEL, "hidden")
    job.reload()
    job.reload()
    assert job.progress is not None
    assert (job.status, job.progress.percentage) == ("processing", 0.45)
    job.wait()
    assert (job.status, job.output) == ("succeeded", f"{server.url}/delivery/{job.id}.mp4")


@pytest.mark.parametrize(
    ("prompt", "error"),
    [("BLOCK", "The input was flagged as sensitive. (E005)"), ("FAIL", "Out of memory (E1001)")],
)
def test_sdk_reads_why_a_prediction_failed(client: Client, prompt: str, error: str) -> None:
    job = create(client, prompt=prompt)
    job.wait()
    assert (job.status, job.error) == ("failed", error)


def test_sdk_cancels_a_prediction(client: Client) -> None:
    job = create(client)
    job.cancel()
    assert job.status == "canceled"


def test_sdk_lists_predictions_over_pages(client: Client) -> None:
    ids = [create(client).id for _ in range(3)]
    pages = list(paginate(client.predictions.list))
    assert [[job.id for job in page] for page in pages] == [[ids[2], ids[1]], [ids[0]]]
    assert pages[0][0].input == INPUT


def test_sdk_uploads_an_image(server: ReplicateServer, client: Client) -> None:
    job = create(client, image=io.BytesIO(b"pixels"))
    assert [job.input["image"]] == list(server.files)
    (multipart,) = server.files.values()
    assert b'name="content"' in multipart
    assert b"pixels" in multipart


def test_sdk_reads_the_account_and_the_webhook_secret(client: Client) -> None:
    assert client.accounts.current().username == "ours"
    assert client.webhooks.default.secret().key.startswith("whsec_")


def test_sdk_accepts_our_signature(server: ReplicateServer, client: Client) -> None:
    secret, body = client.webhooks.default.secret(), '{"id": "gm3q"}'
    headers = server.signed(body.encode())
    Webhooks.validate(headers=headers, body=body, secret=secret, tolerance=300)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=f"{body} ", secret=secret)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(THROTTLED, 429), (NO_CREDIT, 402), ((500, {}), 500), ((503, {}), 503), ((504, {}), 504)],
)
def test_sdk_reads_errors_and_sends_a_submit_once(
    server: ReplicateServer, client: Client, answer: Any, status: int
) -> None:
    server.faults["submit"] = answer
    with pytest.raises(ReplicateError) as caught:
        create(client)
    assert (caught.value.status, len(server.requests)) == (status, 1)


def test_sdk_is_refused_with_a_wrong_key_and_an_unknown_model(server: ReplicateServer) -> None:
    with pytest.raises(ReplicateError) as caught:
        create(Client(api_token="wrong", base_url=server.url))
    assert (caught.value.status, server.predictions) == (401, {})
    client = Client(api_token=KEY, base_url=server.url)
    with pytest.raises(ReplicateError) as caught:
        client.models.predictions.create("nobody/nothing", INPUT)
    assert caught.value.status == 404
