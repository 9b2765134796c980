"""Videos whose files are missing in storage cause no errors."""

import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from showcase.models import Clip
from tests.videos.conftest import completed, order, reloaded
from videos.jobs.worker import executor
from videos.models import Video


@pytest.fixture
def video_without_files(alice: User, mp4: bytes, settings: LazySettings, tmp_path: Path) -> Video:
    """A finished and published video whose files have been deleted."""
    storage = settings.STORAGES["default"]
    options = {**storage["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "default": {**storage, "OPTIONS": options}}
    video = completed(order(alice), mp4)
    Clip.objects.create(video=video, title="Gone", is_active=True, consented_at=video.created_at)
    shutil.rmtree(tmp_path)
    return video


def test_pages_are_shown_when_every_file_is_missing(
    video_without_files: Video, api: APIClient, page: Client
) -> None:
    content = f"/api/videos/{video_without_files.pk}/content"
    answers = [
        api.get(path).status_code
        for path in ("/api/videos", f"/api/videos/{video_without_files.pk}")
    ]
    files = [api.get(f"{content}?variant={kind}").status_code for kind in ("video", "thumbnail")]
    pages = [
        page.get(path).status_code
        for path in ("/studio/", f"/v/{video_without_files.pk}/", "/showcase/")
    ]
    assert (answers, files, pages) == ([200, 200], [404, 404], [200, 200, 200])


def test_video_can_be_deleted_when_its_file_is_missing(
    video_without_files: Video, api: APIClient
) -> None:
    assert api.delete(f"/api/videos/{video_without_files.pk}").json() == {"success": True}
    engine = executor.Executor(1)
    engine.turn()
    engine.close()
    assert reloaded(video_without_files).deleted_at is not None
    assert (credits.available(video_without_files.user), invariants.problems()) == (80, [])
