"""The adapter of Replicate against a local server of its API, and answers it should not give."""

import json
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx2
import pytest

from tests.engine_servers.loopback import serving
from tests.engine_servers.replicate import (
    CLIP,
    KEY,
    NO_CREDIT,
    NOT_FOUND,
    SECRET,
    THROTTLED,
    ReplicateServer,
)
from tests.verification.engines.conftest import Poll
from tests.verification.engines.scripted_server import PAGE, close_connection, truncate
from videos.engines.base import Callback, Image, JobState, RenderRequest, Variant
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
    UnclearOutcome,
    Unsupported,
)
from videos.engines.replicate import Replicate, connect
from videos.engines.result_streams import Part

CALLBACK = "https://ours.example/api/videos/sora/callback?t=a.signed-token"
MODEL = "google/veo-3.1-fast"
FIELDS = {
    "prompt": "{prompt}", "aspect_ratio": "{aspect}", "resolution": "{resolution}",
    "duration": "{seconds}", "image": "{first_image}", "last_frame": "{last_image}",
    "seed": "{seed}", "negative_prompt": "{negative_prompt}", "generate_audio": "{audio}",
}  # fmt: skip
SENT = {"prompt": "A paper boat", "aspect_ratio": "16:9", "resolution": "720p", "duration": 8}
FIRST = Image("boat.png", "image/png", lambda: BytesIO(b"first pixels"))
LAST = Image("end.png", "image/png", lambda: BytesIO(b"last pixels"))


def order(prompt: str = "A paper boat", **more: Any) -> RenderRequest:
    known = {"model": MODEL, "fields": FIELDS, "callback_url": CALLBACK, **more}
    return RenderRequest(
        "token-1", prompt, size="1280x720", seconds=8, aspect="16:9", resolution="720p", **known
    )


@pytest.fixture
def server() -> Iterator[ReplicateServer]:
    with serving(ReplicateServer()) as server:
        yield server


def adapter(server: ReplicateServer, **more: str) -> Replicate:
    config = {"api_key": KEY, "base_url": server.api_url, "result_hosts": server.host, **more}
    engine = connect("replicate", config)
    engine._client.timeout = engine._files.timeout = httpx2.Timeout(5)
    return engine


@pytest.fixture
def engine(server: ReplicateServer) -> Replicate:
    return adapter(server)


def finished(engine: Replicate, **more: Any) -> str:
    """The id of a prediction that has ended."""
    job = engine.submit(order(**more))
    while engine.fetch(job.id).state in {JobState.QUEUED, JobState.RUNNING}:
        pass
    return job.id


# ---- submits ----


def test_one_post_with_the_input_submits_an_order(
    server: ReplicateServer, engine: Replicate
) -> None:
    job = engine.submit(order(seed=7, negative_prompt="fog", audio=False))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", f"/v1/models/{MODEL}/predictions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json == {
        "input": {**SENT, "seed": 7, "negative_prompt": "fog", "generate_audio": False},
        "webhook": CALLBACK,
        "webhook_events_filter": ["completed"],
    }
    assert ([job.id], job.state) == (list(server.predictions), JobState.QUEUED)


