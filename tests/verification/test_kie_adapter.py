"""The kie.ai adapter against small real servers, friendly and hostile."""

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

from tests.verification.test_openai_adapter import (
    PAGE,
    StandIn,
    break_off,
    hang_up,
    sleep_on,
)
from tests.videos import kie
from videos.engines.base import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    Gone,
    Image,
    InvalidRequest,
    JobState,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    RenderRequest,
    Unavailable,
    Unsupported,
    Variant,
)
from videos.engines.downloads import Foreign
from videos.engines.kie import Kie, connect

CALLBACK = "https://ours.example/api/videos/sora/callback?t=token"
ORDER = RenderRequest("token-1", "A paper boat", "sora-2", "1280x720", 8, callback_url=CALLBACK)
PRO = RenderRequest("token-1", "A paper boat", "sora-2-pro", "1080x1920", 12)
TASK = {"code": 200, "msg": "success", "data": {"taskId": "task_1"}}


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def foreign() -> Iterator[StandIn]:
    """A server that is nobody's upstream and hopes to be asked."""
    with StandIn() as server:
        server.answers = (200, b"\0\0\0\x18ftypisom", {"Content-Type": "video/mp4"})
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def address(server: StandIn) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def adapter(base_url: str, **more: str) -> Kie:
    made = connect("test", kie.config(base_url, **{"api_key": "secret-key", **more}))
    made._client.timeout = made._files.timeout = httpx2.Timeout(0.5, connect=2)
    return made


@pytest.fixture
def upstream(server: StandIn) -> Kie:
    return adapter(address(server))


def record(**fields: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"code": 200, "msg": "success", "data": {"taskId": "task_1", **fields}}


def made(*urls: object) -> dict[str, Any]:
    return {"state": "success", "resultJson": json.dumps({"resultUrls": urls})}


# ---- orders ----


def test_the_documented_body_is_sent_when_ordered(server: StandIn, upstream: Kie) -> None:
    server.answers = (200, TASK)
    assert upstream.submit(ORDER).id == "task_1"
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/api/v1/jobs/createTask")
    assert (headers["authorization"], headers["user-agent"][:7]) == ("Bearer secret-key", "Mozilla")
    assert json.loads(body) == {
        "model": "sora-2-text-to-video",
        "callBackUrl": CALLBACK,
        "input": {"prompt": "A paper boat", "aspect_ratio": "landscape", "n_frames": "8"},
    }


def test_shape_length_and_model_are_put_in_the_words_of_there(
    server: StandIn, upstream: Kie
) -> None:
    server.answers = (200, TASK)
    upstream.submit(PRO)
    assert json.loads(server.asked[0][3]) == {
        "model": "sora-2-pro-text-to-video",
        "input": {
            "prompt": "A paper boat",
            "aspect_ratio": "portrait",
            "n_frames": "15",
            "size": "high",
        },
    }


def test_the_fields_are_those_of_the_settings_and_a_prompt_is_never_a_template(
    server: StandIn,
) -> None:
    server.answers = (200, TASK)
    fields = {"*": {"duration": "{seconds_number}", "cfg": 0.5}, "sora-2": {"mode": "{size}"}}
    other = adapter(address(server), models="sora-2=kling-2.6", input=json.dumps(fields))
    other.submit(RenderRequest("t", "{size}", "sora-2", "1280x720", 4))
    assert json.loads(server.asked[0][3]) == {
        "model": "kling-2.6",
        "input": {"prompt": "{size}", "duration": 4, "cfg": 0.5, "mode": "1280x720"},
    }


def test_the_first_frame_is_uploaded_before_the_order(server: StandIn, upstream: Kie) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "upload" in handler.path:
            return record(downloadUrl="https://files.example/boat.png")
        return (200, TASK)

    server.answers = answers
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    upstream.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, image=image))
    (_, _, headers, body), (_, _, _, ordered) = server.asked
    assert headers["authorization"] == "Bearer secret-key"
    assert b"pixels" in body
    assert json.loads(ordered)["model"] == "sora-2-image-to-video"
    assert json.loads(ordered)["input"]["image_urls"] == ["https://files.example/boat.png"]


