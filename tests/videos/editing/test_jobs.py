"""The life of an edit: credits, shares, cancelling, retrying, hostile files, dying workers."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.concurrency import run_concurrently
from tests.markup import flat
from tests.videos.conftest import upload
from tests.videos.editing.conftest import (
    finished,
    fresh,
    ordered,
    result_of,
    temporary_files,
    wav,
)
from videos.account import deletion
from videos.editing import films, job_states, jobs, recipes, representation, worker
from videos.editing.jobs import TooManyEdits
from videos.editing.recipes import Join, Recipe, Sound, Trim
from videos.jobs import key_limits, orders, removal
from videos.jobs.state_machine import NotPossible
from videos.media import files, upload_cleanup, uploads
from videos.models import MediaJob, Upload, Video
from videos.reports import margins, refund_audit, usage
from videos.web.presenters import waiting_times

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., None]


@pytest.fixture
def price(settings: LazySettings) -> int:
    settings.EDIT_CREDITS = 7
    return 7


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def stored_files(job: MediaJob) -> list[bool]:
    names = files.storage_names(Video(pk=job.pk, user_id=job.user_id))
    return [default_storage.exists(name) for name in names.values()]


def claimed(job: MediaJob) -> MediaJob:
    return next(each for each in job_states.claim_due(10) if each.pk == job.pk)


# ---- credits ----


def test_edit_is_charged_and_its_video_names_the_price(
    source: Video, price: int, make_edits: Make
) -> None:
    alice = source.user
    had = credits.available(alice)
    job = ordered(alice, source, mute=True)
    assert credits.available(alice) == had - price
    make_edits()
    result_of(job)
    assert (credits.available(alice), Video.objects.get(pk=job.pk).credits) == (had - price, price)
    assert list(refund_audit.findings()) == list(refund_audit.edit_findings()) == []


def test_edit_is_free_unless_the_operator_sets_a_price(source: Video) -> None:
    had = credits.available(source.user)
    assert ordered(source.user, source, mute=True).credits == 0
    assert credits.available(source.user) == had


def test_cancelled_edit_is_refunded_once(source: Video, price: int, make_edits: Make) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, mute=True)
    jobs.cancel(job)
    with pytest.raises(NotPossible):
        jobs.cancel(job)
    make_edits()
    assert fresh(job).status == "cancelled"
    assert (credits.available(source.user), had - price + price) == (had, had)
    assert list(refund_audit.edit_findings()) == []


def test_cancellation_against_success_pays_or_returns_exactly_once(
    source: Video, price: int
) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, mute=True)
    held = claimed(job)
    stored = files.StoredResult("videos/x.mp4", 1, "0" * 64, "", "")
    made = worker.video_of(held, films.Made(stored, 64, 48, 1.0))

    def succeed() -> bool:
        return job_states.succeed(held, made, stored)

    def cancel() -> bool:
        try:
            job_states.cancel(held)
        except NotPossible:
            return False
        return True

    won = run_concurrently([succeed, cancel])
    assert sorted(won) == [False, True]
    expected = ("succeeded", had - price, 1) if won[0] else ("cancelled", had, 0)
    made_videos = Video.objects.filter(operation="edit").count()
    assert (fresh(job).status, credits.available(source.user), made_videos) == expected
    assert invariants.problems() == []


def test_missing_refund_is_found_and_added_by_the_audit(source: Video, price: int) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, mute=True)
    MediaJob.objects.filter(pk=job.pk).update(status="failed", ended_at=clock.now())
    assert [finding.repair for finding in refund_audit.edit_findings()] == [f"+{price}"]
    assert credits.available(source.user) == had


# ---- the queue ----


def test_user_has_one_running_edit_and_others_do_not_wait_for_it(source: Video, bob: User) -> None:
    first, second = (ordered(source.user, source, speed=speed) for speed in (2.0, 3.0))
    other = ordered(bob, finished(bob), mute=True)
    assert {job.pk for job in job_states.claim_due(10)} == {first.pk, other.pk}
    assert job_states.claim_due(10) == []
    MediaJob.objects.filter(pk=first.pk).update(status="cancelled", next_step_at=None)
    assert [job.pk for job in job_states.claim_due(10)] == [second.pk]


def test_more_waiting_edits_than_allowed_are_refused(source: Video, settings: LazySettings) -> None:
    settings.EDITS_WAITING = 1
    ordered(source.user, source, mute=True)
    with pytest.raises(TooManyEdits):
        ordered(source.user, source, mute=True)
    assert MediaJob.objects.count() == 1


def test_stopping_worker_gives_its_edit_back(source: Video) -> None:
    job = ordered(source.user, source, loops=20)
    stopping = worker.MediaWorker(1)
    stopping.turn()
    assert fresh(job).status == "running"
    stopping.finish(10)
    kept = fresh(job)
    assert (kept.status, kept.attempts, kept.lease) == ("queued", 0, None)
    assert temporary_files() == []


def test_cancelled_edit_stops_its_process_and_leaves_nothing(
    source: Video, make_edits: Make
) -> None:
    job = ordered(source.user, source, loops=20, speed=0.25)
    make_edits(lambda: fresh(job).progress > 0)
    jobs.cancel(job)
    make_edits()
    ended = fresh(job)
    assert (ended.status, ended.needs_cleanup, ended.result) == ("cancelled", False, None)
    assert (stored_files(job), temporary_files()) == ([False] * 3, [])


def test_files_of_a_cancelled_edit_whose_worker_died_are_removed(
    source: Video, make_edits: Make
) -> None:
    job = ordered(source.user, source, mute=True)
    held = claimed(job)
    stub = Video(pk=job.pk, user_id=job.user_id)
    for name in files.storage_names(stub).values():
        default_storage.save(name, ContentFile(b"half"))
    jobs.cancel(held)
    assert fresh(job).lease is not None
    MediaJob.objects.filter(pk=job.pk).update(next_step_at=clock.now())  # the lease has ended
    make_edits()
    assert stored_files(job) == [False] * 3


def test_edit_whose_worker_dies_again_and_again_fails(
    source: Video, price: int, make_edits: Make, settings: LazySettings
) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, mute=True)
    MediaJob.objects.filter(pk=job.pk).update(attempts=settings.EDIT_ATTEMPTS)
    make_edits()
    assert (fresh(job).failure_code, credits.available(source.user)) == ("interrupted", had)


# ---- retry ----


def test_retry_is_a_new_edit_with_the_same_recipe(source: Video, make_edits: Make) -> None:
    job = ordered(source.user, source, trim=Trim(0.0, 0.5))
    with pytest.raises(NotPossible):
        jobs.retry(source.user, job)
    jobs.cancel(job)
    again = jobs.retry(source.user, fresh(job))
    make_edits()
    assert (again.retry_of, recipes.of_job(again)) == (job, Recipe(trim=Trim(0.0, 0.5)))
    assert result_of(again).frames == 12


def test_retry_without_its_video_is_refused(source: Video) -> None:
    job = ordered(source.user, source, mute=True)
    jobs.cancel(job)
    removal.delete(source)
    with pytest.raises(NotPossible):
        jobs.retry(source.user, fresh(job))


# ---- what cannot be done ----


def test_edit_of_a_deleted_video_fails_with_the_reason(
    source: Video, price: int, make_edits: Make
) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, mute=True)
    removal.delete(source)
    make_edits()
    assert (fresh(job).failure_code, credits.available(source.user)) == ("source_deleted", had)


def test_sound_that_a_waiting_edit_uses_is_kept(source: Video, settings: LazySettings) -> None:
    settings.UPLOAD_UNUSED = timedelta()
    body = upload(wav(500, 0.2), "s.wav", "audio/wav")
    sound = uploads.store_upload(source.user, body, "audio")
    job = ordered(source.user, source, sound=sound, added=Sound())
    assert upload_cleanup.delete_unused() == 0
    jobs.cancel(job)
    assert (upload_cleanup.delete_unused(), Upload.objects.count()) == (1, 0)


# ---- leaving ----


def test_closing_an_account_cancels_edits_and_returns_credits(
    source: Video, price: int, make_edits: Make
) -> None:
    alice = source.user
    had = credits.available(alice)
    job = ordered(alice, source, mute=True)
    deletion.request_deletion(alice)
    assert (fresh(job).status, credits.available(alice)) == ("cancelled", had)
    deletion.erase_account(alice)
    make_edits()
    assert (fresh(job).recipe, stored_files(job)) == ({}, [False] * 3)


# ---- an edited video in the rest of the product ----


def test_edited_video_cannot_be_remixed(source: Video, make_edits: Make) -> None:
    job = ordered(source.user, source, mute=True)
    make_edits()
    with pytest.raises(NotPossible):
        orders.remix(Video.objects.get(pk=job.pk), "At dawn")


def test_edited_video_can_be_edited_and_joined_with_itself(source: Video, make_edits: Make) -> None:
    first = ordered(source.user, source, trim=Trim(0.5))
    make_edits()
    made = Video.objects.get(pk=first.pk)
    second = ordered(source.user, made, made, join=Join())
    make_edits()
    assert (result_of(second).frames, Video.objects.get(pk=second.pk).source) == (24, made)


# ---- kill -9 ----


def test_edit_is_made_once_when_its_worker_is_killed(
    source: Video, price: int, make_edits: Make, settings: LazySettings
) -> None:
    had = credits.available(source.user)
    job = ordered(source.user, source, loops=3, speed=0.25)
    held = claimed(job)
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / f"media-job-{job.pk.hex}"
    # What another process has of a job: a copy of the worker's thread, killed with its process.
    instructions = worker.work_of(held)
    child = os.fork()
    if child == 0:
        films.make(instructions)
        os._exit(0)
    until = time.monotonic() + 10
    while not list(folder.glob("*/film.mp4")):
        assert time.monotonic() < until
        time.sleep(0.02)
    process = Path(f"/proc/{child}/task/{child}/children").read_text().split()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while any(Path(f"/proc/{each}/cmdline").is_file() for each in process):
        assert time.monotonic() < until, "the process outlived its worker"
        time.sleep(0.02)
    MediaJob.objects.filter(pk=job.pk).update(next_step_at=clock.now())  # the lease has ended
    make_edits()
    assert result_of(job).frames == 24 * 3 * 4
    assert (fresh(job).attempts, Video.objects.filter(operation="edit").count()) == (2, 1)
    assert (credits.available(source.user), temporary_files()) == (had - price, [])


def test_edited_video_is_no_job_of_an_engine(
    source: Video, make_edits: Make, page: Client, settings: LazySettings
) -> None:
    settings.EDIT_CREDITS = 7
    job = ordered(source.user, source, trim=Trim(0.5), poster=0.0)
    usual = waiting_times.typical_seconds()
    make_edits()
    made = Video.objects.get(pk=job.pk)
    assert waiting_times.typical_seconds() == usual
    report = usage.usage_of(source.user, 7)
    assert [(kind.label, kind.videos) for kind in report.kinds] == [("From text", 1), ("Edit", 1)]
    assert [(model.videos, model.credits) for model in report.models] == [(1, source.credits)]
    assert key_limits.spent_today(uuid4()) == 0
    assert margins.jobs(Video.objects.filter(pk=made.pk)).count() == 0
    shown = page.get(f"/v/{made.pk}/").content.decode()
    assert ("7 credits charged" in shown, "Edit of" in shown, 'id="remix"' in shown) == (
        True, True, False,
    )  # fmt: skip
    assert f"/api/videos/{source.pk}/edits" in shown
    assert representation.request_of(job) == {"trim": {"start": 0.5, "end": None}, "poster": 0.0}
    assert page.get(f"/v/{source.pk}/compare/?a={source.pk}&b={made.pk}").status_code == 200
    assert page.get(f"/studio/?from={made.pk}").status_code == 200
    assert page.get("/usage/").status_code == 200


def test_key_spends_credits_on_edits_within_its_limit(source: Video, price: int) -> None:
    key, _text = api_keys.issue(source.user, "Key", ["generate"])
    ApiKey.objects.filter(pk=key.pk).update(credits_per_day=10)
    order_again = jobs.EditOrder([source], Recipe(mute=True), api_key_id=key.pk)
    jobs.submit(source.user, order_again)
    assert key_limits.spent_today(key.pk) == price
    with pytest.raises(key_limits.KeyLimitReached):
        jobs.submit(source.user, order_again)
    assert MediaJob.objects.count() == 1


def test_deleted_edit_loses_its_files(
    source: Video, make_edits: Make, work: Callable[..., None]
) -> None:
    job = ordered(source.user, source, mute=True)
    make_edits()
    removal.delete(Video.objects.get(pk=job.pk))
    work(lambda: not Video.objects.get(pk=job.pk).needs_cleanup)
    assert stored_files(job) == [False] * 3


def test_staff_see_what_a_process_said(
    source: Video, make_edits: Make, staff_client: Client
) -> None:
    default_storage.delete(str(source.file.name))
    job = ordered(source.user, source, mute=True)
    make_edits()
    assert fresh(job).failure_code == "source_gone"
    assert "source_gone" in staff_client.get("/admin/videos/mediajob/").content.decode()
    shown = staff_client.get(f"/admin/videos/mediajob/{job.pk}/change/").content.decode()
    assert str(source.file.name) in shown


def test_card_of_an_edit_says_of_what_it_is_one(
    client: Client, source: Video, make_edits: Make
) -> None:
    ordered(source.user, source, mute=True)
    make_edits()
    client.force_login(source.user)
    body = flat(client.get("/library/"))
    assert (f"Edit of {source.display_title}" in body, "Remix of" in body) == (True, False)
