"""Orders whose answer was lost: the engine is searched for the job before it is sent again."""

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.conftest import ServerThread
from tests.videos.conftest import claimed, make_due, order, picture, reloaded, upload
from videos.engines import base
from videos.engines.base import Callback, Job, JobState
from videos.engines.errors import Unavailable, Unsupported
from videos.jobs import callbacks, state_machine
from videos.jobs.worker import execute, settle
from videos.media import uploads
from videos.models import Video
from videos.realtime import status
from videos.sandbox.jobs import records
from videos.sandbox.store import STORE

Work = Callable[..., None]
Finish = Callable[[Video], Video]


def engine_job_count() -> int:
    with STORE.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM job").fetchone()[0])


def work_without_pauses(work: Work, done: Callable[[], bool]) -> None:
    """Run the worker without the pauses that wait for a lost answer."""

    def due() -> bool:
        waiting = Video.objects.filter(status="submit_unknown", lease=None)
        waiting.update(next_step_at=clock.now())
        return done()

    work(due)


def claimed_lost_submit(video: Video) -> Video:
    """Return a video whose submit got no answer, claimed by the searching worker."""
    lost = Unavailable("no answer", maybe_accepted=True)
    settle.settle([(claimed(video), lost)])
    assert reloaded(video).status == "submit_unknown"
    return claimed(video)


def queued_job(job_id: str, video: Video) -> Job:
    return Job(job_id, JobState.QUEUED, prompt=video.prompt)


def test_job_is_adopted_when_only_its_answer_was_lost(
    live: ServerThread, alice: User, work: Work
) -> None:
    video = order(alice, "A kite [[drop:after]] [[instant]]")
    work_without_pauses(work, lambda: not reloaded(video).is_active)
    video = reloaded(video)
    assert (video.status, video.submit_count, engine_job_count()) == ("succeeded", 1, 1)
    assert records.find(video.engine_job_id) is not None
    events = list(video.events.values_list("status", flat=True))
    assert events[:4] == ["queued", "submitting", "submit_unknown", "running"]
    assert credits.available(alice) == 80


def test_order_is_sent_again_when_it_never_arrived(
    live: ServerThread, alice: User, work: Work
) -> None:
    video = order(alice, "A kite [[drop:before]] [[once]] [[instant]]")
    work_without_pauses(work, lambda: not reloaded(video).is_active)
    video = reloaded(video)
    assert (video.status, video.submit_count, engine_job_count()) == ("succeeded", 2, 1)


def test_video_fails_and_is_refunded_when_the_order_never_arrives(
    live: ServerThread, alice: User, work: Work
) -> None:
    video = order(alice, "A kite [[drop:before]]")
    work_without_pauses(work, lambda: not reloaded(video).is_active)
    video = reloaded(video)
    assert (video.status, video.failure_code, video.submit_count) == ("failed", "submit_lost", 3)
    assert (engine_job_count(), credits.available(alice)) == (0, 100)
    assert invariants.problems() == []


def test_each_video_has_its_own_job_when_one_answer_of_two_equal_orders_is_lost(
    live: ServerThread, alice: User, work: Work
) -> None:
    prompt = "A kite [[drop:after]] [[instant]]"
    videos = [order(alice, prompt), order(alice, prompt)]
    work_without_pauses(work, lambda: not any(reloaded(video).is_active for video in videos))
    assert [reloaded(video).status for video in videos] == ["succeeded"] * 2
    assert len({reloaded(video).engine_job_id for video in videos}) == 2
    assert engine_job_count() == 2


def test_job_is_not_adopted_when_an_equal_order_is_still_being_sent(alice: User) -> None:
    lost, twin = claimed_lost_submit(order(alice)), claimed(order(alice))
    settle.settle([(lost, [queued_job("job_1", lost)])])
    assert reloaded(lost).status == "submit_unknown"
    settle.settle([(twin, queued_job("job_1", twin))])
    assert reloaded(twin).engine_job_id == "job_1"


def test_job_is_not_adopted_when_it_belongs_to_another_video(alice: User) -> None:
    first, second = order(alice), order(alice)
    settle.settle([(claimed(first), queued_job("job_1", first))])
    lost = claimed_lost_submit(second)
    settle.settle([(lost, [queued_job("job_1", lost)])])
    assert (reloaded(second).status, reloaded(second).engine_job_id) == ("submit_unknown", "")


