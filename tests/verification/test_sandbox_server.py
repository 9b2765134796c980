"""The sandbox over real HTTP: how the other files reach it, its manners, and how it survives."""

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from django.conf import LazySettings
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import re_path
from openai import DefaultHttpxClient, OpenAI
from openai.types import Video

from tests.backing import free_port
from videos.sandbox.openai import requests, views
from videos.sandbox.openai.body import BODY_LIMIT
from videos.sandbox.rendering import renderer
from videos.sandbox.store import STORE

urlpatterns = [
    re_path(r"^sandbox/v1/videos/?$", views.videos),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/?$", views.video),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/content/?$", views.video_content),
    re_path(r"^sandbox/v1/videos/(?P<job_id>[^/]+)/remix/?$", views.remix),
    re_path(r"^sandbox/v1/models/?$", views.models),
    re_path(r"^sandbox/v1/.*$", views.unknown),
]


@functools.cache
def serving() -> str:
    """Start one server for this process, with the sandbox and nothing else; return its address."""
    port = free_port()
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=__name__):
        config = uvicorn.Config(
            get_asgi_application(), port=port, lifespan="off", log_config=None, access_log=False
        )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return f"http://127.0.0.1:{port}/sandbox/v1"


@functools.cache
def connections() -> DefaultHttpxClient:
    """One connection pool for all tests: a new one reads every root certificate again."""
    return DefaultHttpxClient(timeout=30)


