"""The line that says who drew the picture, where the sandbox does, and how to connect an engine."""

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.markup import flat
from tests.videos.conftest import order

pytestmark = pytest.mark.django_db
LINE = "This is the sandbox: it draws a scene"
FOR_USERS, FOR_STAFF = "Whoever runs this site", "put its key into"


def said(page: Client, path: str) -> tuple[bool, bool, bool]:
    text = flat(page.get(path))
    return LINE in text, FOR_USERS in text, FOR_STAFF in text


def test_studio_and_video_say_that_the_sandbox_draws(page: Client, alice: User) -> None:
    video = order(alice)
    assert said(page, "/studio/") == (True, True, False)
    assert said(page, f"/v/{video.pk}/") == (True, True, False)


def test_staff_read_how_to_connect_an_engine(
    page: Client, alice: User, settings: LazySettings
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    assert said(page, "/studio/") == (True, False, True)
    assert "/admin/videos/enginecircuit/" in page.get("/studio/").content.decode()
    settings.DOCS_URL = "https://docs.example.com"
    assert 'href="https://docs.example.com"' in page.get("/studio/").content.decode()


def test_nothing_is_said_when_a_real_engine_makes_the_videos(
    page: Client, alice: User, settings: LazySettings
) -> None:
    video = order(alice)
    settings.ENGINES = {"sandbox": {**settings.ENGINES["sandbox"], "is_sandbox": ""}}
    assert said(page, "/studio/")[0] is False
    assert said(page, f"/v/{video.pk}/")[0] is False
