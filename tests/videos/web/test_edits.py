"""The page that edits a video, and the list of edits."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.conftest import create_user
from tests.videos.conftest import order, upload
from tests.videos.editing.conftest import finished, fresh, ordered, wav
from videos.editing import jobs, recipes
from videos.editing.recipes import Join, Recipe, Reframe, Sound, Trim
from videos.models import MediaJob, Upload, Video

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def url(name: str, row: Video | MediaJob) -> str:
    return reverse(name, args=[row.pk])


def send(page: Client, source: Video, **fields: Any) -> Any:
    return page.post(url("video-edit", source), {"token": str(uuid4()), **fields})


def test_page_shows_what_can_be_changed_and_that_it_is_free(page: Client, source: Video) -> None:
    shown = page.get(url("video-edit", source)).content.decode()
    assert all(f'name="{name}"' in shown for name in ("trim_start", "aspect", "speed", "join_4"))
    assert "Free" in shown
    assert url("video-edit", source) in page.get(url("video", source)).content.decode()


def test_price_is_on_the_button(page: Client, source: Video, settings: LazySettings) -> None:
    settings.EDIT_CREDITS = 3
    shown = page.get(url("video-edit", source)).content.decode()
    assert ("data-cost>3" in shown, "Free" in shown) == (True, False)
    settings.EDIT_CREDITS = 100_000
    assert 'id="make"' not in page.get(url("video-edit", source)).content.decode()


def test_form_becomes_a_recipe(page: Client, source: Video) -> None:
    other = finished(source.user)
    answer = send(
        page, source, trim_start="0.25", trim_end="0.75", aspect="9:16", reframe_fit="crop",
        position="0", speed="0.5", loops="2", join_1=str(other.pk), fit="crop", crossfade="0.1",
        sound="mix", sound_file=upload(wav(500, 0.2), "song.wav", "audio/wav"), volume="50",
        own_volume="10", fade_out="0.1", repeat="on", poster="0.5",
    )  # fmt: skip
    job = MediaJob.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/edits/#edit-{job.pk}")
    assert job.videos == [source, other]
    assert recipes.of_job(job) == Recipe(
        Trim(0.25, 0.75), Join("crop", 0.1), Reframe("9:16", "crop", 0.0), 0.5, 2, mute=False,
        sound=Sound("mix", 0.0, 0.5, 0.1, 0.0, 0.1, repeat=True), poster=0.5,
    )  # fmt: skip


def test_untouched_form_changes_nothing_and_says_so(page: Client, source: Video) -> None:
    answer = send(page, source, trim_start="0", trim_end="1", speed="1", loops="1")
    assert (answer.status_code, MediaJob.objects.count()) == (422, 0)
    assert "this edit would change nothing" in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"speed": "9"}, "Correct the fields that are marked."),
        ({"trim_start": "x"}, "Correct the fields that are marked."),
        ({"trim_start": "0.9", "trim_end": "0.5"}, "The end has to come after the start."),
        ({"sound": "replace"}, "Choose a sound file."),
    ],
)
def test_bad_form_is_shown_again(
    fields: dict[str, str], said: str, page: Client, source: Video
) -> None:
    answer = send(page, source, **fields)
    assert (answer.status_code, MediaJob.objects.count()) == (422, 0)
    assert said in answer.content.decode()


def test_sound_of_a_refused_edit_is_discarded(page: Client, source: Video) -> None:
    bad = send(page, source, sound="mix", sound_file=upload(b"x" * 2000, "song.mp3", "audio/mpeg"))
    assert "The file is not an MP3 file." in bad.content.decode()
    file = upload(wav(500, 0.2), "song.wav", "audio/wav")
    send(page, source, sound="mix", sound_file=file, trim_start="99")
    assert (Upload.objects.count(), MediaJob.objects.count()) == (0, 0)


def test_double_click_orders_one_edit(page: Client, source: Video) -> None:
    token = str(uuid4())
    for _ in range(2):
        send(page, source, token=token, sound="mute")
    assert MediaJob.objects.count() == 1


def test_price_that_has_risen_is_not_charged(
    page: Client, source: Video, settings: LazySettings
) -> None:
    settings.EDIT_CREDITS = 3
    answer = send(page, source, sound="mute", expected_credits="0")
    assert (answer.status_code, MediaJob.objects.count()) == (422, 0)


def test_unfinished_video_leads_to_its_page(page: Client, alice: User) -> None:
    video = order(alice)
    assert page.get(url("video-edit", video))["Location"] == url("video", video)


def test_list_shows_cancels_and_retries_edits(page: Client, source: Video) -> None:
    assert "No edits yet" in page.get("/edits/").content.decode()
    job = ordered(source.user, source, mute=True, speed=2.0)
    shown = page.get("/edits/").content.decode()
    assert ("speed 2× · muted" in shown, "data-active" in shown) == (True, True)
    assert page.get(f"/v/{job.pk}/")["Location"] == f"/edits/#edit-{job.pk}"
    page.post(url("edit-cancel", job))
    assert fresh(job).status == "cancelled"
    shown = page.get("/edits/").content.decode()
    assert ("You cancelled this edit." in shown, "Try again" in shown) == (True, True)
    page.post(url("edit-retry", job), {"token": str(uuid4())})
    assert MediaJob.objects.get(retry_of=job).status == "queued"
    page.post(url("edit-cancel", job))
    assert "can be cancelled" in page.get("/edits/").content.decode()


def test_failed_edit_says_why(page: Client, source: Video) -> None:
    job = ordered(source.user, source, mute=True)
    MediaJob.objects.filter(pk=job.pk).update(
        status="failed", failure_code="sound_unreadable", credits=2, next_step_at=None
    )
    shown = page.get("/edits/").content.decode()
    assert "The sound file is damaged. Upload another one." in shown
    assert "2 credits returned." in " ".join(shown.split())


def test_pages_are_private(page: Client, client: Client, source: Video) -> None:
    job = ordered(source.user, source, mute=True)
    stranger = Client()
    stranger.force_login(create_user("mallory"))
    posts = [url("video-edit", source), url("edit-cancel", job), url("edit-retry", job)]
    assert [stranger.post(path).status_code for path in posts] == [404] * 3
    assert [client.post(path).status_code for path in posts] == [302] * 3
    assert str(job.pk) not in stranger.get("/edits/").content.decode()
    assert stranger.get(f"/v/{job.pk}/").status_code == 404
    assert client.get("/edits/").status_code == 302


def test_strangers_video_cannot_be_joined(page: Client, source: Video, bob: User) -> None:
    assert send(page, source, join_1=str(finished(bob).pk)).status_code == 422


def test_list_costs_the_same_queries_for_any_number(
    page: Client, source: Video, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    ordered(source.user, source, mute=True)
    page.get("/edits/")
    with django_assert_max_num_queries(12) as few:
        page.get("/edits/")
    for _ in range(4):
        ordered(source.user, source, mute=True)
    with django_assert_max_num_queries(len(few)):
        page.get("/edits/")


def test_edit_is_free_without_billing(source: Video, settings: LazySettings) -> None:
    settings.EDIT_CREDITS = 5
    assert jobs.price() == 5
    settings.BILLING = False
    assert jobs.price() == 0
