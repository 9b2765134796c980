"""The life of a video against the sandbox, over real HTTP."""

from collections.abc import Callable

import av
import pytest

from accounts.models import User
from billing.ledger import credits, invariants
from tests.conftest import ServerThread
from videos.jobs import orders
from videos.jobs.orders import VideoOrder
from videos.models import Video

Finish = Callable[[Video], Video]


def wish(prompt: str) -> VideoOrder:
    return VideoOrder(prompt=prompt, seconds=4)


def test_a_video_when_all_goes_well(live: ServerThread, alice: User, finish: Finish) -> None:
    video = finish(orders.submit(alice, wish("A paper boat at dusk")))
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
def test_credits_come_back_once_when_the_engine_fails(
    live: ServerThread, alice: User, finish: Finish, trigger: str, code: str
) -> None:
    video = finish(orders.submit(alice, wish(f"A kite {trigger}")))
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
def test_the_video_is_made_once_when_the_engine_stumbles(
    live: ServerThread, alice: User, finish: Finish, trigger: str
) -> None:
    video = finish(orders.submit(alice, wish(f"A kite {trigger}")))
    assert (video.status, video.failure_code) == ("succeeded", "")
    assert credits.available(alice) == 80
