"""The adapter of fal's queue against a local server of its API, and answers fal should not give."""

import base64
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx2
import pytest

from tests.engine_servers.fal import CLIP, KEY, LOCKED, FalServer
from tests.engine_servers.loopback import serving
from tests.verification.engines.scripted_server import (
    PAGE,
    close_connection,
    truncate,
)
from videos.engines.base import Image, Job, JobState, RenderRequest, Variant
from videos.engines.downloads import ForeignHost
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.fal import Fal, connect

CALLBACK = "https://ours.example/api/videos/sora/callback?t=a.signed-token"
TEXT_MODEL, IMAGE_MODEL = "fal-ai/veo3.1/fast", "fal-ai/veo3.1/fast/image-to-video"
APP = "fal-ai/veo3.1"
FIELDS = {
    "prompt": "{prompt}", "aspect_ratio": "{aspect}", "resolution": "{resolution}",
    "duration": "{seconds}s", "seed": "{seed}", "negative_prompt": "{negative_prompt}",
    "generate_audio": "{audio}",
}  # fmt: skip
IMAGE_FIELDS = {**FIELDS, "image_url": "{first_image}"}
SMALL = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
LARGE = Image("boat.png", "image/png", lambda: BytesIO(b"p" * 300_000))


def order(prompt: str = "A paper boat", **more: Any) -> RenderRequest:
    known = {"model": TEXT_MODEL, "fields": FIELDS, "callback_url": CALLBACK, **more}
    return RenderRequest(
        "token-1", prompt, size="1280x720", seconds=8, aspect="16:9", resolution="720p", **known
    )


@pytest.fixture
def server() -> Iterator[FalServer]:
    with serving(FalServer()) as server:
        yield server


def adapter(server: FalServer, **more: str) -> Fal:
    engine = connect(
        "fal",
        {
            "api_key": KEY, "base_url": server.queue_url, "rest_url": server.rest_url,
            "api_url": server.api_url, "jwks_url": server.jwks_url, "result_hosts": server.host,
            **more,
        },
    )  # fmt: skip
    engine._client.timeout = engine._files.timeout = httpx2.Timeout(5)
    return engine


@pytest.fixture
def engine(server: FalServer) -> Fal:
    return adapter(server)


def finished(engine: Fal, **more: Any) -> str:
    """The id of a job that has completed."""
    job = engine.submit(order(**more))
    while engine.fetch(job.id).state in {JobState.QUEUED, JobState.RUNNING}:
        pass
    return job.id


# ---- submits ----


def test_one_post_with_the_input_submits_an_order(server: FalServer, engine: Fal) -> None:
    job = engine.submit(order(seed=7, negative_prompt="fog", audio=False))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/queue/{TEXT_MODEL}")
    assert request.query == {"fal_webhook": CALLBACK}
    assert request.headers["authorization"] == f"Key {KEY}"
    assert request.json == {
        "prompt": "A paper boat", "aspect_ratio": "16:9", "resolution": "720p", "duration": "8s",
        "seed": 7, "negative_prompt": "fog", "generate_audio": False,
    }  # fmt: skip
    (request_id,) = server.jobs
    assert (job.id, job.state) == (f"{request_id}#{APP}", JobState.QUEUED)


def test_small_image_is_a_part_of_the_order(server: FalServer, engine: Fal) -> None:
    engine.submit(order(model=IMAGE_MODEL, fields=IMAGE_FIELDS, first_image=SMALL))
    (request,) = server.requests
    encoded = base64.b64encode(b"pixels").decode()
    assert request.path == f"/queue/{IMAGE_MODEL}"
    assert request.json["image_url"] == f"data:image/png;base64,{encoded}"


