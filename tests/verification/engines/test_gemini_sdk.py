"""Google's own SDK drives the local server of the tests, and accepts the bodies that we write."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine_servers import gemini
from tests.engine_servers.gemini import GeminiServer
from tests.verification.engines.test_gemini import ORDERS
from videos.engines.base import RenderRequest
from videos.engines.gemini import orders

MODEL = "gemini-omni-1.2-flash"


@pytest.fixture(scope="module")
def server() -> Iterator[GeminiServer]:
    with gemini.running() as server:
        yield server


def errors() -> Any:
    """Imported when a test runs, because the SDK takes seconds and every worker collects it."""
    from google.genai import _interactions

    return _interactions


def client(server: GeminiServer, key: str = gemini.KEY, attempts: int = 1) -> Any:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(
        base_url=server.url,
        api_version="v1beta",
        timeout=5000,
        retry_options=types.HttpRetryOptions(attempts=attempts, initial_delay=0.01, max_delay=0.01),
    )
    return genai.Client(api_key=key, http_options=options)


def make(google: Any, prompt: str) -> Any:
    created = google.interactions.create(model=MODEL, input=prompt, background=True, store=True)
    states = [created.status]
    while states[-1] == "in_progress":
        found = google.interactions.get(created.id)
        states.append(found.status)
    assert states[:-1] == ["in_progress", "in_progress"]
    return found


def test_sdk_reads_the_video_in_the_answer_when_an_interaction_is_completed(
    server: GeminiServer,
) -> None:
    found = make(client(server), "a paper boat")
    assert (found.status, found.created) == ("completed", gemini.CREATED)
    assert base64.b64decode(found.output_video.data) == gemini.VIDEO


def test_sdk_downloads_the_file_when_the_answer_names_a_uri(server: GeminiServer) -> None:
    google = client(server)
    uri = make(google, "a paper boat URI").output_video.uri
    assert google.files.get(name="files/abc123").state.name == "ACTIVE"
    assert google.files.download(file=uri.replace("http://", "https://")) == gemini.VIDEO


def test_sdk_finds_no_video_when_the_prompt_is_blocked(server: GeminiServer) -> None:
    found = make(client(server), "BLOCK")
    assert (found.status, found.output_video) == ("completed", None)
    assert found.output_text == "I cannot show that."


def test_sdk_reads_the_error_when_an_interaction_fails(server: GeminiServer) -> None:
    found = make(client(server), "FAIL")
    assert (found.status, found.errors[0].message) == ("failed", "The model crashed.")


def test_sdk_cancels_and_deletes_an_interaction(server: GeminiServer) -> None:
    google = client(server)
    created = google.interactions.create(model=MODEL, input="a boat", background=True)
    assert google.interactions.cancel(created.id).status == "cancelled"
    google.interactions.delete(created.id)
    with pytest.raises(errors().NotFoundError):
        google.interactions.get(created.id)


def test_sdk_is_refused_when_the_key_is_wrong(server: GeminiServer) -> None:
    google = client(server, "another-key")
    with pytest.raises(errors().APIStatusError) as caught:
        google.interactions.get("v1_0001")
    assert caught.value.status_code == 400
    assert "API key not valid" in str(caught.value)


def test_sdk_would_submit_again_when_it_is_rate_limited(server: GeminiServer) -> None:
    """The reason why this SDK submits nothing for us: each repetition may be a paid video."""
    google, before = client(server, attempts=3), server.posts
    server.failing = gemini.error(429, "Too many requests.", "RESOURCE_EXHAUSTED")
    try:
        with pytest.raises(errors().RateLimitError):
            google.interactions.create(model=MODEL, input="a boat", background=True)
    finally:
        server.failing = None
    assert server.posts - before == 3


@pytest.mark.parametrize("name", ORDERS)
def test_sdk_knows_every_field_of_our_bodies(name: str) -> None:
    from google.genai._gaos.types.interactions.createmodelinteraction import CreateModelInteraction

    order: RenderRequest = ORDERS[name]
    body = orders.write_body(order)
    assert CreateModelInteraction.model_validate(body).model_dump(exclude_unset=True) == body
