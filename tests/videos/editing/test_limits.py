"""Hostile files and edits that are too large end as failed edits, with a reason."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import User
from billing.ledger import credits
from tests.videos.editing.conftest import film, finished, fresh, ordered, temporary_files

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., None]


HOSTILE = {
    "nothing": (b"", "source_unreadable"),
    "noise": (b"\x00\x00\x00\x18ftypisom" + b"\xa5" * 5000, "source_unreadable"),
    "cut off": (film()[:2000], "source_unreadable"),
    "a playlist": (b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n" * 60, "source_unreadable"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_ends_as_a_failed_edit(
    name: str, alice: User, make_edits: Make, settings: LazySettings
) -> None:
    settings.EDIT_CREDITS = 7
    source, (body, code) = finished(alice), HOSTILE[name]
    had = credits.available(source.user)
    default_storage.delete(str(source.file.name))
    default_storage.save(str(source.file.name), ContentFile(body))
    job = ordered(source.user, source, mute=True)
    make_edits()
    assert (fresh(job).failure_code, credits.available(source.user)) == (code, had)
    assert temporary_files() == []


def test_file_that_is_longer_than_the_library_says_is_refused(
    alice: User, make_edits: Make, settings: LazySettings
) -> None:
    settings.EDIT_MAX_SECONDS = 4
    source = finished(alice)
    default_storage.delete(str(source.file.name))
    default_storage.save(str(source.file.name), ContentFile(film((16, 16), 24 * 9, 0)))
    job = ordered(source.user, source, mute=True)
    make_edits()
    assert fresh(job).failure_code == "too_long"


@pytest.mark.parametrize(
    ("setting", "value", "loops", "code"),
    [
        ("EDIT_TIMEOUT", timedelta(seconds=0.3), 20, "too_much_time"),
        ("EDIT_CPU", timedelta(seconds=1), 20, "too_much_time"),
        ("EDIT_MAX_BYTES", 2000, 1, "file_too_large"),
    ],
)
def test_process_that_passes_a_limit_is_ended(
    setting: str, value: object, loops: int, code: str,
    alice: User, make_edits: Make, settings: LazySettings,
) -> None:  # fmt: skip
    video = finished(alice, film((640, 360), 12, 0))
    job = ordered(alice, video, loops=loops, speed=0.25)
    setattr(settings, setting, value)
    make_edits()
    assert fresh(job).failure_code == code
    assert temporary_files() == []
