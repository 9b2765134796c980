"""fal's own SDK against our local server of its API: both read the wire in the same way."""

from collections.abc import Iterator

import fal_client
import pytest
from fal_client import client as sdk

from tests.engine_servers.fal import CLIP, KEY, LOCKED, FalServer
from tests.engine_servers.loopback import serving

MODEL = "fal-ai/veo3.1/fast/image-to-video"
APP = "fal-ai/veo3.1"
INPUT = {"prompt": "A paper boat", "duration": "8s"}


@pytest.fixture
def server() -> Iterator[FalServer]:
    with serving(FalServer()) as server:
        yield server


@pytest.fixture
def fal(server: FalServer, monkeypatch: pytest.MonkeyPatch) -> fal_client.SyncClient:
    """The SDK, whose hosts are constants."""
    monkeypatch.setattr(sdk, "QUEUE_URL_FORMAT", f"{server.queue_url}/")
    monkeypatch.setattr(sdk, "REST_URL", server.rest_url)
    monkeypatch.setattr(sdk, "CDN_URL", f"{server.url}/cdn")
    monkeypatch.setattr(sdk, "BASE_DELAY", 0.001)
    return fal_client.SyncClient(key=KEY)


def test_sdk_follows_a_job_to_its_video(server: FalServer, fal: fal_client.SyncClient) -> None:
    job = fal.submit(MODEL, INPUT, webhook_url="https://ours.example/callback?t=token")
    base = f"{server.queue_url}/{APP}/requests/{job.request_id}"
    assert [job.response_url, job.status_url, job.cancel_url] == [
        base,
        f"{base}/status",
        f"{base}/cancel",
    ]
    assert server.jobs[job.request_id]["webhook"] == "https://ours.example/callback?t=token"
    seen = list(job.iter_events(interval=0))
    assert seen == [
        fal_client.Queued(position=0),
        fal_client.InProgress(logs=None),
        fal_client.Completed(logs=None, metrics={"inference_time": 31.4}),
    ]
    url = job.get(interval=0)["video"]["url"]
    assert url == f"{server.url}/files/clip.mp4"
    assert len(server.sent("POST")) == 1


def test_sdk_builds_the_same_addresses_from_a_model_and_an_id(
    server: FalServer, fal: fal_client.SyncClient
) -> None:
    job = fal.submit(MODEL, INPUT)
    assert fal.get_handle(MODEL, job.request_id).status_url == job.status_url


def test_sdk_cancels_a_job(server: FalServer, fal: fal_client.SyncClient) -> None:
    job = fal.submit(MODEL, INPUT)
    job.cancel()
    assert isinstance(job.status(), fal_client.Completed)
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        job.cancel()
    assert caught.value.response.json() == {"status": "ALREADY_COMPLETED"}


@pytest.mark.parametrize(
    ("prompt", "status", "error_type"),
    [("BLOCK", 422, None), ("FAIL", 503, "runner_disconnected"), ("CRASH", 500, None)],
)
def test_sdk_reads_the_failure_of_a_completed_job_from_its_result(
    server: FalServer,
    fal: fal_client.SyncClient,
    prompt: str,
    status: int,
    error_type: str | None,
) -> None:
    job = fal.submit(MODEL, {"prompt": prompt})
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        job.get(interval=0)
    assert (caught.value.status_code, caught.value.error_type) == (status, error_type)


def test_sdk_uploads_an_image(server: FalServer, fal: fal_client.SyncClient) -> None:
    url = fal.upload(b"pixels", "image/png", "boat.png")
    assert server.uploads == {url: b"pixels"}


def test_sdk_is_refused_with_a_wrong_key(server: FalServer, fal: fal_client.SyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        fal_client.SyncClient(key="wrong").submit(MODEL, INPUT)
    assert (caught.value.status_code, server.jobs) == (401, {})


def test_sdk_reads_the_words_of_a_locked_account(
    server: FalServer, fal: fal_client.SyncClient
) -> None:
    server.faults["submit"] = LOCKED
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        fal.submit(MODEL, INPUT)
    assert (caught.value.status_code, "Exhausted balance" in caught.value.message) == (403, True)


def test_sdk_repeats_a_submit_that_is_limited_which_is_why_it_does_not_submit_for_us(
    server: FalServer, fal: fal_client.SyncClient
) -> None:
    server.faults["submit"] = (429, {"detail": "Too many requests"})
    with pytest.raises(fal_client.FalClientHTTPError):
        fal.submit(MODEL, INPUT)
    assert len(server.sent("POST")) == sdk.MAX_ATTEMPTS == 10


def test_file_is_public(server: FalServer, fal: fal_client.SyncClient) -> None:
    import httpx2

    assert httpx2.get(f"{server.url}/files/clip.mp4").content == CLIP
