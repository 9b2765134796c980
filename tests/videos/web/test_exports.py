"""The pages of exports: of a video, of a selection, and the list of all."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.lib import clock
from tests.conftest import create_user
from tests.videos.conftest import order
from tests.videos.credentials.test_stored_videos import sent
from tests.videos.editing.conftest import finished, fresh, make_edits
from tests.videos.exports.conftest import exported, of_user, row_of
from videos.models import MediaExport, MediaJob, Video

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["make_edits"]


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def url(name: str, row: Video | MediaJob) -> str:
    return reverse(name, args=[row.pk])


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_page_offers_formats_by_destination_for_free(page: Client, source: Video) -> None:
    shown = text(page.get(url("video-export", source)))
    for name in ("youtube", "vertical", "square", "mp4", "webm", "gif", "png", "sheet", "m4a"):
        assert f'value="{name}"' in shown
    assert "Shorts, Reels and TikTok, 9:16" in shown
    assert "Exports are free. A file is kept for 7 days." in shown
    assert url("video-export", source) in page.get(url("video", source)).content.decode()


def test_price_is_on_the_buttons_and_nothing_can_be_ordered_without_it(
    page: Client, source: Video, settings: LazySettings
) -> None:
    settings.EXPORT_CREDITS = 3
    shown = text(page.get(url("video-export", source)))
    assert ("data-cost>3" in shown, "An export costs 3 credits." in shown) == (True, True)
    page.post(url("video-export", source), {"format": "gif", "expected_credits": "2"})
    assert MediaJob.objects.count() == 0
    settings.EXPORT_CREDITS = 100_000
    assert 'value="gif"' not in text(page.get(url("video-export", source)))


def test_export_is_ordered_followed_downloaded_and_deleted(
    page: Client, source: Video, make_edits: Callable[..., None], settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = True
    path = url("video-export", source)
    fields = {"format": "vertical", "fit": "bars", "position": "20"}
    for _ in range(2):  # a double click
        assert page.post(path, fields)["Location"] == path
    page.post(path, {"format": "webm"})
    jobs = MediaJob.objects.order_by("created_at")
    assert [job.recipe for job in jobs] == [
        {"format": "vertical", "fit": "bars", "position": 0.5},
        {"format": "webm", "fit": "crop", "position": 0.5},
    ]
    shown = text(page.get(path))
    assert ("data-active" in shown, "Waiting" in shown) == (True, True)
    make_edits()
    shown = text(page.get(path))
    row = row_of(jobs[0])
    assert "data-active" not in shown
    assert "Shorts, Reels and TikTok, 9:16 · bars" in shown
    assert "64×114 · kept until" in shown
    for job in jobs:
        assert reverse("api-export-content", args=[job.pk]) in shown
    assert shown.count("?variant=credentials") == 1
    assert page.post(url("export-delete", jobs[0]))["Location"] == path
    assert str(row.pk) not in text(page.get(path))


def test_list_cancels_and_says_why_an_export_failed(page: Client, source: Video) -> None:
    first, second = exported(source, "gif"), exported(source, "m4a")
    assert page.post(url("export-cancel", first), {"list": "1"})["Location"] == "/exports/"
    page.post(url("export-cancel", first))
    MediaJob.objects.filter(pk=second.pk).update(status="failed", failure_code="no_sound")
    shown = text(page.get("/exports/"))
    assert "You cancelled this export." in shown
    assert "The video has no sound." in shown
    assert "Only an edit that waits or runs" in shown
    assert page.get(f"/v/{first.pk}/")["Location"] == f"/exports/#export-{first.pk}"


def test_selection_is_exported_and_all_files_come_in_one_zip(
    page: Client, source: Video, make_edits: Callable[..., None], settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = True
    videos = [source, finished(source.user)]
    chosen = {"video": [str(video.pk) for video in [*videos, order(source.user)]]}
    asked = text(page.post("/library/export/", chosen))
    assert "Export 2 videos" in asked
    assert all(f'value="{video.pk}"' in asked for video in videos)
    answer = page.post("/library/export/", {**chosen, "format": "webm"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/exports/"
    assert "2 exports were ordered." in text(answer)
    assert {row.video_id for row in of_user(source.user)} == {video.pk for video in videos}
    early = page.get("/exports/download/", follow=True)
    assert "No export is finished yet." in text(early)
    make_edits()
    answer = page.get("/exports/download/")
    with ZipFile(io.BytesIO(sent(answer))) as archive:
        kinds = sorted(name.split(".", 1)[1] for name in archive.namelist())
        assert kinds == ["webm", "webm", "webm.c2pa", "webm.c2pa"]
        sizes = sorted(info.file_size for info in archive.infolist() if "c2pa" not in info.filename)
    assert sizes == sorted(row.file_bytes for row in of_user(source.user))


def test_selection_stops_at_the_limit_and_says_what_was_ordered(
    page: Client, source: Video, settings: LazySettings
) -> None:
    settings.EXPORTS_WAITING = 2
    chosen = [str(source.pk), *(str(finished(source.user).pk) for _ in range(2))]
    answer = page.post("/library/export/", {"video": chosen, "format": "gif"}, follow=True)
    assert "2 exports were ordered." in text(answer)
    assert "You have 2 exports that wait or run." in text(answer)
    assert MediaJob.objects.count() == 2


def test_bad_forms_are_answered_with_a_sentence(page: Client, source: Video, alice: User) -> None:
    answer = page.post(url("video-export", source), {"format": "mpeg"}, follow=True)
    assert "Choose a format." in text(answer)
    none = page.post("/library/export/", {"video": str(order(alice).pk)}, follow=True)
    assert "Choose at least one finished video." in text(none)
    waiting = order(alice)
    assert page.get(url("video-export", waiting))["Location"] == url("video", waiting)
    assert MediaJob.objects.count() == 0


def test_export_that_is_over_is_not_shown(page: Client, source: Video) -> None:
    job = exported(source, "gif")
    MediaExport.objects.update(file="exports/x.gif", kept_until=clock.now() - timedelta(seconds=1))
    assert "No exports" in text(page.get("/exports/"))
    assert page.get(reverse("api-export-content", args=[job.pk])).status_code == 404


def test_pages_are_private(page: Client, client: Client, source: Video) -> None:
    job = exported(source, "gif")
    stranger = Client()
    stranger.force_login(create_user("mallory"))
    posts = [url("video-export", source), url("export-cancel", job), url("export-delete", job)]
    assert [stranger.post(path).status_code for path in posts] == [404] * 3
    assert [client.post(path).status_code for path in posts] == [302] * 3
    assert str(job.pk) not in text(stranger.get("/exports/"))
    assert stranger.get(url("video-export", source)).status_code == 404
    stranger.post("/library/export/", {"video": str(source.pk), "format": "gif"})
    assert [client.get(path).status_code for path in ("/exports/", "/exports/download/")] == [
        302
    ] * 2
    assert client.post("/library/export/").status_code == 302
    assert (MediaJob.objects.count(), fresh(job).status) == (1, "queued")


def test_lists_cost_the_same_queries_for_any_number(
    page: Client, source: Video, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    exported(source, "gif")
    paths = ["/exports/", url("video-export", source)]
    for path in paths:
        page.get(path)
        with django_assert_max_num_queries(14) as few:
            page.get(path)
        for name in ("webp", "webm", "sheet") if path == "/exports/" else ("m4a", "mp3"):
            exported(source, name)
        with django_assert_max_num_queries(len(few)):
            page.get(path)