def test_images_are_uploaded_before_the_order(server: ReplicateServer, engine: Replicate) -> None:
    engine.submit(order(first_image=FIRST, last_image=LAST, callback_url=""))
    first, last, submit = server.requests
    assert b"first pixels" in first.body
    assert b'name="content"; filename="boat.png"' in first.body
    assert b"last pixels" in last.body
    urls = dict(zip(("image", "last_frame"), server.files, strict=True))
    assert submit.json == {"input": {**SENT, **urls}}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NO_CREDIT, OutOfCredit),
        ((500, PAGE), Unavailable),
        ((201, {"urls": {}}), BadAnswer),
        ((201, {"urls": {"get": "file:///etc/passwd"}}), BadAnswer),
        (close_connection, Unavailable),
    ],
)
def test_nothing_is_ordered_when_an_image_cannot_be_uploaded(
    server: ReplicateServer, engine: Replicate, answer: Any, kind: type[EngineError]
) -> None:
    server.faults["upload"] = answer
    with pytest.raises(kind) as caught:
        engine.submit(order(first_image=FIRST))
    assert (caught.value.maybe_accepted, server.predictions) == (False, {})


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"source_id": "another job"}, Unsupported),
        ({"references": (FIRST,)}, Unsupported),  # no field takes them
        ({"model": "veo"}, InvalidRequest),
        ({"model": "google/veo/predictions"}, InvalidRequest),
        ({"model": "../predictions"}, InvalidRequest),
        ({"model": "google/veo?x=1"}, InvalidRequest),
        ({"model": f"google/{'x' * 101}"}, InvalidRequest),
    ],
)
def test_nothing_is_sent_when_replicate_cannot_take_the_order(
    server: ReplicateServer, engine: Replicate, more: dict[str, Any], kind: type[EngineError]
) -> None:
    with pytest.raises(kind):
        engine.submit(order(**more))
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        ((400, {"detail": "bad"}), InvalidRequest, False),
        ((401, {"title": "Unauthenticated"}), AuthFailed, False),
        ((403, {"detail": "Forbidden"}), AuthFailed, False),
        (NO_CREDIT, OutOfCredit, False),
        (NOT_FOUND, InvalidRequest, False),
        ((422, {"detail": "prompt is required"}), InvalidRequest, False),
        ((422, {"detail": "The prompt was flagged"}), Blocked, False),
        ((422, {"detail": "bad", "input": "flagged"}), InvalidRequest, False),
        (THROTTLED, RateLimited, False),
        ((429, PAGE), RateLimited, False),
        ((500, {"detail": "flagged"}), Unavailable, True),
        ((502, PAGE), Unavailable, True),
        ((504, {}), Unavailable, True),
        ((302, "", {"Location": "https://evil.example/"}), BadAnswer, True),
        ((200, PAGE), BadAnswer, True),
        ((201, []), BadAnswer, True),
        ((201, {"status": "starting"}), BadAnswer, True),
        ((201, {"id": 7, "status": "starting"}), BadAnswer, True),
        ((201, {"id": "../x", "status": "starting"}), BadAnswer, True),
        ((201, {"id": "x" * 129, "status": "starting"}), BadAnswer, True),
        ((201, {"id": "x", "status": "eaten", "error": "by a bug"}), UnclearOutcome, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
    ],
)
def test_one_request_is_sent_and_its_error_named_when_a_submit_fails(
    server: ReplicateServer, engine: Replicate, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    server.faults["submit"] = answer
    with pytest.raises(EngineError) as caught:
        engine.submit(order())
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (THROTTLED, 30),
        ((429, {"detail": "resets in 9999s"}), 300),
        ((429, {"detail": "slow down"}, {"Retry-After": "7"}), 7),
    ],
)
def test_pause_that_replicate_asks_for_is_reported(
    server: ReplicateServer, engine: Replicate, answer: Any, seconds: float
) -> None:
    server.faults["submit"] = answer
    with pytest.raises(RateLimited) as caught:
        engine.submit(order())
    assert caught.value.retry_after == seconds