@pytest.mark.parametrize("answer", [(500, {}), (200, {"code": 401, "msg": "key"}), hang_up])
def test_nothing_was_ordered_when_the_upload_fails(
    server: StandIn, upstream: Kie, answer: Any
) -> None:
    server.answers = answer
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    with pytest.raises(EngineError) as caught:
        upstream.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, image=image))
    assert (caught.value.maybe_accepted, len(server.asked)) == (False, 1)


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (RenderRequest("t", "p", "sora-2", "1280x720", 8, source_id="task_0"), Unsupported),
        (RenderRequest("t", "p", "sora-9", "1280x720", 8), Unsupported),
        (RenderRequest("t", "p", "sora-2", "1280x720", 20), InvalidRequest),
    ],
)
def test_nothing_is_sent_when_it_cannot_be_made_there(
    server: StandIn, upstream: Kie, order: RenderRequest, kind: type[EngineError]
) -> None:
    with pytest.raises(kind):
        upstream.submit(order)
    assert server.asked == []


def said(code: object, msg: object = "no") -> tuple[int, dict[str, Any]]:
    return 200, {"code": code, "msg": msg, "data": None}


HUGE = b'{"code": 200, "data": {"taskId": "task_1", "x": "' + b"x" * 1_100_000 + b'"}}'


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        (said(400), InvalidRequest, False),
        (said(422, "prompt is too long"), InvalidRequest, False),
        (said(422, "blocked by our moderation system"), Blocked, False),
        (said(400, "violates our content policy"), Blocked, False),
        (said(401), AuthFailed, False),
        (said("401"), AuthFailed, False),
        (said(402), OutOfCredit, False),
        (said(433), OutOfCredit, False),
        (said(404), InvalidRequest, False),
        (said(429), RateLimited, False),
        (said(455), Unavailable, False),
        (said(501), Refused, False),
        (said(505), Unsupported, False),
        (said(500), Unavailable, True),
        (said(500, ["a", {"b": None}]), Unavailable, True),
        (said(599), Unavailable, True),
        (said(302), BadAnswer, True),
        (said(-5), BadAnswer, True),
        (said(10**30), BadAnswer, True),
        (said(True), BadAnswer, True),
        (said(None), BadAnswer, True),
        (said(200.5), BadAnswer, True),
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
        (hang_up, Unavailable, True),
        (break_off, Unavailable, True),
        (sleep_on, Unavailable, True),
    ],
)
def test_one_order_is_sent_and_its_failure_understood(
    server: StandIn, upstream: Kie, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == len(server.asked) == 1


def test_no_job_exists_when_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        adapter(f"http://127.0.0.1:{port}").submit(ORDER)
    assert caught.value.maybe_accepted is False


def test_what_it_says_can_be_stored_whatever_it_is(server: StandIn, upstream: Kie) -> None:
    server.answers = (200, b'{"code": 400, "msg": "a\\u0000b\\ud800c", "data": null}')
    with pytest.raises(InvalidRequest) as caught:
        upstream.submit(ORDER)
    assert caught.value.detail == "code 400: a\ufffdb?c"


def test_the_pause_it_asks_for_is_kept(server: StandIn, upstream: Kie) -> None:
    server.answers = (200, said(429)[1], {"Retry-After": "7"})
    with pytest.raises(RateLimited) as caught:
        upstream.submit(ORDER)
    assert caught.value.retry_after == 7


# ---- looking at a job ----


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
def test_the_state_is_understood(
    server: StandIn, upstream: Kie, word: object, state: JobState
) -> None:
    server.answers = record(state=word)
    assert upstream.fetch("task_1").state is state
    assert server.asked[0][:2] == ("GET", "/api/v1/jobs/recordInfo?taskId=task_1")


@pytest.mark.parametrize(
    ("told", "progress"),
    [(45, 45.0), ("45%", 45.0), (250, 100.0), (-3, 0.0), (None, None), ([], None), ("x", None)],
)
def test_progress_is_a_share_of_a_hundred_or_unknown(
    server: StandIn, upstream: Kie, told: object, progress: float | None
) -> None:
    server.answers = record(state="generating", progress=told)
    assert upstream.fetch("task_1").progress == progress


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
def test_why_a_job_failed_is_understood(
    server: StandIn, upstream: Kie, fields: dict[str, Any], code: str, detail: str
) -> None:
    server.answers = record(state="fail", **fields)
    failure = upstream.fetch("task_1").failure
    assert failure
    assert (failure.code, failure.detail) == (code, detail)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(404), NotFound),
        (said(422, "recordInfo is null"), NotFound),
        (said(422, "bad"), InvalidRequest),
        (said(500), Unavailable),
        (said(401), AuthFailed),
        ((200, PAGE), BadAnswer),
        ((200, b'{"code": 200, "data": {"state": "success", "costTime": 1e400}}'), BadAnswer),
        (hang_up, Unavailable),
    ],
)
def test_a_failed_look_is_never_a_lost_order(
    server: StandIn, upstream: Kie, answer: Any, kind: type[EngineError]
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.fetch("task_1")
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, False)


