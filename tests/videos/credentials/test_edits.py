"""The file of an edit says what it was made of, and what was done."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from tests.videos.credentials.conftest import actions_of, film, manifest_of, path_of, stored
from tests.videos.editing.conftest import fresh, ordered
from videos.credentials import verification
from videos.credentials.manifests import BY_AI
from videos.editing import worker
from videos.editing.recipes import Join, Trim
from videos.models import ContentCredential, MediaJob, Video

pytestmark = pytest.mark.django_db(transaction=True)


def made_of(job: MediaJob) -> Video:
    """The video of a job, whose worker runs until it is there."""
    media = worker.MediaWorker(1)
    try:
        for _ in range(200):
            media.turn()
            if (now := fresh(job)).result:
                return now.result
        raise AssertionError(now.failure_detail)
    finally:
        media.finish(5)


def test_edit_names_its_sources_and_what_was_done(alice: User, clouds: bytes) -> None:
    boat, kite = stored(alice, clouds), stored(alice, film(3))
    edit = made_of(ordered(alice, boat, kite, trim=Trim(0.5), join=Join(), mute=True))
    state, manifest = manifest_of(path_of(edit))
    assert state in {"Valid", "Trusted"}
    said = actions_of(manifest)
    names = [action["action"] for action in said]
    assert names == ["c2pa.opened", "c2pa.trimmed", "c2pa.edited", "c2pa.placed"]
    assert (said[0]["digitalSourceType"], said[0]["softwareAgent"]["name"]) == (BY_AI, boat.model)
    parents = [(each["title"], each["relationship"]) for each in manifest["ingredients"]]
    assert parents == [(f"{boat.pk}.mp4", "parentOf"), (f"{kite.pk}.mp4", "componentOf")]
    kept = ContentCredential.objects.get(video=edit)
    assert (kept.sha256, kept.manifest != "", kept.error) == (edit.file_sha256, True, "")


def test_site_recognises_its_own_edit(alice: User, clouds: bytes) -> None:
    edit = made_of(ordered(alice, stored(alice, clouds), trim=Trim(0.5)))
    file = SimpleUploadedFile("edit.mp4", path_of(edit).read_bytes(), "video/mp4")
    assert verification.verify(file).is_signed_here