class Sandbox:
    """The sandbox with a key of its own, so that tests may share a directory and its renders."""

    def __init__(self, settings: LazySettings, directory: Path, key: str) -> None:
        settings.ROOT_URLCONF = __name__
        settings.SANDBOX_DIR = directory
        settings.SANDBOX_SPEED = 0.0
        settings.SANDBOX_DETAIL = "draft"
        settings.SANDBOX_API_KEYS = [key, f"{key}-other"]
        settings.SANDBOX_WEBHOOK_URL = ""
        settings.SANDBOX_WEBHOOK_SECRET = ""
        settings.SANDBOX_MAX_RPM = 0
        self.key, self.url = key, serving()
        self.client = self._client(key)
        self.stranger = self._client(f"{key}-other")

    def _client(self, key: str) -> OpenAI:
        return OpenAI(api_key=key, base_url=self.url, max_retries=0, http_client=connections())

    def http(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send one plain request with the key; `path` begins with a slash."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return connections().request(method, self.url + path, headers=headers, **options)

    def finished(self, prompt: str = "sea", **fields: Any) -> Video:
        """Create a video and wait for its end."""
        return self.client.videos.create_and_poll(prompt=prompt, **fields)

    def until(self, done: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def age(video_id: str, seconds: float) -> None:
    """Make a job older, as if that much time had passed."""
    with STORE.writing() as connection:
        connection.execute(
            "UPDATE job SET created_at = created_at - ?, completed_at = completed_at - ?"
            " WHERE id = ?",
            (seconds, int(seconds), video_id),
        )


@pytest.fixture
def sandbox(
    settings: LazySettings, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Sandbox:
    directory = tmp_path_factory.getbasetemp() / "sandbox"
    return Sandbox(settings, directory, f"sk-{request.node.name}")


ERROR_KEYS = {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonsense", 404, "unknown_url"),
        ("GET", "/videos/video_0/nonsense", 404, "unknown_url"),
        ("GET", "/videos/video_0", 404, None),
        ("DELETE", "/videos/video_0", 404, None),
        ("GET", "/videos/video_0/content", 404, None),
        ("PUT", "/videos", 405, "method_not_supported"),
        ("POST", "/videos/video_0", 405, "method_not_supported"),
        ("POST", "/videos/video_0/content", 405, "method_not_supported"),
        ("GET", "/videos/video_0/remix", 405, "method_not_supported"),
        ("GET", "/videos?limit=101", 400, "invalid_value"),
        ("GET", "/videos?limit=many", 400, "invalid_value"),
        ("GET", "/videos?order=up", 400, "invalid_value"),
        ("GET", "/videos?after=video_0", 400, "invalid_value"),
    ],
)
def test_errors_have_the_four_keys_and_a_request_id(
    sandbox: Sandbox, method: str, path: str, status: int, code: str | None
) -> None:
    answer = sandbox.http(method, path)
    error = answer.json()["error"]
    assert (answer.status_code, set(error), error["code"]) == (status, ERROR_KEYS, code)
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic c2s6", "Bearer schlüssel"])
def test_a_missing_or_wrong_key_is_401(sandbox: Sandbox, header: str) -> None:
    headers = {b"Authorization": header.encode()}
    answer = connections().get(f"{sandbox.url}/videos", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert set(answer.json()["error"]) == ERROR_KEYS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"prompt": "a\\u0000b"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": 7}',
        b'{"prompt": ["a"]}',
        b'{"prompt": ""}',
        b'{"prompt": "a", "seconds": true}',
        b'{"prompt": "a", "seconds": 4.0}',
        b'{"prompt": "a", "seconds": 5}',
        b'{"prompt": "a", "seconds": ' + b"9" * 4000 + b"}",
        b'{"prompt": "a", "size": {"w": 1}}',
        b'{"prompt": "a", "size": "\\ud800"}',
        b'{"prompt": "a", "model": []}',
        b'{"prompt": "a", "\\ud800": 1}',
        b'{"prompt": "a", "input_reference": {"image_url": 7}}',
        b'{"prompt": "a", "input_reference": {"image_url": "data:image/png;base64,%"}}',
        b'{"prompt": "a", "input_reference": {"file_id": "file-1"}}',
    ],
)
def test_a_hostile_json_body_is_400(sandbox: Sandbox, body: bytes) -> None:
    answer = sandbox.http(
        "POST", "/videos", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, set(answer.json()["error"])) == (400, ERROR_KEYS)
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_of_another_type_is_415(sandbox: Sandbox) -> None:
    answer = sandbox.http("POST", "/videos", content=b"a", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, set(answer.json()["error"])) == (415, ERROR_KEYS)


def test_a_body_above_25_mib_is_413(sandbox: Sandbox) -> None:
    body = b" " * (BODY_LIMIT + 1)
    headers = {"Content-Type": "application/json"}
    answer = sandbox.http("POST", "/videos", content=body, headers=headers)
    assert (answer.status_code, set(answer.json()["error"])) == (413, ERROR_KEYS)


def test_broken_multipart_is_400(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = sandbox.http("POST", "/videos", content=b"--x", headers=headers)
    assert (answer.status_code, set(answer.json()["error"])) == (400, ERROR_KEYS)


def test_creates_beyond_the_rate_are_429_with_retry_after(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.SANDBOX_MAX_RPM = 2
    body = {"prompt": "[[fail:x]]"}
    statuses = [sandbox.http("POST", "/videos", json=body).status_code for _ in range(2)]
    third = sandbox.http("POST", "/videos", json=body)
    assert [*statuses, third.status_code] == [200, 200, 429]
    assert third.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    sandbox.stranger.videos.create(prompt="[[fail:x]]")  # another key has its own minute


def test_a_trailing_slash_changes_nothing(sandbox: Sandbox) -> None:
    made = sandbox.http("POST", "/videos/", json={"prompt": "[[fail:x]]"}).json()
    assert sandbox.http("GET", f"/videos/{made['id']}/").json()["id"] == made["id"]


def test_models_are_listed(sandbox: Sandbox) -> None:
    assert [model.id for model in sandbox.client.models.list()] == list(requests.MODELS)


def test_a_killed_renderer_is_replaced_by_the_next_poll(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    body = {"prompt": "ridges", "size": "1280x720", "seconds": "20"}
    video = sandbox.client.post("/videos", body=body, cast_to=Video)
    sandbox.until(lambda: any((tmp_path / "renders").glob("*.mp4.part")))
    child = renderer._queue._child
    assert child is not None
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    waiting = sandbox.client.videos.retrieve(video.id)
    assert (waiting.status, waiting.progress) == ("in_progress", 99)
    assert sandbox.client.videos.poll(video.id).status == "completed"
    assert list((tmp_path / "renders").glob("*.part")) == []


def test_a_job_goes_on_after_its_server_was_killed(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    script = (
        "import django, sys, time; from pathlib import Path; from django.conf import settings;"
        "settings.configure(SANDBOX_DIR=Path(sys.argv[1]), SANDBOX_SPEED=20.0,"
        " SANDBOX_DETAIL='draft', SANDBOX_WEBHOOK_URL='', SANDBOX_WEBHOOK_SECRET='');"
        "from videos.sandbox.jobs.creation import CreateRequest, create;"
        "from hashlib import sha256; owner = sha256(sys.argv[2].encode()).hexdigest();"
        "job = create(owner, CreateRequest('sea', 'sora-2', '720x1280', '4', None));"
        "from videos.sandbox.rendering import renderer;"
        "print(job.id, renderer._queue._child.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), sandbox.key], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        video_id, pid = server.stdout.readline().decode().split()
        server.kill()
    sandbox.until(lambda: not _runs(int(pid)))
    video = sandbox.client.videos.poll(video_id)
    assert (video.status, video.progress) == ("completed", 100)


def _runs(pid: int) -> bool:
    """Tell whether a process lives; one that ended and nobody waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_render_that_breaks_fails_the_job_and_the_next_job_tries_again(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    obstacle = tmp_path / "renders"
    obstacle.mkdir()
    made = sandbox.client.videos.create(prompt="sea [[slow:600]]")
    sandbox.until(lambda: any(obstacle.glob("*.mp4")))
    clip = next(obstacle.glob("*.mp4"))
    clip.with_suffix(".failed").write_text("on purpose")
    clip.unlink()
    video = sandbox.client.videos.retrieve(made.id)
    assert (video.status, video.error and video.error.code) == ("failed", "internal_error")
    assert sandbox.finished("sea").status == "completed"
    assert sandbox.client.videos.retrieve(made.id).status == "failed"
