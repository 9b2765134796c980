"""Staff fetch the file of a finished job again: the video succeeds and costs its owner nothing."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread
from tests.videos.conftest import (
    claimed,
    completed,
    deliver_due,
    failed,
    make_due,
    order,
    reloaded,
    running,
    unfetched,
)
from tests.videos.receiver import Receiver
from videos.engines.base import Variant
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    NotFound,
    Unavailable,
)
from videos.jobs import removal, rescue, state_machine
from videos.jobs.worker import claim, execute, settle
from videos.media import files
from videos.models import DeliveryAttempt, Video, WebhookDelivery
from videos.reports import refund_audit
from videos.web.presenters import history

Finish = Callable[[Video], Video]
Work = Callable[..., None]
DAY = timedelta(hours=24)


def stored(video: Video) -> files.StoredResult:
    """Store files for the video as a worker does that has fetched them."""
    names = files.storage_names(video)
    for variant in Variant:
        default_storage.delete(names[variant])
        default_storage.save(names[variant], ContentFile(b"film"))
    return files.StoredResult(names[Variant.VIDEO], 4, "0" * 64, *list(names.values())[1:])


def fetch_again(video: Video) -> Video:
    """Ask for the file, and let a worker have it; return the stored video."""
    rescue.request(video)
    held = claimed(video)
    assert held.is_rescue_due
    settle.settle([(held, stored(held))])
    return reloaded(video)


def is_kept(video: Video) -> bool:
    """Whether the job is left at the engine for the grace."""
    return reloaded(video).result_kept_until is not None


def audit() -> list[str]:
    return [finding.problem for finding in refund_audit.findings()] + invariants.problems()


# ---- the grace ----


def test_job_is_kept_at_the_engine_for_a_day_when_its_file_could_not_be_fetched(
    alice: User,
) -> None:
    before = clock.now()
    video = unfetched(order(alice))
    assert (video.status, video.failure_code, credits.available(alice)) == (
        "failed", "result_unavailable", 100,
    )  # fmt: skip
    assert video.needs_cleanup
    assert video.next_step_at == video.result_kept_until
    assert video.result_kept_until is not None
    assert before + DAY <= video.result_kept_until <= clock.now() + DAY
    assert claim.claim_due(10) == []
    with time_machine.travel(timezone.now() + DAY):
        (held,) = claim.claim_due(10)
        settle.settle([(held, execute.Cleaned())])
    left = reloaded(video)
    assert (left.needs_cleanup, left.result_kept_until, left.next_step_at) == (False, None, None)


def test_job_is_kept_when_the_deadline_passed_during_the_download(alice: User) -> None:
    video = order(alice)
    unfetched(video, Unavailable("down"))
    Video.objects.update(deadline_at=video.created_at)
    settle.settle([(claimed(video), Unavailable("down"))])
    assert (reloaded(video).status, is_kept(video)) == ("failed", True)


@pytest.mark.parametrize("error", [Gone("410"), NotFound("no such job")])
def test_job_is_deleted_at_once_when_the_engine_says_that_its_file_is_gone(
    alice: User, error: EngineError
) -> None:
    video = unfetched(order(alice), error)
    assert not is_kept(video)
    assert [held.pk for held in claim.claim_due(10)] == [video.pk]


@pytest.mark.parametrize("end", [failed, lambda video: cancelled(running(video))])
def test_job_is_deleted_at_once_when_it_had_not_finished(
    alice: User, end: Callable[[Video], Video]
) -> None:
    video = end(order(alice))
    assert not is_kept(video)
    assert [held.pk for held in claim.claim_due(10)] == [video.pk]


def cancelled(video: Video) -> Video:
    state_machine.cancel(video)
    return reloaded(video)


def test_job_is_deleted_at_once_when_the_grace_is_zero(alice: User, settings: LazySettings) -> None:
    settings.RESULT_GRACE = timedelta(0)
    video = unfetched(order(alice))
    assert not is_kept(video)
    assert [held.pk for held in claim.claim_due(10)] == [video.pk]


def test_job_is_deleted_at_once_when_the_owner_deletes_the_video(alice: User) -> None:
    video = unfetched(order(alice))
    removal.delete(video)
    (held,) = claim.claim_due(10)
    assert (held.pk, held.is_rescue_due) == (video.pk, False)


def test_job_is_kept_again_when_the_deletion_is_undone(alice: User) -> None:
    video = unfetched(order(alice))
    removal.delete(video, undo=True)
    removal.restore(video)
    back = reloaded(video)
    assert (back.deleted_at, back.next_step_at) == (None, video.result_kept_until)
    assert fetch_again(back).status == "succeeded"


def test_file_is_fetched_when_the_video_was_deleted_and_restored_meanwhile(alice: User) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    removal.delete(video, undo=True)
    removal.restore(video)
    held = claimed(video)
    assert held.is_rescue_due
    settle.settle([(held, stored(held))])
    assert reloaded(video).status == "succeeded"


# ---- fetched again ----


def test_video_succeeds_and_stays_refunded_when_its_file_is_fetched_again(alice: User) -> None:
    ledger = list(credits.history(unfetched(order(alice)).user).values())
    video = fetch_again(Video.objects.get())
    assert (video.status, video.credits, video.needs_cleanup, video.progress) == (
        "succeeded", 0, False, 100,
    )  # fmt: skip
    assert video.rescued_at is not None
    assert list(credits.history(alice).values()) == ledger
    assert (credits.available(alice), audit()) == (100, [])
    assert (video.next_step_at, video.result_kept_until, video.fetches_again) == (None, None, False)


def test_file_of_the_engine_is_stored_when_it_is_fetched_again(
    live: ServerThread, alice: User, work: Work
) -> None:
    video = order(alice, "A kite [[instant]]")
    work(lambda: reloaded(video).status == "downloading")
    state_machine.end(reloaded(video), Video.Status.FAILED, code="result_unavailable", fenced=False)
    rescue.request(video)
    work(lambda: not reloaded(video).fetches_again)
    assert (reloaded(video).status, reloaded(video).submit_count) == ("succeeded", 1)
    assert reloaded(video).file.size == reloaded(video).file_bytes


def test_owner_is_notified_in_all_ways_when_the_video_is_rescued(
    alice: User, api: APIClient, receiver: Receiver
) -> None:
    video = order(alice)
    Video.objects.update(webhook_url=receiver.url)
    before = unfetched(video)
    deliver_due()
    after = fetch_again(video)
    deliver_due()
    states = [b'"state": "success"' in body for _, body in receiver.requests]
    ids = {headers["webhook-id"] for headers, _ in receiver.requests}
    assert (states, len(ids)) == ([False, True], 2)
    assert WebhookDelivery.objects.get().state == "delivered"
    assert after.sequence > before.sequence
    shown = api.get(f"/api/videos/{video.pk}").json()
    names = ("status", "credits", "failure", "error_message")
    assert [shown[name] for name in names] == ["completed", 0, None, None]


def test_webhook_of_the_success_is_sent_when_that_of_the_failure_was_under_way(
    alice: User, receiver: Receiver
) -> None:
    video = order(alice)
    Video.objects.update(webhook_url=receiver.url)
    unfetched(video)
    receiver.code = 500
    deliver_due()
    receiver.code = 200
    fetch_again(video)
    assert deliver_due() == 1
    assert list(DeliveryAttempt.objects.order_by("at").values_list("code", flat=True)) == [500, 200]
    assert b'"state": "success"' in receiver.requests[-1][1]


def test_history_tells_failure_refund_and_file_in_their_order(alice: User) -> None:
    unfetched(order(alice))
    lines = [line for _, line in history.history_of(fetch_again(Video.objects.get()))]
    assert lines[-3:] == [
        "We could not download the finished file. The cause was not your prompt.",
        "20 credits returned",
        "Saved to your library",
    ]


# ---- not fetched ----


@pytest.mark.parametrize("error", [Gone("410"), NotFound("no such job")])
def test_staff_read_that_the_file_is_gone_when_the_engine_says_so(
    alice: User, error: EngineError
) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    settle.settle([(claimed(video), error)])
    left = reloaded(video)
    assert rescue.describe(left) == (
        f"The engine says that the job or its file is gone. It could not be fetched again: {error}."
    )
    assert (left.status, left.failure_code, rescue.is_possible(left)) == (
        "failed", "result_unavailable", False,
    )  # fmt: skip
    assert [held.is_rescue_due for held in claim.claim_due(10)] == [False]  # now it is deleted


def test_staff_may_try_again_when_the_engine_refuses_the_key(alice: User) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    settle.settle([(claimed(video), AuthFailed("wrong key"))])
    left = reloaded(video)
    assert "It could not be fetched again: upstream_auth: wrong key." in rescue.describe(left)
    assert left.next_step_at == left.result_kept_until == video.result_kept_until
    assert fetch_again(left).status == "succeeded"


def test_staff_read_why_when_the_engine_is_no_longer_configured(
    alice: User, settings: LazySettings
) -> None:
    video = unfetched(order(alice))
    settings.ENGINES = {}
    rescue.request(video)
    held = claimed(video)
    settle.settle([(held, execute.execute(held))])
    assert "the engine sandbox is not configured" in reloaded(video).fetch_again_error


@pytest.mark.parametrize("error", [Unavailable("down"), BadAnswer("not an MP4")])
def test_file_is_fetched_five_times_when_it_does_not_come(alice: User, error: EngineError) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    for _ in range(4):
        settle.settle([(claimed(video), error)])
        assert reloaded(video).fetches_again
    settle.settle([(claimed(video), error)])
    left = reloaded(video)
    assert (left.status, left.fetches_again, is_kept(left)) == ("failed", False, True)
    assert (credits.available(alice), audit()) == (100, [])


def test_file_is_fetched_again_when_the_worker_was_killed_meanwhile(
    alice: User, settings: LazySettings
) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    killed = claimed(video)
    held = claimed(video)  # its lease has ended
    assert (killed.is_rescue_due, held.is_rescue_due) == (True, True)
    settle.settle([(held, stored(held))])
    settle.settle([(killed, stored(killed))])
    settle.settle([(killed, Unavailable("late"))])
    after = reloaded(video)
    assert (after.status, after.events.filter(status="succeeded").count()) == ("succeeded", 1)
    assert audit() == []


def test_job_is_deleted_when_workers_are_killed_at_its_file_until_the_grace_ends(
    alice: User,
) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    claimed(video)
    with time_machine.travel(timezone.now() + DAY + timedelta(hours=1)):
        held = claimed(video)
        settle.settle([(held, execute.Cleaned())])
    left = reloaded(video)
    assert (held.is_rescue_due, left.fetches_again, left.needs_cleanup) == (False, False, False)


def test_file_is_removed_when_the_owner_deleted_the_video_while_it_was_fetched(
    alice: User,
) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    held = claimed(video)
    removal.delete(video)
    saved = stored(held)
    settle.settle([(held, saved)])
    assert (reloaded(video).status, reloaded(video).rescued_at) == ("failed", None)
    (cleaner,) = claim.claim_due(10)
    Video.objects.filter(pk=video.pk).update(engine_job_id="")  # there is no engine here
    cleaner.engine_job_id = ""
    settle.settle([(cleaner, execute.execute(cleaner))])
    assert default_storage.exists(saved.file) is False


@pytest.mark.parametrize("error", [AuthFailed("wrong key"), Gone("expired")])
def test_job_is_deleted_at_once_when_the_owner_deleted_the_video_while_its_file_did_not_come(
    alice: User, error: EngineError
) -> None:
    video = unfetched(order(alice))
    rescue.request(video)
    held = claimed(video)
    removal.delete(video)
    settle.settle([(held, error)])
    (cleaner,) = claim.claim_due(10)
    left = reloaded(video)
    assert (cleaner.pk, cleaner.is_rescue_due, left.fetch_again_error) == (video.pk, False, "")


# ---- who was first ----


@pytest.mark.django_db(transaction=True)
def test_file_is_fetched_once_when_two_of_staff_ask_at_once(alice: User) -> None:
    video = unfetched(order(alice))
    answers = run_concurrently([lambda: rescue.request(video)] * 4)
    assert answers.count(None) == 1
    assert {type(answer) for answer in answers} == {type(None), state_machine.NotPossible}
    assert [held.is_rescue_due for held in claim.claim_due(10)] == [True]
    assert claim.claim_due(10) == []


def test_request_is_refused_when_the_clean_up_has_begun(alice: User) -> None:
    video = unfetched(order(alice))
    claimed(video)
    with pytest.raises(state_machine.NotPossible):
        rescue.request(video)


@pytest.mark.parametrize(
    "made",
    [
        running,
        failed,
        lambda video: cancelled(running(video)),
        lambda video: completed(video, b"film"),
        lambda video: fetch_again(unfetched(video)),
    ],
    ids=["running", "failed", "cancelled", "succeeded", "rescued"],
)
def test_request_is_refused_when_there_is_no_finished_job_without_its_file(
    alice: User, made: Callable[[Video], Video]
) -> None:
    video = made(order(alice))
    with pytest.raises(state_machine.NotPossible):
        rescue.request(video)
    assert rescue.is_possible(video) is False


def test_request_is_refused_when_the_grace_is_over(alice: User) -> None:
    video = unfetched(order(alice))
    with time_machine.travel(timezone.now() + DAY), pytest.raises(state_machine.NotPossible):
        rescue.request(video)


def test_file_is_kept_long_enough_when_staff_ask_at_the_last_moment(alice: User) -> None:
    video = unfetched(order(alice))
    with time_machine.travel(timezone.now() + DAY - timedelta(seconds=2), tick=False):
        rescue.request(video)
        assert reloaded(video).result_kept_until == clock.now() + rescue.TIME_TO_FETCH


def play(dice: random.Random, user: User) -> Video:
    """Let staff, the owner and workers act at random, also workers that lost their lease."""
    video, held = unfetched(order(user)), list[Video]()

    def settle_one(result: execute.Result) -> None:
        if held:
            settle.settle([(dice.choice(held[-2:]), result)])

    acts: list[Callable[[], object]] = [
        lambda: rescue.request(video),
        lambda: make_due(video),
        lambda: held.extend(claim.claim_due(10)),
        lambda: settle_one(stored(video)),
        lambda: settle_one(Unavailable("down")),
        lambda: removal.delete(video, undo=dice.random() < 0.5),
        lambda: removal.restore(video),
    ]
    for act in dice.choices(acts, [4, 1, 4, 3, 2, 1, 1], k=14):
        with suppress(state_machine.NotPossible, removal.TooLate):
            act()
        now = reloaded(video)
        assert (now.status == "succeeded") == (now.rescued_at is not None)
        assert (credits.available(user), audit()) == (100, [])
    return reloaded(video)


def test_credits_and_state_agree_whatever_staff_owner_and_workers_do(alice: User) -> None:
    dice = random.Random(11)
    assert {play(dice, alice).status for _ in range(8)} == {"failed", "succeeded"}


# ---- the page of staff ----


def post(client: Client, video: Video, reason: str = "The host is allowed now") -> Any:
    url = f"/admin/videos/video/{video.pk}/actions/fetch_again/"
    return client.post(url, {"reason": reason}, follow=True)


def test_page_says_until_when_the_engine_has_the_file_and_offers_to_fetch_it(
    staff_client: Client, alice: User
) -> None:
    video = unfetched(order(alice))
    answer = staff_client.get(f"/admin/videos/video/{video.pk}/change/")
    assert "The engine has the finished file. It is deleted there at" in answer.content.decode()
    urls = [action.url.split("/")[-2] for action in answer.context["object_actions"]]
    assert urls == ["fetch_again", "retry"]
    asked = staff_client.get(f"/admin/videos/video/{video.pk}/actions/fetch_again/")
    assert asked.context["changes"] == [("State", "Failed", "Done")]
    (says,) = asked.context["says"]
    assert says == (
        "A worker fetches the finished file from the engine. Then the video succeeds, and alice"
        " keeps the 20 credits that were refunded."
    )


def test_second_click_is_refused_when_the_file_is_fetched_already(
    staff_client: Client, alice: User
) -> None:
    video = unfetched(order(alice))
    assert "The file is fetched now." in post(staff_client, video).content.decode()
    assert "The state of the video changed meanwhile." in post(staff_client, video).content.decode()
    page = staff_client.get(f"/admin/videos/video/{video.pk}/change/").content.decode()
    assert "A worker fetches the file again." in page
