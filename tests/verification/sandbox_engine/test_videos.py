"""The Videos API of the sandbox engine, used through OpenAI's SDK without our adapter."""

import base64
import io
import itertools
from pathlib import Path
from typing import Any

import av
import pytest
from django.conf import LazySettings
from openai import BadRequestError, NotFoundError
from openai.types import Video
from PIL import Image

from tests.verification.sandbox_engine.client import Sandbox, make_older
from videos.sandbox.jobs import timeline

VIDEO_KEYS = {
    "id",
    "object",
    "model",
    "status",
    "progress",
    "prompt",
    "created_at",
    "completed_at",
    "expires_at",
    "size",
    "seconds",
    "remixed_from_video_id",
    "error",
}


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#d9546a").save(file, kind)
    return file.getvalue()


def test_video_is_queued_with_thirteen_keys_when_created(sandbox: Sandbox) -> None:
    answer = sandbox.http("POST", "/videos", json={"prompt": "sea [[ok]]"}).json()
    assert set(answer) == VIDEO_KEYS
    assert len(answer["id"]) == len("video_") + 48
    del answer["id"], answer["created_at"]
    assert answer == {
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
        "prompt": "sea [[ok]]",
        "completed_at": None,
        "expires_at": None,
        "size": "720x1280",
        "seconds": "4",
        "remixed_from_video_id": None,
        "error": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        {
            "json": {
                "prompt": "x [[fail:x]]",
                "model": "sora-2-pro",
                "seconds": 8,
                "size": "1792x1024",
            }
        },
        {
            "data": {
                "prompt": "x [[fail:x]]",
                "model": "sora-2-pro",
                "seconds": "8",
                "size": "1792x1024",
            }
        },
        {
            "files": {
                "prompt": (None, "x [[fail:x]]"),
                "model": (None, "sora-2-pro"),
                "seconds": (None, "8"),
                "size": (None, "1792x1024"),
            }
        },
    ],
    ids=["json", "urlencoded", "multipart"],
)
def test_create_is_accepted_when_the_body_is_json_form_or_multipart(
    sandbox: Sandbox, body: dict[str, Any]
) -> None:
    answer = sandbox.http("POST", "/videos", **body).json()
    assert (answer["model"], answer["seconds"], answer["size"]) == ("sora-2-pro", "8", "1792x1024")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("model", "sora-3", "invalid_value"),
        ("seconds", "5", "invalid_value"),
        ("size", "1792x1024", "invalid_value"),
        ("size", "1x1", "invalid_value"),
        ("seed", "7", "unknown_parameter"),
        ("input_reference", "https://example.com/a.png", "invalid_type"),
        ("last_image", "https://example.com/a.png", "invalid_type"),
        ("reference_images", "https://example.com/a.png", "invalid_type"),
        ("input_reference[image_url]", "https://example.com/a.png", "invalid_value"),
    ],
)
def test_answer_is_400_when_a_field_is_invalid(
    sandbox: Sandbox, field: str, value: str, code: str
) -> None:
    answer = sandbox.http("POST", "/videos", data={"prompt": "x", field: value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, code)
    assert error["param"] == field.partition("[")[0]


def test_answer_is_400_when_the_prompt_is_missing(sandbox: Sandbox) -> None:
    error = sandbox.http("POST", "/videos", json={"model": "sora-2"}).json()["error"]
    assert (error["param"], error["code"]) == ("prompt", "missing_required_parameter")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_clip_starts_with_the_image_when_a_first_frame_is_uploaded(
    sandbox: Sandbox, kind: str
) -> None:
    video = sandbox.create_completed(
        "start here", size="1280x720", input_reference=("a", picture(1280, 720, kind))
    )
    assert video.status == "completed"
    content = sandbox.client.videos.download_content(video.id).read()
    with av.open(io.BytesIO(content), "r") as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert abs(first[200:300, 500:700].mean(axis=(0, 1)) - (217, 84, 106)).max() < 16


def frames_of(sandbox: Sandbox, video: Video) -> tuple[Any, Any]:
    """The first and the last frame of a completed video."""
    content = sandbox.client.videos.download_content(video.id).read()
    with av.open(io.BytesIO(content), "r") as container:
        first, *_, last = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
    return first, last


def solid(colour: str, width: int = 1280, height: int = 720) -> tuple[str, bytes, str]:
    """A picture of one colour as a file of a form."""
    body = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(body, "PNG")
    return "a.png", body.getvalue(), "image/png"


def create_with(sandbox: Sandbox, *files: tuple[str, Any]) -> Video:
    """Create a video with these files and wait until it ends."""
    fields = {"prompt": "sea", "size": "1280x720"}
    made = sandbox.http("POST", "/videos", data=fields, files=list(files))
    assert made.status_code == 200
    return sandbox.client.videos.poll(made.json()["id"])


def test_clip_ends_with_the_image_when_a_last_frame_is_uploaded(sandbox: Sandbox) -> None:
    files = (("input_reference", solid("red")), ("last_image", solid("lime")))
    first, last = frames_of(sandbox, create_with(sandbox, *files))
    strongest = [frame[200:300, 500:700].mean(axis=(0, 1)).argmax() for frame in (first, last)]
    assert strongest == [0, 1]  # red, then green


def test_clip_shows_the_reference_images_when_some_are_uploaded(sandbox: Sandbox) -> None:
    files = [("reference_images", solid(colour, 300, 300)) for colour in ("red", "lime")]
    first, _ = frames_of(sandbox, create_with(sandbox, *files))
    found = [first[100:130, left : left + 30].mean(axis=(0, 1)).argmax() for left in (100, 320)]
    assert found == [0, 1]  # red, then green


def test_create_is_accepted_when_the_first_frame_is_a_data_url(sandbox: Sandbox) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture(720, 1280)).decode()
    bracketed = sandbox.client.videos.create(
        prompt="[[fail:x]]", extra_body={"input_reference": {"image_url": url}}
    )
    body = {"prompt": "[[fail:x]]", "input_reference": {"image_url": url}}
    nested = sandbox.client.post("/videos", body=body, cast_to=Video)
    assert (bracketed.status, nested.status) == ("queued", "queued")


