"""Signing services, and `manage.py` commands that sign what was stored before."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.videos.conftest import reloaded
from tests.videos.credentials.conftest import manifest_of, path_of, stored
from videos.credentials import identity, own_identity, records
from videos.jobs import late_signing
from videos.models import ContentCredential, Video


def words_of(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out, stderr=out)
    return out.getvalue()


class Service(BaseHTTPRequestHandler):
    """A signing service with the key of `own_identity`."""

    key: ec.EllipticCurvePrivateKey
    asked: list[tuple[str, str]]

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.headers["Authorization"], self.headers["X-Algorithm"]))
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        self.send_response(200 if self.path == "/sign" else 500)
        self.end_headers()
        self.wfile.write(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def service(settings: LazySettings) -> Iterator[str]:
    """The address of a service; the settings name its certificate and token."""
    private, chain = identity._split(own_identity.read_or_create())
    key = serialization.load_pem_private_key(private.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    Service.key, Service.asked = key, []
    settings.C2PA_CERTIFICATE, settings.C2PA_SIGNING_TOKEN = chain, "t0ken"
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_service_signs_without_giving_its_key_away(
    alice: User, clouds: bytes, service: str, settings: LazySettings
) -> None:
    settings.C2PA_SIGNING_URL = f"{service}/sign"
    state, manifest = manifest_of(path_of(stored(alice, clouds)))
    assert (state, manifest["signature_info"]["alg"]) == ("Valid", "Es256")
    assert Service.asked == [("Bearer t0ken", "es256")]


def test_video_is_stored_while_the_service_fails_and_signed_later(
    alice: User, clouds: bytes, service: str, settings: LazySettings
) -> None:
    settings.C2PA_SIGNING_URL = f"{service}/broken"
    video = stored(alice, clouds)
    assert path_of(video).read_bytes() == clouds
    assert records.failed().count() == 1
    assert "1 video(s) were stored unsigned" in words_of("doctor")
    with pytest.raises(CommandError, match="doctor"):
        words_of("sign_videos")
    settings.C2PA_SIGNING_URL = f"{service}/sign"
    assert words_of("sign_videos") == "1 signed, 0 not.\n"
    after = reloaded(video)
    assert manifest_of(path_of(after))[0] == "Valid"
    assert after.file_bytes == path_of(after).stat().st_size
    assert after.file_sha256 == ContentCredential.objects.get(video=video).sha256
    assert after.file_sha256 != video.file_sha256
    assert records.failed().count() == 0
    assert words_of("sign_videos") == "0 signed, 0 not.\n"


def test_videos_from_before_are_signed_some_at_a_time(
    alice: User, clouds: bytes, other_clouds: bytes, settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = False
    with pytest.raises(CommandError, match="CONTENT_CREDENTIALS"):
        words_of("sign_videos")
    videos = [stored(alice, body) for body in (clouds, other_clouds)]
    gone = stored(alice, clouds)
    path_of(gone).unlink()
    settings.CONTENT_CREDENTIALS = True
    assert words_of("sign_videos", "--limit", "1") == "1 signed, 0 not.\n"
    with pytest.raises(CommandError):
        words_of("sign_videos")
    assert [manifest_of(path_of(reloaded(video)))[0] for video in videos] == ["Valid", "Valid"]
    assert "No such file" in records.last_error()


def test_file_that_was_signed_before_a_crash_is_not_signed_again(
    alice: User, clouds: bytes
) -> None:
    video = stored(alice, clouds)
    body = path_of(video).read_bytes()
    ContentCredential.objects.all().delete()  # as if killed between the file and its row
    Video.objects.update(file_sha256="0" * 64)
    assert [is_signed for _video, is_signed in late_signing.sign_all()] == [True]
    assert path_of(video).read_bytes() == body
    assert reloaded(video).file_sha256 == video.file_sha256


def test_command_shows_who_signs_and_makes_a_key(settings: LazySettings) -> None:
    own_identity.path().unlink()
    shown = words_of("content_credentials")
    assert own_identity.exists()
    for words in ("Content credentials: on", str(own_identity.path()), "es256", "untrusted"):
        assert words in shown
    settings.C2PA_PRIVATE_KEY = "x"
    with pytest.raises(CommandError, match="C2PA_CERTIFICATE is missing"):
        words_of("content_credentials")