def test_no_job_exists_when_the_connection_is_refused(server: ReplicateServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        adapter(server, base_url=f"http://127.0.0.1:{port}/v1").submit(order())
    assert caught.value.maybe_accepted is False


# ---- polls ----


def test_job_is_followed_to_its_end(engine: Replicate, poll: Poll) -> None:
    job_id = engine.submit(order()).id
    seen = [poll(engine, job_id) for _ in range(3)]
    assert [(job.state, job.progress) for job in seen] == [
        (JobState.QUEUED, None),
        (JobState.RUNNING, 45.0),
        (JobState.SUCCEEDED, None),
    ]
    assert (seen[0].id, seen[0].model, seen[0].prompt) == (job_id, MODEL, "A paper boat")


@pytest.mark.parametrize(
    ("changes", "kind", "code", "detail"),
    [
        ({"error": "Flagged as sensitive. (E005)"}, Blocked, "moderation_blocked", ""),
        ({"error": "NSFW content detected"}, Blocked, "moderation_blocked", ""),
        ({"error": "Out of memory (E1001)"}, Refused, "generation_failed", "Out of memory (E1001)"),
        ({"error": None}, Refused, "generation_failed", "the prediction is failed"),
        ({"error": {"a": 1}}, Refused, "generation_failed", "{'a': 1}"),
        ({"status": "canceled"}, Refused, "upstream_canceled", "the prediction is canceled"),
        ({"status": "aborted"}, Refused, "upstream_aborted", "the prediction is aborted"),
        ({"status": "succeeded"}, Refused, "generation_failed", "without a video"),
        ({"status": "succeeded", "output": ["x", 7]}, Refused, "generation_failed", ""),
    ],
)  # fmt: skip
def test_failure_is_read(
    server: ReplicateServer,
    engine: Replicate,
    changes: dict[str, Any],
    kind: type[Refused],
    code: str,
    detail: str,
    poll: Poll,
) -> None:
    server.faults["get"] = (200, {"id": "gm3q", "status": "failed", **changes})
    job = poll(engine, "gm3q")
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (type(job.failure), job.failure.code) == (kind, code)
    assert detail in job.failure.detail


@pytest.mark.parametrize("word", ["dancing", "", None, 7])
def test_unknown_status_is_running_until_the_prediction_has_ended(
    server: ReplicateServer, engine: Replicate, word: object, poll: Poll
) -> None:
    server.faults["get"] = (200, {"id": "gm3q", "status": word})
    assert poll(engine, "gm3q").state is JobState.RUNNING
    server.faults["get"] = (200, {"id": "gm3q", "status": word, "completed_at": "2026-11-29"})
    with pytest.raises(UnclearOutcome):
        poll(engine, "gm3q")


@pytest.mark.parametrize(
    ("logs", "progress"),
    [("", None), (None, None), ([], None), ("seed 45%", None), (" 7%|#| 1/9\n 100%|#| 9/9", 100.0)],
)
def test_progress_is_the_last_that_the_model_logged(
    server: ReplicateServer, engine: Replicate, logs: object, progress: float | None, poll: Poll
) -> None:
    server.faults["get"] = (200, {"id": "gm3q", "status": "processing", "logs": logs})
    assert poll(engine, "gm3q").progress == progress


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NOT_FOUND, NotFound),
        ((401, {}), AuthFailed),
        ((500, {}), Unavailable),
        ((200, PAGE), BadAnswer),
        ((200, []), BadAnswer),
        ((200, {"id": "another", "status": "succeeded"}), BadAnswer),
        (close_connection, Unavailable),
    ],
)
def test_poll_that_fails_has_its_own_error(
    server: ReplicateServer, engine: Replicate, answer: Any, kind: type[EngineError], poll: Poll
) -> None:
    server.faults["get"] = answer
    with pytest.raises(EngineError) as caught:
        poll(engine, "gm3q")
    assert type(caught.value) is kind


@pytest.mark.parametrize("job_id", ["", "a/b", "../account", "a?b", "-a", "x" * 129])
def test_nothing_is_asked_for_an_id_that_no_prediction_has(
    server: ReplicateServer, engine: Replicate, job_id: str
) -> None:
    for ask in (engine.fetch, engine.delete):
        with pytest.raises(NotFound):
            ask(job_id)
    assert server.requests == []


# ---- a submit without an answer ----


def now() -> datetime:
    return datetime.now(UTC)


def ids(server: ReplicateServer, engine: Replicate, **more: Any) -> list[str]:
    return [job.id for job in engine.find(order(**more), now() - timedelta(minutes=4))]


def test_lost_jobs_are_those_with_this_model_and_input(
    server: ReplicateServer, engine: Replicate
) -> None:
    mine = [engine.submit(order(first_image=FIRST)).id for _ in range(2)]
    others: list[dict[str, Any]]
    others = [
        {"prompt": "Another"},
        {"seed": 7},
        {"model": "google/veo-3.1"},
        {"first_image": None},
    ]
    for more in others:
        engine.submit(order(**{"first_image": FIRST, **more}))
    assert ids(server, engine, first_image=FIRST) == mine[::-1]
    pages = [r.query for r in server.requests if r.path == "/v1/predictions"]
    assert [page.get("cursor") for page in pages] == [None, "2", "4"]
    assert "created_after" in pages[0]


def test_lost_job_is_the_one_that_a_callback_named(
    server: ReplicateServer, engine: Replicate
) -> None:
    mine, _ = (engine.submit(order()).id for _ in range(2))
    assert ids(server, engine, callback_job_ids=(mine, "unknown", "../x")) == [mine]
    assert "/v1/predictions" not in {request.path for request in server.requests}


def test_no_job_was_made_when_the_list_has_none(server: ReplicateServer, engine: Replicate) -> None:
    engine.submit(order(prompt="Another"))
    assert ids(server, engine) == []