def test_large_image_is_uploaded_without_the_key_before_the_order(
    server: FalServer, engine: Fal
) -> None:
    engine.submit(order(model=IMAGE_MODEL, fields=IMAGE_FIELDS, first_image=LARGE))
    token, upload, submit = server.requests
    assert (token.path, upload.path) == ("/rest/storage/auth/token", "/cdn/files/upload")
    assert upload.headers["authorization"] == "Bearer upload-token"
    assert (upload.headers["content-type"], len(upload.body)) == ("image/png", 300_000)
    assert [submit.json["image_url"]] == list(server.uploads)


@pytest.mark.parametrize(
    ("fault", "answer", "kind"),
    [
        ("token", LOCKED, OutOfCredit),
        ("token", (200, {"token": "t"}), BadAnswer),
        ("token", (200, {"token": "t", "token_type": "B", "base_url": "http://a.b"}), ForeignHost),
        ("upload", (500, PAGE), Unavailable),
        ("upload", (200, {"access_url": 7}), BadAnswer),
        ("upload", close_connection, Unavailable),
    ],
)
def test_nothing_is_ordered_when_an_image_cannot_be_uploaded(
    server: FalServer, engine: Fal, fault: str, answer: Any, kind: type[EngineError]
) -> None:
    server.faults[fault] = answer
    with pytest.raises(kind) as caught:
        engine.submit(order(model=IMAGE_MODEL, fields=IMAGE_FIELDS, first_image=LARGE))
    assert (caught.value.maybe_accepted, server.jobs) == (False, {})


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"source_id": "another job"}, Unsupported),
        ({"first_image": SMALL}, Unsupported),  # no field takes it
        ({"model": "veo"}, InvalidRequest),
        ({"model": "fal-ai/../admin"}, InvalidRequest),
        ({"model": "fal-ai/veo?x=1"}, InvalidRequest),
        ({"model": "https://evil.example/x"}, InvalidRequest),
        ({"model": f"fal-ai/{'x' * 200}"}, InvalidRequest),
    ],
)
def test_nothing_is_sent_when_fal_cannot_take_the_order(
    server: FalServer, engine: Fal, more: dict[str, Any], kind: type[EngineError]
) -> None:
    with pytest.raises(kind):
        engine.submit(order(**more))
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        ((400, {"detail": "bad"}), InvalidRequest, False),
        ((401, {"detail": "No user found for Key ID and Secret"}), AuthFailed, False),
        ((403, {"detail": "Forbidden"}), AuthFailed, False),
        (LOCKED, OutOfCredit, False),
        ((403, {"detail": "User is locked. Reason: Admin lock."}), OutOfCredit, False),
        ((402, {"detail": "Payment required"}), OutOfCredit, False),
        ((404, {"detail": 'Application "x" not found'}), InvalidRequest, False),
        ((422, {"detail": [{"type": "missing", "msg": "prompt"}]}), InvalidRequest, False),
        ((422, {"detail": [{"type": "content_policy_violation", "msg": "x"}]}), Blocked, False),
        ((422, {"detail": [{"msg": "x", "input": "our content policy"}]}), InvalidRequest, False),
        ((429, PAGE), RateLimited, False),
        ((500, {"detail": "content_policy_violation"}), Unavailable, True),
        ((502, "<html>nginx</html>"), Unavailable, True),
        ((504, {"detail": "timeout"}), Unavailable, True),
        ((302, "", {"Location": "https://evil.example/"}), BadAnswer, True),
        ((200, PAGE), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, {"request_id": 7}), BadAnswer, True),
        ((200, {"request_id": "../../x"}), BadAnswer, True),
        ((200, {"request_id": "a#b"}), BadAnswer, True),
        ((200, {"request_id": "x" * 129}), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
    ],
)
def test_one_request_is_sent_and_its_error_named_when_a_submit_fails(
    server: FalServer, engine: Fal, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    server.faults["submit"] = answer
    with pytest.raises(EngineError) as caught:
        engine.submit(order())
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert len(server.requests) == 1


def test_pause_that_fal_asks_for_is_reported(server: FalServer, engine: Fal) -> None:
    server.faults["submit"] = (429, {"detail": "slow down"}, {"Retry-After": "7"})
    with pytest.raises(RateLimited) as caught:
        engine.submit(order())
    assert caught.value.retry_after == 7


def test_no_job_exists_when_the_connection_is_refused(server: FalServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        adapter(server, base_url=f"http://127.0.0.1:{port}").submit(order())
    assert caught.value.maybe_accepted is False


@pytest.mark.parametrize(
    ("model", "address", "app"),
    [
        (TEXT_MODEL, "{queue}/other/app/requests/r-1", "other/app"),
        (TEXT_MODEL, "https://evil.example/other/app/requests/r-1", APP),
        (TEXT_MODEL, "{queue}/other/../app/requests/r-1", APP),
        (TEXT_MODEL, "{queue}/other/app/requests/r-2", APP),
        (TEXT_MODEL, None, APP),
        ("workflows/we/ours/x", None, "workflows/we/ours"),
    ],
)
def test_named_address_is_used_only_if_it_is_below_the_configured_one(
    server: FalServer, engine: Fal, model: str, address: str | None, app: str
) -> None:
    url = address and address.format(queue=server.queue_url)
    server.faults["submit"] = (200, {"request_id": "r-1", "response_url": url})
    assert engine.submit(order(model=model)).id == f"r-1#{app}"


# ---- polls ----


def test_job_is_followed_to_its_end(engine: Fal) -> None:
    job = engine.submit(order())
    assert [engine.fetch(job.id) for _ in range(3)] == [
        Job(job.id, JobState.QUEUED, queue_position=1),
        Job(job.id, JobState.RUNNING),
        Job(job.id, JobState.SUCCEEDED),
    ]


@pytest.mark.parametrize(
    ("status", "state", "position"),
    [
        ({"status": "IN_QUEUE", "queue_position": 41}, JobState.QUEUED, 42),
        ({"status": "IN_QUEUE", "queue_position": "3"}, JobState.QUEUED, None),
        ({"status": "IN_QUEUE", "queue_position": -1}, JobState.QUEUED, None),
        ({"status": "IN_QUEUE"}, JobState.QUEUED, None),
        ({"status": "IN_PROGRESS", "queue_position": 3}, JobState.RUNNING, None),
        ({"status": "RETICULATING"}, JobState.RUNNING, None),
    ],
)
def test_status_is_read(
    server: FalServer, engine: Fal, status: Any, state: JobState, position: int | None
) -> None:
    job = engine.submit(order())
    server.faults["status"] = (202, status)
    assert engine.fetch(job.id) == Job(job.id, state, queue_position=position)


@pytest.mark.parametrize(
    ("prompt", "kind", "code", "detail"),
    [
        ("BLOCK", Blocked, "moderation_blocked", "flagged by a content checker"),
        ("INVALID", InvalidRequest, "invalid_request", "unexpected value"),
        ("FAIL", Refused, "runner_disconnected", "The runner vanished"),
        ("CRASH", Refused, "generation_failed", "Internal Server Error"),
        ("EMPTY", Refused, "generation_failed", "without a video"),
    ],
)
def test_completed_job_has_failed_when_its_result_is_an_error(
    engine: Fal, prompt: str, kind: type[Refused], code: str, detail: str
) -> None:
    job = engine.fetch(finished(engine, prompt=prompt))
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (type(job.failure), job.failure.code) == (kind, code)
    assert detail in job.failure.detail


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, {"detail": "Request is still in progress"}), NotReady),
        ((401, {"detail": "no"}), AuthFailed),
        (LOCKED, OutOfCredit),
        ((404, {"detail": "Not found"}), NotFound),
        ((429, {}), RateLimited),
        ((500, PAGE), Unavailable),
        ((502, PAGE), Unavailable),
        ((503, {"detail": "busy"}), Unavailable),
        ((200, PAGE), BadAnswer),
        (close_connection, Unavailable),
    ],
)
def test_trouble_with_the_result_of_a_completed_job_does_not_fail_it(
    server: FalServer, engine: Fal, answer: Any, kind: type[EngineError]
) -> None:
    job_id = finished(engine)
    server.faults["result"] = answer
    with pytest.raises(EngineError) as caught:
        engine.fetch(job_id)
    assert type(caught.value) is kind


