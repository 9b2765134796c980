"""DELETE /api/videos/<id>: cancelled, paid back, out of sight, and soon gone everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from tests.conftest import ServerThread
from tests.videos.conftest import claimed, completed, failed, make_due, order, reloaded, running
from videos.engines.base import Job, JobState, Variant
from videos.jobs import orders, removal
from videos.jobs.worker import execute, settle
from videos.media import files
from videos.models import Video
from videos.sandbox.jobs import records

Work = Callable[..., None]
Finish = Callable[[Video], Video]


def delete(client: APIClient, video: Video) -> Any:
    return client.delete(f"/api/videos/{video.pk}")


@pytest.mark.parametrize("state", [order, lambda u: running(order(u)), lambda u: claimed(order(u))])
def test_delete_cancels_and_refunds_the_video_when_it_has_not_ended(
    api: APIClient, alice: User, state: Any
) -> None:
    video = state(alice)
    answer = delete(api, video)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    video = reloaded(video)
    assert video.status == "cancelled"
    assert video.deleted_at is not None
    assert [e.type for e in credits.history(alice)] == ["refunded", "spent", "bonus"]
    assert credits.available(alice) == 100


def test_delete_refunds_nothing_when_the_video_is_completed(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    assert delete(api, video).json() == {"success": True}
    assert (reloaded(video).status, credits.available(alice)) == ("succeeded", 80)


def test_delete_refunds_nothing_again_when_the_video_had_failed(
    api: APIClient, alice: User
) -> None:
    delete(api, failed(order(alice)))
    assert (credits.available(alice), invariants.problems()) == (100, [])


def test_delete_is_404_when_the_video_was_deleted_before(api: APIClient, alice: User) -> None:
    video = order(alice)
    codes = [delete(api, video).status_code for _ in range(2)]
    assert (codes, credits.available(alice)) == ([200, 404], 100)


def test_nothing_is_sent_when_it_is_deleted_again(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    video = order(alice)
    with django_capture_on_commit_callbacks(execute=True) as sent:
        removal.delete(video)
    first = reloaded(video)
    with django_capture_on_commit_callbacks(execute=True) as sent_again:
        removal.delete(video)
    # Of its cancelling and of its deletion one message to its owner and one to the workers each.
    assert (len(sent), len(sent_again)) == (4, 0)
    # The first number was that of its order.
    assert first.sequence == 3
    assert (reloaded(video).deleted_at, reloaded(video).sequence) == (
        first.deleted_at,
        first.sequence,
    )


def test_delete_answers_another_user_like_an_unknown_id(stranger: APIClient, alice: User) -> None:
    video = order(alice)
    his, unknown = delete(stranger, video), stranger.delete(f"/api/videos/{uuid4()}")
    assert (his.status_code, his.content) == (404, unknown.content)
    assert reloaded(video).deleted_at is None


def test_delete_keeps_the_remixes_when_their_source_is_deleted(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    source = completed(order(alice), mp4)
    child = orders.remix(source, "At night")
    delete(api, source)
    assert api.get(f"/api/videos/{child.pk}").json()["remix_of"] == str(source.pk)


def test_worker_deletes_files_and_engine_job_of_a_deleted_video(
    live: ServerThread, alice: User, finish: Finish, work: Work
) -> None:
    video = finish(order(alice, "A kite [[instant]]"))
    paths = [Path(default_storage.path(name)) for name in files.storage_names(video).values()]
    assert len(paths) == 3
    assert [path for path in paths if not path.exists()] == []
    assert records.find(video.engine_job_id) is not None
    removal.delete(video)
    work(lambda: not reloaded(video).needs_cleanup)
    assert [path for path in paths if path.exists()] == []
    assert records.find(video.engine_job_id) is None
    assert reloaded(video).next_step_at is None


def test_worker_deletes_files_when_the_engine_is_no_longer_configured(
    alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    Video.objects.update(engine="retired")
    paths = [Path(default_storage.path(name)) for name in files.storage_names(video).values()]
    removal.delete(video)
    held = claimed(video)
    settle.settle([(held, execute.execute(held))])
    assert [path for path in paths if path.exists()] == []
    assert reloaded(video).next_step_at is None


def test_worker_deletes_a_late_job_when_a_cleanup_was_in_progress(alice: User) -> None:
    held = claimed(order(alice))
    removal.delete(held)
    cleaning = claimed(held)
    settle.settle([(held, Job("job_late", JobState.QUEUED))])
    settle.settle([(cleaning, execute.Cleaned())])
    video = reloaded(held)
    assert (video.engine_job_id, video.needs_cleanup) == ("job_late", True)
    assert video.next_step_at is not None


def test_worker_deletes_the_engine_job_when_it_was_rendering(
    live: ServerThread, alice: User, work: Work
) -> None:
    video = order(alice, "A kite [[fail:internal_error]]")
    work(lambda: reloaded(video).status == "running")
    removal.delete(video)

    def gone() -> bool:
        make_due(video)  # the engine takes no deletion before its job has ended
        return records.find(reloaded(video).engine_job_id) is None

    work(gone)
    assert invariants.problems() == []


def test_worker_deletes_the_engine_job_when_it_was_accepted_after_the_deletion(
    alice: User, api: APIClient
) -> None:
    held = claimed(order(alice))
    delete(api, held)
    settle.settle([(held, Job("job_late", JobState.QUEUED))])
    video = reloaded(held)
    assert (video.status, video.engine_job_id, video.needs_cleanup) == (
        "cancelled",
        "job_late",
        True,
    )
    assert credits.available(alice) == 100


def test_worker_deletes_the_files_when_they_arrive_after_the_deletion(
    alice: User, api: APIClient, mp4: bytes
) -> None:
    video = running(order(alice))
    settle.settle([(claimed(video), Job(video.engine_job_id, JobState.SUCCEEDED))])
    held = claimed(video)
    name = default_storage.save(files.storage_names(video)[Variant.VIDEO], ContentFile(mp4))
    delete(api, video)
    settle.settle([(held, files.StoredResult(name, len(mp4), "0" * 64, name, name))])
    stored = reloaded(video)
    assert (stored.status, stored.needs_cleanup) == ("cancelled", True)
    claimed_video = claimed(video)
    files.delete_files(claimed_video)
    assert not default_storage.exists(name)