def test_list_is_asked_again_while_it_may_not_have_the_prediction_yet(
    server: ReplicateServer, engine: Replicate
) -> None:
    with pytest.raises(Unavailable) as caught:
        engine.find(order(), now() - timedelta(minutes=3))
    assert (caught.value.retry_after, caught.value.maybe_accepted) == (15, False)
    mine = engine.submit(order()).id
    assert [job.id for job in engine.find(order(), now() - timedelta(minutes=3))] == [mine]


def test_older_predictions_are_not_searched(server: ReplicateServer, engine: Replicate) -> None:
    for _ in range(3):
        engine.submit(order())
    for prediction in list(server.predictions.values())[:2]:
        prediction["created_at"] = "2026-01-01T00:00:00Z"
    assert len(ids(server, engine)) == 1


def test_search_is_given_up_when_inputs_are_not_kept_any_more(
    server: ReplicateServer, engine: Replicate
) -> None:
    with pytest.raises(Unsupported):
        engine.find(order(), now() - timedelta(minutes=56))
    assert server.requests == []
    server.remove_data(finished(engine))
    with pytest.raises(Unsupported):
        ids(server, engine)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((500, {}), Unavailable),
        ((200, PAGE), BadAnswer),
        ((200, {}), BadAnswer),
        ((200, {"results": [{"status": "starting"}]}), BadAnswer),
        ((200, {"results": [], "next": "https://evil.example/?cursor=1"}), Unavailable),
    ],
)
def test_list_that_cannot_be_read_is_read_again_at_its_own_address(
    server: ReplicateServer, engine: Replicate, answer: Any, kind: type[EngineError]
) -> None:
    server.faults["list"] = answer
    with pytest.raises(EngineError) as caught:
        ids(server, engine)
    assert type(caught.value) is kind
    assert {request.path for request in server.requests} == {"/v1/predictions"}


@pytest.mark.parametrize("odd", [None, "x", {}, {"id": 7, "model": MODEL}])
def test_lost_job_is_found_when_another_entry_of_the_list_cannot_be_read(
    server: ReplicateServer, engine: Replicate, odd: object
) -> None:
    job = engine.submit(order())
    listed = [odd, *server.predictions.values()]
    server.faults["list"] = (200, {"results": listed, "next": None})
    assert ids(server, engine) == [job.id]


# ---- files ----


@pytest.mark.parametrize("as_list", [False, True])
def test_video_is_downloaded_without_the_key(
    server: ReplicateServer, engine: Replicate, as_list: bool
) -> None:
    job_id, to = finished(engine), BytesIO()
    if as_list:
        server.predictions[job_id]["output"] = [server.predictions[job_id]["output"]]
    engine.download(job_id, Variant.VIDEO, to)
    assert to.getvalue() == CLIP
    with engine.open_result(job_id, Part(1, 5, len(CLIP))) as stream:
        assert stream.read() == CLIP[1:5]
    assert server.requests[-1].path == f"/delivery/{job_id}.mp4"
    assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize("variant", [Variant.THUMBNAIL, Variant.SPRITESHEET])
def test_there_are_only_videos(
    server: ReplicateServer, engine: Replicate, variant: Variant
) -> None:
    with pytest.raises(Unsupported):
        engine.download("gm3q", variant, BytesIO())
    assert server.requests == []


def test_video_is_gone_when_its_data_was_removed(
    server: ReplicateServer, engine: Replicate, poll: Poll
) -> None:
    job_id = finished(engine)
    server.remove_data(job_id)
    assert poll(engine, job_id).state is JobState.SUCCEEDED
    with pytest.raises(Gone):
        engine.download(job_id, Variant.VIDEO, BytesIO())


def test_file_on_another_host_is_not_downloaded(server: ReplicateServer) -> None:
    engine = adapter(server, result_hosts="replicate.delivery")
    with pytest.raises(ForeignHost):
        engine.download(finished(engine), Variant.VIDEO, BytesIO())
    assert not server.requests[-1].path.startswith("/delivery/")