def test_job_has_failed_when_its_status_says_so_and_its_result_says_nothing(
    server: FalServer, engine: Fal
) -> None:
    job_id = finished(engine, prompt="FAIL")
    server.faults["result"] = (504, PAGE)
    failure = engine.fetch(job_id).failure
    assert failure is not None
    assert (failure.code, failure.detail) == ("generation_failed", "The runner vanished")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, PAGE), BadAnswer),
        ((200, {}), BadAnswer),
        ((200, ["IN_QUEUE"]), BadAnswer),
        ((200, {"status": 7}), BadAnswer),
        ((404, {"detail": "Not found"}), NotFound),
        ((500, {}), Unavailable),
    ],
)
def test_status_that_cannot_be_read_has_its_own_error(
    server: FalServer, engine: Fal, answer: Any, kind: type[EngineError]
) -> None:
    job = engine.submit(order())
    server.faults["status"] = answer
    with pytest.raises(EngineError) as caught:
        engine.fetch(job.id)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "job_id",
    ["", "r-1", "r-1#", "#a/b", "r-1#a", "r/1#a/b", "r-1#../b", "r-1#a/b?x", f"r-1#a/{'b' * 300}"],
)
def test_nothing_is_asked_for_an_id_that_no_job_has(
    server: FalServer, engine: Fal, job_id: str
) -> None:
    for ask in (engine.fetch, engine.delete):
        with pytest.raises(NotFound):
            ask(job_id)
    assert server.requests == []


