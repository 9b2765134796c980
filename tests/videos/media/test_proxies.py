"""nginx and Caddy in front, as deploy/ configures them, send the stored files themselves."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx2
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from PIL import Image
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from accounts.auth import tokens
from accounts.models import Session, User
from tests import proxies
from tests.conftest import ServerThread
from tests.videos.conftest import completed, order
from videos.models import Video

pytestmark = [pytest.mark.proxy, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[proxies.nginx, proxies.caddy], ids=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, live: ServerThread, settings: LazySettings, tmp_path: Path
) -> Iterator[str]:
    """Yield the address of a proxy in front of the whole product."""
    settings.CORS_ALLOWED_ORIGINS = ["https://front.example.com"]
    settings.X_ACCEL_PREFIX, settings.TRUSTED_PROXIES = proxies.PREFIX, 1
    media = Path(default_storage.path(""))
    with proxies.running(request.param, live.port, media, tmp_path) as address:
        yield address


class Content:
    """One video's content address at a proxy, asked with a user's token."""

    def __init__(self, proxy: str, user: User, video: Video) -> None:
        self.url = f"{proxy}/api/videos/{video.pk}/content"
        self._token = tokens.sign_in(user, Session.Grant.PASSWORD).access

    def get(self, query: str = "", method: str = "GET", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {self._token}"
        return httpx2.request(method, self.url + query, headers=named)


@pytest.fixture
def video(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


def test_proxy_sends_the_file_and_its_parts_with_our_headers(
    proxy: str, alice: User, video: Video, mp4: bytes
) -> None:
    content = Content(proxy, alice, video)
    answer = content.get("?download=1", origin="https://front.example.com")
    assert (answer.status_code, answer.content) == (200, mp4)
    expected = {
        "content-type": "video/mp4",
        "content-length": str(len(mp4)),
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=0, must-revalidate",
        "content-disposition": f'attachment; filename="{video.pk}.mp4"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "access-control-allow-origin": "https://front.example.com",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert answer.headers["x-request-id"]
    assert "x-accel-redirect" not in answer.headers

    # Ranges, validators and HEAD are the proxy's too.
    part, head = content.get(range="bytes=100-199"), content.get(method="HEAD")
    assert (part.status_code, part.content) == (206, mp4[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(mp4)}"
    assert (head.status_code, head.content) == (200, b"")
    again = content.get(if_none_match=head.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_proxy_sends_nobody_else_the_file_and_no_missing_one(
    proxy: str, alice: User, bob: User, video: Video
) -> None:
    stored = f"{proxy}/stored-files/{video.file.name}"
    answers = [
        Content(proxy, bob, video).get(),
        httpx2.get(Content(proxy, alice, video).url),
        httpx2.get(stored),
        httpx2.get(stored, headers={"X-Accel-Redirect": f"/stored-files/{video.file.name}"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 401, 404, 404]

    default_storage.delete(str(video.file.name))
    answer = Content(proxy, alice, video).get()
    assert (answer.status_code, answer.json()["detail"]) == (404, "The file is no longer there.")


def test_everything_else_passes_through_the_proxy(proxy: str, alice: User) -> None:
    page = httpx2.get(f"{proxy}/pricing/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    token = tokens.sign_in(alice, Session.Grant.PASSWORD).access
    ordered = httpx2.post(
        f"{proxy}/api/videos",
        json={"prompt": "A boat"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert ordered.status_code == 201

    # A file that is larger than what proxies take by default.
    picture = BytesIO()
    Image.effect_noise((1100, 1100), 100).save(picture, "PNG")
    assert len(picture.getvalue()) > 1024 * 1024
    uploaded = httpx2.post(
        f"{proxy}/api/videos/upload",
        files={"file": ("a.png", picture.getvalue(), "image/png")},
        data={"file_type": "image"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert uploaded.status_code in {200, 201}, uploaded.text

    # Metrics are for Prometheus, which asks the server itself.
    metrics = httpx2.get(f"{proxy}/metrics")
    assert (metrics.status_code, metrics.headers.get("x-request-id")) == (404, None)

    address = proxy.replace("http://", "ws://")
    with connect(
        f"{address}/ws/videos/", subprotocols=[Subprotocol("bearer"), Subprotocol(token)]
    ) as socket:
        assert json.loads(socket.recv(10))["type"] == "connect"
