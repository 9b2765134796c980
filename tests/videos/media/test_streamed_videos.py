"""Videos whose files stay at their engines (KEEP_FILES=0), streamed from there on demand."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx2
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread, signed_in
from tests.engine_servers import fal, vllm_omni
from tests.engine_servers.loopback import serving
from tests.videos.conftest import answered, claimed, clip, completed, order, reloaded, running
from videos.account import data_export
from videos.engines import base, lifetimes
from videos.engines.base import Job, JobState, Variant
from videos.engines.result_streams import Part, ResultStream
from videos.jobs.worker import execute, settle
from videos.library import share_links
from videos.media import engine_files, files, frames
from videos.models import Video

Finish = Callable[[Video], Video]
KEY = "sk-own-server"


class VideosAPIServer(vllm_omni.VLLMOmniServer):
    """Answers for the content what `content` holds, if it holds something."""

    content: Any = None

    def answer_to(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if path.endswith("/content") and self.content is not None:
            return self.content
        return super().answer_to(method, path, headers, body)

    def finish_job(self) -> str:
        job = {"id": "video_gen_1", "object": "video", "status": "completed", "prompt": "A boat"}
        self.videos["video_gen_1"] = job
        return "video_gen_1"


@pytest.fixture
def no_files(settings: LazySettings) -> None:
    settings.KEEP_FILES = False


def configure(settings: LazySettings, name: str, config: dict[str, str]) -> None:
    settings.ENGINES = {name: {"is_sandbox": "", **config}}
    base.get.cache_clear()


@pytest.fixture
def server(settings: LazySettings, mp4: bytes) -> Iterator[VideosAPIServer]:
    """An own server with the Videos API, which knows no ranges."""
    with serving(VideosAPIServer("wan")) as running_server:
        running_server.clip = mp4
        configure(
            settings,
            "own",
            {
                "adapter": "openai", "base_url": f"{running_server.url}/v1", "api_key": KEY,
                "webhook_secret": "", "models": "", "result_hosts": "",
            },
        )  # fmt: skip
        yield running_server
    base.get.cache_clear()


@pytest.fixture
def fal_server(settings: LazySettings, mp4: bytes) -> Iterator[fal.FalServer]:
    with serving(fal.FalServer()) as running_server:
        running_server.clip = mp4
        configure(
            settings,
            "fal",
            {
                "adapter": "fal", "base_url": running_server.queue_url, "api_key": fal.KEY,
                "rest_url": running_server.rest_url, "api_url": running_server.api_url,
                "result_hosts": running_server.host, "webhook_secret": "",
            },
        )  # fmt: skip
        yield running_server
    base.get.cache_clear()


def finished_at(user: User, engine: str, job_id: str) -> Video:
    """A video that this engine has finished, brought to its end by the worker's own step."""
    video = order(user)
    Video.objects.filter(pk=video.pk).update(engine=engine)
    held = claimed(video)
    settle.settle([(held, Job(job_id, JobState.RUNNING))])
    answered(video, JobState.SUCCEEDED)
    held = claimed(video)
    settle.settle([(held, execute.execute(held))])
    return reloaded(video)


@pytest.fixture
def kept_by_server(
    alice: User, settings: LazySettings, request: pytest.FixtureRequest, no_files: None
) -> Callable[[VideosAPIServer], Video]:
    def make(at: VideosAPIServer) -> Video:
        engines = settings.ENGINES
        settings.ENGINES = {"sandbox": {**engines["own"], "is_sandbox": "1"}, **engines}
        return finished_at(alice, "own", at.finish_job())

    return make


