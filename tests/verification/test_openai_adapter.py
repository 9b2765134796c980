"""The Videos API adapter against small real servers that answer as the servers in the wild do."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import openai
import pytest

from videos.engines import downloads
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
    RenderRequest,
    Unavailable,
    Unsupported,
    Variant,
)
from videos.engines.openai import OpenAIVideos, connect

ORDER = RenderRequest("token-1", "A paper boat", "sora-2", "1280x720", 8)
JSON, HTML = "application/json", "text/html"
PAGE = "<!doctype html><title>Just a moment...</title>"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Answer = (
    tuple[int, Any] | tuple[int, Any, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]
)


class Handler(BaseHTTPRequestHandler):
    server: "StandIn"
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        said = self.server.answers
        said = said(self) if callable(said) else said
        if said is None:
            return
        status, content, *rest = said
        text = isinstance(content, str)
        raw = (
            content
            if isinstance(content, bytes)
            else (content if text else json.dumps(content)).encode()
        )
        self.send_response(status)
        sent = {"Content-Type": HTML if text else JSON, **(rest[0] if rest else {})}
        for name, value in sent.items():
            self.send_header(name, value)
        if "Content-Length" not in sent:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        pass


class StandIn(ThreadingHTTPServer):
    """A server that gives one answer to everything, and remembers what it was asked."""

    daemon_threads = True
    answers: Any = (200, {})

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    def handle_error(self, *args: object) -> None:
        pass  # connections are broken off on purpose

    @property
    def posts(self) -> int:
        return sum(method == "POST" for method, *_ in self.asked)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def adapter(address: str, models: str = "", timeout: float = 5) -> OpenAIVideos:
    config = {"base_url": address, "api_key": "k", "webhook_secret": "", "models": models}
    made = connect("test", config)
    made._client = made._client.with_options(timeout=openai.Timeout(timeout, connect=2))
    return made


@pytest.fixture
def upstream(server: StandIn) -> OpenAIVideos:
    return adapter(f"http://127.0.0.1:{server.server_port}/v1")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def break_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "video_1"')
    hang_up(handler)


def sleep_on(handler: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(1)
    hang_up(handler)


# ---- accepted orders, in the words of several servers ----

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
def test_the_job_is_known_when_the_order_is_accepted(
    server: StandIn, upstream: OpenAIVideos, answer: dict[str, Any]
) -> None:
    server.answers = (200, answer)
    job = upstream.submit(ORDER)
    assert job.id == answer["id"]
    assert job.state in {JobState.QUEUED, JobState.RUNNING}
    assert server.posts == len(server.asked) == 1


def test_the_documented_form_is_sent_when_ordered(server: StandIn, upstream: OpenAIVideos) -> None:
    server.answers = (200, OPENAI)
    upstream.submit(ORDER)
    method, path, headers, body = server.asked[0]
    assert (method, path) == ("POST", "/v1/videos")
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer k", "token-1")
    for name, value in {"prompt": b"A paper boat", "model": b"sora-2", "seconds": b"8"}.items():
        assert b'name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n" in body


def test_our_model_is_called_by_its_name_there_when_one_is_configured(server: StandIn) -> None:
    server.answers = (200, OPENAI)
    address = f"http://127.0.0.1:{server.server_port}/v1"
    adapter(address, "sora-2 = wan/2.2=x, sora-2-pro=hq").submit(ORDER)
    assert b"\r\nwan/2.2=x\r\n" in server.asked[0][3]


def test_the_first_frame_is_sent_as_a_file_when_there_is_one(
    server: StandIn, upstream: OpenAIVideos
) -> None:
    server.answers = (200, OPENAI)
    image = Image("boat.png", "image/png", lambda: BytesIO(b"pixels"))
    upstream.submit(RenderRequest("t", "p", "sora-2", "1280x720", 8, image=image))
    body = server.asked[0][3]
    assert b'name="input_reference"; filename="boat.png"\r\nContent-Type: image/png' in body
    assert b"pixels" in body


def test_the_source_is_named_when_it_is_a_remix(server: StandIn, upstream: OpenAIVideos) -> None:
    server.answers = (200, OPENAI)
    upstream.submit(RenderRequest("t", "At night", "sora-2", "1280x720", 8, source_id="video_0"))
    method, path, _, body = server.asked[0]
    assert (method, path) == ("POST", "/v1/videos/video_0/remix")
    assert json.loads(body) == {"prompt": "At night"}


# ---- refused orders: what it means, and whether a job may exist all the same ----


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
        ((200, PAGE), BadAnswer, True),
        ((200, {"code": 402, "msg": "no balance"}), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, "null", {"Content-Type": JSON}), BadAnswer, True),
        ((200, "{", {"Content-Type": JSON}), BadAnswer, True),
        ((200, b"\xff\xfe\x00", {"Content-Type": JSON}), BadAnswer, True),
        (hang_up, Unavailable, True),
        (break_off, Unavailable, True),
    ],
)
def test_one_order_is_sent_and_its_failure_understood(
    server: StandIn,
    upstream: OpenAIVideos,
    answer: Answer,
    kind: type[EngineError],
    maybe: bool,
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == len(server.asked) == 1


def test_a_job_may_exist_when_the_answer_is_slow(server: StandIn) -> None:
    server.answers = sleep_on
    slow = adapter(f"http://127.0.0.1:{server.server_port}/v1", timeout=0.2)
    with pytest.raises(Unavailable) as caught:
        slow.submit(ORDER)
    assert (caught.value.maybe_accepted, server.posts) == (True, 1)


def test_no_job_exists_when_nothing_listens() -> None:
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
def test_the_pause_it_asks_for_is_kept_within_reason(
    server: StandIn, upstream: OpenAIVideos, headers: dict[str, str], seconds: float | None
) -> None:
    server.answers = (429, error("slow down"), headers)
    with pytest.raises(RateLimited) as caught:
        upstream.submit(ORDER)
    assert caught.value.retry_after == seconds


# ---- looking at a job ----


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", JobState.QUEUED),
        ("PENDING", JobState.QUEUED),
        ("In_Progress", JobState.RUNNING),
        ("cancelling", JobState.RUNNING),
        ("COMPLETED", JobState.SUCCEEDED),
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
def test_the_state_is_understood_in_any_words(
    server: StandIn, upstream: OpenAIVideos, word: object, state: JobState
) -> None:
    server.answers = (200, {"id": "video_1", "status": word})
    assert upstream.fetch("video_1").state is state


@pytest.mark.parametrize(
    ("told", "progress"),
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
def test_progress_is_a_share_of_a_hundred_or_unknown(
    server: StandIn, upstream: OpenAIVideos, told: object, progress: float | None
) -> None:
    server.answers = (200, {"id": "video_1", "status": "in_progress", "progress": told})
    assert upstream.fetch("video_1").progress == progress


@pytest.mark.parametrize(
    ("told", "code", "detail"),
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
def test_why_a_job_failed_is_understood_in_any_shape(
    server: StandIn, upstream: OpenAIVideos, told: object, code: str, detail: str
) -> None:
    server.answers = (200, {"id": "video_1", "status": "failed", "error": told})
    failure = upstream.fetch("video_1").failure
    assert failure
    assert (failure.code, failure.detail) == (code, detail)


def test_the_id_of_the_order_stays_when_later_answers_name_another(
    server: StandIn, upstream: OpenAIVideos
) -> None:
    server.answers = (200, {"id": "video_other", "status": "completed"})
    assert upstream.fetch("video_1").id == "video_1"


@pytest.mark.parametrize("job_id", ["a/b", "../models", "a?b=c", "a b", "é", "x" * 512, "a%2fb"])
def test_only_that_job_is_asked_for_when_its_id_is_odd(
    server: StandIn, upstream: OpenAIVideos, job_id: str
) -> None:
    server.answers = (200, {"id": job_id, "status": "queued"})
    try:
        upstream.fetch(job_id)
    except EngineError:
        pass
    for _, path, *_ in server.asked:
        assert path.startswith("/v1/videos/")
        assert "/" not in path.removeprefix("/v1/videos/")
        assert "?" not in path


@pytest.mark.parametrize(
    ("told", "pause"),
    [("1500", 1.5), ("86400000", 300.0), ("soon", None), ("nan", None), ("-1", None)],
)
def test_the_pause_between_looks_is_kept_within_reason(
    server: StandIn, upstream: OpenAIVideos, told: str, pause: float | None
) -> None:
    server.answers = (200, OPENAI, {"openai-poll-after-ms": told})
    assert upstream.fetch("video_1").poll_after == pause


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, error("not found")), NotFound),
        ((500, error("Cannot connect to host")), Unavailable),
        ((200, PAGE), BadAnswer),
        ((200, "{", {"Content-Type": JSON}), BadAnswer),
        ((429, error("slow down")), RateLimited),
        (hang_up, Unavailable),
        (break_off, Unavailable),
    ],
)
def test_a_failed_look_is_never_a_lost_order(
    server: StandIn, upstream: OpenAIVideos, answer: Answer, kind: type[EngineError]
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.fetch("video_1")
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, False)
    assert len(server.asked) == 1


# ---- finding an order whose answer was lost ----

LISTED = {
    "id": "video_1", "status": "queued", "prompt": "A paper boat", "model": "sora-2",
    "size": "1280x720", "seconds": "8", "created_at": 1_800_000_000,
}  # fmt: skip


def page(*items: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"object": "list", "data": list(items), "has_more": False, **more}


@pytest.mark.parametrize(
    "left_out", [[], ["size"], ["size", "seconds"], ["model", "size", "seconds", "created_at"]]
)
def test_the_order_is_found_when_only_its_prompt_is_sure(
    server: StandIn, upstream: OpenAIVideos, left_out: list[str]
) -> None:
    server.answers = page({k: v for k, v in LISTED.items() if k not in left_out})
    assert [job.id for job in upstream.find(ORDER, LONG_AGO)] == ["video_1"]


@pytest.mark.parametrize(
    "other",
    [{"prompt": "Another"}, {"size": "720x1280"}, {"seconds": "4"}, {"model": "sora-2-pro"}],
)
def test_anothers_order_is_not_taken_for_ours(
    server: StandIn, upstream: OpenAIVideos, other: dict[str, str]
) -> None:
    server.answers = page({**LISTED, **other})
    assert upstream.find(ORDER, LONG_AGO) == []


def test_old_orders_are_left_alone(server: StandIn, upstream: OpenAIVideos) -> None:
    server.answers = page(LISTED)
    since = datetime.fromtimestamp(1_800_000_000, UTC) + timedelta(seconds=1)
    assert upstream.find(ORDER, since) == []


def test_nothing_is_found_when_the_list_is_empty(server: StandIn, upstream: OpenAIVideos) -> None:
    server.answers = page()
    assert upstream.find(ORDER, LONG_AGO) == []


def test_the_next_page_is_read_when_there_is_one(server: StandIn, upstream: OpenAIVideos) -> None:
    first = page({**LISTED, "id": "v2", "prompt": "Another"}, has_more=True, last_id="v2")
    server.answers = lambda handler: page(LISTED) if "after=v2" in handler.path else first
    assert [job.id for job in upstream.find(ORDER, LONG_AGO)] == ["video_1"]


def test_the_search_ends_when_the_list_never_does(server: StandIn, upstream: OpenAIVideos) -> None:
    items = [{**LISTED, "id": f"v{n}", "prompt": "Another"} for n in range(100)]
    server.answers = page(*items, has_more=True, last_id="v99")
    with pytest.raises(Unavailable):
        upstream.find(ORDER, LONG_AGO)
    assert len(server.asked) == 5


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
def test_it_cannot_be_told_when_the_list_says_nothing(
    server: StandIn, upstream: OpenAIVideos, answer: Answer
) -> None:
    server.answers = answer
    with pytest.raises(Unsupported):
        upstream.find(ORDER, LONG_AGO)


@pytest.mark.parametrize("answer", [(500, {}), (200, PAGE), (200, {"data": [7]}), hang_up])
def test_it_may_be_told_later_when_the_list_is_broken(
    server: StandIn, upstream: OpenAIVideos, answer: Answer
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.find(ORDER, LONG_AGO)
    assert type(caught.value) in {Unavailable, BadAnswer}


# ---- files and deletion ----


def test_the_file_is_written_as_it_comes(server: StandIn, upstream: OpenAIVideos) -> None:
    server.answers = (200, b"m" * 700_000, {"Content-Type": "video/mp4"})
    body = BytesIO()
    upstream.download("video_1", Variant.SPRITESHEET, body)
    assert body.getvalue() == b"m" * 700_000
    assert server.asked[0][1] == "/v1/videos/video_1/content?variant=spritesheet"


def test_a_file_without_an_end_is_not_taken(
    server: StandIn, upstream: OpenAIVideos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 300_000)
    server.answers = (200, b"m" * 700_000, {"Content-Type": "video/mp4"})
    with pytest.raises(Unavailable):
        upstream.download("video_1", Variant.VIDEO, BytesIO())


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
        (hang_up, Unavailable),
        (break_off, Unavailable),
    ],
)
def test_a_failed_download_is_understood(
    server: StandIn, upstream: OpenAIVideos, answer: Answer, kind: type[EngineError]
) -> None:
    server.answers = answer
    with pytest.raises(EngineError) as caught:
        upstream.download("video_1", Variant.VIDEO, BytesIO())
    assert type(caught.value) is kind


DELETED = (204, b"", {"Content-Type": "text/plain"})


@pytest.mark.parametrize(
    "answer", [(200, {"id": "v", "deleted": True}), (200, SGLANG), (404, error("gone")), DELETED]
)
def test_a_job_is_gone_when_deleted_or_never_there(
    server: StandIn, upstream: OpenAIVideos, answer: Answer
) -> None:
    server.answers = answer
    upstream.delete("video_1")
    assert [(method, path) for method, path, *_ in server.asked] == [
        ("DELETE", "/v1/videos/video_1")
    ]


def test_deletion_is_given_up_when_the_server_knows_none(
    server: StandIn, upstream: OpenAIVideos
) -> None:
    server.answers = (405, {"detail": "Method Not Allowed"})
    with pytest.raises(Unsupported):
        upstream.delete("video_1")
