"""The adapter of the Gemini API against a server with its interactions, and against bad answers."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from standardwebhooks import Webhook

from tests.engine_servers import gemini
from tests.engine_servers.gemini import GeminiServer
from tests.verification.engines.scripted_server import (
    PAGE,
    ScriptedServer,
    answer_late,
    close_connection,
    truncate,
)
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
    Unsupported,
)
from videos.engines.gemini import Gemini, connect
from videos.engines.result_streams import Part

CALLBACK = "https://ours.example/api/videos/sora/callback?t=token"
FIRST = Image("first.png", "image/png", lambda: BytesIO(b"first"))
LAST = Image("last.jpg", "image/jpeg", lambda: BytesIO(b"last"))
ORDER = RenderRequest(
    "token-1", "A paper boat", "gemini-omni-1.2-flash", "1280x720", 8,
    aspect="16:9", resolution="720p",
)  # fmt: skip
ORDERS = {
    "text": ORDER,
    "everything but images": replace(
        ORDER,
        seed=7,
        negative_prompt="people, text",
        audio=True,
        callback_url=CALLBACK,
        fields={
            "input": ["{prompt}", "{first_image}", "{references}"],  # says what the model takes
            "safety_settings": [],
            "generation_config": {"max_output_tokens": 9, "seed": "{seed}"},
        },
    ),
    "image": replace(ORDER, first_image=FIRST),
    "first and last image": replace(ORDER, first_image=FIRST, last_image=LAST),
    "references": replace(ORDER, references=(FIRST, LAST)),
    "remix": replace(ORDER, source_id="v1_0000"),
}
WRITTEN_FIRST = {"type": "image", "mime_type": "image/png", "data": "Zmlyc3Q="}
WRITTEN_LAST = {"type": "image", "mime_type": "image/jpeg", "data": "bGFzdA=="}


def text(prompt: str = "A paper boat") -> dict[str, str]:
    return {"type": "text", "text": prompt}


def body(task: str, *inputs: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "model": "gemini-omni-1.2-flash",
        "input": list(inputs),
        "background": True,
        "store": True,
        "response_format": {
            "type": "video",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": "8s",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": task}},
        "labels": {"firstlight_video": "token-1"},
        **more,
    }


BODIES = {
    "text": body("text_to_video", text()),
    "everything but images": body(
        "text_to_video",
        text("A paper boat\n\nAvoid the following: people, text"),
        generation_config={
            "video_config": {"task": "text_to_video"},
            "seed": 7,
            "max_output_tokens": 9,
        },
        safety_settings=[],
        webhook_config={"uris": [CALLBACK], "user_metadata": {"firstlight_video": "token-1"}},
    ),
    "image": body("image_to_video", WRITTEN_FIRST, text()),
    "first and last image": body("image_to_video", WRITTEN_FIRST, WRITTEN_LAST, text()),
    "references": body("reference_to_video", WRITTEN_FIRST, WRITTEN_LAST, text()),
    "remix": body("edit", text(), previous_interaction_id="v1_0000"),
}


@pytest.fixture
def google() -> Iterator[GeminiServer]:
    with gemini.running() as server:
        yield server


def adapter(base_url: str, **more: str) -> Gemini:
    config = {"base_url": f"{base_url}/v1beta", "api_key": gemini.KEY, **more}
    engine = connect("test", config)
    engine._client.timeout = httpx2.Timeout(0.5, connect=2)
    return engine


@pytest.fixture
def engine(google: GeminiServer) -> Gemini:
    return adapter(google.url)


def scripted(server: ScriptedServer, answer: Any = None, **more: str) -> Gemini:
    if answer is not None:
        server.answer = answer
    return adapter(f"http://127.0.0.1:{server.server_port}", **more)


def finished(google: GeminiServer, engine: Gemini, prompt: str) -> str:
    google.polls = 0
    return engine.submit(replace(ORDER, prompt=prompt)).id


# ---- submits ----


@pytest.mark.parametrize("name", ORDERS)
def test_interaction_is_written_for_each_kind_of_order(
    google: GeminiServer, engine: Gemini, name: str
) -> None:
    job = engine.submit(ORDERS[name])
    ((method, path, headers, sent),) = google.requests
    assert (method, path) == ("POST", "/v1beta/interactions")
    assert (headers["x-goog-api-key"], headers["api-revision"]) == (gemini.KEY, "2026-05-20")
    assert sent == BODIES[name]
    assert (job.id, job.state, job.model) == ("v1_0001", JobState.RUNNING, ORDER.model)
    assert job.created_at == datetime(2026, 11, 5, 10, tzinfo=UTC)


def test_no_callback_is_asked_for_when_its_url_is_not_https(
    google: GeminiServer, engine: Gemini
) -> None:
    engine.submit(replace(ORDER, callback_url="http://ours.example/callback"))
    assert "webhook_config" not in google.requests[0][3]


@pytest.mark.parametrize(
    "change",
    [
        {"audio": False},
        {"last_image": LAST},
        {"references": (FIRST,), "first_image": FIRST},
        {"source_id": "v1_0000", "first_image": FIRST},
        {"source_id": "v1_0000", "references": (FIRST,)},
        {"fields": {"x": "{unknown}"}},
    ],
)
def test_nothing_is_sent_when_the_engine_cannot_do_what_was_ordered(
    google: GeminiServer, engine: Gemini, change: dict[str, Any]
) -> None:
    with pytest.raises(Unsupported):
        engine.submit(replace(ORDER, **change))
    assert google.requests == []


EXHAUSTED = "You exceeded your current quota, please check your plan and billing details."


def limited(*details: dict[str, Any], message: str = "Too many requests.") -> Any:
    return gemini.error(429, message, "RESOURCE_EXHAUSTED", *details)


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        (gemini.WRONG_KEY, AuthFailed, False),
        (gemini.error(403, "Permission denied on resource project.", "PERMISSION_DENIED"),
         AuthFailed, False),
        (gemini.error(403, "This API method requires billing to be enabled.", "PERMISSION_DENIED"),
         OutOfCredit, False),
        (gemini.error(400, "Please enable billing.", "FAILED_PRECONDITION"), OutOfCredit, False),
        (gemini.error(400, "User location is not supported.", "FAILED_PRECONDITION"),
         InvalidRequest, False),
        (gemini.error(400, "Bad duration.", "INVALID_ARGUMENT", {"fieldViolations": []}),
         InvalidRequest, False),
        (gemini.error(400, "The prompt was blocked by safety filters.", "INVALID_ARGUMENT"),
         Blocked, False),
        (gemini.error(404, "models/gemini-omni-1.1-flash is not found.", "NOT_FOUND"),
         InvalidRequest, False),
        (limited(), RateLimited, False),
        (limited(gemini.quota("RequestsPerMinutePerProject"), message=EXHAUSTED),
         RateLimited, False),
        (limited(gemini.quota("RequestsPerDayPerProject"), message=EXHAUSTED), OutOfCredit, False),
        (limited(message=EXHAUSTED), OutOfCredit, False),
        (gemini.error(500, "Internal error.", "INTERNAL"), Unavailable, True),
        (gemini.error(503, "The model is overloaded.", "UNAVAILABLE"), Unavailable, True),
        (gemini.error(504, "Deadline exceeded.", "DEADLINE_EXCEEDED"), Unavailable, True),
        ((502, PAGE), Unavailable, True),
        ((200, PAGE), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, {"status": "queued"}), BadAnswer, True),
        ((200, {"status": "queued", "id": "../models"}), BadAnswer, True),
        ((200, {"status": "queued", "id": "v" * 513}), BadAnswer, True),
        ((200, b'{"status": "que'), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
        (answer_late, Unavailable, True),
    ],
)  # fmt: skip
def test_submit_is_sent_once_and_its_failure_says_whether_it_may_be_accepted(
    server: ScriptedServer, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    with pytest.raises(EngineError) as caught:
        scripted(server, answer).submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == 1


def test_pause_of_a_rate_limit_is_read_from_its_details(server: ScriptedServer) -> None:
    with pytest.raises(RateLimited) as caught:
        scripted(server, limited({"@type": "RetryInfo", "retryDelay": "7.5s"})).submit(ORDER)
    assert caught.value.retry_after == 7.5


# ---- a submit whose answer was lost ----


def test_lost_submit_is_found_by_the_callback_that_named_it(
    google: GeminiServer, engine: Gemini
) -> None:
    ours = engine.submit(replace(ORDER, callback_url=CALLBACK)).id
    other = engine.submit(replace(ORDER, token="token-2", callback_url=CALLBACK)).id
    asked = replace(ORDER, callback_url=CALLBACK, callback_job_ids=(other, ours, "gone", "../x"))
    assert [job.id for job in engine.find(asked, datetime.now(UTC))] == [ours]


def test_lost_submit_waits_for_a_callback_and_then_gives_up(engine: Gemini) -> None:
    asked, now = replace(ORDER, callback_url=CALLBACK), datetime.now(UTC)
    with pytest.raises(Unavailable):
        engine.find(asked, now)
    with pytest.raises(Unsupported):
        engine.find(asked, now - timedelta(hours=1))


def test_lost_submit_cannot_be_found_when_no_callback_was_asked_for(engine: Gemini) -> None:
    with pytest.raises(Unsupported):
        engine.find(ORDER, datetime.now(UTC))


# ---- polls ----


def test_interaction_runs_until_it_holds_a_video(google: GeminiServer, engine: Gemini) -> None:
    job = engine.submit(ORDER)
    states = [engine.fetch(job.id).state for _ in range(2)]
    assert states == [JobState.RUNNING, JobState.SUCCEEDED]


def test_interaction_is_blocked_when_it_is_completed_without_a_video(
    google: GeminiServer, engine: Gemini
) -> None:
    job = engine.fetch(finished(google, engine, "BLOCK"))
    assert (job.state, type(job.failure)) == (JobState.FAILED, Blocked)
    assert str(job.failure) == "moderation_blocked: I cannot show that."


@pytest.mark.parametrize(
    ("record", "kind", "code"),
    [
        ({"status": "completed"}, Blocked, "moderation_blocked"),
        ({"status": "failed"}, Refused, "generation_failed"),
        ({"status": "failed", "errors": [{"message": "Violates our content policy."}]},
         Blocked, "moderation_blocked"),
        ({"status": "failed", "steps": [{"error": {"code": 3, "message": "Safety filters."}}]},
         Blocked, "moderation_blocked"),
        ({"status": "failed", "errors": ["x"], "steps": "y"}, Refused, "generation_failed"),
        ({"status": "incomplete"}, Refused, "generation_failed"),
        ({"status": "cancelled"}, Refused, "upstream_cancelled"),
        ({"status": "budget_exceeded"}, Refused, "upstream_budget_exceeded"),
    ],
)  # fmt: skip
def test_reason_is_read_when_an_interaction_makes_no_video(
    server: ScriptedServer, record: dict[str, Any], kind: type[Refused], code: str
) -> None:
    job = scripted(server, (200, record)).fetch("v1_1")
    assert job.failure
    assert (job.state, type(job.failure), job.failure.code) == (JobState.FAILED, kind, code)


@pytest.mark.parametrize("word", ["requires_action", "idle", "a-new-word"])
def test_interaction_runs_when_its_status_is_not_an_end(server: ScriptedServer, word: str) -> None:
    assert scripted(server, (200, {"status": word})).fetch("v1_1").state is JobState.RUNNING


@pytest.mark.parametrize("job_id", ["gone", "", "../models", "a/b", "v1?x=1"])
def test_job_is_unknown_when_the_engine_has_no_such_interaction(
    engine: Gemini, google: GeminiServer, job_id: str
) -> None:
    with pytest.raises(NotFound):
        engine.fetch(job_id)
    assert [path for _, path, *_ in google.requests] == [
        f"/v1beta/interactions/{job_id}" for job_id in [job_id] if job_id == "gone"
    ]


# ---- results ----


@pytest.mark.parametrize("prompt", ["a boat", "a boat URI"])
def test_video_is_downloaded_from_the_answer_or_from_its_file(
    google: GeminiServer, engine: Gemini, prompt: str
) -> None:
    job_id, to = finished(google, engine, prompt), BytesIO()
    engine.download(job_id, Variant.VIDEO, to)
    assert to.getvalue() == gemini.VIDEO
    with engine.open_result(job_id, Part(1, 5, len(gemini.VIDEO))) as stream:
        assert stream.read() == gemini.VIDEO[1:5]


def test_file_is_not_ready_while_the_engine_processes_it(
    google: GeminiServer, engine: Gemini
) -> None:
    job_id, google.file_state = finished(google, engine, "URI"), "PROCESSING"
    with pytest.raises(NotReady):
        engine.download(job_id, Variant.VIDEO, BytesIO())
    google.file_state = "FAILED"
    with pytest.raises(Refused):
        engine.download(job_id, Variant.VIDEO, BytesIO())


def test_nothing_is_downloaded_before_the_interaction_is_completed(engine: Gemini) -> None:
    job_id = engine.submit(ORDER).id
    with pytest.raises(NotReady):
        engine.download(job_id, Variant.VIDEO, BytesIO())
    with pytest.raises(Unsupported):
        engine.download(job_id, Variant.THUMBNAIL, BytesIO())


def with_video(**content: str) -> Any:
    step = {"type": "model_output", "content": [{"type": "video", **content}]}
    return 200, {"status": "completed", "steps": [step]}


def test_nothing_is_sent_to_a_foreign_host_when_the_uri_is_there(
    server: ScriptedServer, google: GeminiServer
) -> None:
    engine = scripted(server, with_video(uri=f"{google.url}/v1beta/files/abc123"))
    with pytest.raises(ForeignHost):
        engine.download("v1_1", Variant.VIDEO, BytesIO())
    assert google.requests == []


def test_key_stays_at_the_engine_when_the_file_is_at_an_allowed_host(
    server: ScriptedServer, google: GeminiServer
) -> None:
    host = f"127.0.0.1:{google.server_port}"
    engine = scripted(server, with_video(uri=f"http://{host}/file"), result_hosts=host)
    with pytest.raises(NotReady):
        engine.download("v1_1", Variant.VIDEO, BytesIO())
    assert ["x-goog-api-key" in headers for _, _, headers, _ in google.requests] == [False]


def test_file_is_gone_when_the_engine_has_deleted_it(google: GeminiServer, engine: Gemini) -> None:
    job_id = finished(google, engine, "a boat")
    engine.fetch(job_id)
    content = google.interactions[job_id]["steps"][0]["content"][0]
    del content["data"]
    content["uri"] = f"{google.url}/v1beta/files/expired"
    with pytest.raises(Gone):
        engine.download(job_id, Variant.VIDEO, BytesIO())


@pytest.mark.parametrize("data", ["not base64!", "AAA", "\\u003d", "moved text 5"])
def test_answer_is_bad_when_its_data_is_not_base64(server: ScriptedServer, data: str) -> None:
    with pytest.raises(BadAnswer):
        scripted(server, with_video(data=data)).download("v1_1", Variant.VIDEO, BytesIO())


def test_long_video_is_read_in_blocks_however_its_json_is_escaped(server: ScriptedServer) -> None:
    video = bytes(range(256)) * 3000 + b"x"
    written = json.dumps(with_video(data=base64.b64encode(video).decode())[1])
    escaped = written.replace("==", r"\u003d\u003d").replace("/", r"\/")
    signature = json.dumps({"signature": "s" * 100_000})
    server.answer = (200, escaped.replace('"steps": [', f'"steps": [{signature}, ').encode())
    to = BytesIO()
    scripted(server).download("v1_1", Variant.VIDEO, to)
    assert to.getvalue() == video


def test_too_large_an_answer_is_refused(server: ScriptedServer, settings: Any) -> None:
    settings.RESULT_MAX_BYTES = 50_000
    data = base64.b64encode(bytes(90_000)).decode()
    with pytest.raises(BadAnswer):
        scripted(server, with_video(data=data)).fetch("v1_1")
    settings.RESULT_MAX_BYTES = 80_000
    with pytest.raises(Unavailable):
        scripted(server, with_video(data=data)).download("v1_1", Variant.VIDEO, BytesIO())


# ---- deleting and checking ----


def test_running_interaction_is_cancelled_and_deleted(google: GeminiServer, engine: Gemini) -> None:
    job_id = engine.submit(ORDER).id
    google.requests.clear()
    engine.delete(job_id)
    assert [(method, path) for method, path, *_ in google.requests] == [
        ("POST", f"/v1beta/interactions/{job_id}/cancel"),
        ("DELETE", f"/v1beta/interactions/{job_id}"),
    ]
    assert google.interactions == {}


def test_finished_interaction_is_deleted_and_an_unknown_one_counts_as_deleted(
    google: GeminiServer, engine: Gemini
) -> None:
    job_id = finished(google, engine, "a boat")
    engine.fetch(job_id)
    for _ in range(2):
        engine.delete(job_id)
    assert google.interactions == {}


def test_check_asks_for_models_with_the_key(google: GeminiServer, engine: Gemini) -> None:
    engine.check()
    assert [(method, path) for method, path, *_ in google.requests] == [
        ("GET", "/v1beta/models?pageSize=1")
    ]
    with pytest.raises(AuthFailed):
        adapter(google.url, api_key="another").check()


# ---- callbacks ----

SECRET = "whsec_" + base64.b64encode(b"our webhook secret, 32 characters").decode()
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EVENT = {"type": "interaction.completed", "version": "v1", "data": {"id": "v1_0001"}}
RAW = json.dumps(EVENT).encode()


def signed_by_secret(at: datetime | None = None, raw: bytes = RAW) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", at, raw.decode())
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signature,
    }


def signed_by_key(key: Any = PRIVATE, kid: str = "key-1", **claims: Any) -> dict[str, str]:
    found = {"iat": int(time.time()), **claims}
    return {"webhook-signature": jwt.encode(found, key, "RS256", headers={"kid": kid})}


@pytest.fixture
def published(server: ScriptedServer) -> Gemini:
    """An adapter that knows where the public keys are."""
    key = jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True)
    url = f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    return scripted(
        server, (200, {"keys": [{**key, "kid": "key-1", "alg": "RS256"}]}), jwks_url=url
    )


def test_callback_is_read_when_the_secret_signed_it(engine: Gemini, google: GeminiServer) -> None:
    ours = adapter(google.url, webhook_secret=SECRET)
    read = ours.read_callback(signed_by_secret(), RAW)
    assert (read.job_id, read.state) == ("v1_0001", JobState.SUCCEEDED)
    assert ours.read_callback(signed_by_secret(), RAW) == read
    assert ours.read_callback(signed_by_secret(), RAW, from_secret_url=True) == read


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed_by_secret(raw=b'{"type": "another"}'),
        signed_by_secret(at=datetime.now(UTC) - timedelta(hours=1)),
        signed_by_key(),
        {"Webhook-Signature": "v1,AAAA"},
    ],
)
def test_callback_is_forged_when_the_secret_did_not_sign_it(
    google: GeminiServer, headers: dict[str, str]
) -> None:
    with pytest.raises(AuthFailed):
        adapter(google.url, webhook_secret=SECRET).read_callback(headers, RAW)


def test_callback_is_read_when_a_published_key_signed_it(
    published: Gemini, server: ScriptedServer
) -> None:
    for headers in (signed_by_key(), signed_by_key(data={"id": "v1_0001"})):
        read = published.read_callback(headers, RAW, from_secret_url=True)
        assert (read.job_id, read.state) == ("v1_0001", JobState.SUCCEEDED)
    assert len(server.requests) == 1


OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-signature": "a.b.c"},
        signed_by_key(OTHER),
        signed_by_key(kid="key-2"),
        signed_by_key(iat=int(time.time()) - 3600),
        signed_by_key(exp=int(time.time()) - 3600),
        signed_by_key(data={"id": "v1_0002"}),
        {"webhook-signature": jwt.encode({"iat": int(time.time())}, "k" * 32, "HS256")},
    ],
)
def test_callback_is_forged_when_no_published_key_signed_it(
    published: Gemini, headers: dict[str, str]
) -> None:
    with pytest.raises(AuthFailed):
        published.read_callback(headers, RAW, from_secret_url=True)


def test_published_key_is_not_enough_when_the_url_is_not_secret(published: Gemini) -> None:
    """Google signs for every customer with the same keys."""
    with pytest.raises(AuthFailed):
        published.read_callback(signed_by_key(), RAW)


def test_callback_of_another_audience_is_forged(server: ScriptedServer, published: Gemini) -> None:
    url = f"http://127.0.0.1:{server.server_port}/keys"
    ours = scripted(server, jwks_url=url, jwt_audience="us")
    ours.read_callback(signed_by_key(aud="us"), RAW, from_secret_url=True)
    with pytest.raises(AuthFailed):
        ours.read_callback(signed_by_key(aud="them"), RAW, from_secret_url=True)


def test_keys_are_asked_for_once_when_many_callbacks_name_unknown_ones(
    published: Gemini, server: ScriptedServer
) -> None:
    for number in range(5):
        headers = signed_by_key(kid=f"unknown-{number}")
        with pytest.raises(AuthFailed):
            published.read_callback(headers, RAW, from_secret_url=True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [(500, {}), (200, PAGE), (200, {"keys": "x"}), (200, [])])
def test_callback_is_refused_when_the_keys_cannot_be_read(
    published: Gemini, server: ScriptedServer, answer: Any
) -> None:
    server.answer = answer
    with pytest.raises(AuthFailed):
        published.read_callback(signed_by_key(), RAW, from_secret_url=True)


def test_secret_url_is_enough_when_no_signature_is_configured(engine: Gemini) -> None:
    read = engine.read_callback({}, RAW, from_secret_url=True)
    assert (read.job_id, read.state) == ("v1_0001", JobState.SUCCEEDED)
    with pytest.raises(AuthFailed):
        engine.read_callback({}, RAW)


@pytest.mark.parametrize(
    "event", [[], {}, {"data": {}}, {"data": {"id": 5}}, {"data": {"id": "a/b"}}, "x"]
)
def test_callback_that_names_no_interaction_is_refused(engine: Gemini, event: Any) -> None:
    with pytest.raises(InvalidRequest):
        engine.read_callback({}, json.dumps(event).encode(), from_secret_url=True)


def test_callbacks_have_other_event_names_when_their_types_differ(engine: Gemini) -> None:
    def read(kind: str) -> Callback:
        raw = json.dumps({"type": kind, "data": {"id": "v1_1"}}).encode()
        return engine.read_callback({}, raw, from_secret_url=True)

    kinds = ["interaction.completed", "interaction.failed", "interaction.cancelled", "news"]
    found = [read(kind) for kind in kinds]
    assert [callback.state for callback in found] == [
        JobState.SUCCEEDED, JobState.FAILED, JobState.FAILED, None,
    ]  # fmt: skip
    assert len({callback.event for callback in found}) == 4


def test_wrong_webhook_secret_is_named_when_the_engine_is_connected() -> None:
    with pytest.raises(ValueError):
        adapter("http://127.0.0.1:1", webhook_secret="whsec_not base64")
