"""Videos from order to file against the sandbox, over real HTTP."""

from collections.abc import Callable
from io import BytesIO

import av
import pytest
from PIL import Image

from accounts.models import User
from billing.ledger import credits, invariants
from tests.conftest import ServerThread
from tests.videos.conftest import upload
from videos.jobs import orders
from videos.jobs.orders import VideoOrder
from videos.media import uploads
from videos.models import Upload, Video

Finish = Callable[[Video], Video]


def order_by_api(prompt: str) -> VideoOrder:
    return VideoOrder(prompt=prompt, seconds=4)


def test_video_is_rendered_stored_and_paid(live: ServerThread, alice: User, finish: Finish) -> None:
    video = finish(orders.submit(alice, order_by_api("A paper boat at dusk")))
    assert (video.status, video.progress, video.submit_count) == ("succeeded", 100, 1)
    assert list(video.events.values_list("status", flat=True)) == [
        "queued",
        "submitting",
        "running",
        "downloading",
        "succeeded",
    ]
    assert credits.available(alice) == 80
    assert invariants.problems() == []
    with av.open(video.file.path) as clip:
        codecs = {stream.type: stream.codec_context.name for stream in clip.streams}
    assert codecs == {"video": "h264", "audio": "aac"}


def coloured(user: User, colour: str) -> Upload:
    """An image of one colour, in a size that no video has."""
    body = BytesIO()
    Image.new("RGB", (400, 300), colour).save(body, "PNG")
    return uploads.store_image(user, upload(body.getvalue()))


def strongest_colours(video: Video) -> list[int]:
    """Which of red, green and blue is the strongest in the first and in the last frame."""
    with av.open(video.file.path) as clip:
        first, *_, last = (frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0))
    return [int(frame[200:300, 500:700].mean(axis=(0, 1)).argmax()) for frame in (first, last)]


def test_video_moves_from_its_first_image_to_its_last(
    live: ServerThread, alice: User, finish: Finish
) -> None:
    first, last = coloured(alice, "red"), coloured(alice, "lime")
    asked = VideoOrder("A kite", seconds=4, first_image=first, last_image=last)
    video = finish(orders.submit(alice, asked))
    assert (video.status, video.failure_detail) == ("succeeded", "")
    assert (video.operation, video.credits, credits.available(alice)) == ("first_last", 25, 75)
    assert strongest_colours(video) == [0, 1]
    assert invariants.problems() == []


def test_video_is_made_from_reference_images(
    live: ServerThread, alice: User, finish: Finish
) -> None:
    references = (coloured(alice, "red"), coloured(alice, "lime"))
    video = finish(orders.submit(alice, VideoOrder("A kite", seconds=4, references=references)))
    assert (video.status, video.failure_detail) == ("succeeded", "")
    assert (video.operation, video.images) == ("reference", list(references))
    assert credits.available(alice) == 75
    assert invariants.problems() == []


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ("[[fail:moderation_blocked]]", "moderation_blocked"),
        ("[[fail:internal_error]]", "internal_error"),
        ("[[reject:moderation_blocked]]", "moderation_blocked"),
        ("[[http:401]]", "upstream_auth"),
        ("[[http:402]]", "upstream_out_of_credit"),
        ("[[status:cancelled]]", "upstream_cancelled"),
        ("[[error:string]]", "generation_failed"),
    ],
)
def test_credits_are_refunded_once_when_the_engine_fails(
    live: ServerThread, alice: User, finish: Finish, trigger: str, code: str
) -> None:
    video = finish(orders.submit(alice, order_by_api(f"A kite {trigger}")))
    assert (video.status, video.failure_code) == ("failed", code)
    history = [(e.type, e.amount) for e in credits.history(alice)]
    assert history == [("refunded", 20), ("spent", -20), ("bonus", 100)]
    assert invariants.problems() == []


@pytest.mark.parametrize(
    "trigger",
    [
        "[[http:429,1]] [[once]]",
        "[[http:500]] [[once]]",
        "[[drop:before]] [[once]]",
        "[[drop:after]]",
        "[[poll:500x3]]",
        "[[poll:htmlx2]]",
        "[[content:404x2]]",
        "[[noprogress]]",
        "[[backwards]]",
        "[[minimal]]",
        "[[webhook:dup]]",
        "[[webhook:none]]",
        "[[silent]]",
    ],
)
def test_video_is_rendered_once_when_the_engine_has_temporary_errors(
    live: ServerThread, alice: User, finish: Finish, trigger: str
) -> None:
    video = finish(orders.submit(alice, order_by_api(f"A kite {trigger}")))
    assert (video.status, video.failure_code) == ("succeeded", "")
    assert credits.available(alice) == 80
