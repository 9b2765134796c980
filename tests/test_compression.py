"""What travels compressed, and what never does."""

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
def test_text_is_compressed_for_who_can_read_it(client: Client, path: str) -> None:
    answer, plain = client.get(path, headers=GZIP), client.get(path)
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert "Content-Encoding" not in plain
    whole, short = body(plain), body(answer)
    assert gzip.decompress(short)[-10:] == whole[-10:]
    assert len(short) < len(whole) * 0.6


@pytest.mark.parametrize("path", ["/health", "/api/schema", "/static/fonts/geist.woff2"])
def test_other_answers_go_as_they_are(client: Client, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers=GZIP)


def test_a_part_of_a_file_goes_as_it_is(client: Client) -> None:
    answer = client.get("/static/css/app.css", headers={**GZIP, "range": "bytes=0-999"})
    assert answer.status_code == 206
    assert "Content-Encoding" not in answer
    assert len(body(answer)) == 1000