def body_of(answer: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return asyncio.run(read())


# ---- with the sandbox, from a real server ----


def test_video_is_streamed_from_the_sandbox_and_no_video_file_is_kept_when_files_are_not_kept(
    live: ServerThread, alice: User, finish: Finish, settings: LazySettings, no_files: None
) -> None:
    video = finish(order(alice, "A kite [[instant]]"))
    assert (video.status, video.file.name, credits.available(alice)) == ("succeeded", "", 80)
    _folders, kept = default_storage.listdir(f"videos/{alice.pk}")
    assert sorted(kept) == [f"{video.pk}-sheet.jpg", f"{video.pk}.webp"]
    url = f"{live.url}/api/videos/{video.pk}"
    headers = {"Authorization": signed_in(alice)._credentials["HTTP_AUTHORIZATION"]}  # type: ignore[attr-defined]
    whole = httpx2.get(f"{url}/content", headers=headers)
    assert (whole.status_code, len(whole.content)) == (200, video.file_bytes)
    etag = whole.headers["etag"]
    assert etag == f'"{video.file_sha256[:32]}-video"'
    seen = []
    for method, more in (
        ("HEAD", {}),
        ("GET", {"Range": "bytes=100-199"}),
        ("GET", {"Range": "bytes=-50", "If-Range": etag}),
        ("GET", {"Range": "bytes=100-199", "If-Range": '"another"'}),
        ("GET", {"Range": f"bytes={video.file_bytes}-"}),
        ("GET", {"If-None-Match": etag}),
    ):
        answer = httpx2.request(method, f"{url}/content", headers={**headers, **more})
        seen.append((answer.status_code, answer.headers.get("content-length"), answer.content))
    size = str(video.file_bytes)
    assert seen == [
        (200, size, b""),
        (206, "100", whole.content[100:200]),
        (206, "50", whole.content[-50:]),
        (200, size, whole.content),
        (416, "0", b""),
        (304, "0", b""),
    ]
    shown = httpx2.get(url, headers=headers).json()
    assert shown["file_path"] is None
    assert video.completed_at is not None
    day = timedelta(hours=24, seconds=-60).total_seconds()
    assert shown["expires_at"] > video.completed_at.timestamp() + day
    remix = httpx2.post(f"{url}/remix", headers=headers, json={"prompt": "At night [[instant]]"})
    assert finish(Video.objects.get(pk=remix.json()["id"])).status == "succeeded"


# ---- with local servers of engines ----


def test_range_is_cut_out_when_the_engine_knows_no_ranges(
    api: APIClient, server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    assert (video.status, video.failure_detail) == ("succeeded", "")
    answer = api.get(f"/api/videos/{video.pk}/content", headers={"Range": "bytes=100-299"})
    assert (answer.status_code, body_of(answer)) == (206, mp4[100:300])
    assert answer["Content-Range"] == f"bytes 100-299/{len(mp4)}"
    _method, _path, sent, _body = server.requests[-1]
    assert (sent["authorization"], sent["range"]) == (f"Bearer {KEY}", "bytes=100-299")


def test_range_is_passed_on_when_the_engine_knows_ranges(
    api: APIClient, server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    server.content = 206, mp4[100:300], {"Content-Range": f"bytes 100-299/{len(mp4)}"}
    answer = api.get(f"/api/videos/{video.pk}/content", headers={"Range": "bytes=100-299"})
    assert (answer.status_code, body_of(answer)) == (206, mp4[100:300])


def test_file_is_read_from_fals_result_host_without_the_key(
    alice: User, api: APIClient, fal_server: fal.FalServer, mp4: bytes, no_files: None,
    settings: LazySettings,
) -> None:  # fmt: skip
    settings.ENGINES = {
        "sandbox": {**settings.ENGINES["fal"], "is_sandbox": "1"},
        **settings.ENGINES,
    }
    job_id = "0190aaaa-0000-4000-8000-000000000000"
    fal_server.jobs[job_id] = {
        "model": "fal-ai/wan", "app": "fal-ai/wan", "input": {"prompt": "A boat"}, "polls": 3,
        "stored": True,
    }  # fmt: skip
    video = finished_at(alice, "fal", f"{job_id}#fal-ai/wan")
    assert (video.status, video.failure_detail, video.expires_at) == ("succeeded", "", None)
    answer = api.get(f"/api/videos/{video.pk}/download")
    assert (answer.status_code, body_of(answer)) == (200, mp4)
    read = [asked for asked in fal_server.requests if asked.path.startswith("/files/")]
    assert [asked.headers.get("authorization") for asked in read] == [None] * len(read)


@pytest.mark.parametrize(
    ("content", "status", "code", "wait"),
    [
        ((404, {"detail": "Video not found"}), 410, "file_expired", None),
        ((410, {"detail": "expired"}), 410, "file_expired", None),
        ((503, {"detail": "restarting"}), 503, "engine_away", "30"),
        ((401, {"detail": "wrong key"}), 502, "engine_refuses", "30"),
        ((200, b"another file"), 502, "engine_refuses", "30"),
    ],
)
def test_error_has_a_documented_body_when_the_engine_does_not_send_the_file(
    api: APIClient,
    server: VideosAPIServer,
    kept_by_server: Callable[..., Video],
    content: Any,
    status: int,
    code: str,
    wait: str | None,
) -> None:
    video = kept_by_server(server)
    server.content = content
    answer = api.get(f"/api/videos/{video.pk}/content")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.get("Retry-After") == wait


def test_error_is_503_when_the_engine_does_not_listen(
    api: APIClient, server: VideosAPIServer, kept_by_server: Callable[..., Video],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("WARNING")
    video = kept_by_server(server)
    link = share_links.create_link(video)
    server.shutdown()
    server.server_close()
    url = f"/api/videos/{video.pk}/content"
    shared = f"/s/{share_links.token_of(link)}/video.mp4"
    caplog.clear()
    codes = [api.get(url).status_code, api.head(url).status_code, Client().get(shared).status_code]
    assert codes == [503, 503, 503]
    logged = [(record.name, record.levelname, record.exc_info) for record in caplog.records]
    assert logged == [("videos.media.engine_files", "WARNING", None)] * 3


def test_head_is_200_and_reads_one_byte_when_the_engine_sends_the_file(
    api: APIClient, server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    answer = api.head(f"/api/videos/{video.pk}/content")
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(mp4)))
    assert server.requests[-1][2]["range"] == "bytes=0-0"


def test_page_does_not_say_that_the_file_is_saved_when_it_stays_at_the_engine(
    page: Client, server: VideosAPIServer, kept_by_server: Callable[..., Video]
) -> None:
    shown = page.get(f"/v/{kept_by_server(server).pk}/").content.decode()
    sentences = ("Saved to your library", "Finished. The file stays at the engine")
    assert [sentence in shown for sentence in sentences] == [False, True]


def test_every_answer_is_410_and_the_page_says_so_when_the_engine_keeps_it_no_longer(
    api: APIClient, page: Client, server: VideosAPIServer, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    link = share_links.create_link(video)
    before = page.get(f"/v/{video.pk}/").content.decode()
    Video.objects.filter(pk=video.pk).update(engine_keeps_until=timezone.now())
    asked = len(server.requests)
    url = f"/api/videos/{video.pk}/content"
    shared = Client().get(f"/s/{share_links.token_of(link)}/video.mp4")
    codes = [api.get(url).status_code, api.head(url).status_code, shared.status_code]
    assert (codes, len(server.requests)) == ([410, 410, 410], asked)
    sentence = "The engine no longer keeps the file of this video."
    after = page.get(f"/v/{video.pk}/").content.decode()
    assert (sentence in before, sentence in after) == (False, True)
    assert "The engine does not say how long" in before


def test_shared_link_streams_the_file(
    server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    link = share_links.create_link(kept_by_server(server))
    answer = Client().get(f"/s/{share_links.token_of(link)}/video.mp4")
    assert (answer.status_code, body_of(answer)) == (200, mp4)


def test_zip_and_frame_are_made_from_the_engines_file(
    page: Client, server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    answer = page.post("/library/download/", {"video": [str(video.pk)]})
    with ZipFile(BytesIO(body_of(answer))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [mp4]
    frame = frames.store_frame(video, 0.5)
    assert (frame.width, frame.height) == (64, 36)


def test_job_is_left_at_the_engine_until_the_owner_deletes_the_video(
    server: VideosAPIServer, kept_by_server: Callable[..., Video], api: APIClient
) -> None:
    video = kept_by_server(server)
    assert (video.next_step_at, list(server.videos)) == (None, ["video_gen_1"])
    assert api.delete(f"/api/videos/{video.pk}").status_code == 200
    held = claimed(video)
    settle.settle([(held, execute.execute(held))])
    assert (reloaded(video).needs_cleanup, server.videos) == (False, {})
    assert not default_storage.exists(files.storage_names(video)[Variant.THUMBNAIL])


def test_credits_return_when_a_result_would_have_to_be_converted(
    alice: User, server: VideosAPIServer, kept_by_server: Callable[..., Video]
) -> None:
    server.clip = b"\x1a\x45\xdf\xa3" + bytes(4000)
    video = kept_by_server(server)
    assert (video.status, video.failure_code) == ("failed", "result_unplayable")
    assert credits.available(alice) == 100


def test_result_is_fetched_again_when_it_is_no_complete_video(
    server: VideosAPIServer, mp4: bytes, kept_by_server: Callable[..., Video]
) -> None:
    server.clip = clip(frames=48)[:-400]
    assert kept_by_server(server).status == "downloading"


def test_video_stays_stored_when_files_are_no_longer_kept(
    api: APIClient, alice: User, mp4: bytes, settings: LazySettings
) -> None:
    video = completed(order(alice), mp4)
    settings.KEEP_FILES = False
    answer = api.get(f"/api/videos/{video.pk}/content")
    assert (answer.status_code, body_of(answer)) == (200, mp4)
    assert reloaded(video).expires_at is None


class EndlessFile:
    """A file that a server sends until its client has left; `sent` counts bytes."""

    size = 200_000_000

    def __init__(self) -> None:
        self.sent, self.client_left = 0, threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(self.size))
        handler.end_headers()
        try:
            while self.sent < self.size:
                handler.wfile.write(bytes(65536))
                self.sent += 65536
        except OSError:
            self.client_left.set()


def test_connection_to_the_engine_is_closed_when_the_client_leaves(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    file = EndlessFile()
    with serving(VideosAPIServer("wan")) as server:
        server.content = file
        sandbox = {**settings.ENGINES["sandbox"], "base_url": f"{server.url}/v1"}
        configure(settings, "sandbox", sandbox)
        video = running(order(alice))
        Video.objects.filter(pk=video.pk).update(
            status="succeeded", file_stays_at_engine=True, file_bytes=file.size, next_step_at=None
        )
        link = share_links.create_link(reloaded(video))
        url = f"{live.url}/s/{share_links.token_of(link)}/video.mp4"
        with httpx2.stream("GET", url, timeout=30) as answer:
            next(answer.iter_raw(1000))
        assert file.client_left.wait(20)
    # What was sent fills the buffers of two connections, and no memory of ours.
    assert file.sent < 60_000_000
    base.get.cache_clear()


def test_connection_to_the_engine_is_closed_when_nothing_of_the_file_was_sent(
    api: APIClient, server: VideosAPIServer, kept_by_server: Callable[..., Video]
) -> None:
    video = kept_by_server(server)
    server.content = file = EndlessFile()
    Video.objects.filter(pk=video.pk).update(file_bytes=file.size)
    api.get(f"/api/videos/{video.pk}/content").close()
    assert file.client_left.wait(20)


def test_connection_to_the_engine_is_closed_when_the_client_takes_nothing() -> None:
    async def take_one() -> bytes:
        closed = asyncio.Event()
        stream = ResultStream(iter([b"a", b"b"]), closed.set, Part(0, 2, 2))
        content = aiter(engine_files.StreamedContent(stream, idle_seconds=0.01))
        first = await anext(content)
        await closed.wait()
        return first

    assert asyncio.run(asyncio.wait_for(take_one(), 10)) == b"a"


@pytest.mark.parametrize(
    ("adapter", "seconds"), [("replicate", 3600), ("kie", 86400), ("fal", None), ("openai", None)]
)
def test_lifetime_is_that_of_the_engine_when_it_is_known(adapter: str, seconds: int | None) -> None:
    now = timezone.now()
    known = now + timedelta(seconds=seconds) if seconds else None
    assert lifetimes.kept_until(adapter, Job("a", JobState.SUCCEEDED), now) == known
    said = now + timedelta(hours=5)
    job = Job("a", JobState.SUCCEEDED, expires_at=said)
    assert lifetimes.kept_until(adapter, job, now) == said


def test_doctor_says_that_files_are_not_kept(
    db: None, no_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("doctor")
    assert "streamed from the engines, not kept (KEEP_FILES=0)" in capsys.readouterr().out


def test_export_lists_the_video_and_until_when_its_engine_keeps_it(
    page: Client, server: VideosAPIServer, kept_by_server: Callable[..., Video], alice: User
) -> None:
    video = kept_by_server(server)
    Video.objects.filter(pk=video.pk).update(engine_keeps_until=timezone.now())
    body = BytesIO()
    data_export.write_zip(alice, body)
    with ZipFile(body) as archive:
        text = archive.read("videos.json").decode()
    assert ('"file_stays_at_engine": true' in text, '"expires_at": "2' in text) == (True, True)