@pytest.mark.parametrize(
    ("prompt", "faults", "kind"),
    [
        ("BLOCK", {}, Blocked),
        ("FAIL", {}, Refused),
        ("boat", {"get": NOT_FOUND}, NotFound),
        ("boat", {"file": (404, PAGE)}, NotReady),
        ("boat", {"file": (500, PAGE)}, Unavailable),
    ],
)
def test_download_fails_in_its_own_way(
    server: ReplicateServer,
    engine: Replicate,
    prompt: str,
    faults: Mapping[str, Any],
    kind: type[EngineError],
) -> None:
    job_id = finished(engine, prompt=prompt)
    server.faults.update(faults)
    with pytest.raises(EngineError) as caught:
        engine.download(job_id, Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


def test_video_is_not_ready_while_the_prediction_runs(engine: Replicate) -> None:
    with pytest.raises(NotReady):
        engine.download(engine.submit(order()).id, Variant.VIDEO, BytesIO())


# ---- deletion ----


def test_prediction_is_cancelled(server: ReplicateServer, engine: Replicate) -> None:
    job_id = engine.submit(order()).id
    engine.delete(job_id)
    assert server.predictions[job_id]["status"] == "canceled"


@pytest.mark.parametrize("answer", [NOT_FOUND, (422, {"detail": "already completed"})])
def test_prediction_that_has_ended_or_does_not_exist_counts_as_deleted(
    server: ReplicateServer, engine: Replicate, answer: Any
) -> None:
    server.faults["cancel"] = answer
    engine.delete("gm3q")
    assert [request.path for request in server.requests] == ["/v1/predictions/gm3q/cancel"]


def test_deletion_is_tried_again_when_replicate_does_not_answer(
    server: ReplicateServer, engine: Replicate
) -> None:
    server.faults["cancel"] = (500, {})
    with pytest.raises(Unavailable):
        engine.delete("gm3q")


# ---- callbacks ----

BODY = json.dumps({"id": "gm3q", "status": "succeeded", "output": "https://x"}).encode()


def test_signed_callback_is_read(server: ReplicateServer) -> None:
    engine, headers = adapter(server, webhook_secret=SECRET), server.signed(BODY)
    read = [engine.read_callback(headers, BODY, from_secret_url=at) for at in (True, False)]
    assert read == [Callback("gm3q", "gm3q:succeeded", JobState.SUCCEEDED)] * 2


@pytest.mark.parametrize("from_secret_url", [True, False])
def test_forged_callback_is_refused(server: ReplicateServer, from_secret_url: bool) -> None:
    engine, headers = adapter(server, webhook_secret=SECRET), server.signed(BODY)
    forged = [
        ({}, BODY),
        (headers, BODY.replace(b"gm3q", b"gm4q")),
        (headers, b"\xff"),
        ({**headers, "webhook-id": "msg_2"}, BODY),
        ({**headers, "webhook-timestamp": "soon"}, BODY),
        ({**headers, "webhook-signature": "v1,AAAA"}, BODY),
        ({**headers, "webhook-signature": "v1"}, BODY),
        (server.signed(BODY, now() - timedelta(minutes=6)), BODY),
        (server.signed(BODY, now() + timedelta(minutes=6)), BODY),
    ]
    for changed, body in forged:
        with pytest.raises(AuthFailed):
            engine.read_callback(changed, body, from_secret_url=from_secret_url)


def test_secret_that_cannot_be_read_accepts_nothing(server: ReplicateServer) -> None:
    for secret in ("whsec_!", "whsec_"):
        with pytest.raises(AuthFailed):
            adapter(server, webhook_secret=secret).read_callback(server.signed(BODY), BODY)


def test_unsigned_callback_is_accepted_only_at_the_secret_url(engine: Replicate) -> None:
    assert engine.read_callback({}, BODY, from_secret_url=True).job_id == "gm3q"
    with pytest.raises(AuthFailed):
        engine.read_callback({}, BODY)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"{}", b'{"id": "../x"}'])
def test_callback_that_names_no_prediction_is_invalid(engine: Replicate, body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        engine.read_callback({}, body, from_secret_url=True)


# ---- the key ----


def test_check_reads_the_account_and_orders_nothing(
    server: ReplicateServer, engine: Replicate
) -> None:
    engine.check()
    assert [request.path for request in server.requests] == ["/v1/account"]
    with pytest.raises(AuthFailed):
        adapter(server, api_key="wrong").check()
    server.faults["account"] = (200, PAGE)
    with pytest.raises(BadAnswer):
        engine.check()


def test_defaults_are_replicates_own_addresses() -> None:
    engine = connect("replicate", {"api_key": KEY})
    assert str(engine._client.base_url) == "https://api.replicate.com/v1/"
    for host in ("replicate.delivery", "xezq.replicate.delivery"):
        engine._results.check(f"https://{host}/clip.mp4")
    with pytest.raises(ForeignHost):
        engine._results.check("https://replicate.delivery.evil.example/clip.mp4")
