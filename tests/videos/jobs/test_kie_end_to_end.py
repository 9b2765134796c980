"""Videos from order to file at an engine with the API of kie.ai: the sandbox, over HTTP."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.conftest import ServerThread
from tests.videos import kie
from tests.videos.conftest import order, picture, reloaded, upload
from videos.engines import base
from videos.media import uploads
from videos.models import EngineCallback, Video
from videos.sandbox import webhooks
from videos.sandbox.store import STORE

Finish = Callable[[Video], Video]
Work = Callable[..., None]


@pytest.fixture
def kie_sandbox(live: ServerThread, settings: LazySettings) -> ServerThread:
    """The product with the sandbox as kie.ai, which renders small files fast."""
    settings.SANDBOX_SPEED = 20
    settings.ENGINES = {"kie-sandbox": kie.config(f"{live.url}/sandbox/kie")}
    base.get.cache_clear()
    return live


def engine_job_count() -> int:
    with STORE.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM job").fetchone()[0])


def work_without_pauses(work: Work, video: Video) -> Video:
    """Run the worker without the pauses that wait for a lost answer or a callback."""

    def done() -> bool:
        webhooks.deliver_due()
        waiting = Video.objects.filter(status="submit_unknown", lease=None)
        waiting.update(next_step_at=clock.now())
        return not reloaded(video).is_active

    work(done)
    return reloaded(video)


def test_video_is_rendered_and_stored(
    kie_sandbox: ServerThread, alice: User, finish: Finish
) -> None:
    video = finish(order(alice, "A paper boat [[instant]]"))
    assert (video.status, video.engine, video.submit_count) == ("succeeded", "kie-sandbox", 1)
    assert video.file.read(12)[4:8] == b"ftyp"
    assert video.thumbnail
    assert video.spritesheet
    assert credits.available(alice) == 80


def test_video_is_rendered_from_an_image(
    kie_sandbox: ServerThread, alice: User, finish: Finish
) -> None:
    reference = uploads.store_image(alice, upload(picture(size=(1300, 800))))
    video = finish(order(alice, "A paper boat [[instant]]", first_image=reference))
    assert (video.status, video.operation, credits.available(alice)) == ("succeeded", "image", 75)


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ("[[fail:moderation_blocked]]", "moderation_blocked"),
        ("[[fail:internal_error]]", "internal_error"),
        ("[[error:string]]", "generation_failed"),
        ("[[reject:moderation_blocked]]", "moderation_blocked"),
        ("[[reject:bad]]", "invalid_request"),
        ("[[http:401]]", "upstream_auth"),
        ("[[http:402]]", "upstream_out_of_credit"),
        ("[[http:501]]", "generation_failed"),
    ],
)
def test_credits_are_refunded_when_the_engine_fails(
    kie_sandbox: ServerThread, alice: User, finish: Finish, trigger: str, code: str
) -> None:
    video = finish(order(alice, f"A kite {trigger} [[instant]]"))
    assert (video.status, video.failure_code) == ("failed", code)
    assert (credits.available(alice), invariants.problems()) == (100, [])


@pytest.mark.parametrize(
    "trigger",
    [
        "[[http:455]] [[once]]",
        "[[http:429]] [[once]]",
        "[[poll:500x1]]",
        "[[poll:htmlx1]]",
        "[[poll:404x1]]",
        "[[minimal]]",
        "[[backwards]]",
        "[[content:404x1]]",
        "[[content:truncatex1]]",
    ],
)
def test_video_is_rendered_when_the_engine_has_temporary_errors(
    kie_sandbox: ServerThread, alice: User, finish: Finish, settings: LazySettings, trigger: str
) -> None:
    settings.MISSING_AFTER = timedelta(seconds=3)
    video = finish(order(alice, f"A kite {trigger} [[instant]]"))
    assert (video.status, video.submit_count) == ("succeeded", 1)


def test_job_is_adopted_when_its_answer_was_lost_and_its_callback_arrives(
    kie_sandbox: ServerThread, alice: User, work: Work
) -> None:
    video = work_without_pauses(work, order(alice, "A kite [[drop:after]] [[instant]]"))
    assert (video.status, video.submit_count, engine_job_count()) == ("succeeded", 1, 1)
    events = list(video.events.values_list("status", flat=True))
    assert events[:4] == ["queued", "submitting", "submit_unknown", "running"]
    assert credits.available(alice) == 80


@pytest.mark.parametrize(
    "trigger", ["[[webhook:dup]]", "[[webhook:early]]", "[[webhook:badsig]]", "[[webhook:none]]"]
)
def test_video_is_rendered_once_when_callbacks_are_late_or_repeated(
    kie_sandbox: ServerThread, alice: User, work: Work, trigger: str
) -> None:
    video = work_without_pauses(work, order(alice, f"A kite [[instant]] {trigger}"))
    webhooks.deliver_due()
    callback_count = 0 if trigger in {"[[webhook:badsig]]", "[[webhook:none]]"} else 1
    assert (video.status, video.submit_count, EngineCallback.objects.count()) == (
        "succeeded",
        1,
        callback_count,
    )
    assert credits.available(alice) == 80
