"""Runway's own SDK drives the local server of the tests, and its types hold our bodies."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError
from runwayml import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    RateLimitError,
    RunwayML,
)
from runwayml.types import image_to_video_create_params, text_to_video_create_params

from tests.engine_servers import runway
from tests.engine_servers.runway import RunwayServer
from tests.verification.engines.test_runway import adapter, bindings, order_for


@pytest.fixture
def server() -> Iterator[RunwayServer]:
    with runway.running() as server:
        yield server


@pytest.fixture
def sdk(server: RunwayServer) -> RunwayML:
    return RunwayML(api_key=runway.KEY, base_url=server.url, max_retries=0, timeout=5)


def make(sdk: RunwayML, prompt: str) -> list[Any]:
    """All answers to polls, up to the last."""
    created: Any = sdk.text_to_video.create(
        model="gen4.5", prompt_text=prompt, ratio="1280:720", duration=5
    )
    assert (created.id, created.estimated_cost.credits) == (runway.ID, runway.CREDITS)
    return [sdk.tasks.retrieve(created.id) for _ in range(4)]


def test_sdk_reads_every_state_until_the_video_is_made(sdk: RunwayML) -> None:
    tasks = make(sdk, "a paper boat")
    assert [task.status for task in tasks] == ["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED"]
    assert (tasks[2].progress, tasks[3].cost.credits) == (0.25, runway.CREDITS - 10)
    assert [url.split("/")[3] for url in tasks[3].output] == ["storage"]


@pytest.mark.parametrize("word", runway.FAILURES)
def test_sdk_reads_the_code_when_a_task_fails(sdk: RunwayML, word: str) -> None:
    task = make(sdk, word)[-1]
    assert (task.status, task.failure_code) == ("FAILED", runway.FAILURES[word]["failureCode"])


def test_sdk_deletes_a_task(sdk: RunwayML) -> None:
    make(sdk, "a paper boat")
    sdk.tasks.delete(runway.ID)
    with pytest.raises(NotFoundError):
        sdk.tasks.retrieve(runway.ID)


def test_sdk_uploads_a_file_in_two_steps(sdk: RunwayML, server: RunwayServer) -> None:
    uploaded = sdk.uploads.create_ephemeral(file=("boat.png", b"pixels"))
    assert uploaded.uri == "runway://upload-1"
    (_, first, _, asked), (_, second, headers, _) = server.requests
    assert (first, asked) == ("/v1/uploads", {"filename": "boat.png", "type": "ephemeral"})
    assert (second, "authorization" in headers) == ("/storage/uploads", False)


def test_sdk_reads_the_balance(sdk: RunwayML) -> None:
    assert sdk.organization.retrieve().credit_balance == 1000


def test_sdk_is_refused_when_the_key_is_wrong(server: RunwayServer) -> None:
    other = RunwayML(api_key="another", base_url=server.url, max_retries=0)
    with pytest.raises(AuthenticationError):
        other.organization.retrieve()


def test_sdk_is_refused_when_the_account_is_empty(sdk: RunwayML, server: RunwayServer) -> None:
    server.failing = runway.NO_CREDITS
    with pytest.raises(BadRequestError) as caught:
        make(sdk, "a paper boat")
    assert "enough credits" in str(caught.value)


def test_sdk_is_refused_when_it_is_rate_limited(sdk: RunwayML, server: RunwayServer) -> None:
    server.failing = runway.BUSY
    with pytest.raises(RateLimitError):
        make(sdk, "a paper boat")
    assert server.posts == 1


MODES = [(name, mode) for name, (_, binding) in bindings().items() for mode in binding.modes]


@pytest.mark.parametrize(("model", "mode"), MODES)
def test_body_of_each_model_and_mode_is_of_the_types_of_the_sdk(
    server: RunwayServer, model: str, mode: str
) -> None:
    expected = "/v1/text_to_video" if mode in {"text", "reference"} else "/v1/image_to_video"
    engine = adapter(server.url)
    for frame in bindings()[model][0].frames:
        engine.submit(order_for(model, mode, frame))
        _, path, _, body = server.requests[-1]
        assert path == expected
        check(body, type_of(path, model))


@pytest.mark.parametrize(
    "change",
    [
        {"duration": "8"},
        {"ratio": "1280x720"},
        {"seconds": 8},
        {"promptImage": [{"uri": "x", "position": "middle"}]},
        {"promptImage": [{"url": "x", "position": "first"}]},
    ],
)
def test_types_of_the_sdk_refuse_a_wrong_body(change: dict[str, Any]) -> None:
    body = {"model": "veo3.1", "promptImage": "x", "ratio": "1280:720", **change}
    with pytest.raises(ValidationError):
        check(body, type_of("image_to_video", "veo3.1"))


def type_of(path: str, model: str) -> Any:
    """The SDK's type for the body of a model."""
    params: Any = (
        text_to_video_create_params.TextToVideoCreateParams
        if path.endswith("text_to_video")
        else image_to_video_create_params.ImageToVideoCreateParams
    )
    (found,) = [
        kind for kind in get_args(params) if get_type_hints(kind)["model"].__args__ == (model,)
    ]
    return found


def check(body: dict[str, Any], kind: Any) -> None:
    """Raise ValidationError for a body with unknown, missing or wrong fields."""
    found = TypeAdapter(kind).validate_python(snake_case(body), strict=True, extra="forbid")
    for value in found.values():
        if isinstance(value, Iterator):  # which is validated when it is read
            assert list(value)


def snake_case(value: Any) -> Any:
    """The same with the SDK's names of fields."""
    if isinstance(value, list):
        return [snake_case(inner) for inner in value]
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name): snake_case(inner)
            for name, inner in value.items()
        }
    return value
