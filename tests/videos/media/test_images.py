"""Images are decoded one at a time, users in turn, and no larger than they are needed."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.videos.conftest import photo, upload
from videos.media import concurrency, images, uploads
from videos.media.concurrency import ConcurrencyLimit, TooManyAtOnce
from videos.models import Upload

SIZE = (640, 480)
CHUNK_BYTES = 4096


def is_decoded(image: Image.Image) -> bool:
    try:
        return image.im is not None
    except (AssertionError, ValueError):  # not yet, or no longer
        return False


def count_decoded() -> int:
    """How many images of SIZE this process holds decoded."""
    # By type: asking a dead weak reference for its class fails.
    held = (found for found in gc.get_objects() if issubclass(type(found), Image.Image))
    return sum(image.size == SIZE and is_decoded(image) for image in held)


class CountingFile(SimpleUploadedFile):
    """An upload that counts the decoded images of this process while its pixels are read."""

    def __init__(self, name: str, body: bytes, seen: list[int]) -> None:
        super().__init__(name, body)
        self.seen = seen

    def read(self, *args: Any) -> bytes:
        if args[0] > CHUNK_BYTES:
            self.seen.append(count_decoded())
        return bytes(super().read(*args))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_one_image_is_decoded_at_a_time_when_many_are_uploaded(format: str) -> None:
    body, seen = photo(format, SIZE), list[int]()

    def store(user: User) -> Upload:
        return uploads.store_image(user, CountingFile("a", body, seen))

    users = [create_user(f"user{n}") for n in range(3)]
    run_concurrently([partial(store, user) for user in users])
    # An image that is being read counts itself.
    assert (max(seen), count_decoded()) == (1, 0)


@contextmanager
def busy(work: ConcurrencyLimit, owners: list[UUID]) -> Iterator[list[UUID]]:
    """Start a piece of work for each owner; the first one runs until the block ends.

    Yields the list of the owners whose piece has run.
    """
    started, may_end = threading.Event(), threading.Event()
    done: list[UUID] = []

    def run(owner: UUID) -> None:
        with work.slot(owner):
            started.set()
            may_end.wait(30)
            done.append(owner)

    threads = [threading.Thread(target=run, args=[owner]) for owner in owners]
    threads[0].start()
    assert started.wait(30)
    for thread in threads[1:]:
        thread.start()
    while sum(user.held for user in concurrency._users.values()) < len(owners):
        pass
    yield done
    may_end.set()
    for thread in threads:
        thread.join(30)


def test_user_waits_for_one_piece_of_each_other_user_when_they_sent_many() -> None:
    alice, bob = uuid4(), uuid4()
    with busy(ConcurrencyLimit(1), [alice] * (concurrency.HELD_PER_USER - 1) + [bob]) as done:
        pass
    assert sorted(done) == sorted([alice] * (concurrency.HELD_PER_USER - 1) + [bob])
    assert done.index(bob) <= 2


def test_work_is_refused_when_too_much_of_the_same_user_waits() -> None:
    alice, work = uuid4(), ConcurrencyLimit(1)
    with (
        busy(work, [alice] * concurrency.HELD_PER_USER),
        pytest.raises(TooManyAtOnce),
        work.slot(alice),
    ):
        pass
    with work.slot(alice):
        assert list(concurrency._users) == [alice]
    assert concurrency._users == {}


@pytest.mark.django_db
def test_upload_is_429_when_too_many_files_of_the_user_are_processed(
    alice: User, api: APIClient, page: Client
) -> None:
    with busy(ConcurrencyLimit(1), [alice.pk] * concurrency.HELD_PER_USER):
        answer = api.post("/api/videos/upload", {"file": upload(photo(), "a.jpg")})
        shown = page.post("/studio/reference/", {"image": upload(photo())})
    text = "Too many of your files are being processed. Try again in a moment."
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")
    assert answer.json() == {"detail": text, "code": "too_many_at_once"}
    assert (shown.status_code, shown.json()) == (429, {"detail": text})
    assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    ("format", "decoded"), [("JPEG", (800, 600)), ("PNG", (1600, 1200)), ("WEBP", (1600, 1200))]
)
def test_jpeg_is_decoded_smaller_when_a_smaller_image_is_needed(
    format: str, decoded: tuple[int, int]
) -> None:
    body = BytesIO()
    Image.new("RGB", (1600, 1200)).save(body, format)
    with images.decoded(body, target=(500, 300)) as image:
        assert image.size == decoded