def test_oldest_free_job_is_adopted_when_there_are_several(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    settle.settle([(lost, [queued_job("job_2", lost), queued_job("job_1", lost)])])
    assert reloaded(lost).engine_job_id == "job_1"


def test_job_is_not_adopted_when_a_lost_order_with_another_image_may_own_it(
    alice: User, bob: User
) -> None:
    images = [uploads.store_image(user, upload(picture())) for user in (alice, bob)]
    hers, his = (
        claimed_lost_submit(order(user, "Make it move", first_image=image))
        for user, image in zip((alice, bob), images, strict=True)
    )
    settle.settle([(hers, [queued_job("job_1", hers)])])
    assert (reloaded(hers).status, reloaded(hers).engine_job_id) == ("submit_unknown", "")
    callbacks.record_callback(his.engine, Callback("job_1", "job_1:done"), his)
    settle.settle([(claimed(his), [queued_job("job_1", his)])])
    assert reloaded(his).engine_job_id == "job_1"
    settle.settle([(claimed(hers), [queued_job("job_2", hers), queued_job("job_1", hers)])])
    assert reloaded(hers).engine_job_id == "job_2"


def test_job_is_not_adopted_when_a_lost_order_with_other_references_may_own_it(
    alice: User, bob: User
) -> None:
    images = [uploads.store_image(alice, upload(picture())) for _ in range(2)]
    hers, _ = (
        claimed_lost_submit(order(user, "Make it move", references=tuple(used)))
        for user, used in ((alice, images), (bob, images[::-1]))
    )
    settle.settle([(hers, [queued_job("job_1", hers)])])
    assert (reloaded(hers).status, reloaded(hers).engine_job_id) == ("submit_unknown", "")


def test_search_is_repeated_when_another_video_adopted_the_job(alice: User) -> None:
    lost, late = claimed_lost_submit(order(alice)), order(alice, "Another")
    settle.settle([(lost, [queued_job("job_1", lost)])])
    settle.settle([(claimed(late), queued_job("job_1", late))])
    assert (reloaded(late).status, reloaded(late).engine_job_id) == ("submit_unknown", "")
    assert reloaded(lost).engine_job_id == "job_1"


def test_order_is_sent_again_when_three_searches_found_nothing(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    seen = []
    for _ in range(3):
        settle.settle([(lost, [])])
        seen.append(reloaded(lost).status)
        lost = claimed(lost)
    assert seen == ["submit_unknown", "submit_unknown", "queued"]


def test_search_restarts_when_the_worker_died_after_failed_sends(alice: User) -> None:
    video = order(alice)
    for _ in range(2):
        settle.settle([(claimed(video), Unavailable("down"))])
    claimed(video)
    lost = claimed(video)  # its worker died while it submitted
    assert (lost.status, lost.attempts) == ("submit_unknown", 0)


def test_search_is_not_hurried_when_the_user_requests_a_poll(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    settle.settle([(lost, [])])
    planned = reloaded(lost).next_step_at
    status.status_event(alice, lost.pk)
    assert reloaded(lost).next_step_at == planned


def test_video_fails_and_is_refunded_when_the_engine_cannot_list(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    settle.settle([(lost, Unsupported("no list"))])
    assert (reloaded(lost).status, reloaded(lost).failure_code) == ("failed", "submit_lost")
    assert (reloaded(lost).submit_count, credits.available(alice)) == (1, 100)


def test_video_stays_unknown_when_the_list_does_not_answer(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    for _ in range(5):
        settle.settle([(lost, Unavailable("down"))])
        lost = claimed(lost)
    assert (lost.status, lost.submit_count) == ("submit_unknown", 1)


def test_credits_are_refunded_when_cancelled_while_unknown(alice: User) -> None:
    lost = claimed_lost_submit(order(alice))
    state_machine.cancel(lost)
    settle.settle([(lost, [queued_job("job_1", lost)])])
    stored = reloaded(lost)
    assert (stored.status, stored.engine_job_id, stored.needs_cleanup) == (
        "cancelled",
        "job_1",
        True,
    )
    assert (credits.available(alice), invariants.problems()) == (100, [])


class Engine:
    """An engine in memory that loses the answer to a create and returns the given list."""

    def __init__(self, settings: LazySettings, answer_list: Callable[[], httpx2.Response]) -> None:
        self.posts = 0
        self.answer_list = answer_list
        transport = httpx2.MockTransport(self.answer)
        engine: Any = base.get("sandbox")
        engine._client = openai.OpenAI(
            base_url="http://engine/v1",
            api_key="k",
            max_retries=0,
            http_client=httpx2.Client(transport=transport),
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.posts += 1
            raise httpx2.ReadTimeout("no answer", request=request)
        return self.answer_list()


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(405, json={"detail": "Method Not Allowed"}),
        httpx2.Response(404, json={"detail": "Not Found"}),
        httpx2.Response(400, json={"error": {"message": "LLM Provider NOT provided"}}),
        httpx2.Response(501, text="Not Implemented"),
        # A list without prompts cannot show whether our job is in it.
        httpx2.Response(200, json={"data": [{"id": "v1", "status": "queued"}]}),
    ],
)
def test_order_is_not_sent_twice_when_the_list_has_no_prompts(
    alice: User, settings: LazySettings, answer: httpx2.Response
) -> None:
    engine = Engine(settings, lambda: answer)
    video = order(alice)
    while reloaded(video).is_active:
        held = claimed(video)
        settle.settle([(held, execute.execute(held))])
        make_due(video)
    assert (reloaded(video).failure_code, engine.posts) == ("submit_lost", 1)
    assert credits.available(alice) == 100