@pytest.mark.parametrize("job_id", ["a/b", "../x", "a?b=c", "a b", "é", "x" * 200, "a&taskId=b"])
def test_nothing_is_asked_when_an_id_is_none_of_theirs(
    server: StandIn, upstream: Kie, job_id: str
) -> None:
    with pytest.raises(NotFound):
        upstream.fetch(job_id)
    assert server.asked == []


# ---- finding an order whose answer was lost ----


def now() -> datetime:
    return datetime.now(UTC)


def heard(*job_ids: str, callback_url: str = CALLBACK) -> RenderRequest:
    return RenderRequest(
        "t", "A paper boat", "sora-2", "1280x720", 8, callback_url=callback_url, heard=job_ids
    )


def test_the_order_is_found_by_what_called_back(server: StandIn, upstream: Kie) -> None:
    server.answers = record(state="success", param=json.dumps({"callBackUrl": CALLBACK}))
    jobs = upstream.find(heard("task_1", "no id"), now())
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
def test_anothers_job_is_not_taken_for_ours(server: StandIn, upstream: Kie, param: object) -> None:
    server.answers = record(state="success", param=param)
    with pytest.raises(Unavailable):
        upstream.find(heard("task_1"), now())


def test_it_may_be_told_later_when_nothing_has_called_back_yet(
    server: StandIn, upstream: Kie
) -> None:
    server.answers = said(404)
    for order in (heard(), heard("task_1")):
        with pytest.raises(Unavailable):
            upstream.find(order, now())


def test_it_cannot_be_told_when_nothing_called_back_for_long(upstream: Kie) -> None:
    with pytest.raises(Unsupported):
        upstream.find(heard(), now() - timedelta(minutes=8))
    with pytest.raises(Unsupported):
        upstream.find(heard(callback_url=""), now())


# ---- files: from allowed hosts, without the key ----


def test_the_file_is_fetched_without_the_key(server: StandIn, upstream: Kie) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**made(f"{address(server)}/clip.mp4?sig=1"))
        return (200, b"m" * 700_000, {"Content-Type": "video/mp4"})

    server.answers = answers
    body = BytesIO()
    upstream.download("task_1", Variant.VIDEO, body)
    assert body.getvalue() == b"m" * 700_000
    _, path, headers, _ = server.asked[1]
    assert path == "/clip.mp4?sig=1"
    assert "authorization" not in headers


