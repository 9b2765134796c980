"""/settings/avatar/: a user's picture, made square and small, shown to nobody else."""

import io
import zipfile
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from accounts.models import User
from accounts.people import deletion as people_deletion
from tests.markup import flat
from tests.videos.conftest import picture, upload
from videos.account import avatars, data_export
from videos.account import deletion as account_deletion

TOO_OFTEN = "You did this too often. Nothing was changed or charged. Try again in 1 minute."
PATH = "/settings/avatar/"
INITIAL = '<span class="avatar" aria-hidden="true">A</span>'


def send(page: Client, body: bytes, name: str = "me.png") -> list[str]:
    """Upload a picture; the messages on the page that follows."""
    answer = page.post(PATH, {"image": upload(body, name)}, follow=True)
    assert answer.redirect_chain == [("/settings/", 303)]
    return [str(message) for message in answer.context["messages"]]


def address_in(page: Client) -> str:
    """The address of the picture in the sidebar."""
    alice = User.objects.get(username="alice")
    assert alice.avatar_uploaded_at
    address = f"{PATH}?v={int(alice.avatar_uploaded_at.timestamp())}"
    assert f'<img class="avatar" src="{address}"' in flat(page.get("/settings/"))
    return address


def test_picture_becomes_a_small_square_without_metadata(page: Client, alice: User) -> None:
    assert INITIAL in flat(page.get("/settings/"))
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    assert send(page, picture("JPEG", (900, 500), exif=exif), "me.jpg") == [
        "Your picture was saved."
    ]
    answer = page.get(address_in(page))
    shown = Image.open(io.BytesIO(answer.content))
    assert (shown.format, shown.size, dict(shown.getexif())) == ("WEBP", (256, 256), {})
    assert (answer["Content-Type"], answer["Cache-Control"]) == (
        "image/webp",
        "private, max-age=31536000, immutable",
    )


def test_picture_is_shown_to_its_owner_only(page: Client, alice: User, bob: User) -> None:
    send(page, picture())
    other = Client()
    other.force_login(bob)
    assert other.get(PATH).status_code == 404
    assert Client().get(PATH)["Location"] == f"/accounts/login/?next={PATH}"
    assert Client().post(PATH)["Location"] == f"/accounts/login/?next={PATH}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"GIF89a" + b"\0" * 2000, "The file is not a JPEG, PNG or WebP image."),
        (b"<svg/>", "The file is not a JPEG, PNG or WebP image."),
        (b"\0" * (avatars.MAX_BYTES + 1), "The image is larger than 10 MB."),
    ],
)
def test_picture_stays_when_the_new_file_is_refused(
    page: Client, alice: User, body: bytes, words: str
) -> None:
    send(page, picture())
    before = page.get(PATH).content
    assert send(page, body) == [words]
    assert page.get(PATH).content == before
    answer = page.post(PATH, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["Choose an image."]


def test_picture_is_deleted_when_it_is_removed(page: Client, alice: User) -> None:
    send(page, picture())
    name = f"avatars/{alice.pk}.webp"
    assert default_storage.exists(name)
    page.post(PATH, {"remove": "1"})
    assert (page.get(PATH).status_code, default_storage.exists(name)) == (404, False)
    assert INITIAL in flat(page.get("/settings/"))


def test_upload_is_refused_when_rate_is_exhausted(page: Client, settings: LazySettings) -> None:
    settings.RATE_UPLOAD = (1, 60)
    assert send(page, b"no image") == ["The file is not a JPEG, PNG or WebP image."]
    assert send(page, picture()) == [TOO_OFTEN]
    assert page.get(PATH).status_code == 404


def test_picture_is_in_the_export_and_goes_with_the_account(page: Client, alice: User) -> None:
    send(page, picture())
    alice.refresh_from_db()
    body: Any = io.BytesIO()
    data_export.write_zip(alice, body)
    with zipfile.ZipFile(body) as archive:
        assert archive.read("avatar.webp") == page.get(PATH).content
    people_deletion.request_deletion(alice)
    account_deletion.erase_account(alice)
    alice.refresh_from_db()
    assert (alice.avatar_uploaded_at, default_storage.exists(f"avatars/{alice.pk}.webp")) == (
        None,
        False,
    )