def test_error_equals_openais_when_the_first_frame_has_another_size(sandbox: Sandbox) -> None:
    with pytest.raises(BadRequestError) as refused:
        sandbox.client.videos.create(prompt="x", input_reference=("a.png", picture(64, 64)))
    assert refused.value.body == {
        "message": "Inpaint image must match the requested width and height",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


@pytest.mark.parametrize("data", [b"", b"not a picture", picture(720, 1280, "GIF")])
def test_answer_is_400_when_the_first_frame_is_not_an_image(sandbox: Sandbox, data: bytes) -> None:
    answer = sandbox.http(
        "POST", "/videos", data={"prompt": "x"}, files={"input_reference": ("a.png", data)}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input_reference")


def test_video_completes_when_it_is_created_and_polled(sandbox: Sandbox) -> None:
    video = sandbox.create_completed("sea")
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert video.completed_at is not None
    assert video.expires_at == video.completed_at + 24 * 3600


def test_progress_never_falls_when_a_video_is_polled(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 20
    video = sandbox.client.videos.create(prompt="sea")
    seen = [(video.status, video.progress)]
    while video.status in ("queued", "in_progress"):
        video = sandbox.client.videos.retrieve(video.id)
        seen.append((video.status, video.progress))
    statuses = [status for status, _ in itertools.groupby(status for status, _ in seen)]
    assert statuses == ["queued", "in_progress", "completed"]
    progress = [each for _, each in seen]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert len(set(progress)) > 5
    in_progress = [each for status, each in seen if status == "in_progress"]
    assert [each for each in in_progress if not 1 <= each <= 99] == []


def test_video_object_stays_the_same_when_completed(sandbox: Sandbox) -> None:
    video = sandbox.create_completed("sea")
    assert sandbox.client.videos.retrieve(video.id) == video
    assert next(iter(sandbox.client.videos.list())) == video


def test_poll_interval_is_suggested_when_a_video_is_retrieved(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 1
    video = sandbox.client.videos.create(prompt="[[fail:x]]")
    assert sandbox.http("GET", f"/videos/{video.id}").headers["openai-poll-after-ms"] == "1000"


@pytest.mark.parametrize(
    ("pace", "age_seconds", "pause"), [(1, 10, 1), (0.125, 2, 0.125), (1, 100, 5), (0.125, 999, 20)]
)
def test_poll_interval_grows_when_a_video_takes_long(
    pace: float, age_seconds: float, pause: float
) -> None:
    assert timeline.poll_pause(pace, age_seconds) == pause


def test_list_is_paged_when_ordered_either_way(sandbox: Sandbox) -> None:
    made = [sandbox.client.videos.create(prompt=f"{n} [[fail:x]]").id for n in range(5)]
    assert [video.id for video in sandbox.client.videos.list(limit=2)] == made[::-1]
    assert [video.id for video in sandbox.client.videos.list(limit=2, order="asc")] == made
    page = sandbox.http("GET", f"/videos?limit=2&after={made[3]}").json()
    assert [video["id"] for video in page.pop("data")] == [made[2], made[1]]
    assert page == {"object": "list", "first_id": made[2], "last_id": made[1], "has_more": True}


def test_list_names_no_ids_when_the_page_is_empty(sandbox: Sandbox) -> None:
    empty: dict[str, Any] = {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
    assert sandbox.http("GET", "/videos").json() == empty
    sandbox.client.videos.create(prompt="[[fail:x]]")
    assert sandbox.http("GET", "/videos?limit=0").json() == {**empty, "has_more": True}


def test_video_is_404_when_the_key_is_anothers(sandbox: Sandbox) -> None:
    video = sandbox.create_completed("sea")
    videos = sandbox.stranger.videos
    assert list(videos.list()) == []
    for attempt in (videos.retrieve, videos.delete, videos.download_content):
        with pytest.raises(NotFoundError):
            attempt(video.id)
    with pytest.raises(NotFoundError):
        videos.remix(video.id, prompt="mine")


def test_deletion_is_refused_when_the_video_is_running(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.SANDBOX_SPEED = 1
    running = sandbox.client.videos.create(prompt="x [[hang]]")
    with pytest.raises(BadRequestError, match="only completed or failed videos"):
        sandbox.client.videos.delete(running.id)
    failed = sandbox.client.videos.create(prompt="[[instant]] [[fail:x]]")
    deleted = sandbox.client.videos.delete(failed.id)
    assert deleted.to_dict() == {"id": failed.id, "object": "video.deleted", "deleted": True}
    with pytest.raises(NotFoundError):
        sandbox.client.videos.retrieve(failed.id)


def test_remix_inherits_its_parents_fields_when_created(sandbox: Sandbox) -> None:
    parent = sandbox.create_completed("sea", size="1280x720", seconds="4", model="sora-2-pro")
    remix = sandbox.client.videos.remix(parent.id, prompt="at night")
    assert (remix.remixed_from_video_id, remix.prompt) == (parent.id, "at night")
    assert (remix.model, remix.size, remix.seconds) == ("sora-2-pro", "1280x720", "4")
    finished = sandbox.client.videos.poll(remix.id)
    assert finished.status == "completed"
    form = sandbox.http("POST", f"/videos/{parent.id}/remix", files={"prompt": (None, "again")})
    assert form.json()["remixed_from_video_id"] == parent.id


def test_remix_is_refused_when_the_parent_is_running(sandbox: Sandbox) -> None:
    running = sandbox.client.videos.create(prompt="x [[hang]]")
    with pytest.raises(BadRequestError, match="only a completed video"):
        sandbox.client.videos.remix(running.id, prompt="again")


@pytest.mark.parametrize("size", ["1280x720", "720x1280"])
def test_file_is_h264_and_aac_of_the_ordered_size_when_downloaded(
    sandbox: Sandbox, size: str, tmp_path: Path
) -> None:
    video = sandbox.create_completed("sea", size=size, seconds="8")
    file = tmp_path / "video.mp4"
    with sandbox.client.videos.with_streaming_response.download_content(video.id) as response:
        assert response.headers["content-type"] == "video/mp4"
        assert int(response.headers["content-length"]) > 10_000
        response.stream_to_file(file)
    data = file.read_bytes()
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert f"{stream.width}x{stream.height}" == size
        frames = sum(1 for _ in container.decode(stream))
        assert frames / float(stream.average_rate or 1) == 8
    with av.open(str(file)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", 48_000, 2)
        samples = sum(frame.samples for frame in container.decode(sound))
        assert abs(samples / 48_000 - 8) < 0.05


def test_image_is_served_when_the_variant_is_thumbnail_or_spritesheet(sandbox: Sandbox) -> None:
    video = sandbox.create_completed("sea")
    kinds = {"thumbnail": ("image/webp", "WEBP"), "spritesheet": ("image/jpeg", "JPEG")}
    for variant, (content_type, kind) in kinds.items():
        answer = sandbox.http("GET", f"/videos/{video.id}/content?variant={variant}")
        with Image.open(io.BytesIO(answer.content)) as image:
            found = image.format, image.size
        size = (720, 1280) if variant == "thumbnail" else (4 * 180, 3 * 320)
        assert (answer.headers["content-type"], *found) == (content_type, kind, size)
    answer = sandbox.http("GET", f"/videos/{video.id}/content?variant=poster")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variant")


def test_content_answers_partially_when_a_range_is_requested(sandbox: Sandbox) -> None:
    path = f"/videos/{sandbox.create_completed('sea').id}/content"
    whole = sandbox.http("GET", path).content
    size = len(whole)
    for header, first, last in [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=10-{size * 2}", 10, size - 1),
    ]:
        part = sandbox.http("GET", path, headers={"Range": header})
        assert (part.status_code, part.content) == (206, whole[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
    beyond = sandbox.http("GET", path, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert beyond.json()["error"]["code"] == "range_not_satisfiable"
    for header in ("bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,5-6"):
        assert sandbox.http("GET", path, headers={"Range": header}).status_code == 200
    head = sandbox.http("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(size), "bytes")


def test_content_is_404_when_the_video_is_running_or_expired(sandbox: Sandbox) -> None:
    running = sandbox.client.videos.create(prompt="x [[hang]]")
    with pytest.raises(NotFoundError, match="has no content"):
        sandbox.client.videos.download_content(running.id)
    finished = sandbox.create_completed("sea")
    make_older(finished.id, 24 * 3600 + 1)
    with pytest.raises(NotFoundError, match="has expired"):
        sandbox.client.videos.download_content(finished.id)
    assert sandbox.client.videos.retrieve(finished.id).status == "completed"


def test_two_videos_are_created_when_an_idempotency_key_is_repeated(sandbox: Sandbox) -> None:
    headers = {"Idempotency-Key": "same"}
    ids = {
        sandbox.client.videos.create(prompt="[[fail:x]]", extra_headers=headers).id
        for _ in range(2)
    }
    assert len(ids) == 2
