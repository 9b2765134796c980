"""The adapter of Runway's API against a server with its tasks, and against bad answers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import httpx2
import pytest

from tests.engine_servers import runway
from tests.engine_servers.runway import RunwayServer
from tests.verification.engines.conftest import Poll
from tests.verification.engines.scripted_server import (
    PAGE,
    ScriptedServer,
    answer_late,
    close_connection,
    truncate,
)
from videos.catalog.entries import Binding, Model
from videos.catalog.frames import Frame
from videos.catalog.reading import catalog
from videos.engines.base import Cost, Image, JobState, RenderRequest, Variant
from videos.engines.downloads import ForeignHost
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    InvalidRequest,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.result_streams import Part
from videos.engines.runway import Runway, connect

FIRST = Image("first.png", "image/png", lambda: BytesIO(b"first"))
LAST = Image("last.jpg", "image/jpeg", lambda: BytesIO(b"last"))
FIRST_URI, LAST_URI = "data:image/png;base64,Zmlyc3Q=", "data:image/jpeg;base64,bGFzdA=="
IMAGES: dict[str, dict[str, Any]] = {
    "text": {},
    "image": {"first_image": FIRST},
    "first_last": {"first_image": FIRST, "last_image": LAST},
    "reference": {"references": (FIRST, LAST)},
}


def bindings() -> dict[str, tuple[Model, Binding]]:
    """The presets that Runway makes, by its own names of the models."""
    made = [(model, binding) for model in catalog().models.values() for binding in model.bindings]
    return {str(b.model): (model, b) for model, b in made if b.engine == "runway"}


def order_for(name: str, mode: str, frame: Frame | None = None) -> RenderRequest:
    """An order with everything that the model takes in this mode, by default in its first size."""
    model, binding = bindings()[name]
    frame, fields = frame or model.frames[0], binding.fields_for(mode)
    text = str(fields)
    return RenderRequest(
        "token-1",
        "A paper boat",
        name,
        frame.size,
        8 if 8 in model.lengths else model.default_seconds,
        aspect=frame.aspect,
        resolution=frame.resolution,
        seed=7 if "{seed}" in text else None,
        audio=True if "{audio}" in text else None,
        negative_prompt="people" if "{negative_prompt}" in text else "",
        fields=fields,
        **IMAGES[mode],
    )


ORDER = order_for("gen4.5", "text")


@pytest.fixture
def service() -> Iterator[RunwayServer]:
    with runway.running() as server:
        yield server


def adapter(base_url: str, **more: str) -> Runway:
    engine = connect("test", {"base_url": f"{base_url}/v1", "api_key": runway.KEY, **more})
    engine._client.timeout = engine._files.timeout = httpx2.Timeout(0.5, connect=2)
    return engine


@pytest.fixture
def engine(service: RunwayServer) -> Runway:
    return adapter(service.url)


def scripted(server: ScriptedServer, answer: Any, **more: str) -> Runway:
    server.answer = answer
    return adapter(f"http://127.0.0.1:{server.server_port}", **more)


# ---- submits ----

VEO = {
    "model": "veo3.1",
    "promptText": "A paper boat",
    "ratio": "1280:720",
    "duration": 8,
    "seed": 7,
    "audio": True,
    "negativePrompt": "people",
}
SEEDANCE = {
    "model": "seedance2_5",
    "promptText": "A paper boat",
    "ratio": "854:480",
    "duration": 8,
    "seed": 7,
    "audio": True,
}


@pytest.mark.parametrize(
    ("model", "mode", "path", "body"),
    [
        ("veo3.1", "text", "/v1/text_to_video", VEO),
        ("veo3.1", "image", "/v1/image_to_video", {**VEO, "promptImage": FIRST_URI}),
        (
            "veo3.1",
            "first_last",
            "/v1/image_to_video",
            {
                **VEO,
                "promptImage": [
                    {"uri": FIRST_URI, "position": "first"},
                    {"uri": LAST_URI, "position": "last"},
                ],
            },
        ),
        (
            "seedance2_5",
            "reference",
            "/v1/text_to_video",
            {**SEEDANCE, "references": [{"uri": FIRST_URI}, {"uri": LAST_URI}]},
        ),
    ],
)
def test_body_is_written_for_each_mode(
    service: RunwayServer, engine: Runway, model: str, mode: str, path: str, body: dict[str, Any]
) -> None:
    job = engine.submit(order_for(model, mode))
    ((method, asked, headers, sent),) = service.requests
    assert (method, asked, sent) == ("POST", path, body)
    assert (headers["authorization"], headers["x-runway-version"]) == (
        f"Bearer {runway.KEY}",
        "2024-11-06",
    )
    assert (job.id, job.state) == (runway.ID, JobState.QUEUED)
    assert job.cost == Cost(Decimal("0.60"), "USD")


@pytest.mark.parametrize(
    "change",
    [
        {"source_id": "task"},
        {"first_image": FIRST},
        {"audio": False},
        {"negative_prompt": "people"},
    ],
)
def test_nothing_is_sent_when_the_model_has_no_field_for_what_was_ordered(
    service: RunwayServer, engine: Runway, change: dict[str, Any]
) -> None:
    with pytest.raises(Unsupported):
        engine.submit(replace(ORDER, **change))
    assert service.requests == []


def said(status: int, message: Any) -> Any:
    return status, {"error": message}


@pytest.mark.parametrize(
    ("answer", "kind", "maybe"),
    [
        (said(400, "Validation of body failed"), InvalidRequest, False),
        (said(400, {"message": "contentModeration: Invalid input"}), InvalidRequest, False),
        (said(400, "Your prompt did not pass content moderation."), Blocked, False),
        (runway.NO_CREDITS, OutOfCredit, False),
        (runway.WRONG_KEY, AuthFailed, False),
        (said(404, "No such model."), InvalidRequest, False),
        (said(405, "no"), Unsupported, False),
        (runway.BUSY, RateLimited, False),
        (said(500, "Internal error"), Unavailable, True),
        (said(502, "Shedding load"), Unavailable, True),
        (said(503, "Shedding load"), Unavailable, True),
        ((504, PAGE), Unavailable, True),
        ((200, PAGE), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, {"id": "../organization"}), BadAnswer, True),
        ((200, {"id": 5}), BadAnswer, True),
        ((200, {"id": "x" * 65}), BadAnswer, True),
        ((200, b'{"id": "x'), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
        (answer_late, Unavailable, True),
    ],
)
def test_submit_is_sent_once_and_its_failure_says_whether_it_may_be_accepted(
    server: ScriptedServer, answer: Any, kind: type[EngineError], maybe: bool
) -> None:
    with pytest.raises(EngineError) as caught:
        scripted(server, answer).submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe)
    assert server.posts == 1


def test_lost_submit_cannot_be_found(service: RunwayServer, engine: Runway) -> None:
    with pytest.raises(Unsupported):
        engine.find(ORDER, datetime.now(UTC))
    assert service.requests == []


# ---- uploads ----

LARGE = Image("large.png", "image/png", lambda: BytesIO(b"p" * 3_800_000))
WITH_LARGE = replace(order_for("gen4.5", "image"), first_image=LARGE)


def test_image_is_uploaded_without_the_key_when_it_is_too_large_for_the_body(
    service: RunwayServer, engine: Runway
) -> None:
    engine.submit(WITH_LARGE)
    (_, first, _, asked), (_, second, headers, form), (_, third, _, body) = service.requests
    assert (first, second, third) == ("/v1/uploads", "/storage/uploads", "/v1/image_to_video")
    assert asked == {"filename": "large.png", "type": "ephemeral"}
    assert "authorization" not in headers
    assert [part in form for part in (b'name="key"', b'name="policy"', b"p" * 1000)] == [True] * 3
    assert body["promptImage"] == "runway://upload-1"


STARTED = {"uploadUrl": "https://s.example/", "fields": {}, "runwayUri": "runway://1"}


@pytest.mark.parametrize(
    "answer",
    [
        (200, {**STARTED, "uploadUrl": "http://127.0.0.1:1/"}),
        (200, {**STARTED, "uploadUrl": "file:///etc/passwd"}),
        (200, {**STARTED, "uploadUrl": "https://[bad/"}),
        (200, {**STARTED, "uploadUrl": None}),
        (200, {**STARTED, "fields": "x"}),
        (200, {**STARTED, "runwayUri": "https://elsewhere.example/"}),
        (200, []),
        said(500, "no"),
        close_connection,
    ],
)
def test_nothing_is_submitted_when_an_upload_does_not_start(
    server: ScriptedServer, answer: Any
) -> None:
    with pytest.raises(EngineError) as caught:
        scripted(server, answer).submit(WITH_LARGE)
    assert (caught.value.maybe_accepted, len(server.requests)) == (False, 1)


@pytest.mark.parametrize("status", [302, 403, 500])
def test_nothing_is_submitted_when_an_upload_fails(server: ScriptedServer, status: int) -> None:
    url = f"http://127.0.0.1:{server.server_port}/storage"

    def answer(handler: Any) -> Any:
        is_start = handler.path == "/v1/uploads"
        return (200, {**STARTED, "uploadUrl": url}) if is_start else (status, "<Error/>")

    with pytest.raises(Unavailable) as caught:
        scripted(server, answer).submit(WITH_LARGE)
    assert (caught.value.maybe_accepted, server.posts) == (False, 2)


# ---- polls ----


def test_task_is_polled_until_the_video_is_made(engine: Runway, poll: Poll) -> None:
    job_id = engine.submit(ORDER).id
    jobs = [poll(engine, job_id) for _ in range(4)]
    assert [(job.state, job.progress) for job in jobs] == [
        (JobState.QUEUED, None),
        (JobState.QUEUED, None),
        (JobState.RUNNING, 25.0),
        (JobState.SUCCEEDED, None),
    ]
    assert [job.cost for job in jobs] == [Cost(Decimal(cost), "USD") for cost in
                                          ("0.60", "0.60", "0.60", "0.50")]  # fmt: skip
    assert [job.poll_after for job in jobs] == [6.0, 6.0, 6.0, None]
    assert jobs[0].created_at == datetime(2026, 11, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("task", "kind", "code"),
    [
        ({"failureCode": "SAFETY.INPUT.TEXT"}, Blocked, "moderation_blocked"),
        ({"failureCode": "SAFETY.OUTPUT.VIDEO"}, Blocked, "moderation_blocked"),
        ({"failureCode": "INPUT_PREPROCESSING.SAFETY.TEXT"}, Blocked, "moderation_blocked"),
        ({"failureCode": "ASSET.INVALID"}, InvalidRequest, "invalid_asset"),
        ({"failureCode": "INTERNAL.BAD_OUTPUT.CODE01"}, Refused, "INTERNAL.BAD_OUTPUT.CODE01"),
        ({"failureCode": "x y"}, Refused, "generation_failed"),
        ({"failureCode": None}, Refused, "generation_failed"),
        ({}, Refused, "generation_failed"),
        ({"status": "CANCELLED", "cost": {"credits": 0}}, Refused, "upstream_cancelled"),
    ],
)
def test_reason_is_read_when_a_task_fails(
    server: ScriptedServer, task: dict[str, Any], kind: type[Refused], code: str
) -> None:
    job = scripted(server, (200, {"status": "FAILED", **task})).fetch("task-1")
    assert job.failure
    assert (job.state, type(job.failure), job.failure.code) == (JobState.FAILED, kind, code)


@pytest.mark.parametrize(
    "cost", [None, {}, [], {"credits": "60"}, {"credits": True}, {"credits": -1}, {"credits": 1e12}]
)
def test_odd_facts_of_a_task_are_left_out(server: ScriptedServer, cost: Any) -> None:
    task = {"status": "A_NEW_WORD", "progress": "half", "createdAt": 5, "cost": cost}
    job = scripted(server, (200, task)).fetch("task-1")
    assert (job.state, job.progress, job.created_at, job.cost) == (
        JobState.RUNNING, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (200, PAGE), (200, {"status": 5})])
def test_answer_that_is_no_task_is_a_bad_answer(server: ScriptedServer, answer: Any) -> None:
    with pytest.raises(BadAnswer):
        scripted(server, answer).fetch("task-1")


@pytest.mark.parametrize("job_id", ["gone", "", "../organization", "a/b", "x?y=1"])
def test_job_is_unknown_when_the_engine_has_no_such_task(
    service: RunwayServer, engine: Runway, job_id: str, poll: Poll
) -> None:
    with pytest.raises(NotFound):
        poll(engine, job_id)
    assert len(service.requests) == (job_id == "gone")


# ---- results ----


def finished(engine: Runway, prompt: str = "a boat") -> str:
    job_id = engine.submit(replace(ORDER, prompt=prompt)).id
    for _ in range(3):
        engine.fetch(job_id)
    return job_id


def test_video_is_downloaded_without_the_key(service: RunwayServer, engine: Runway) -> None:
    to = BytesIO()
    job_id = finished(engine)
    engine.download(job_id, Variant.VIDEO, to)
    assert to.getvalue() == runway.VIDEO
    with engine.open_result(job_id, Part(1, 5, len(runway.VIDEO))) as stream:
        assert stream.read() == runway.VIDEO[1:5]
    assert "authorization" not in service.requests[-1][2]


def test_failure_is_the_answer_when_there_is_no_video(engine: Runway) -> None:
    job_id = finished(engine, "BLOCK")
    with pytest.raises(Blocked):
        engine.download(job_id, Variant.VIDEO, BytesIO())


@pytest.mark.parametrize(
    "task",
    [
        {"status": "RUNNING"},
        {"status": "SUCCEEDED"},
        {"status": "SUCCEEDED", "output": []},
        {"status": "SUCCEEDED", "output": [5]},
        {"status": "SUCCEEDED", "output": "https://x.example/"},
    ],
)
def test_video_is_not_ready_when_the_task_names_no_file(
    server: ScriptedServer, task: dict[str, Any]
) -> None:
    with pytest.raises(NotReady):
        scripted(server, (200, task)).download("task-1", Variant.VIDEO, BytesIO())


def test_nothing_is_sent_to_a_foreign_host(server: ScriptedServer, service: RunwayServer) -> None:
    task = {"status": "SUCCEEDED", "output": [f"{service.url}/storage/video.mp4"]}
    with pytest.raises(ForeignHost):
        scripted(server, (200, task)).download("task-1", Variant.VIDEO, BytesIO())
    assert service.requests == []
    to = BytesIO()
    host = f"127.0.0.1:{service.server_port}"
    scripted(server, (200, task), result_hosts=host).download("task-1", Variant.VIDEO, to)
    assert to.getvalue() == runway.VIDEO


def test_there_are_no_other_files_than_the_video(engine: Runway) -> None:
    with pytest.raises(Unsupported):
        engine.download("task-1", Variant.SPRITESHEET, BytesIO())


# ---- deleting, checking, callbacks ----


def test_task_is_deleted_and_an_unknown_one_counts_as_deleted(
    service: RunwayServer, engine: Runway
) -> None:
    job_id = engine.submit(ORDER).id
    for known in (job_id, job_id, "../organization"):
        engine.delete(known)
    assert service.tasks == {}
    assert [path for method, path, *_ in service.requests if method == "DELETE"] == [
        f"/v1/tasks/{job_id}"
    ] * 2


def test_check_asks_for_the_balance(service: RunwayServer, engine: Runway) -> None:
    engine.check()
    assert [(method, path) for method, path, *_ in service.requests] == [
        ("GET", "/v1/organization")
    ]
    service.balance = 0
    with pytest.raises(OutOfCredit):
        engine.check()
    with pytest.raises(AuthFailed):
        connect("test", {"base_url": f"{service.url}/v1", "api_key": "another"}).check()


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (200, PAGE)])
def test_check_fails_when_the_address_is_not_this_engine(
    server: ScriptedServer, answer: Any
) -> None:
    with pytest.raises(BadAnswer):
        scripted(server, answer).check()


def test_every_callback_is_forged_because_the_engine_sends_none(engine: Runway) -> None:
    with pytest.raises(AuthFailed):
        engine.read_callback({}, b"{}", from_secret_url=True)
