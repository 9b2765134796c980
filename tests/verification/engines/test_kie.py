"""The adapter of kie.ai's API against servers that answer well or badly."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any

import httpx2
import pytest

from tests.verification.engines.conftest import Poll
from tests.verification.engines.scripted_server import (
    PAGE,
    ScriptedServer,
    answer_late,
    close_connection,
    truncate,
)
from tests.videos import kie
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
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.kie import Kie, connect
from videos.engines.result_streams import Part

CALLBACK = "https://ours.example/api/videos/sora/callback?t=token"
ORDER = RenderRequest("token-1", "A paper boat", "sora-2", "1280x720", 8, callback_url=CALLBACK)
PRO = RenderRequest("token-1", "A paper boat", "sora-2-pro", "1080x1920", 12)
TASK = {"code": 200, "msg": "success", "data": {"taskId": "task_1"}}


@pytest.fixture
def foreign() -> Iterator[ScriptedServer]:
    """A server that is not the engine and must get no request."""
    with ScriptedServer() as server:
        server.answer = (200, b"\0\0\0\x18ftypisom", {"Content-Type": "video/mp4"})
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def address(server: ScriptedServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def adapter(base_url: str, **more: str) -> Kie:
    engine = connect("test", kie.config(base_url, **{"api_key": "secret-key", **more}))
    engine._client.timeout = engine._files.timeout = httpx2.Timeout(0.5, connect=2)
    return engine


@pytest.fixture
def engine(server: ScriptedServer) -> Kie:
    return adapter(address(server))


def record(**fields: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"code": 200, "msg": "success", "data": {"taskId": "task_1", **fields}}


def success(*urls: object) -> dict[str, Any]:
    return {"state": "success", "resultJson": json.dumps({"resultUrls": urls})}


# ---- submits ----


def test_create_task_body_is_sent_when_a_video_is_submitted(
    server: ScriptedServer, engine: Kie
) -> None:
    server.answer = (200, TASK)
    assert engine.submit(ORDER).id == "task_1"
    ((method, path, headers, body),) = server.requests
    assert (method, path) == ("POST", "/api/v1/jobs/createTask")
    assert (headers["authorization"], headers["user-agent"][:7]) == ("Bearer secret-key", "Mozilla")
    assert json.loads(body) == {
        "model": "sora-2-text-to-video",
        "callBackUrl": CALLBACK,
        "input": {"prompt": "A paper boat", "aspect_ratio": "landscape", "n_frames": "8"},
    }


def test_size_length_and_model_are_translated_when_a_video_is_submitted(
    server: ScriptedServer, engine: Kie
) -> None:
    server.answer = (200, TASK)
    engine.submit(PRO)
    assert json.loads(server.requests[0][3]) == {
        "model": "sora-2-pro-text-to-video",
        "input": {
            "prompt": "A paper boat",
            "aspect_ratio": "portrait",
            "n_frames": "15",
            "size": "high",
        },
    }


def test_configured_fields_are_sent_and_the_prompt_is_not_a_template_when_a_video_is_submitted(
    server: ScriptedServer,
) -> None:
    server.answer = (200, TASK)
    fields = {"*": {"duration": "{seconds_number}", "cfg": 0.5}, "sora-2": {"mode": "{size}"}}
    other = adapter(address(server), models="sora-2=kling-2.6", input=json.dumps(fields))
    other.submit(RenderRequest("t", "{size}", "sora-2", "1280x720", 4))
    assert json.loads(server.requests[0][3]) == {
        "model": "kling-2.6",
        "input": {"prompt": "{size}", "duration": 4, "cfg": 0.5, "mode": "1280x720"},
    }


def test_first_frame_is_uploaded_before_the_task_when_there_is_one(
    server: ScriptedServer, engine: Kie
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "upload" in handler.path:
            return record(downloadUrl="https://files.example/boat.png")
        return (200, TASK)

    server.answer = answers
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    engine.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, first_image=image))
    (_, _, headers, body), (_, _, _, ordered) = server.requests
    assert headers["authorization"] == "Bearer secret-key"
    assert b"pixels" in body
    assert json.loads(ordered)["model"] == "sora-2-image-to-video"
    assert json.loads(ordered)["input"]["image_urls"] == ["https://files.example/boat.png"]


@pytest.mark.parametrize(
    "answer", [(500, {}), (200, {"code": 401, "msg": "key"}), close_connection]
)
def test_no_task_is_created_when_the_upload_fails(
    server: ScriptedServer, engine: Kie, answer: Any
) -> None:
    server.answer = answer
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    with pytest.raises(EngineError) as caught:
        engine.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, first_image=image))
    assert (caught.value.maybe_accepted, len(server.requests)) == (False, 1)


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (RenderRequest("t", "p", "sora-2", "1280x720", 8, source_id="task_0"), Unsupported),
        (RenderRequest("t", "p", "sora-9", "1280x720", 8), Unsupported),
        (RenderRequest("t", "p", "sora-2", "1280x720", 20), InvalidRequest),
    ],
)
def test_nothing_is_sent_when_the_engine_cannot_render_the_request(
    server: ScriptedServer, engine: Kie, order: RenderRequest, kind: type[EngineError]
) -> None:
    with pytest.raises(kind):
        engine.submit(order)
    assert server.requests == []


def error(code: object, msg: object = "no") -> tuple[int, dict[str, Any]]:
    return 200, {"code": code, "msg": msg, "data": None}


HUGE = b'{"code": 200, "data": {"taskId": "task_1", "x": "' + b"x" * 1_100_000 + b'"}}'


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        (error(400), InvalidRequest, False),
        (error(422, "prompt is too long"), InvalidRequest, False),
        (error(422, "blocked by our moderation system"), Blocked, False),
        (error(400, "violates our content policy"), Blocked, False),
        (error(401), AuthFailed, False),
        (error("401"), AuthFailed, False),
        (error(402), OutOfCredit, False),
        (error(433), OutOfCredit, False),
        (error(404), InvalidRequest, False),
        (error(429), RateLimited, False),
        (error(455), Unavailable, False),
        (error(501), Refused, False),
        (error(505), Unsupported, False),
        (error(500), Unavailable, True),
        (error(500, ["a", {"b": None}]), Unavailable, True),
        (error(599), Unavailable, True),
        (error(302), BadAnswer, True),
        (error(-5), BadAnswer, True),
        (error(10**30), BadAnswer, True),
        (error(True), BadAnswer, True),
        (error(None), BadAnswer, True),
        (error(200.5), BadAnswer, True),
        ((402, {}), OutOfCredit, False),
        ((403, "error code: 1010"), AuthFailed, False),
        ((429, PAGE), RateLimited, False),
        ((500, TASK), Unavailable, True),
        ((502, PAGE), Unavailable, True),
        ((302, "", {"Location": "/elsewhere"}), BadAnswer, True),
        ((200, PAGE), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, "null"), BadAnswer, True),
        ((200, "{"), BadAnswer, True),
        ((200, "[" * 100_000), BadAnswer, True),
        ((200, b"\xff\xfe\x00"), BadAnswer, True),
        ((200, HUGE), BadAnswer, True),
        ((200, b'{"code": 200, "data": {"taskId": "task_1", "x": 1e400}}'), BadAnswer, True),
        ((200, b'{"code": 200, "data": {"taskId": "task_1", "x": NaN}}'), BadAnswer, True),
        ((200, {"code": 200, "data": "task_1"}), BadAnswer, True),
        ((200, {"code": 200, "data": {}}), BadAnswer, True),
        ((200, {"code": 200, "data": {"taskId": 7}}), BadAnswer, True),
        ((200, {"code": 200, "data": {"taskId": ""}}), BadAnswer, True),
        ((200, {"code": 200, "data": {"taskId": "../../x"}}), BadAnswer, True),
        ((200, {"code": 200, "data": {"taskId": "x" * 129}}), BadAnswer, True),
        ((200, {"code": 200, "data": {"taskId": "a\x00b"}}), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
        (answer_late, Unavailable, True),
    ],
)
def test_one_request_is_sent_and_its_error_mapped_when_submit_fails(
    server: ScriptedServer, engine: Kie, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        engine.submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == len(server.requests) == 1


def test_no_job_exists_when_the_connection_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        adapter(f"http://127.0.0.1:{port}").submit(ORDER)
    assert caught.value.maybe_accepted is False


def test_error_message_is_sanitised_when_it_is_not_text(
    server: ScriptedServer, engine: Kie
) -> None:
    server.answer = (200, b'{"code": 400, "msg": "a\\u0000b\\ud800c", "data": null}')
    with pytest.raises(InvalidRequest) as caught:
        engine.submit(ORDER)
    assert caught.value.detail == "code 400: a\ufffdb?c"


def test_retry_after_is_reported_when_the_engine_limits_the_rate(
    server: ScriptedServer, engine: Kie
) -> None:
    server.answer = (200, error(429)[1], {"Retry-After": "7"})
    with pytest.raises(RateLimited) as caught:
        engine.submit(ORDER)
    assert caught.value.retry_after == 7


# ---- polling a task ----


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("waiting", JobState.QUEUED),
        ("queuing", JobState.QUEUED),
        ("generating", JobState.RUNNING),
        ("SUCCESS", JobState.SUCCEEDED),
        ("fail", JobState.FAILED),
        ("reticulating", JobState.RUNNING),
        (None, JobState.RUNNING),
        (7, JobState.RUNNING),
        ({}, JobState.RUNNING),
    ],
)
def test_state_is_mapped_when_a_task_is_polled(
    server: ScriptedServer, engine: Kie, word: object, state: JobState, poll: Poll
) -> None:
    server.answer = record(state=word)
    assert poll(engine, "task_1").state is state
    assert server.requests[0][:2] == ("GET", "/api/v1/jobs/recordInfo?taskId=task_1")


@pytest.mark.parametrize(
    ("reported", "progress"),
    [(45, 45.0), ("45%", 45.0), (250, 100.0), (-3, 0.0), (None, None), ([], None), ("x", None)],
)
def test_progress_is_between_0_and_100_or_unknown_when_a_task_is_polled(
    server: ScriptedServer, engine: Kie, reported: object, progress: float | None, poll: Poll
) -> None:
    server.answer = record(state="generating", progress=reported)
    assert poll(engine, "task_1").progress == progress


@pytest.mark.parametrize(
    ("fields", "code", "detail"),
    [
        ({"failCode": "500", "failMsg": "It broke."}, "500", "It broke."),
        ({"failCode": 500, "failMsg": "It broke."}, "500", "It broke."),
        ({"failCode": "x y\n", "failMsg": 7}, "generation_failed", "7"),
        ({"failCode": None, "failMsg": None}, "generation_failed", "the job failed"),
        ({}, "generation_failed", "the job failed"),
        (
            {"failCode": "400", "failMsg": "Our content policy"},
            "moderation_blocked",
            "Our content policy",
        ),
        ({"failCode": ["a"], "failMsg": {"b": 1}}, "generation_failed", "{'b': 1}"),
    ],
)
def test_failure_is_mapped_when_a_task_has_failed(
    server: ScriptedServer, engine: Kie, fields: dict[str, Any], code: str, detail: str, poll: Poll
) -> None:
    server.answer = record(state="fail", **fields)
    failure = poll(engine, "task_1").failure
    assert failure
    assert (failure.code, failure.detail) == (code, detail)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(404), NotFound),
        (error(422, "recordInfo is null"), NotFound),
        (error(422, "bad"), InvalidRequest),
        (error(500), Unavailable),
        (error(401), AuthFailed),
        ((200, PAGE), BadAnswer),
        ((200, b'{"code": 200, "data": {"state": "success", "costTime": 1e400}}'), BadAnswer),
        (close_connection, Unavailable),
    ],
)
def test_error_is_not_a_lost_submit_when_a_poll_fails(
    server: ScriptedServer, engine: Kie, answer: Any, kind: type[EngineError], poll: Poll
) -> None:
    server.answer = answer
    with pytest.raises(EngineError) as caught:
        poll(engine, "task_1")
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, False)


@pytest.mark.parametrize("job_id", ["a/b", "../x", "a?b=c", "a b", "é", "x" * 200, "a&taskId=b"])
def test_nothing_is_sent_when_a_task_id_is_malformed(
    server: ScriptedServer, engine: Kie, job_id: str, poll: Poll
) -> None:
    with pytest.raises(NotFound):
        poll(engine, job_id)
    assert server.requests == []


# ---- finding a task whose submit answer was lost ----


def now() -> datetime:
    return datetime.now(UTC)


def request_with_callbacks(*job_ids: str, callback_url: str = CALLBACK) -> RenderRequest:
    return RenderRequest(
        "t",
        "A paper boat",
        "sora-2",
        "1280x720",
        8,
        callback_url=callback_url,
        callback_job_ids=job_ids,
    )


def test_task_is_found_when_its_callback_has_arrived(server: ScriptedServer, engine: Kie) -> None:
    server.answer = record(state="success", param=json.dumps({"callBackUrl": CALLBACK}))
    jobs = engine.find(request_with_callbacks("task_1", "no id"), now())
    assert [(job.id, job.state) for job in jobs] == [("task_1", JobState.SUCCEEDED)]


@pytest.mark.parametrize(
    "param",
    [
        json.dumps({"callBackUrl": "https://ours.example/?t=another"}),
        json.dumps({"callBackUrl": 7}),
        json.dumps({"callBackUrl": "\ud800"}),
        json.dumps({}),
        "not JSON", "[]", "", None, 7, {"callBackUrl": CALLBACK}, "[" * 100_000,
        '{"x": 1e400, "callBackUrl": "' + CALLBACK + '"}',
    ],
)  # fmt: skip
def test_task_is_not_found_when_its_callback_url_is_another(
    server: ScriptedServer, engine: Kie, param: object
) -> None:
    server.answer = record(state="success", param=param)
    with pytest.raises(Unavailable):
        engine.find(request_with_callbacks("task_1"), now())


def test_search_is_repeated_when_no_callback_has_arrived_yet(
    server: ScriptedServer, engine: Kie
) -> None:
    server.answer = error(404)
    for order in (request_with_callbacks(), request_with_callbacks("task_1")):
        with pytest.raises(Unavailable):
            engine.find(order, now())


def test_search_is_given_up_when_no_callback_arrives_for_long(engine: Kie) -> None:
    with pytest.raises(Unsupported):
        engine.find(request_with_callbacks(), now() - timedelta(minutes=8))
    with pytest.raises(Unsupported):
        engine.find(request_with_callbacks(callback_url=""), now())


# ---- files: from allowed hosts, without the key ----


def test_api_key_is_not_sent_when_a_file_is_downloaded(server: ScriptedServer, engine: Kie) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**success(f"{address(server)}/clip.mp4?sig=1"))
        return (200, b"m" * 700_000, {"Content-Type": "video/mp4"})

    server.answer = answers
    body = BytesIO()
    engine.download("task_1", Variant.VIDEO, body)
    assert body.getvalue() == b"m" * 700_000
    with engine.open_result("task_1", Part(1, 5, 700_000)) as stream:
        assert stream.read() == b"mmmm"
    _, path, headers, _ = server.requests[-1]
    assert path == "/clip.mp4?sig=1"
    assert "authorization" not in headers


@pytest.mark.parametrize("variant", [Variant.THUMBNAIL, Variant.SPRITESHEET])
def test_download_is_unsupported_when_the_variant_is_an_image(
    server: ScriptedServer, engine: Kie, variant: Variant
) -> None:
    with pytest.raises(Unsupported):
        engine.download("task_1", variant, BytesIO())
    assert server.requests == []


FOREIGN = [
    "http://127.0.0.1:{port}/clip.mp4",
    "http://localhost:{own}/clip.mp4",
    "http://127.0.0.1:{own}@127.0.0.1:{port}/clip.mp4",
    "http://a:b@127.0.0.1:{own}/clip.mp4",
    "http://127.0.0.1:{port}#@127.0.0.1:{own}/",
    "http://127.0.0.1:{port}\\@127.0.0.1:{own}/",
    "//127.0.0.1:{port}/clip.mp4",
    "HTTPS://127.0.0.1:{port}/clip.mp4",
    "http://[::ffff:127.0.0.1]:{port}/clip.mp4",
    "http://2130706433:{port}/clip.mp4",
    "http://0x7f.1:{port}/clip.mp4",
    "http://127.0.0.1:99999/clip.mp4",
    "http://127.0.0.1\u3002evil.example/",
    "http://[::1/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{own}/x",
    "gopher://127.0.0.1:{own}/x",
    "http://169.254.169.254/latest/meta-data/",
    "clip.mp4",
    "",
    "\x00",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_nothing_is_sent_when_the_file_url_names_a_foreign_host(
    server: ScriptedServer, foreign: ScriptedServer, engine: Kie, url: str
) -> None:
    named = url.format(port=foreign.server_port, own=server.server_port)
    server.answer = record(**success(named))
    with pytest.raises(ForeignHost):
        engine.download("task_1", Variant.VIDEO, BytesIO())
    assert (foreign.requests, len(server.requests)) == ([], 1)


def test_download_is_refused_when_the_url_has_no_tls_but_the_engine_has() -> None:
    downloads = adapter("https://api.example")._results
    for url in (
        "http://api.example/clip.mp4",
        "https://api.example:8443/x",
        "https://cdn.example/x",
    ):
        with pytest.raises(ForeignHost):
            downloads.save(url, BytesIO())


def test_nothing_is_sent_when_a_redirect_names_a_foreign_host(
    server: ScriptedServer, foreign: ScriptedServer, engine: Kie
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**success(f"{address(server)}/clip.mp4"))
        return (302, "", {"Location": f"{address(foreign)}/clip.mp4"})

    server.answer = answers
    with pytest.raises(ForeignHost):
        engine.download("task_1", Variant.VIDEO, BytesIO())
    assert foreign.requests == []


def test_file_is_downloaded_from_another_host_when_it_is_allowed(
    server: ScriptedServer, foreign: ScriptedServer
) -> None:
    server.answer = record(**success(f"{address(foreign)}/clip.mp4"))
    allowed = adapter(address(server), result_hosts=f"cdn.example, 127.0.0.1:{foreign.server_port}")
    body = BytesIO()
    allowed.download("task_1", Variant.VIDEO, body)
    ((_, path, headers, _),) = foreign.requests
    assert (body.getvalue()[4:8], path) == (b"ftyp", "/clip.mp4")
    assert "authorization" not in headers


def test_download_fails_when_redirects_do_not_end(server: ScriptedServer, engine: Kie) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**success(f"{address(server)}/clip.mp4"))
        return (302, "", {"Location": "again"})

    server.answer = answers
    with pytest.raises(BadAnswer):
        engine.download("task_1", Variant.VIDEO, BytesIO())
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "result",
    [
        "", None, 7, "not JSON", "[]", "{}", '{"resultUrls": []}', '{"resultUrls": "x"}',
        '{"resultUrls": [7, null]}', '{"resultUrls": {"a": 1}}', '{"x": 1e400}', "[" * 100_000,
        {"resultUrls": ["http://127.0.0.1/"]},
    ],
)  # fmt: skip
def test_file_is_not_ready_when_the_record_names_none(
    server: ScriptedServer, engine: Kie, result: object
) -> None:
    server.answer = record(state="success", resultJson=result)
    with pytest.raises(NotReady):
        engine.download("task_1", Variant.VIDEO, BytesIO())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, "gone"), NotReady),
        ((403, "expired"), NotReady),
        ((410, "expired"), Gone),
        ((500, "oops"), Unavailable),
        (close_connection, Unavailable),
        (truncate, Unavailable),
    ],
)
def test_error_is_mapped_when_a_download_fails(
    server: ScriptedServer, engine: Kie, answer: Any, kind: type[EngineError]
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**success(f"{address(server)}/clip.mp4"))
        return answer(handler) if callable(answer) else answer

    server.answer = answers
    with pytest.raises(EngineError) as caught:
        engine.download("task_1", Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


def test_deletion_is_unsupported_when_the_engine_is_kie(
    server: ScriptedServer, engine: Kie
) -> None:
    with pytest.raises(Unsupported):
        engine.delete("task_1")
    assert server.requests == []
