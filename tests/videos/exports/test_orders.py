"""The life of an export: made once, credits, expiry, deletion, cancelling, dying workers."""

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.concurrency import run_concurrently
from tests.videos.conftest import order
from tests.videos.editing.conftest import finished, fresh, ordered, temporary_files
from tests.videos.exports.conftest import body_of, exported, of_user, row_of
from videos import tasks
from videos.account import data_export, deletion
from videos.editing import job_states
from videos.editing.exports import making, orders, records
from videos.editing.exports.orders import TooManyExports
from videos.editing.films import MadeExport
from videos.editing.recipes import NotEditable
from videos.jobs import key_limits, removal
from videos.jobs.orders import PriceChanged
from videos.media import files
from videos.models import MediaExport, MediaJob, Video
from videos.reports import refund_audit

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., None]


@pytest.fixture
def price(settings: LazySettings) -> int:
    settings.EXPORT_CREDITS = 3
    return 3


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def claimed(job: MediaJob) -> MediaJob:
    return next(each for each in job_states.claim_due(10) if each.pk == job.pk)


def record(job: MediaJob) -> bool:
    """Record the file of a claimed job, as its worker does."""
    name = f"exports/{job.user_id}/{job.videos[0].pk}/{job.pk}.jpg"
    return records.record_made(job, MadeExport(name, "", 1, "0" * 64, "", 8, 8, 1.0))


def there(*names: str) -> list[bool]:
    return [bool(name) and default_storage.exists(name) for name in names]


# ---- made once ----


def test_same_export_is_made_and_charged_once_under_a_race(source: Video, price: int) -> None:
    had = credits.available(source.user)
    made = run_concurrently([lambda: exported(source, "gif").pk] * 4)
    assert len(set(made)) == 1
    assert (MediaJob.objects.count(), credits.available(source.user)) == (1, had - price)
    assert invariants.problems() == []


def test_kept_export_answers_again_for_nothing_and_a_changed_file_does_not(
    source: Video, price: int
) -> None:
    job = exported(source, "vertical")
    record(claimed(job))
    had = credits.available(source.user)
    assert exported(source, "vertical", max_credits=0) == job
    # An option without effect on the file makes no other export.
    assert exported(source, "vertical", fit="crop", position=0.5) == job
    others = [
        exported(source, "vertical", position=0.2), exported(source, "vertical", fit="bars"),
        exported(source, "square"),
    ]  # fmt: skip
    Video.objects.filter(pk=source.pk).update(file_sha256="1" * 64)
    others.append(exported(Video.objects.get(pk=source.pk), "vertical"))
    assert len({job.pk, *(each.pk for each in others)}) == 5
    assert credits.available(source.user) == had - 4 * price


def test_lost_export_is_made_anew(source: Video) -> None:
    first = exported(source, "gif")
    orders.cancel(first)
    assert exported(source, "gif") != first


# ---- credits and limits ----


def test_cancelled_and_failed_exports_return_their_credits_once(
    source: Video, price: int, make_edits: Make
) -> None:
    had = credits.available(source.user)
    job_states.fail(claimed(exported(source, "webp")), "broken")
    orders.cancel(exported(source, "gif"))
    make_edits()
    assert credits.available(source.user) == had
    assert list(refund_audit.edit_findings()) == []
    history = [entry.description for entry in credits.history(source.user)][:4]
    assert sum("Export:" in text for text in history) == 4
    assert invariants.problems() == []


def test_price_that_has_risen_is_not_charged(source: Video, price: int) -> None:
    with pytest.raises(PriceChanged):
        exported(source, "gif", max_credits=price - 1)
    assert MediaJob.objects.count() == 0


def test_key_spends_credits_on_exports_within_its_limit(source: Video, price: int) -> None:
    key, _text = api_keys.issue(source.user, "Key", ["generate"])
    ApiKey.objects.filter(pk=key.pk).update(credits_per_day=price)
    record(claimed(exported(source, "sheet", api_key_id=key.pk)))
    assert key_limits.spent_today(key.pk) == price
    with pytest.raises(key_limits.KeyLimitReached):
        exported(source, "gif", api_key_id=key.pk)


def test_more_waiting_exports_than_allowed_are_refused_and_edits_are_not(
    source: Video, settings: LazySettings
) -> None:
    settings.EXPORTS_WAITING = settings.EDITS_WAITING = 1
    exported(source, "gif")
    with pytest.raises(TooManyExports):
        exported(source, "webp")
    ordered(source.user, source, mute=True)
    assert MediaJob.objects.count() == 2


def test_video_that_is_not_finished_or_too_long_is_refused(
    alice: User, source: Video, settings: LazySettings
) -> None:
    with pytest.raises(NotEditable):
        exported(order(alice), "gif")
    settings.EDIT_MAX_SECONDS = 1
    Video.objects.filter(pk=source.pk).update(seconds=4)
    with pytest.raises(NotEditable):
        exported(Video.objects.get(pk=source.pk), "gif")


