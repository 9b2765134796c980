"""The adapter of ComfyUI against a local server with ComfyUI's API."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engine_servers.comfyui import FILM, ComfyUIServer, running_server
from tests.verification.engines.scripted_server import (
    PAGE,
    answer_late,
    close_connection,
    truncate,
)
from videos.engines.base import Image, Job, JobState, RenderRequest, Variant
from videos.engines.comfyui import ComfyUI, connect
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    Refused,
    Unavailable,
    UnclearOutcome,
    Unsupported,
)
from videos.engines.result_streams import Part

ID = "0e4cbb1e-6d5f-4c0a-9d3b-2f1f6a3f7b10"
OTHER = "5c1a5f0e-6d5f-4c0a-9d3b-2f1f6a3f7b10"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"fps": 24, "frames": "4n+1", "step": 32}
ORDER = RenderRequest(ID, "A paper boat", "wan22_5b_t2v.json", "1280x720", 5, fields=FIELDS)
FIRST = Image("my boat.png", "image/png", lambda: BytesIO(b"first"))
LAST = Image("last.jpg", "image/jpeg", lambda: BytesIO(b"last"))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[ComfyUIServer, ComfyUI]]:
    with running_server() as server:
        yield server, adapter(server.url)


@pytest.fixture
def server(running: tuple[ComfyUIServer, ComfyUI]) -> ComfyUIServer:
    running[0].reset()
    return running[0]


@pytest.fixture
def engine(server: ComfyUIServer, running: tuple[ComfyUIServer, ComfyUI]) -> ComfyUI:
    return running[1]


def adapter(base_url: str, **config: str) -> ComfyUI:
    engine = connect("gpu", {"base_url": base_url, **config})
    engine._client.timeout = httpx2.Timeout(0.5, connect=2)
    engine._listen_seconds = 0.2
    return engine


def submitted(server: ComfyUIServer) -> dict[str, Any]:
    """The body of the only submit."""
    (body,) = (body for _, path, _, body in server.requests if path == "/prompt")
    found: dict[str, Any] = json.loads(body)
    return found


def inputs(server: ComfyUIServer, kind: str) -> dict[str, Any]:
    """The inputs of the only node of a class in the submitted workflow."""
    graph = submitted(server)["prompt"]
    (node,) = (node for node in graph.values() if node["class_type"] == kind)
    found: dict[str, Any] = node["inputs"]
    return found


# ---- submits ----


def test_workflow_is_submitted_under_the_id_of_the_order(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    assert engine.submit(ORDER) == Job(ID, JobState.QUEUED, prompt="A paper boat")
    body = submitted(server)
    assert body == {"prompt": body["prompt"], "prompt_id": ID, "client_id": ID}
    assert inputs(server, "Wan22ImageToVideoLatent") == {
        "vae": ["3", 0], "width": 1280, "height": 704, "length": 121, "batch_size": 1,
    }  # fmt: skip
    assert inputs(server, "CreateVideo") == {"images": ["9", 0], "fps": 24}
    assert inputs(server, "SaveVideo")["filename_prefix"] == f"firstlight/{ID}"
    assert [node["inputs"]["text"] for node in body["prompt"].values() if "text" in node["inputs"]]
    assert body["prompt"]["5"]["inputs"]["text"] == "A paper boat"
    assert body["prompt"]["6"]["inputs"]["text"] == ""


def test_chosen_values_are_sent(server: ComfyUIServer, engine: ComfyUI) -> None:
    engine.submit(replace(ORDER, seed=42, negative_prompt="fog"))
    assert submitted(server)["prompt"]["6"]["inputs"]["text"] == "fog"
    assert inputs(server, "KSampler")["seed"] == 42


def test_same_seed_is_sent_when_an_order_without_one_is_submitted_again(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    engine.submit(ORDER)
    engine.submit(replace(ORDER, token=OTHER))
    seeds = [entry[2]["8"]["inputs"]["seed"] for entry in server.pending]
    assert seeds[0] == seeds[1] != seeds[2]


def test_images_are_uploaded_before_the_submit_and_named_in_the_workflow(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(replace(ORDER, model="wan22_14b_flf2v.json", first_image=FIRST, last_image=LAST))
    first, last = f"firstlight/{ID}-first_image.png", f"firstlight/{ID}-last_image.jpg"
    assert server.posts == ["/upload/image", "/upload/image", "/prompt"]
    assert server.uploads == {first: b"first", last: b"last"}
    graph = submitted(server)["prompt"]
    assert [graph["9"]["inputs"]["image"], graph["10"]["inputs"]["image"]] == [first, last]
    upload = server.requests[0][3]
    assert b'name="type"\r\n\r\ninput\r\n' in upload
    assert b'name="overwrite"\r\n\r\ntrue\r\n' in upload


def test_first_frame_is_sent_to_a_model_with_sound(server: ComfyUIServer, engine: ComfyUI) -> None:
    fields = {"fps": 25, "frames": "8n+1", "step": 32}
    engine.submit(replace(ORDER, model="ltx2_i2v.json", first_image=FIRST, fields=fields))
    assert inputs(server, "EmptyLTXVLatentVideo") == {
        "width": 1280, "height": 704, "length": 129, "batch_size": 1,
    }  # fmt: skip
    assert inputs(server, "LTXVEmptyLatentAudio")["frames_number"] == 129
    assert inputs(server, "CreateVideo") == {"images": ["16", 0], "fps": 25, "audio": ["17", 0]}


def test_references_are_named_by_their_number(server: ComfyUIServer, tmp_path: Path) -> None:
    node = {"class_type": "LoadImage", "inputs": {"image": "{{reference_2}}"}}
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "{{reference_1}}"}},
        "2": node,
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 24}},
        "4": {
            "class_type": "SaveVideo",
            "inputs": {
                "video": ["3", 0],
                "filename_prefix": "a",
                "format": "auto",
                "codec": "auto",
            },
        },
    }
    (tmp_path / "own.json").write_text(json.dumps(graph))
    engine = adapter(server.url, workflows=str(tmp_path))
    engine.submit(replace(ORDER, model="own.json", references=(FIRST, LAST)))
    sent = submitted(server)["prompt"]
    assert [sent[key]["inputs"]["image"] for key in "12"] == [
        f"firstlight/{ID}-reference_1.png",
        f"firstlight/{ID}-reference_2.jpg",
    ]


def test_key_is_sent_to_a_proxy_and_no_origin_is_named() -> None:
    with running_server(key="secret") as server:
        adapter(server.url, api_key="secret").submit(ORDER)
        ((_, _, headers, _),) = server.requests
        assert (headers["authorization"], "origin" in headers) == ("Bearer secret", False)


@pytest.mark.parametrize(
    ("changes", "kind", "detail"),
    [
        ({"source_id": OTHER}, Unsupported, "there are no remixes"),
        ({"token": "token-1"}, InvalidRequest, "the order's token is not a UUID"),
        (
            {"model": "sora-2"},
            InvalidRequest,
            "'sora-2' is not the file name of a workflow",
        ),
        ({"first_image": FIRST}, Unsupported, "the workflow has no placeholder for first_image"),
        ({"references": (FIRST,)}, Unsupported, "the workflow has no placeholder for reference_1"),
        ({"audio": True}, Unsupported, "the workflow has no placeholder for audio"),
        ({"fields": {}}, Unsupported, "there is no value for fps, frames of the workflow"),
        (
            {"model": "wan22_5b_i2v.json"},
            Unsupported,
            "there is no value for first_image of the workflow",
        ),
    ],
)
def test_nothing_is_sent_when_the_workflow_does_not_fit_the_order(
    server: ComfyUIServer,
    engine: ComfyUI,
    changes: dict[str, Any],
    kind: type[EngineError],
    detail: str,
) -> None:
    with pytest.raises(kind) as caught:
        engine.submit(replace(ORDER, **changes))
    assert (caught.value.detail, server.requests) == (detail, [])


@pytest.mark.parametrize(
    ("answer", "kind", "maybe_accepted"),
    [
        ((400, {"error": {"type": "no_prompt", "message": "none"}}), InvalidRequest, False),
        ((400, {"error": "bad"}), InvalidRequest, False),
        ((400, ""), InvalidRequest, False),
        ((401, PAGE), AuthFailed, False),
        ((403, ""), AuthFailed, False),
        ((404, "404: Not Found"), NotFound, False),
        ((413, ""), InvalidRequest, False),
        ((500, PAGE), Unavailable, True),
        ((502, PAGE), Unavailable, True),
        ((504, ""), Unavailable, True),
        ((200, PAGE), BadAnswer, True),
        ((200, []), BadAnswer, True),
        ((200, {}), BadAnswer, True),
        ((200, {"prompt_id": "../queue"}), BadAnswer, True),
        ((200, {"prompt_id": ID.upper()}), BadAnswer, True),
        ((200, {"prompt_id": 7}), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
        (answer_late, Unavailable, True),
    ],
)
def test_one_submit_is_sent_and_its_failure_says_whether_it_may_be_accepted(
    server: ComfyUIServer,
    engine: ComfyUI,
    answer: Any,
    kind: type[EngineError],
    maybe_accepted: bool,
) -> None:
    server.answers["/prompt"] = answer
    with pytest.raises(kind) as caught:
        engine.submit(ORDER)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe_accepted)
    assert server.posts == ["/prompt"]


def test_order_was_certainly_not_accepted_when_the_server_is_off() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unavailable) as caught:
        adapter(url).submit(ORDER)
    assert caught.value.maybe_accepted is False


@pytest.mark.parametrize(
    "answer", [(500, PAGE), (400, ""), (200, {}), (200, PAGE), close_connection]
)
def test_no_workflow_is_submitted_when_an_upload_fails(
    server: ComfyUIServer, engine: ComfyUI, answer: Any
) -> None:
    server.answers["/upload/image"] = answer
    with pytest.raises(EngineError) as caught:
        engine.submit(replace(ORDER, model="wan22_5b_i2v.json", first_image=FIRST))
    assert (caught.value.maybe_accepted, server.posts) == (False, ["/upload/image"])


def test_refusal_names_the_nodes_at_fault(
    server: ComfyUIServer, engine: ComfyUI, tmp_path: Path
) -> None:
    graph = (Path("videos/engines/comfyui/workflows") / ORDER.model).read_text()
    (tmp_path / ORDER.model).write_text(graph.replace("wan2.2_vae", "absent"))
    with pytest.raises(InvalidRequest) as caught:
        adapter(server.url, workflows=str(tmp_path)).submit(ORDER)
    assert caught.value.detail == (
        "prompt_outputs_failed_validation: Prompt outputs failed validation; "
        "node 3 (VAELoader): Value not in list: vae_name: 'absent.safetensors' not in "
        "['wan2.2_vae.safetensors', 'wan_2.1_vae.safetensors']"
    )
    server.missing_nodes = {"KSampler"}
    with pytest.raises(InvalidRequest) as caught:
        engine.submit(ORDER)
    assert caught.value.detail == (
        "missing_node_type: Node 'KSampler' not found. The custom node may not be installed."
    )


# ---- a submit without an answer ----


def test_job_is_found_when_the_answer_to_its_submit_was_lost(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    server.breaks_after = "/prompt"
    with pytest.raises(Unavailable) as caught:
        engine.submit(ORDER)
    assert caught.value.maybe_accepted is True
    assert engine.find(ORDER, SINCE) == [Job(ID, JobState.QUEUED, queue_position=1)]
    server.start_next()
    assert engine.find(ORDER, SINCE) == [Job(ID, JobState.RUNNING)]
    server.finish()
    assert engine.find(ORDER, SINCE) == [Job(ID, JobState.SUCCEEDED, progress=100)]
    assert server.posts == ["/prompt"]


def test_no_job_is_found_when_the_submit_did_not_arrive(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(replace(ORDER, token=OTHER))
    assert engine.find(ORDER, SINCE) == []


@pytest.mark.parametrize("path", ["/queue", f"/history/{ID}"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, PAGE), BadAnswer),
        ((200, []), BadAnswer),
        ((200, {"queue_running": None, ID: []}), BadAnswer),
        ((200, {"queue_running": [], "queue_pending": [[1]], ID: "x"}), BadAnswer),
        ((401, PAGE), AuthFailed),
        ((404, "404: Not Found"), NotFound),
        ((502, PAGE), Unavailable),
        (close_connection, Unavailable),
    ],
)
def test_job_is_not_said_to_be_absent_when_the_answer_is_not_comfyui_s(
    server: ComfyUIServer, engine: ComfyUI, path: str, answer: Any, kind: type[EngineError]
) -> None:
    server.answers[path] = answer
    with pytest.raises(kind):
        engine.find(ORDER, SINCE)


@pytest.mark.parametrize("odd", [None, [], [7], "x", {"prompt_id": ID}])
def test_job_is_found_when_another_entry_of_the_queue_cannot_be_read(
    server: ComfyUIServer, engine: ComfyUI, odd: Any
) -> None:
    engine.submit(ORDER)
    server.pending.insert(0, odd)
    assert engine.fetch(ID) == Job(ID, JobState.QUEUED, queue_position=1)
    with pytest.raises(BadAnswer):  # it may be this one
        engine.fetch(OTHER)


# ---- polls ----


def test_position_in_the_queue_follows_the_numbers_of_its_entries(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    for token in (OTHER, ID):
        engine.submit(replace(ORDER, token=token))
    server.pending.reverse()
    assert engine.fetch(ID) == Job(ID, JobState.QUEUED, queue_position=2)
    server.pending[0][0] = -1  # somebody put it in front
    assert engine.fetch(ID) == Job(ID, JobState.QUEUED, queue_position=1)


def test_job_is_followed_to_its_film(server: ComfyUIServer, engine: ComfyUI) -> None:
    engine.submit(ORDER)
    server.start_next()
    assert engine.fetch(ID) == Job(ID, JobState.RUNNING)
    server.finish()
    assert engine.fetch(ID) == Job(ID, JobState.SUCCEEDED, progress=100)
    film = BytesIO()
    engine.download(ID, Variant.VIDEO, film)
    assert film.getvalue() == FILM
    with engine.open_result(ID, Part(1, 5, len(FILM))) as stream:
        assert stream.read() == FILM[1:5]


# ---- progress ----


def percent(engine: ComfyUI) -> float | None:
    job = engine.fetch(ID)
    assert job.state is JobState.RUNNING
    return job.progress


@pytest.mark.parametrize("name", ["progress", "progress_state"])
def test_progress_is_that_of_the_sampler_when_the_server_reports_a_step(
    server: ComfyUIServer, engine: ComfyUI, name: str
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.report_steps(server.sampler, 5, 20)
    server.reports = [report for report in server.reports if report[0] == name]
    assert percent(engine) == 0.25 * 95
    assert server.clients == [ID]


@pytest.mark.parametrize(("node_id", "expected"), [("12", 0.25), ("13", 0.75)])
@pytest.mark.parametrize("name", ["progress", "progress_state"])
def test_progress_covers_both_samplers_when_a_workflow_has_two(
    server: ComfyUIServer, engine: ComfyUI, name: str, node_id: str, expected: float
) -> None:
    engine.submit(
        replace(
            ORDER, model="wan22_14b_flf2v.json", first_image=FIRST, last_image=LAST, fields=FIELDS
        )
    )
    server.start_next()
    server.report_steps(node_id, 5, 10)
    server.reports = [report for report in server.reports if report[0] == name]
    assert percent(engine) == expected * 95


def test_progress_is_unknown_when_no_step_ends_while_we_listen(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    server.start_next()
    assert percent(engine) is None


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("progress", {"value": 5, "max": 20, "prompt_id": OTHER, "node": "8"}),
        ("progress", {"value": 5, "max": 20, "node": "8"}),
        ("progress", {"value": 5, "max": 0, "prompt_id": ID, "node": "8"}),
        ("progress", {"value": "5", "max": "20", "prompt_id": ID, "node": "8"}),
        ("progress", {"value": 5, "max": 20, "prompt_id": ID, "node": "9"}),
        ("progress", {"value": 5, "max": 20, "prompt_id": ID, "node": None}),
        ("progress_state", {"prompt_id": ID, "nodes": {"8": {"state": "pending"}}}),
        ("progress_state", {"prompt_id": ID, "nodes": {"8": None}}),
        ("progress_state", {"prompt_id": ID, "nodes": []}),
        ("progress_state", {"prompt_id": ID}),
        ("executed", {"prompt_id": ID, "output": {}}),
    ],
)
def test_progress_is_unknown_when_a_report_tells_nothing_of_the_job(
    server: ComfyUIServer, engine: ComfyUI, kind: str, data: dict[str, Any]
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.reports.append((kind, data))
    assert percent(engine) is None


@pytest.mark.parametrize(
    "answer",
    [
        (404, "404: Not Found"),
        (500, {}),
        (200, PAGE),
        (302, {}),
        close_connection,
        truncate,
        answer_late,
    ],
)
def test_job_is_polled_without_progress_when_there_is_no_socket(
    server: ComfyUIServer, engine: ComfyUI, answer: Any
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.answers["/ws"] = answer
    assert engine.fetch(ID) == Job(ID, JobState.RUNNING)


def test_socket_is_opened_for_running_jobs_only(server: ComfyUIServer, engine: ComfyUI) -> None:
    engine.submit(ORDER)
    engine.fetch(ID)
    server.start_next()
    engine.find(ORDER, SINCE)
    server.finish()
    engine.fetch(ID)
    assert server.clients == []


def test_key_of_the_proxy_opens_the_socket() -> None:
    with running_server(key="secret") as server:
        engine = adapter(server.url, api_key="secret")
        engine.submit(ORDER)
        server.start_next()
        server.report_steps(server.sampler, 10, 20)
        assert percent(engine) == 0.5 * 95


# ---- jobs that are gone, and that have ended ----


def test_job_is_lost_when_the_server_has_restarted(server: ComfyUIServer, engine: ComfyUI) -> None:
    engine.submit(ORDER)
    server.restart()
    with pytest.raises(NotFound) as caught:
        engine.fetch(ID)
    assert (caught.value.code, caught.value.detail) == (
        "upstream_lost_job",
        "neither in the queue nor in the history: the server has restarted",
    )


def test_job_that_ends_between_the_two_requests_is_not_lost(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.before["/queue"] = server.finish
    assert engine.fetch(ID) == Job(ID, JobState.SUCCEEDED, progress=100)


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        (
            {"exception_type": "RuntimeError", "exception_message": "bad latent\n"},
            "generation_failed",
            "KSampler: bad latent",
        ),
        (
            {"exception_type": "torch.OutOfMemoryError", "exception_message": "Allocation on dev"},
            "engine_out_of_memory",
            "KSampler: Allocation on dev",
        ),
        (
            {"exception_type": "RuntimeError", "exception_message": "CUDA out of memory."},
            "engine_out_of_memory",
            "KSampler: CUDA out of memory.",
        ),
        ({}, "generation_failed", "KSampler: the run failed"),
    ],
)
def test_failure_has_the_message_of_the_node_without_its_traceback(
    server: ComfyUIServer, engine: ComfyUI, error: dict[str, str], code: str, detail: str
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.fail(**error)
    job = engine.fetch(ID)
    assert (job.state, type(job.failure)) == (JobState.FAILED, Refused)
    assert job.failure is not None
    assert (job.failure.code, job.failure.detail) == (code, detail)


@pytest.mark.parametrize(
    "messages", [None, [], ["x"], [["execution_start", {}]], [["execution_error", "text"]]]
)
def test_failure_without_a_message_is_still_a_failure(
    server: ComfyUIServer, engine: ComfyUI, messages: Any
) -> None:
    server.answers[f"/history/{ID}"] = record({}, status_str="error", messages=messages)
    failure = engine.fetch(ID).failure
    assert failure is not None
    assert (failure.code, failure.detail) == ("generation_failed", "the run failed")


@pytest.mark.parametrize(
    "nodes", [None, [], {"3": None}, {"3": {"errors": {}}}, {"3": {"errors": [1]}}]
)
def test_refusal_is_read_when_its_nodes_are_not(
    server: ComfyUIServer, engine: ComfyUI, nodes: Any
) -> None:
    error = {"type": "invalid_prompt", "message": "no", "details": "because"}
    server.answers["/prompt"] = (400, {"error": error, "node_errors": nodes})
    with pytest.raises(InvalidRequest) as caught:
        engine.submit(ORDER)
    assert caught.value.detail == "invalid_prompt: no; because"


def test_interrupted_job_has_failed(server: ComfyUIServer, engine: ComfyUI) -> None:
    engine.submit(ORDER)
    server.start_next()
    httpx2.post(f"{server.url}/interrupt", json={})
    failure = engine.fetch(ID).failure
    assert failure is not None
    assert (failure.code, failure.detail) == ("upstream_cancelled", "the run was interrupted")


def record(outputs: Any, **status: Any) -> tuple[int, Any]:
    return 200, {ID: {"prompt": [], "outputs": outputs, "status": status or None}}


def film(name: str, kind: str = "output", folder: str = "") -> dict[str, str]:
    return {"filename": name, "subfolder": folder, "type": kind}


@pytest.mark.parametrize(
    ("outputs", "asked"),
    [
        ({"3": {"images": [film("a.mp4")], "animated": [True]}}, film("a.mp4")),
        ({"3": {"gifs": [{**film("a.mp4", "output", "x/y"), "format": "video/h264-mp4"}]}},
         film("a.mp4", "output", "x/y")),
        ({"3": {"videos": [film("A.MP4")]}}, film("A.MP4")),
        ({"3": {"images": [{"filename": "a.webm"}]}}, film("a.webm")),
        ({"1": {"images": [film("a.png")]}, "2": {"video": [film("b.mov")]}}, film("b.mov")),
        ({"1": {"gifs": [film("preview.mp4", "temp")]}, "2": {"gifs": [film("b.webm")]}},
         film("b.webm")),
        ({"1": {"gifs": [film("b.webm"), film("b.mp4")]}}, film("b.mp4")),
        ({"1": {"gifs": [film("preview.mp4", "temp")]}}, film("preview.mp4", "temp")),
        ({"1": {"images": [film("a & b?.mp4", "output", "ü/..")]}},
         film("a & b?.mp4", "output", "ü/..")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [{"status_str": "success"}, {}])
def test_film_is_found_among_the_outputs(
    server: ComfyUIServer, engine: ComfyUI, outputs: Any, asked: dict[str, str], status: Any
) -> None:
    server.answers[f"/history/{ID}"] = record(outputs, **status)
    assert engine.fetch(ID).state == JobState.SUCCEEDED
    server.files = {(asked["type"], asked["subfolder"], asked["filename"]): b"this film"}
    found = BytesIO()
    engine.download(ID, Variant.VIDEO, found)
    assert found.getvalue() == b"this film"


@pytest.mark.parametrize(
    "outputs", [{}, None, [], {"3": {"images": [film("a.png")]}}, {"3": {"text": ["a.mp4"]}}]
)
def test_run_that_saved_no_video_has_failed(
    server: ComfyUIServer, engine: ComfyUI, outputs: Any
) -> None:
    server.answers[f"/history/{ID}"] = record(outputs, status_str="success", completed=True)
    failure = engine.fetch(ID).failure
    assert failure is not None
    assert (failure.code, failure.detail) == ("generation_failed", "the workflow saved no video")


def test_outcome_is_unclear_when_the_record_has_no_known_status(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    server.answers[f"/history/{ID}"] = record({}, status_str="paused")
    with pytest.raises(UnclearOutcome):
        engine.fetch(ID)


# ---- files ----


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, b""), NotReady),
        ((410, b""), Gone),
        ((500, PAGE), Unavailable),
        (close_connection, Unavailable),
        (truncate, Unavailable),
    ],
)
def test_failed_download_has_its_own_error(
    server: ComfyUIServer, engine: ComfyUI, answer: Any, kind: type[EngineError]
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.finish()
    server.answers["/view"] = answer
    with pytest.raises(kind):
        engine.download(ID, Variant.VIDEO, BytesIO())


def test_only_the_video_of_a_known_job_can_be_downloaded(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    for job_id, variant, kind in (
        (ID, Variant.THUMBNAIL, Unsupported),
        (ID, Variant.VIDEO, NotFound),
        ("../queue", Variant.VIDEO, NotFound),
    ):
        with pytest.raises(kind):
            engine.download(job_id, variant, BytesIO())
    server.answers[f"/history/{ID}"] = record({}, status_str="success")
    with pytest.raises(NotReady):
        engine.download(ID, Variant.VIDEO, BytesIO())


# ---- deletes ----


def bodies(server: ComfyUIServer) -> list[tuple[str, Any]]:
    return [
        (path, json.loads(body)) for method, path, _, body in server.requests if method == "POST"
    ]


def test_waiting_job_leaves_the_queue_when_it_is_deleted(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    for token in (ID, ID, OTHER):  # ours was submitted twice
        engine.submit(replace(ORDER, token=token))
    server.requests.clear()
    engine.delete(ID)
    assert bodies(server) == [("/queue", {"delete": [ID, ID]}), ("/history", {"delete": [ID]})]
    assert [entry[1] for entry in server.pending] == [OTHER]


def test_running_job_is_interrupted_by_its_id_when_it_is_deleted(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.requests.clear()
    engine.delete(ID)
    assert bodies(server) == [("/interrupt", {"prompt_id": ID}), ("/history", {"delete": [ID]})]
    assert (server.running, server.history) == ([], {})


def test_other_jobs_go_on_when_a_finished_one_is_deleted(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.finish()
    engine.submit(replace(ORDER, token=OTHER))
    server.start_next()
    server.requests.clear()
    engine.delete(ID)
    engine.delete(ID)  # one that does not exist counts as deleted
    engine.delete("../queue")
    assert bodies(server) == [("/history", {"delete": [ID]})] * 2
    assert ([entry[1] for entry in server.running], server.history) == ([OTHER], {})


def test_delete_is_tried_again_later_when_the_job_does_not_stop(
    server: ComfyUIServer, engine: ComfyUI
) -> None:
    engine.submit(ORDER)
    server.start_next()
    server.answers["/interrupt"] = (200, b"")
    with pytest.raises(NotReady):
        engine.delete(ID)
    assert "/history" not in server.posts


# ---- the server itself ----


def test_job_ids_of_others_are_never_put_into_a_url(server: ComfyUIServer, engine: ComfyUI) -> None:
    for job_id in ("", "../queue", ID.upper(), f"{ID}\n", "task_1"):
        with pytest.raises(NotFound):
            engine.fetch(job_id)
    assert server.requests == []


def test_callbacks_are_forged(engine: ComfyUI) -> None:
    with pytest.raises(AuthFailed):
        engine.read_callback({}, json.dumps({"prompt_id": ID}).encode(), from_secret_url=True)


def test_check_asks_for_each_node_of_the_workflows_once_and_submits_nothing(
    server: ComfyUIServer,
) -> None:
    adapter(server.url, models="wan22_5b_t2v.json, wan22_5b_i2v.json").check()
    asked = [path for _, path, *_ in server.requests]
    assert asked[0] == "/system_stats"
    assert len(asked) == len(set(asked)) == 12
    assert server.posts == []


def test_check_names_what_the_server_lacks(server: ComfyUIServer, tmp_path: Path) -> None:
    server.missing_nodes = {"LTXVPreprocess", "SaveVideo"}
    text = json.dumps({
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": "absent.safetensors"}},
        "2": {"class_type": "LTXVAudioVAELoader", "inputs": {"ckpt_name": "none.safetensors"}},
        "3": {"class_type": "LoadImage", "inputs": {"image": "{{first_image}}"}},
        "4": {"class_type": "Power Lora/Loader (x)", "inputs": {}},
        "5": {"class_type": "KSampler", "inputs": {"seed": 1, "sampler_name": ["9", 0]}},
    })  # fmt: skip
    (tmp_path / "own.json").write_text(text)
    engine = adapter(server.url, workflows=str(tmp_path), models="own.json,ltx2_i2v.json")
    with pytest.raises(InvalidRequest) as caught:
        engine.check()
    assert caught.value.detail == (
        "workflow own.json: vae_name of node 1 (VAELoader) is absent.safetensors, "
        "which is not there; "
        "workflow own.json: ckpt_name of node 2 (LTXVAudioVAELoader) is none.safetensors, "
        "which is not there; "
        "workflow own.json: it has no node Power Lora/Loader (x); "
        "workflow ltx2_i2v.json: it has no node SaveVideo; "
        "workflow ltx2_i2v.json: it has no node LTXVPreprocess"
    )


@pytest.mark.parametrize(
    ("path", "answer", "kind"),
    [
        ("/system_stats", (200, PAGE), BadAnswer),
        ("/system_stats", (200, {"data": []}), BadAnswer),
        ("/system_stats", (401, PAGE), AuthFailed),
        ("/system_stats", (404, "404: Not Found"), NotFound),
        ("/system_stats", close_connection, Unavailable),
        ("/object_info/UNETLoader", (200, []), BadAnswer),
        ("/object_info/UNETLoader", (200, {"UNETLoader": 1}), BadAnswer),
    ],
)
def test_check_says_why_the_server_cannot_be_used(
    server: ComfyUIServer, path: str, answer: Any, kind: type[EngineError]
) -> None:
    server.answers[path] = answer
    with pytest.raises(kind):
        adapter(server.url, models="wan22_5b_t2v.json").check()


def test_wrong_key_of_the_proxy_is_named() -> None:
    with running_server(key="secret") as server, pytest.raises(AuthFailed):
        adapter(server.url, api_key="wrong").check()


@pytest.mark.parametrize(
    "inputs", [[], {"required": []}, {"required": {"vae_name": "VAE"}}, {"required": None}]
)
def test_odd_description_of_a_node_is_no_choice(server: ComfyUIServer, inputs: Any) -> None:
    server.answers["/object_info/VAELoader"] = (200, {"VAELoader": {"input": inputs}})
    adapter(server.url, models="wan22_5b_t2v.json").check()
