"""The sandbox engine on a real port, and its clients."""

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from django.conf import LazySettings
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import re_path
from openai import DefaultHttpxClient, OpenAI
from openai.types import Video

from tests.backing import free_port
from videos.sandbox.openai import views
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
def server_url() -> str:
    """Start one server for this process with only the sandbox; return its base URL."""
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
def http_client() -> DefaultHttpxClient:
    """One connection pool for all tests: a new one reads every root certificate again."""
    return DefaultHttpxClient(timeout=30)


class Sandbox:
    """The sandbox with an own API key, so that tests can share a directory and its renders."""

    def __init__(self, settings: LazySettings, directory: Path, key: str) -> None:
        settings.ROOT_URLCONF = __name__
        settings.SANDBOX_DIR = directory
        settings.SANDBOX_SPEED = 0.0
        settings.SANDBOX_DETAIL = "draft"
        settings.SANDBOX_API_KEYS = [key, f"{key}-other"]
        settings.SANDBOX_WEBHOOK_URL = ""
        settings.SANDBOX_WEBHOOK_SECRET = ""
        settings.SANDBOX_MAX_RPM = 0
        self.key, self.url = key, server_url()
        self.client = self._client(key)
        self.stranger = self._client(f"{key}-other")

    def _client(self, key: str) -> OpenAI:
        return OpenAI(api_key=key, base_url=self.url, max_retries=0, http_client=http_client())

    def http(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send one plain request with the key; `path` begins with a slash."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return http_client().request(method, self.url + path, headers=headers, **options)

    def create_completed(self, prompt: str = "sea", **fields: Any) -> Video:
        """Create a video and wait until it ends."""
        return self.client.videos.create_and_poll(prompt=prompt, **fields)

    def wait_until(self, done: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def make_older(video_id: str, seconds: float) -> None:
    """Make a job older by `seconds`."""
    with STORE.writing() as connection:
        connection.execute(
            "UPDATE job SET created_at = created_at - ?, completed_at = completed_at - ?"
            " WHERE id = ?",
            (seconds, int(seconds), video_id),
        )