# ---- a submit without an answer ----


def now() -> datetime:
    return datetime.now(UTC)


def lost(server: FalServer, engine: Fal, **more: Any) -> str:
    """The request id of a job whose submit counts as unanswered."""
    return engine.submit(order(**more)).id.partition("#")[0]


def test_lost_job_is_the_one_that_a_callback_named(server: FalServer, engine: Fal) -> None:
    mine, other = lost(server, engine), lost(server, engine)
    server.faults["list"] = (500, {})
    found = engine.find(order(callback_job_ids=(mine, "unknown", "../x")), now())
    assert [job.id for job in found] == [f"{mine}#{APP}"]
    assert other not in found[0].id


def test_lost_jobs_are_those_with_this_input_in_the_list(server: FalServer, engine: Fal) -> None:
    since, first = now(), lost(server, engine)
    for more in ({"prompt": "Another"}, {"seed": 7}, {"model": "fal-ai/veo3.1"}):
        lost(server, engine, **more)
    last = lost(server, engine)
    found = engine.find(order(), since)
    assert [job.id for job in found] == [f"{last}#{APP}", f"{first}#{APP}"]
    asked = next(r.query for r in server.requests if r.path.endswith("by-endpoint"))
    assert asked == {
        "endpoint_id": TEXT_MODEL, "start": since.isoformat(), "expand": "payloads", "limit": "50"
    }  # fmt: skip


def test_jobs_from_before_the_submit_are_not_the_lost_one(server: FalServer, engine: Fal) -> None:
    lost(server, engine)
    with pytest.raises(Unavailable):
        engine.find(order(), now() + timedelta(seconds=1))


@pytest.mark.parametrize(
    "answer", [(403, {}), (500, {}), (200, {"items": 7}), (200, {"items": [7, {}]}), (200, PAGE)]
)
def test_search_is_repeated_while_a_callback_may_come(
    server: FalServer, engine: Fal, answer: Any
) -> None:
    server.faults["list"] = answer
    with pytest.raises(Unavailable) as caught:
        engine.find(order(), now())
    assert caught.value.retry_after == 20


