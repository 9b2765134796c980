"""What travels compressed, and what never does."""

import gzip

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
GZIP = {"accept-encoding": "gzip"}


def test_a_page_is_compressed_for_who_can_read_it(client: Client) -> None:
    answer, plain = client.get("/pricing/", headers=GZIP), client.get("/pricing/")
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert b"</html>" in gzip.decompress(answer.content)
    assert "Content-Encoding" not in plain
    assert len(answer.content) < len(plain.content) / 2


@pytest.mark.parametrize("path", ["/health", "/api/schema", "/static/css/app.css"])
def test_other_answers_go_as_they_are(client: Client, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers=GZIP)
