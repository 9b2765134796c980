"""A deletion that is undone: everything is as before; too late, nothing is; never half of both."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from showcase import gallery
from tests.racers import racers
from tests.videos.conftest import completed, order, picture, reloaded, running, upload
from videos.engines.errors import Unavailable
from videos.jobs import removal
from videos.jobs.worker import claim, settle
from videos.library import share_links
from videos.media import files as media_files
from videos.media import upload_cleanup, uploads
from videos.models import Collection, Upload, Video

RESTORE = "/library/restore/"


def deleted(page: Client, *videos: Video) -> str:
    """What the library says once these are deleted."""
    data = {"video": [str(video.pk) for video in videos], "sure": "1"}
    return page.post("/library/delete/", data, follow=True).content.decode()


def restored(page: Client, *videos: Video, **data: str) -> Any:
    return page.post(RESTORE, {"video": [str(video.pk) for video in videos], **data}, follow=True)


def age(video: Video, by: timedelta) -> None:
    """As if the deletion were so much older."""
    stored = reloaded(video)
    assert stored.deleted_at
    assert stored.next_step_at
    Video.objects.filter(pk=video.pk).update(
        deleted_at=stored.deleted_at - by, next_step_at=stored.next_step_at - by
    )


def facts(video: Video) -> dict[str, Any]:
    """All that is stored of a video but when and in which order it changed."""
    row = Video.objects.filter(pk=video.pk).values().get()
    return {name: value for name, value in row.items() if name not in {"sequence", "updated_at"}}


def files(video: Video) -> list[bool]:
    return [default_storage.exists(name) for name in media_files.storage_names(video).values()]


def test_video_is_unchanged_when_deletion_is_undone(page: Client, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    Collection.objects.create(user=alice, name="Boats").videos.add(video)
    page.post(f"/v/{video.pk}/favourite/")
    link = share_links.token_of(share_links.create_link(video))
    gallery.offer(video)
    before, clip = facts(video), reloaded(video).clip.pk
    answer = page.post(f"/v/{video.pk}/delete/", follow=True)
    body = answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/library/"
    assert "The video was deleted." in body
    assert f'<input type="hidden" name="video" value="{video.pk}">' in body
    assert page.get(f"/v/{video.pk}/").status_code == 404
    assert page.get(f"/s/{link}/").status_code == 404
    upload_cleanup.delete_unused()
    gallery.delete_clips_of_deleted_videos()
    assert claim.claim_due(10) == []
    assert "1 video was restored." in restored(page, video).content.decode()
    assert (facts(video), files(video), reloaded(video).clip.pk) == (before, [True] * 3, clip)
    assert page.get(f"/v/{video.pk}/").status_code == 200
    assert page.get(f"/s/{link}/").status_code == 200
    assert (Collection.objects.get().videos.count(), credits.available(alice)) == (1, 80)


def test_several_videos_are_restored_together(page: Client, alice: User, mp4: bytes) -> None:
    done, rendering = completed(order(alice), mp4), running(order(alice))
    body = deleted(page, done, rendering)
    assert "2 videos were deleted." in body
    assert f'name="video" value="{rendering.pk} {done.pk}"' in body
    both = f"{rendering.pk} {done.pk}"
    text = page.post(RESTORE, {"video": both}, follow=True).content.decode()
    assert "2 videos were restored." in text
    found = Video.objects.of(alice).values_list("status", flat=True)
    assert sorted(found) == ["cancelled", "succeeded"]
    assert (credits.available(alice), invariants.problems()) == (80, [])


def test_engine_job_is_deleted_when_restored_video_was_cancelled(page: Client, alice: User) -> None:
    video = running(order(alice))
    deleted(page, video)
    restored(page, video)
    assert (reloaded(video).deleted_at, reloaded(video).needs_cleanup) == (None, True)
    assert [claimed.pk for claimed in claim.claim_due(10)] == [video.pk]


def test_reference_image_stays_while_deletion_can_be_undone(
    page: Client, alice: User, mp4: bytes
) -> None:
    image = uploads.store_image(alice, upload(picture()))
    video = completed(order(alice, first_image=image), mp4)
    Upload.objects.update(created_at=timezone.now() - timedelta(days=9))
    deleted(page, video)
    assert (upload_cleanup.delete_unused(), reloaded(video).first_image_id) == (0, image.pk)
    age(video, 3 * Video.UNDO)
    assert (upload_cleanup.delete_unused(), reloaded(video).first_image_id) == (1, None)


def test_second_undo_changes_nothing(page: Client, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    deleted(page, video)
    restored(page, video)
    seq = reloaded(video).sequence
    assert "1 video was restored." in restored(page, video).content.decode()
    assert reloaded(video).sequence == seq


@pytest.mark.parametrize("late", [Video.UNDO, timedelta(days=1)])
def test_undo_is_refused_when_it_is_too_late(
    page: Client, alice: User, mp4: bytes, late: timedelta
) -> None:
    video = completed(order(alice), mp4)
    deleted(page, video)
    age(video, late)
    assert "The video can no longer be restored" in restored(page, video).content.decode()
    assert restored(page, video, quiet="1").status_code == 410
    assert reloaded(video).deleted_at is not None
    lost = running(order(alice))
    deleted(page, lost)
    age(lost, late)
    assert restored(page, lost, quiet="1").status_code == 410


def test_undo_answers_script_with_a_status(page: Client, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    data = {"video": str(video.pk), "quiet": "1"}
    codes = [
        page.post(path, data).status_code
        for path in (f"/v/{video.pk}/delete/", RESTORE, RESTORE, f"/v/{video.pk}/delete/")
    ]
    assert codes == [204] * 4
    assert "is deleted" not in page.get("/library/").content.decode()


def test_undo_is_refused_when_video_was_deleted_over_the_api(
    page: Client, api: APIClient, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    assert api.delete(f"/api/videos/{video.pk}").json() == {"success": True}
    assert restored(page, video, quiet="1").status_code == 410
    assert [claimed.pk for claimed in claim.claim_due(10)] == [video.pk]


def test_undo_is_not_found_when_video_belongs_to_another_user(
    page: Client, alice: User, bob: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    deleted(page, video)
    client = Client()
    client.force_login(bob)
    chosen = [[str(video.pk)], [str(uuid4())], ["x"], []]
    answers = [client.post(RESTORE, {"video": ids}) for ids in chosen]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert reloaded(video).deleted_at is not None
    anonymous = Client().post(RESTORE, {"video": str(video.pk)})
    assert anonymous["Location"].startswith("/accounts/login/")


def test_undo_is_refused_when_worker_has_removed_the_files(
    page: Client, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    deleted(page, video)
    age(video, Video.UNDO)
    (held,) = claim.claim_due(10)
    with pytest.raises(removal.TooLate):
        removal.restore(video)
    settle.settle([(held, Unavailable("down", code="x"))])  # the files may be gone by now
    with pytest.raises(removal.TooLate):
        removal.restore(video)


def either(pk: str) -> None:
    """Undo, or take it up for removal."""
    if random.random() < 0.5:
        removal.restore(Video.objects.get(pk=UUID(pk)))
    else:
        claim.claim_due(10)


@pytest.mark.django_db(transaction=True)
def test_video_is_restored_or_removed_but_never_both(alice: User, mp4: bytes) -> None:
    ended = set()
    with racers(2) as team:
        for n in range(4):
            video = completed(order(alice), mp4)
            removal.delete(video, undo=True)
            soon = timezone.now() + timedelta(milliseconds=30 + n)
            Video.objects.filter(pk=video.pk).update(next_step_at=soon)
            raised = set(team.race("tests.videos.web.test_undo_delete:either", str(video.pk)))
            stored = reloaded(video)
            ended.add((stored.deleted_at is None, stored.lease is None, stored.needs_cleanup))
            assert raised <= {"ok", "TooLate"}
            Video.objects.filter(pk=video.pk).update(next_step_at=None)
    assert ended <= {(True, True, False), (False, False, True), (False, True, True)}
