"""/settings/data/: taking one's data along, and leaving."""

import asyncio
import io
import re
import zipfile
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.markup import flat
from tests.videos.conftest import completed, order, picture, reloaded, upload
from videos.media import uploads


@pytest.mark.parametrize("path", ["/settings/data/", "/settings/data/delete/"])
def test_account_pages_require_signing_in(db: None, path: str) -> None:
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_storage_counts_the_users_own_files(
    page: Client, alice: User, bob: User, mp4: bytes
) -> None:
    for user in (alice, alice, bob):
        completed(order(user), mp4)
    order(alice)
    image = uploads.store_image(alice, upload(picture()))
    shown = page.get("/settings/data/").context["storage"]
    assert (shown.videos, shown.video_bytes) == (2, 2 * len(mp4))
    assert (shown.uploads, shown.upload_bytes) == (1, image.size_bytes)
    assert (shown.most_uploads, shown.most_upload_bytes) == (500, 2 * 1024**3)


def test_notifications_of_browser_and_e_mail_are_on_one_page(page: Client) -> None:
    titles = r'<h2 id="(?:videos|always|notify|profile|look)-title">(.*?)</h2>'
    assert re.findall(titles, flat(page.get("/settings/mails/"))) == [
        "In this browser",
        "By e-mail, about your videos",
        "By e-mail, always",
    ]
    text = flat(page.get("/settings/"))
    assert re.findall(titles, text) == ["Profile", "Appearance"]
    tabs = re.search('<nav class="settings__nav".*?</nav>', text)
    assert tabs
    assert "Sign out" not in tabs[0]


@pytest.mark.parametrize(("key", "when"), [("", "while a page"), ("k", "also while no page")])
def test_notifications_say_whether_a_page_must_be_open(
    page: Client, settings: LazySettings, key: str, when: str
) -> None:
    settings.VAPID_PRIVATE_KEY = key
    assert f"when a video has ended, {when} of this site is open" in flat(
        page.get("/settings/mails/")
    )


def confirmed(page: Client) -> None:
    form = {"password": "alice-password", "next": "/settings/data/"}
    assert page.post("/accounts/reauthenticate/", form).status_code == 302


def test_export_asks_for_password_when_signed_in_long_ago(page: Client) -> None:
    answer = page.post("/settings/data/export/")
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Fdata%2Fexport%2F"


async def _read(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def test_export_is_a_zip_of_the_users_own_data(page: Client, alice: User) -> None:
    order(alice, "A kite over the sea")
    confirmed(page)
    answer = page.post("/settings/data/export/")
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(asyncio.run(_read(answer))))
    assert b"A kite over the sea" in archive.read("videos.json")


def test_export_is_refused_when_rate_is_exhausted(page: Client, settings: LazySettings) -> None:
    settings.RATE_AUTH = (1, 60)
    confirmed(page)
    assert [page.post("/settings/data/export/").status_code for _n in range(2)] == [200, 302]


def test_deletion_page_shows_what_is_deleted_and_kept(page: Client, alice: User) -> None:
    order(alice)
    text = page.get("/settings/data/delete/").content.decode()
    assert "1 video in progress is cancelled." in text
    assert "You still have 80 credits. You will lose them." in text


def test_account_is_closed_when_password_is_right(page: Client, alice: User) -> None:
    video = order(alice)
    answer = page.post("/settings/data/delete/", {"password": "alice-password"}, follow=True)
    assert b"We will delete it in 30 days." in answer.content
    alice.refresh_from_db()
    assert (alice.is_active, reloaded(video).status) == (False, "cancelled")
    assert alice.deletion_requested_at is not None
    assert page.get("/settings/").status_code == 302


@pytest.mark.parametrize("password", ["", "wrong"])
def test_account_stays_open_when_password_is_wrong(
    page: Client, alice: User, password: str
) -> None:
    answer = page.post("/settings/data/delete/", {"password": password})
    assert answer.status_code == 422
    assert b"This is not your password." in answer.content
    alice.refresh_from_db()
    assert alice.is_active


def test_account_is_closed_by_username_when_user_has_no_password(page: Client, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    page.force_login(alice)
    assert page.post("/settings/data/delete/", {"username": "bob"}).status_code == 422
    assert page.post("/settings/data/delete/", {"username": "alice"}).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active
