"""The adapter of the Videos API against servers that answer as known engines do."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any

import openai
import pytest
from django.conf import LazySettings

from tests.verification.engines.conftest import Poll
from tests.verification.engines.scripted_server import (
    JSON,
    PAGE,
    Answer,
    ScriptedServer,
    answer_late,
    close_connection,
    truncate,
)
from videos.engines.base import Image, JobState, RenderRequest, Variant
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
    Unavailable,
    UnclearOutcome,
    Unsupported,
)
from videos.engines.openai import OpenAIVideos, connect
from videos.engines.result_streams import Part

ORDER = RenderRequest("token-1", "A paper boat", "sora-2", "1280x720", 8)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def adapter(address: str, models: str = "", timeout: float = 5, **more: str) -> OpenAIVideos:
    config = {"base_url": address, "api_key": "k", "webhook_secret": "", "models": models, **more}
    made = connect("test", config)
    made._client = made._client.with_options(timeout=openai.Timeout(timeout, connect=2))
    return made


@pytest.fixture
def engine(server: ScriptedServer) -> OpenAIVideos:
    return adapter(f"http://127.0.0.1:{server.server_port}/v1")


# ---- accepted submits, as several engines answer them ----

OPENAI = {"id": "video_1", "object": "video", "status": "queued", "progress": 0, "seconds": "8"}
VLLM_OMNI = {
    "id": "video_gen_0", "status": "queued", "progress": 0, "media_type": None, "file_name": None,
    "error": None, "expires_at": None, "stage_durations": {}, "peak_memory_mb": 0.5,
}  # fmt: skip
SGLANG = {"id": "0a1b", "status": "queued", "model": "sora-2", "progress": 0, "url": None}
LITELLM = {
    "id": "video_bGl0ZWxsbTpjdXN0b20=",
    "status": "queued",
    "usage": {"duration_seconds": 8.0},
}
NEW_API = {"id": "video_1", "task_id": "video_1", "status": "unknown", "metadata": {"url": ""}}


@pytest.mark.parametrize("answer", [OPENAI, VLLM_OMNI, SGLANG, LITELLM, NEW_API, {"id": "x"}])
def test_job_is_returned_when_submit_is_accepted(
    server: ScriptedServer, engine: OpenAIVideos, answer: dict[str, Any]
) -> None:
    server.answer = (200, answer)
    job = engine.submit(ORDER)
    assert job.id == answer["id"]
    assert job.state in {JobState.QUEUED, JobState.RUNNING}
    assert server.posts == len(server.requests) == 1


def test_documented_form_is_sent_when_a_video_is_submitted(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = (200, OPENAI)
    engine.submit(ORDER)
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("POST", "/v1/videos")
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer k", "token-1")
    for name, value in {"prompt": b"A paper boat", "model": b"sora-2", "seconds": b"8"}.items():
        assert b'name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n" in body


def test_engines_model_name_is_sent_when_one_is_configured(server: ScriptedServer) -> None:
    server.answer = (200, OPENAI)
    address = f"http://127.0.0.1:{server.server_port}/v1"
    adapter(address, "sora-2 = wan/2.2=x, sora-2-pro=hq").submit(ORDER)
    assert b"\r\nwan/2.2=x\r\n" in server.requests[0][3]


def test_first_frame_is_sent_as_a_file_when_there_is_one(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = (200, OPENAI)
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    engine.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, first_image=image))
    body = server.requests[0][3]
    assert b'name="input_reference"; filename="boat.png"\r\nContent-Type: image/png' in body
    assert b"pixels" in body


def test_source_is_named_when_a_remix_is_submitted(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = (200, OPENAI)
    engine.submit(RenderRequest("t", "At night", "sora-2", "1280x720", 8, source_id="video_0"))
    method, path, _, body = server.requests[0]
    assert (method, path) == ("POST", "/v1/videos/video_0/remix")
    assert json.loads(body) == {"prompt": "At night"}


# ---- refused submits: the error, and whether a job may exist nevertheless ----


def error(message: str, code: object = None, **more: object) -> dict[str, Any]:
    return {"error": {"message": message, "type": "x", "param": None, "code": code, **more}}


NESTED = "litellm.BadRequestError: OpenAIException - {'code': 'moderation_blocked'}"


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        ((400, error("bad size", "invalid_value")), InvalidRequest, False),
        ((400, {"detail": "Extra inputs are not permitted"}), InvalidRequest, False),
        ((422, {"detail": [{"loc": ["body", "size"], "msg": "x"}]}), InvalidRequest, False),
        ((413, "<html>413 Request Entity Too Large</html>"), InvalidRequest, False),
        ((400, {"error": "Something is wrong"}), InvalidRequest, False),
        ((400, error("blocked", "moderation_blocked")), Blocked, False),
        ((400, error(NESTED, "400")), Blocked, False),
        ((403, error("against our content policy")), Blocked, False),
        ((400, {"detail": "Rejected by our safety system"}), Blocked, False),
        ((401, error("Incorrect API key", "invalid_api_key")), AuthFailed, False),
        ((401, {"detail": "Unauthorized"}), AuthFailed, False),
        ((403, "<html>403 Forbidden</html>"), AuthFailed, False),
        ((403, error("no quota left", "insufficient_user_quota")), OutOfCredit, False),
        ((403, error("user quota is not enough")), OutOfCredit, False),
        ((402, {"code": 402, "msg": "no balance"}), OutOfCredit, False),
        ((429, error("quota", "insufficient_quota")), OutOfCredit, False),
        ((429, error("quota", "billing_hard_limit_reached")), OutOfCredit, False),
        ((429, error("slow down", "rate_limit_exceeded")), RateLimited, False),
        ((429, error("throttled", "429", type="throttling_error")), RateLimited, False),
        ((429, "<html>429</html>"), RateLimited, False),
        ((404, {"detail": "Not Found"}), NotFound, False),
        ((405, {"detail": "Method Not Allowed"}), Unsupported, False),
        ((501, {}), Unsupported, False),
        ((410, {}), Gone, False),
        ((408, {}), Unavailable, True),
        ((409, error("conflict")), Unavailable, True),
        ((500, error("oops")), Unavailable, True),
        ((502, "<html>502 Bad Gateway</html>"), Unavailable, True),
        ((503, b""), Unavailable, True),
        ((503, error("No available channel for model sora-2")), Unavailable, False),
        ((503, error("x", "model_not_found")), Unavailable, False),
        ((302, b"", {"Location": "https://example.com/v1/videos"}), BadAnswer, False),
        ((200, PAGE), BadAnswer, True),
        ((200, {"code": 402, "msg": "no balance"}), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, {"id": "v", "status": "reticulated", "completed_at": 1}), UnclearOutcome, True),
        ((200, []), BadAnswer, True),
        ((200, "null", {"Content-Type": JSON}), BadAnswer, True),
        ((200, "{", {"Content-Type": JSON}), BadAnswer, True),
        ((200, b"\xff\xfe\x00", {"Content-Type": JSON}), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
    ],
)
def test_one_request_is_sent_and_its_error_mapped_when_submit_fails(
    server: ScriptedServer,
    engine: OpenAIVideos,
    answer: Answer,
    kind: type[EngineError],
    maybe: bool,
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        engine.submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == len(server.requests) == 1


def test_job_may_exist_when_submit_times_out(server: ScriptedServer) -> None:
    server.answer = answer_late
    slow = adapter(f"http://127.0.0.1:{server.server_port}/v1", timeout=0.2)
    with pytest.raises(Unavailable) as caught:
        slow.submit(ORDER)
    assert (caught.value.maybe_accepted, server.posts) == (True, 1)


def test_no_job_exists_when_the_connection_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        adapter(f"http://127.0.0.1:{port}/v1").submit(ORDER)
    assert caught.value.maybe_accepted is False


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"llm_provider-retry-after": "12"}, 12.0),
        ({"Retry-After": "86400"}, 300.0),
        ({"Retry-After": "inf"}, 300.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_bounded_when_the_engine_limits_the_rate(
    server: ScriptedServer, engine: OpenAIVideos, headers: dict[str, str], seconds: float | None
) -> None:
    server.answer = (429, error("slow down"), headers)
    with pytest.raises(RateLimited) as caught:
        engine.submit(ORDER)
    assert caught.value.retry_after == seconds


# ---- polling a job ----


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", JobState.QUEUED),
        ("PENDING", JobState.QUEUED),
        ("In_Progress", JobState.RUNNING),
        ("cancelling", JobState.RUNNING),
        ("COMPLETED", JobState.SUCCEEDED),
        ("complete", JobState.SUCCEEDED),
        ("finished", JobState.SUCCEEDED),
        ("rejected", JobState.FAILED),
        ("error", JobState.FAILED),
        ("timed_out", JobState.FAILED),
        ("succeed", JobState.SUCCEEDED),
        ("Failed", JobState.FAILED),
        ("canceled", JobState.FAILED),
        ("expired", JobState.FAILED),
        ("reticulating", JobState.RUNNING),
        ("", JobState.RUNNING),
        (None, JobState.RUNNING),
        (7, JobState.RUNNING),
    ],
)
def test_state_is_mapped_when_a_job_is_polled(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll, word: object, state: JobState
) -> None:
    server.answer = (200, {"id": "video_1", "status": word})
    assert poll(engine, "video_1").state is state


@pytest.mark.parametrize(
    ("reported", "progress"),
    [
        (45, 45.0),
        (45.5, 45.5),
        ("45", 45.0),
        ("45%", 45.0),
        ("45.5 %", 45.5),
        (250, 100.0),
        (-3, 0.0),
        (None, None),
        ("half", None),
        ([], None),
        ({"value": 3}, None),
        (float("nan"), None),
        (float("inf"), 100.0),
        (True, None),
    ],
)
def test_progress_is_between_0_and_100_or_unknown_when_a_job_is_polled(
    server: ScriptedServer,
    engine: OpenAIVideos,
    poll: Poll,
    reported: object,
    progress: float | None,
) -> None:
    server.answer = (200, {"id": "video_1", "status": "in_progress", "progress": reported})
    assert poll(engine, "video_1").progress == progress


@pytest.mark.parametrize(
    ("reported", "code", "detail"),
    [
        ({"code": "internal_error", "message": "It broke."}, "internal_error", "It broke."),
        ({"message": "It broke."}, "generation_failed", "It broke."),
        ({"code": 500, "message": "It broke."}, "500", "It broke."),
        ("It broke.", "generation_failed", "It broke."),
        (None, "generation_failed", "the job failed"),
        ([], "generation_failed", "the job failed"),
        (7, "generation_failed", "7"),
        ({"code": "moderation_blocked", "message": "No."}, "moderation_blocked", "No."),
        (
            "Blocked by our moderation system",
            "moderation_blocked",
            "Blocked by our moderation system",
        ),
    ],
)
def test_failure_is_mapped_when_a_job_has_failed(
    server: ScriptedServer,
    engine: OpenAIVideos,
    poll: Poll,
    reported: object,
    code: str,
    detail: str,
) -> None:
    server.answer = (200, {"id": "video_1", "status": "failed", "error": reported})
    failure = poll(engine, "video_1").failure
    assert failure
    assert (failure.code, failure.detail) == (code, detail)


@pytest.mark.parametrize("status", [400, 422, 500])
def test_job_has_failed_when_the_body_of_an_http_error_says_so(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll, status: int
) -> None:
    """vLLM-Omni answers so."""
    failed = {"id": "video_1", "status": "failed", "error": {"message": "out of memory"}}
    server.answer = (status, failed)
    failure = poll(engine, "video_1").failure
    assert failure
    assert (failure.code, failure.detail) == ("generation_failed", "out of memory")


@pytest.mark.parametrize("sign", [{"error": {"message": "?"}}, {"completed_at": 1_800_000_000}])
def test_outcome_is_unclear_when_an_unknown_word_comes_with_an_end(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll, sign: dict[str, Any]
) -> None:
    server.answer = (200, {"id": "video_1", "status": "reticulated", **sign})
    with pytest.raises(UnclearOutcome, match="reticulated"):
        poll(engine, "video_1")


@pytest.mark.parametrize("wrap", [lambda job: {"data": job}, lambda job: {"data": [job]}])
def test_job_is_read_when_a_gateway_wraps_it(
    server: ScriptedServer, engine: OpenAIVideos, wrap: Callable[[Any], Any]
) -> None:
    server.answer = (200, wrap({"id": "video_1", "status": "completed"}))
    job = engine.submit(ORDER)
    assert (job.id, job.state) == ("video_1", JobState.SUCCEEDED)


def test_web_page_is_named_when_the_address_is_no_api(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll
) -> None:
    server.answer = (200, f"<html>{PAGE}</html>")
    with pytest.raises(BadAnswer, match="the address is not an engine's API"):
        poll(engine, "video_1")


def test_job_id_is_kept_when_a_poll_returns_another(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll
) -> None:
    server.answer = (200, {"id": "video_other", "status": "completed"})
    assert poll(engine, "video_1").id == "video_1"


@pytest.mark.parametrize("job_id", ["a/b", "../models", "a?b=c", "a b", "é", "x" * 512, "a%2fb"])
def test_job_id_is_escaped_when_it_has_special_characters(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll, job_id: str
) -> None:
    server.answer = (200, {"id": job_id, "status": "queued"})
    try:
        poll(engine, job_id)
    except EngineError:
        pass
    for _, path, *_ in server.requests:
        assert path.startswith("/v1/videos/")
        assert "/" not in path.removeprefix("/v1/videos/")
        assert "?" not in path


@pytest.mark.parametrize(
    ("reported", "pause"),
    [("1500", 1.5), ("86400000", 300.0), ("soon", None), ("nan", None), ("-1", None)],
)
def test_poll_interval_is_bounded_when_the_engine_suggests_one(
    server: ScriptedServer, engine: OpenAIVideos, poll: Poll, reported: str, pause: float | None
) -> None:
    server.answer = (200, OPENAI, {"openai-poll-after-ms": reported})
    assert poll(engine, "video_1").poll_after == pause


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, error("not found")), NotFound),
        ((500, error("Cannot connect to host")), Unavailable),
        ((200, PAGE), BadAnswer),
        ((200, "{", {"Content-Type": JSON}), BadAnswer),
        ((429, error("slow down")), RateLimited),
        (close_connection, Unavailable),
        (truncate, Unavailable),
    ],
)
def test_error_is_not_a_lost_submit_when_a_poll_fails(
    server: ScriptedServer,
    engine: OpenAIVideos,
    poll: Poll,
    answer: Answer,
    kind: type[EngineError],
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        poll(engine, "video_1")
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, False)
    # aiohttp asks once more where a connection ended before any answer.
    asks_twice = answer is close_connection and poll.__name__ == "poll_in_loop"
    assert len(server.requests) == (2 if asks_twice else 1)


# ---- finding a job whose submit answer was lost ----

LISTED = {
    "id": "video_1", "status": "queued", "prompt": "A paper boat", "model": "sora-2",
    "size": "1280x720", "seconds": "8", "created_at": 1_800_000_000,
}  # fmt: skip


def page(*items: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"object": "list", "data": list(items), "has_more": False, **more}


@pytest.mark.parametrize(
    "left_out", [[], ["size"], ["size", "seconds"], ["model", "size", "seconds", "created_at"]]
)
def test_job_is_found_when_only_its_prompt_is_listed(
    server: ScriptedServer, engine: OpenAIVideos, left_out: list[str]
) -> None:
    server.answer = page({k: v for k, v in LISTED.items() if k not in left_out})
    assert [job.id for job in engine.find(ORDER, LONG_AGO)] == ["video_1"]


@pytest.mark.parametrize(
    "rounded", [{"size": "1280x704"}, {"size": "1248X736"}, {"seconds": 8.04}, {"seconds": "8.0"}]
)
def test_job_is_found_when_the_engine_rounded_its_size_or_length(
    server: ScriptedServer, engine: OpenAIVideos, rounded: dict[str, Any]
) -> None:
    server.answer = page({**LISTED, **rounded})
    assert [job.id for job in engine.find(ORDER, LONG_AGO)] == ["video_1"]


@pytest.mark.parametrize("odd", [7, None, {"status": "queued"}, {"id": "x" * 600}])
def test_job_is_found_when_another_entry_cannot_be_read(
    server: ScriptedServer, engine: OpenAIVideos, odd: Any
) -> None:
    server.answer = page(odd, LISTED)
    assert [job.id for job in engine.find(ORDER, LONG_AGO)] == ["video_1"]


def test_search_is_repeated_when_an_entry_that_cannot_be_read_may_be_the_job(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    """Submitting again would be a second paid job."""
    server.answer = page({"status": "queued"}, {**LISTED, "prompt": "Another"})
    with pytest.raises(BadAnswer):
        engine.find(ORDER, LONG_AGO)


@pytest.mark.parametrize(
    "other",
    [{"prompt": "Another"}, {"size": "720x1280"}, {"seconds": "4"}, {"model": "sora-2-pro"}],
)
def test_job_is_not_found_when_a_listed_field_differs(
    server: ScriptedServer, engine: OpenAIVideos, other: dict[str, str]
) -> None:
    server.answer = page({**LISTED, **other})
    assert engine.find(ORDER, LONG_AGO) == []


def test_job_is_not_found_when_it_is_older_than_the_submit(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = page(LISTED)
    since = datetime.fromtimestamp(1_800_000_000, UTC) + timedelta(seconds=1)
    assert engine.find(ORDER, since) == []


def test_job_is_not_found_when_the_list_is_empty(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = page()
    assert engine.find(ORDER, LONG_AGO) == []


def test_next_page_is_read_when_there_is_one(server: ScriptedServer, engine: OpenAIVideos) -> None:
    first = page({**LISTED, "id": "v2", "prompt": "Another"}, has_more=True, last_id="v2")
    server.answer = lambda handler: page(LISTED) if "after=v2" in handler.path else first
    assert [job.id for job in engine.find(ORDER, LONG_AGO)] == ["video_1"]


def test_search_stops_when_the_list_does_not_end(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    items = [{**LISTED, "id": f"v{n}", "prompt": "Another"} for n in range(100)]
    server.answer = page(*items, has_more=True, last_id="v99")
    with pytest.raises(Unavailable):
        engine.find(ORDER, LONG_AGO)
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"detail": "Not Found"}),
        (405, {"detail": "Method Not Allowed"}),
        (400, error("LLM Provider NOT provided")),
        (501, {}),
        page({"id": "video_1", "status": "queued"}),
        page({**LISTED, "prompt": None}),
    ],
)
def test_search_is_unsupported_when_the_list_lacks_prompts(
    server: ScriptedServer, engine: OpenAIVideos, answer: Answer
) -> None:
    server.answer = answer
    with pytest.raises(Unsupported):
        engine.find(ORDER, LONG_AGO)


@pytest.mark.parametrize("answer", [(500, {}), (200, PAGE), (200, {"data": [7]}), close_connection])
def test_search_is_repeated_when_the_list_fails(
    server: ScriptedServer, engine: OpenAIVideos, answer: Answer
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        engine.find(ORDER, LONG_AGO)
    assert type(caught.value) in {Unavailable, BadAnswer}


# ---- files and deletion ----


MP4 = (200, b"m" * 700_000, {"Content-Type": "video/mp4"})


@pytest.mark.parametrize(
    ("variant", "query"), [(Variant.VIDEO, ""), (Variant.SPRITESHEET, "?variant=spritesheet")]
)
def test_file_is_streamed_when_it_is_downloaded(
    server: ScriptedServer, variant: Variant, query: str
) -> None:
    """The video without `variant`: SGLang takes a number there, and others ignore it."""
    server.answer = MP4
    body = BytesIO()
    address = f"http://127.0.0.1:{server.server_port}/v1"
    adapter(address, variants="1").download("video_1", variant, body)
    assert body.getvalue() == b"m" * 700_000
    assert server.requests[0][1] == f"/v1/videos/video_1/content{query}"


def test_no_thumbnail_is_asked_for_when_the_server_makes_none(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    with pytest.raises(Unsupported):
        engine.download("video_1", Variant.THUMBNAIL, BytesIO())
    assert server.requests == []


def file_at(server: ScriptedServer, content: Answer, job: dict[str, Any] | None = None) -> None:
    """Serve the file at /files/v.mp4 only; `content` is the answer at its usual address."""

    def answer(handler: BaseHTTPRequestHandler) -> Answer:
        if handler.path == "/files/v.mp4":
            return MP4
        return content if handler.path.endswith("/content") else (200, job or {"id": "video_1"})

    server.answer = answer


def url_of(server: ScriptedServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/files/v.mp4"


@pytest.mark.parametrize(
    "shape",
    [
        lambda url: {"url": url},
        lambda url: {"video_url": url},
        lambda url: {"outputs": [{"url": url}]},
        lambda url: {"output": [url]},
        lambda url: {"metadata": {"url": url}},
        lambda url: {"data": {"result": {"url": url}}},
    ],
)
@pytest.mark.parametrize("place", ["content", "job"])
def test_file_is_fetched_from_the_url_that_the_engine_names(
    server: ScriptedServer, engine: OpenAIVideos, shape: Callable[[str], Any], place: str
) -> None:
    named = shape(url_of(server))
    if place == "content":
        file_at(server, (200, named))
    else:
        file_at(server, (400, {"detail": "use the URL"}), {"id": "video_1", **named})
    body = BytesIO()
    engine.download("video_1", Variant.VIDEO, body)
    assert body.getvalue() == MP4[1]
    path, headers = server.requests[-1][1:3]
    assert (path, headers.get("authorization")) == ("/files/v.mp4", None)
    with engine.open_result("video_1", Part(1, 5, 700_000)) as stream:
        assert stream.read() == b"mmmm"


def test_redirected_file_is_fetched_without_the_key_when_its_host_is_allowed(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    file_at(server, (302, b"", {"Location": "/files/v.mp4"}))
    body = BytesIO()
    engine.download("video_1", Variant.VIDEO, body)
    assert body.getvalue() == MP4[1]
    assert "authorization" not in server.requests[-1][2]


@pytest.mark.parametrize(
    "content",
    [
        (302, b"", {"Location": "http://169.254.169.254/latest"}),
        (200, {"url": "http://169.254.169.254/latest"}),
    ],
)
def test_file_is_refused_when_it_is_at_a_foreign_host(
    server: ScriptedServer, engine: OpenAIVideos, content: Answer
) -> None:
    file_at(server, content)
    with pytest.raises(ForeignHost):
        engine.download("video_1", Variant.VIDEO, BytesIO())
    assert len(server.requests) == 1


def test_download_fails_when_the_file_is_too_large(
    server: ScriptedServer, engine: OpenAIVideos, settings: LazySettings
) -> None:
    settings.RESULT_MAX_BYTES = 300_000
    server.answer = (200, b"m" * 700_000, {"Content-Type": "video/mp4"})
    with pytest.raises(Unavailable):
        engine.download("video_1", Variant.VIDEO, BytesIO())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, {"detail": "Generation is still in-progress"}), NotReady),
        ((400, {"detail": "variant not supported"}), NotReady),
        ((422, {"detail": "failed"}), NotReady),
        ((502, "<html>"), NotReady),
        ((410, error("expired")), Gone),
        ((401, error("key")), AuthFailed),
        ((500, error("oops")), Unavailable),
        (close_connection, Unavailable),
        (truncate, Unavailable),
    ],
)
def test_error_is_mapped_when_a_download_fails(
    server: ScriptedServer, engine: OpenAIVideos, answer: Answer, kind: type[EngineError]
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        engine.download("video_1", Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


DELETED = (204, b"", {"Content-Type": "text/plain"})


@pytest.mark.parametrize(
    "answer", [(200, {"id": "v", "deleted": True}), (200, SGLANG), (404, error("gone")), DELETED]
)
def test_deletion_succeeds_when_the_job_is_deleted_or_unknown(
    server: ScriptedServer, engine: OpenAIVideos, answer: Answer
) -> None:
    server.answer = answer
    engine.delete("video_1")
    assert [(method, path) for method, path, *_ in server.requests] == [
        ("DELETE", "/v1/videos/video_1")
    ]


def test_deletion_is_unsupported_when_the_engine_has_none(
    server: ScriptedServer, engine: OpenAIVideos
) -> None:
    server.answer = (405, {"detail": "Method Not Allowed"})
    with pytest.raises(Unsupported):
        engine.delete("video_1")