@pytest.mark.parametrize("variant", [Variant.THUMBNAIL, Variant.SPRITESHEET])
def test_there_are_no_pictures(server: StandIn, upstream: Kie, variant: Variant) -> None:
    with pytest.raises(Unsupported):
        upstream.download("task_1", variant, BytesIO())
    assert server.asked == []


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
def test_nothing_is_sent_to_a_foreign_host(
    server: StandIn, foreign: StandIn, upstream: Kie, url: str
) -> None:
    named = url.format(port=foreign.server_port, own=server.server_port)
    server.answers = record(**made(named))
    with pytest.raises(Foreign):
        upstream.download("task_1", Variant.VIDEO, BytesIO())
    assert (foreign.asked, len(server.asked)) == ([], 1)


def test_plain_http_is_refused_where_the_upstream_itself_has_tls() -> None:
    shelf = adapter("https://api.example")._shelf
    for url in (
        "http://api.example/clip.mp4",
        "https://api.example:8443/x",
        "https://cdn.example/x",
    ):
        with pytest.raises(Foreign):
            shelf.save(url, BytesIO())


def test_nothing_is_sent_to_a_foreign_host_when_redirected(
    server: StandIn, foreign: StandIn, upstream: Kie
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**made(f"{address(server)}/clip.mp4"))
        return (302, "", {"Location": f"{address(foreign)}/clip.mp4"})

    server.answers = answers
    with pytest.raises(Foreign):
        upstream.download("task_1", Variant.VIDEO, BytesIO())
    assert foreign.asked == []


def test_another_host_is_asked_when_it_is_allowed(server: StandIn, foreign: StandIn) -> None:
    server.answers = record(**made(f"{address(foreign)}/clip.mp4"))
    allowed = adapter(address(server), result_hosts=f"cdn.example, 127.0.0.1:{foreign.server_port}")
    body = BytesIO()
    allowed.download("task_1", Variant.VIDEO, body)
    ((_, path, headers, _),) = foreign.asked
    assert (body.getvalue()[4:8], path) == (b"ftyp", "/clip.mp4")
    assert "authorization" not in headers


def test_a_redirect_is_followed_among_allowed_hosts_and_not_for_ever(
    server: StandIn, upstream: Kie
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**made(f"{address(server)}/clip.mp4"))
        return (302, "", {"Location": "again"})

    server.answers = answers
    with pytest.raises(BadAnswer):
        upstream.download("task_1", Variant.VIDEO, BytesIO())
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    "result",
    [
        "", None, 7, "not JSON", "[]", "{}", '{"resultUrls": []}', '{"resultUrls": "x"}',
        '{"resultUrls": [7, null]}', '{"resultUrls": {"a": 1}}', '{"x": 1e400}', "[" * 100_000,
        {"resultUrls": ["http://127.0.0.1/"]},
    ],
)  # fmt: skip
def test_it_is_not_there_yet_when_the_record_names_no_file(
    server: StandIn, upstream: Kie, result: object
) -> None:
    server.answers = record(state="success", resultJson=result)
    with pytest.raises(NotReady):
        upstream.download("task_1", Variant.VIDEO, BytesIO())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, "gone"), NotReady),
        ((403, "expired"), NotReady),
        ((410, "expired"), Gone),
        ((500, "oops"), Unavailable),
        (hang_up, Unavailable),
        (break_off, Unavailable),
    ],
)
def test_a_failed_download_is_understood(
    server: StandIn, upstream: Kie, answer: Any, kind: type[EngineError]
) -> None:
    def answers(handler: BaseHTTPRequestHandler) -> Any:
        if "recordInfo" in handler.path:
            return record(**made(f"{address(server)}/clip.mp4"))
        return answer(handler) if callable(answer) else answer

    server.answers = answers
    with pytest.raises(EngineError) as caught:
        upstream.download("task_1", Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


def test_deletion_is_given_up(server: StandIn, upstream: Kie) -> None:
    with pytest.raises(Unsupported):
        upstream.delete("task_1")
    assert server.asked == []
