"""The clients of ComfyUI's makers against our local server, so that it answers as ComfyUI does.

Their SDK speaks to their proxy, which speaks ComfyUI's own HTTP API to the server.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from aiohttp import web
from comfy_api_proxy.app import make_app
from comfy_sdk import Comfy, InvalidWorkflow, Job, JobFailed, NotFound, Progress

from tests.engine_servers.comfyui import FILM, ComfyUIServer, running_server
from videos.engines.base import RenderRequest
from videos.engines.comfyui import connect, graphs, order_values

ID = "0e4cbb1e-6d5f-4c0a-9d3b-2f1f6a3f7b10"
ORDER = RenderRequest(
    ID, "A paper boat", "wan22_5b_t2v.json", "1280x704", 5,
    fields={"fps": 24, "frames": "4n+1", "step": 32},
)  # fmt: skip
SAVED_BY = "11"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[ComfyUIServer, Comfy]]:
    with running_server() as server, running_proxy(server.url) as url:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("COMFY_BASE_URL", url)
            client = Comfy()
        yield server, client
        client.close()


@pytest.fixture
def server(running: tuple[ComfyUIServer, Comfy]) -> ComfyUIServer:
    running[0].reset()
    return running[0]


@pytest.fixture
def client(running: tuple[ComfyUIServer, Comfy]) -> Comfy:
    return running[1]


@contextmanager
def running_proxy(comfyui_url: str) -> Iterator[str]:
    """Their proxy in a thread of its own; gives its address."""
    started, addresses = Event(), []
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(make_app(comfyui_url))

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        addresses.extend(runner.addresses)
        started.set()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    yield f"http://127.0.0.1:{addresses[0][1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def filled(**values: Any) -> graphs.Graph:
    graph = graphs.load(ORDER.model, "")
    return graphs.fill(graph, {**order_values.values_of(ORDER), **values})


def submit(client: Comfy, graph: graphs.Graph) -> Job:
    return client.submit(client.workflows.from_json(graph))


def test_workflow_of_ours_is_run_and_its_film_downloaded(
    server: ComfyUIServer, client: Comfy
) -> None:
    server.runs_by_itself = True
    job = client.run(client.workflows.from_json(filled()))
    (film,) = job.get_outputs(SAVED_BY)
    assert (job.status, film.to_bytes()) == ("succeeded", FILM)
    assert server.history[job.id]["prompt"][2] == filled()


def test_running_job_is_distinguished_from_a_queued_one(
    server: ComfyUIServer, client: Comfy
) -> None:
    jobs = [submit(client, filled()) for _ in range(2)]
    server.start_next()
    assert [job.refresh().status for job in jobs] == ["running", "queued"]


def test_steps_that_we_read_are_read_by_their_client(server: ComfyUIServer, client: Comfy) -> None:
    job = submit(client, filled())
    server.start_next()
    server.report_steps(server.sampler, 5, 20)
    sampler = server.sampler
    assert connect("gpu", {"base_url": server.url}).fetch(job.id).progress == 0.25 * 95
    server.reports.append(("execution_success", {"prompt_id": job.id}))
    server.before_reports = server.finish
    seen = [event for event in job.events() if isinstance(event, Progress) and event.steps]
    assert [(event.step, event.steps, event.current_node) for event in seen] == [(5, 20, sampler)]
    assert server.clients == [job.id, job.id]


def test_image_is_uploaded_and_loaded(server: ComfyUIServer, client: Comfy) -> None:
    graph = graphs.load("wan22_5b_i2v.json", "")
    workflow = client.workflows.from_json(
        graphs.fill(graph, {**order_values.values_of(ORDER), "first_image": ""})
    )
    workflow.set_input("12", "image", client.assets.from_bytes(b"pixels", filename="first.png"))
    client.submit(workflow)
    (name,) = server.uploads
    assert server.uploads[name] == b"pixels"
    assert server.pending[0][2]["12"]["inputs"]["image"] == name.lstrip("/")


def test_failure_of_a_node_is_reported(server: ComfyUIServer, client: Comfy) -> None:
    job = submit(client, filled())
    server.start_next()
    server.fail(exception_type="RuntimeError", exception_message="bad latent")
    with pytest.raises(JobFailed) as caught:
        job.result()
    assert caught.value.error is not None
    assert (caught.value.error.code, caught.value.error.message) == (
        "node_execution_error",
        "bad latent",
    )


@pytest.mark.parametrize("is_running", [False, True])
def test_job_is_cancelled(server: ComfyUIServer, client: Comfy, is_running: bool) -> None:
    job = submit(client, filled())
    if is_running:
        server.start_next()
    job.cancel()
    assert (server.pending, server.running) == ([], [])
    assert list(server.history) == ([job.id] if is_running else [])


def test_refused_workflow_names_its_nodes(server: ComfyUIServer, client: Comfy) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        submit(client, filled(width="wide"))
    assert "Prompt outputs failed validation" in str(caught.value)
    assert (server.pending, server.posts) == ([], ["/prompt"])


def test_unknown_job_is_not_found(server: ComfyUIServer, client: Comfy) -> None:
    with pytest.raises(NotFound):
        client.jobs.get(ID)


def test_job_of_our_adapter_is_known_to_their_client(server: ComfyUIServer, client: Comfy) -> None:
    engine = connect("gpu", {"base_url": server.url})
    engine.submit(ORDER)
    assert client.jobs.get(ID).status == "queued"
    server.start_next()
    server.finish()
    (film,) = client.jobs.get(ID).get_outputs(SAVED_BY)
    assert film.to_bytes() == FILM