def test_exports_and_edits_share_the_turns_of_a_user(source: Video) -> None:
    first, _second = exported(source, "sheet"), ordered(source.user, source, mute=True)
    assert [job.pk for job in job_states.claim_due(10)] == [first.pk]


# ---- the end ----


def test_export_is_kept_for_its_days_and_then_removed_with_its_files(
    source: Video, make_edits: Make, settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = True
    job = exported(source, "webm")
    make_edits()
    row = row_of(job)
    assert row.kept_until is not None
    assert abs(row.kept_until - clock.now() - timedelta(days=7)) < timedelta(minutes=1)
    tasks.delete_expired()
    assert there(row.file, row.sidecar) == [True, True]
    MediaExport.objects.update(kept_until=clock.now())
    assert of_user(source.user) == []
    assert exported(source, "webm") != job
    tasks.delete_expired()
    assert there(row.file, row.sidecar) == [False, False]
    assert (row_of(job).file, row_of(job).removed_at is None) == ("", False)


def test_failed_export_leaves_the_list_after_as_many_days(source: Video) -> None:
    job = exported(source, "gif")
    orders.cancel(job)
    assert (records.remove_expired(), len(of_user(source.user))) == (0, 1)
    long_ago = clock.now() - timedelta(days=8)
    MediaJob.objects.update(ended_at=long_ago, needs_cleanup=False)
    assert (records.remove_expired(), of_user(source.user)) == (1, [])


def test_deleted_export_loses_its_file_and_a_running_one_is_cancelled(
    source: Video, make_edits: Make
) -> None:
    done, waiting = exported(source, "sheet"), None
    make_edits()
    name = row_of(done).file
    waiting = exported(source, "gif")
    for job in (done, waiting):
        orders.delete(row_of(job))
    make_edits()
    assert (there(name), of_user(source.user), fresh(waiting).status) == ([False], [], "cancelled")


def test_exports_go_with_their_video(
    source: Video, make_edits: Make, settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = True
    done = exported(source, "webm")
    make_edits()
    names = row_of(done).file, row_of(done).sidecar
    held = claimed(exported(source, "gif"))
    removal.delete(source)
    assert of_user(source.user) == []
    files.delete_files(source)
    assert there(*names) == [False, False]
    # The one that was being made is not kept.
    record(held)
    assert (fresh(held).status, fresh(held).failure_code) == ("failed", "source_deleted")


def test_closing_an_account_cancels_exports_and_erasing_it_takes_their_files(
    source: Video, make_edits: Make
) -> None:
    done = exported(source, "sheet")
    make_edits()
    name = row_of(done).file
    waiting = exported(source, "gif")
    deletion.request_deletion(source.user)
    assert fresh(waiting).status == "cancelled"
    deletion.erase_account(source.user)
    make_edits()
    files.delete_files(Video.objects.get(pk=source.pk))  # as a worker does for each video
    assert (there(name), fresh(done).recipe) == ([False], {})


def test_exports_are_in_the_data_of_the_account_and_edits_are_not_among_them(
    source: Video,
) -> None:
    job = exported(source, "gif")
    edit = ordered(source.user, source, mute=True)
    target = io.BytesIO()
    data_export.write_zip(source.user, target)
    with zipfile.ZipFile(target) as archive:
        kept = {name: json.loads(archive.read(f"{name}.json")) for name in ("exports", "edits")}
    assert [row["id"] for row in kept["exports"]] == [str(job.pk)]
    assert [row["id"] for row in kept["edits"]] == [str(edit.pk)]


# ---- stopping ----


def test_cancelled_export_stops_and_leaves_nothing(source: Video, make_edits: Make) -> None:
    job = exported(source, "av1")
    make_edits(lambda: fresh(job).status == "running")
    orders.cancel(job)
    make_edits()
    assert (temporary_files(), fresh(job).needs_cleanup, row_of(job).file) == ([], False, "")


def test_export_is_made_once_when_its_process_is_killed(
    source: Video, make_edits: Make, settings: LazySettings
) -> None:
    job = exported(source, "webm")
    held = claimed(job)
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / f"media-job-{job.pk.hex}"
    # What another process has of a job: a copy of the worker's thread, killed with its process.
    task = making.task_of(held)
    child = os.fork()
    if child == 0:
        task.make()
        os._exit(0)
    until = time.monotonic() + 10
    while not list(folder.glob("*/film.webm")):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    MediaJob.objects.filter(pk=job.pk).update(next_step_at=clock.now())  # the lease has ended
    make_edits()
    assert (fresh(job).attempts, temporary_files()) == (2, [])
    assert record(held) is False  # whatever the dead one would have said
    assert len(body_of(job)) == row_of(job).file_bytes
