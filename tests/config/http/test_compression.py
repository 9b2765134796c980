"""Which answers are compressed, and which never are."""

import gzip

import pytest
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client

pytestmark = pytest.mark.django_db
GZIP = {"accept-encoding": "gzip"}


def body(answer: object) -> bytes:
    if isinstance(answer, StreamingHttpResponse | FileResponse):
        return b"".join(answer)
    return bytes(answer.content)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["/pricing/", "/static/css/app.css", "/static/js/app.js", "/static/img/icons.svg"]
)
def test_text_is_compressed_when_the_client_accepts_gzip(client: Client, path: str) -> None:
    answer, plain = client.get(path, headers=GZIP), client.get(path)
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert "Content-Encoding" not in plain
    whole, short = body(plain), body(answer)
    assert gzip.decompress(short)[-10:] == whole[-10:]
    assert len(short) < len(whole) * 0.6


@pytest.mark.parametrize("path", ["/health", "/api/schema", "/static/fonts/geist.woff2"])
def test_answer_is_not_compressed_when_it_is_json_or_a_font(client: Client, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers=GZIP)


def test_answer_is_not_compressed_when_a_range_is_requested(client: Client) -> None:
    answer = client.get("/static/css/app.css", headers={**GZIP, "range": "bytes=0-999"})
    assert answer.status_code == 206
    assert "Content-Encoding" not in answer
    assert len(body(answer)) == 1000