def test_search_is_given_up_after_a_while(engine: Fal) -> None:
    with pytest.raises(Unsupported):
        engine.find(order(), now() - timedelta(minutes=21))


# ---- files ----


def test_video_is_downloaded_without_the_key(server: FalServer, engine: Fal) -> None:
    job_id, to = finished(engine), BytesIO()
    engine.download(job_id, Variant.VIDEO, to)
    assert to.getvalue() == CLIP
    assert server.requests[-1].path == "/files/clip.mp4"
    assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize("variant", [Variant.THUMBNAIL, Variant.SPRITESHEET])
def test_there_are_only_videos(server: FalServer, engine: Fal, variant: Variant) -> None:
    with pytest.raises(Unsupported):
        engine.download("r-1#a/b", variant, BytesIO())
    assert server.requests == []


def test_file_on_another_host_is_not_downloaded(server: FalServer) -> None:
    engine = adapter(server, result_hosts="*.fal.media")
    with pytest.raises(ForeignHost):
        engine.download(finished(engine), Variant.VIDEO, BytesIO())
    assert server.requests[-1].path != "/files/clip.mp4"


@pytest.mark.parametrize(
    ("prompt", "faults", "kind"),
    [
        ("BLOCK", {}, Blocked),
        ("EMPTY", {}, NotReady),
        ("boat", {"result": (404, {})}, NotFound),
        ("boat", {"result": (500, PAGE)}, Unavailable),
        ("boat", {"file": (404, PAGE)}, NotReady),
        ("boat", {"file": (410, PAGE)}, Gone),
    ],
)
def test_download_fails_in_its_own_way(
    server: FalServer,
    engine: Fal,
    prompt: str,
    faults: Mapping[str, Any],
    kind: type[EngineError],
) -> None:
    job_id = finished(engine, prompt=prompt)
    server.faults.update(faults)
    with pytest.raises(EngineError) as caught:
        engine.download(job_id, Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


# ---- deletion ----


@pytest.mark.parametrize("polls", [0, 3])
def test_job_is_cancelled_and_its_data_deleted(server: FalServer, engine: Fal, polls: int) -> None:
    job = engine.submit(order())
    for _ in range(polls):
        engine.fetch(job.id)
    server.requests.clear()
    engine.delete(job.id)
    (stored,) = server.jobs.values()
    assert (stored["polls"], stored["stored"]) == (3, False)
    assert [request.method for request in server.requests] == ["PUT", "DELETE"]


def test_job_that_does_not_exist_counts_as_deleted(server: FalServer, engine: Fal) -> None:
    engine.delete(f"0190aaaa-0000-4000-8000-000000000009#{APP}")
    assert [request.method for request in server.requests] == ["PUT", "DELETE"]


@pytest.mark.parametrize(
    ("fault", "answer", "kind"),
    [
        ("cancel", (500, {}), Unavailable),
        ("payloads", (500, {}), Unavailable),
        ("payloads", (403, {"detail": "admin key required"}), Unsupported),
    ],
)
def test_deletion_that_fal_refuses_is_reported(
    server: FalServer, engine: Fal, fault: str, answer: Any, kind: type[EngineError]
) -> None:
    job = engine.submit(order())
    server.faults[fault] = answer
    with pytest.raises(kind):
        engine.delete(job.id)


# ---- callbacks ----


def test_signed_callback_is_read(server: FalServer, engine: Fal) -> None:
    headers, body = server.callback("r-1")
    first = engine.read_callback(headers, body)
    assert (first.job_id, first.state) == ("r-1", JobState.SUCCEEDED)
    assert engine.read_callback(headers, body) == first  # so that a repeat is stored once
    assert [request.path for request in server.requests] == ["/rest/.well-known/jwks.json"]
    assert "authorization" not in server.requests[0].headers


def test_callback_says_that_a_job_has_failed(server: FalServer, engine: Fal) -> None:
    body = b'{"request_id": "r-1", "status": "ERROR", "error": "x", "payload": {}}'
    assert engine.read_callback(server.signed(body), body).state is JobState.FAILED


@pytest.mark.parametrize("from_secret_url", [True, False])
def test_forged_callback_is_refused(server: FalServer, engine: Fal, from_secret_url: bool) -> None:
    headers, body = server.callback("r-1")
    old = str(int(datetime.now(UTC).timestamp()) - 301)
    forged = [
        (headers, body.replace(b"r-1", b"r-2")),
        ({**headers, "X-Fal-Webhook-User-Id": "user-2"}, body),
        ({**headers, "X-Fal-Webhook-Signature": "00" * 64}, body),
        ({**headers, "X-Fal-Webhook-Signature": "not hex"}, body),
        ({**headers, "X-Fal-Webhook-Signature": "00"}, body),
        ({**headers, "X-Fal-Webhook-Timestamp": "nan"}, body),
        (server.signed(body, sent_at=old), body),
        (FalServer.signed(FalServer(), body), body),
    ]
    for changed, content in forged:
        with pytest.raises(AuthFailed):
            engine.read_callback(changed, content, from_secret_url=from_secret_url)
    assert len(server.requests) == 1  # the keys are not fetched for each of them


def test_unsigned_callback_is_accepted_only_at_the_secret_url(engine: Fal) -> None:
    body = b'{"request_id": "r-1", "status": "OK"}'
    assert engine.read_callback({}, body, from_secret_url=True).job_id == "r-1"
    with pytest.raises(AuthFailed):
        engine.read_callback({}, body)


@pytest.mark.parametrize("keys", [(500, PAGE), (200, {}), (200, {"keys": [7, {"kty": "RSA"}]})])
def test_secret_url_must_do_when_fals_keys_cannot_be_fetched(
    server: FalServer, engine: Fal, keys: Any
) -> None:
    server.faults["jwks"] = keys
    headers, body = server.callback("r-1")
    for _ in range(2):
        assert engine.read_callback(headers, body, from_secret_url=True).job_id == "r-1"
        with pytest.raises(AuthFailed):
            engine.read_callback(headers, body)
    assert len(server.requests) == 1


def test_changed_keys_are_fetched_again(server: FalServer, engine: Fal) -> None:
    engine.read_callback(*server.callback("r-1"))
    server.signing_key = FalServer().signing_key
    engine._keys._asked_at -= 61
    assert engine.read_callback(*server.callback("r-2")).job_id == "r-2"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"[" * 100_000, b"{}", b'{"request_id": 7}', b'{"request_id": "../x"}'],
)
def test_callback_that_names_no_job_is_invalid(server: FalServer, engine: Fal, body: bytes) -> None:
    for headers in ({}, server.signed(body)):
        with pytest.raises(InvalidRequest):
            engine.read_callback(headers, body, from_secret_url=True)


# ---- the key ----


def test_check_asks_for_an_upload_token_and_orders_nothing(server: FalServer, engine: Fal) -> None:
    engine.check()
    assert [request.path for request in server.requests] == ["/rest/storage/auth/token"]
    with pytest.raises(AuthFailed):
        adapter(server, api_key="wrong").check()
    server.faults["token"] = LOCKED
    with pytest.raises(OutOfCredit):
        engine.check()
    server.faults["token"] = (200, PAGE)
    with pytest.raises(BadAnswer):
        engine.check()


def test_defaults_are_fals_own_addresses() -> None:
    engine = connect("fal", {"api_key": KEY})
    assert str(engine._client.base_url) == "https://queue.fal.run"
    engine._results.check("https://v3b.fal.media/files/b/clip.mp4")
    with pytest.raises(ForeignHost):
        engine._results.check("https://fal.media.evil.example/clip.mp4")
