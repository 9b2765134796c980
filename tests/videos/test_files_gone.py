"""When somebody has cleared the folder of videos: rows without files do no harm."""

import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from showcase.models import Clip
from tests.videos.conftest import completed, now_of, order
from videos.jobs.worker import executor
from videos.models import Video


@pytest.fixture
def cleared(alice: User, mp4: bytes, settings: LazySettings, tmp_path: Path) -> Video:
    """A finished video, shown in public, whose files somebody has deleted."""
    storage = settings.STORAGES["default"]
    options = {**storage["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "default": {**storage, "OPTIONS": options}}
    video = completed(order(alice), mp4)
    Clip.objects.create(video=video, title="Gone", is_active=True, consented_at=video.created_at)
    shutil.rmtree(tmp_path)
    return video


def test_the_library_stands_when_every_file_is_gone(
    cleared: Video, api: APIClient, page: Client
) -> None:
    content = f"/api/videos/{cleared.pk}/content"
    answers = [api.get(path).status_code for path in ("/api/videos", f"/api/videos/{cleared.pk}")]
    files = [api.get(f"{content}?variant={kind}").status_code for kind in ("video", "thumbnail")]
    pages = [page.get(path).status_code for path in ("/studio/", f"/v/{cleared.pk}/", "/showcase/")]
    assert (answers, files, pages) == ([200, 200], [404, 404], [200, 200, 200])


def test_it_can_be_deleted_when_its_file_is_gone(cleared: Video, api: APIClient) -> None:
    assert api.delete(f"/api/videos/{cleared.pk}").json() == {"success": True}
    engine = executor.Executor(1)
    engine.turn()
    engine.close()
    assert now_of(cleared).deleted_at is not None
    assert (credits.available(cleared.user), invariants.problems()) == (80, [])
