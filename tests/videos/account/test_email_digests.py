"""A subscribed user receives one e-mail when all ordered videos have ended."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.videos.conftest import completed, failed, mp4, order, running
from videos.account import deletion, email_digests
from videos.models import DigestSubscription, Video

FIXTURES = (mp4,)
pytestmark = pytest.mark.django_db
AGO = timedelta(minutes=1)


@pytest.fixture
def reader(alice: User) -> User:
    """A user who subscribed to e-mails about videos."""
    DigestSubscription.objects.create(
        user=alice, reported_until=timezone.now() - timedelta(hours=1)
    )
    return alice


def settle(*videos: Video, ago: timedelta = AGO) -> None:
    pks = [video.pk for video in videos]
    Video.objects.filter(pk__in=pks).update(completed_at=timezone.now() - ago)


def test_one_digest_covers_all_videos_that_ended(reader: User, mp4: bytes) -> None:
    settle(completed(order(reader, "A paper boat"), mp4), failed(order(reader, "A fall")))
    assert [email_digests.send_due(), email_digests.send_due()] == [1, 0]
    (message,) = mail.outbox
    assert message.subject == "1 video is ready."
    assert str(message.body).split("\n\n")[:5] == [
        "1 video is ready.",
        "– A paper boat",
        "1 video failed. Credits returned: 20.",
        "– A fall",
        "Open the library:\nhttp://127.0.0.1:8000/library/",
    ]
    assert "http://127.0.0.1:8000/settings/mails/" in str(message.body)


def test_digest_links_to_the_video_when_there_is_one(reader: User, mp4: bytes) -> None:
    video = completed(order(reader), mp4)
    settle(video)
    email_digests.send_due()
    assert f"Open the video:\nhttp://127.0.0.1:8000/v/{video.pk}/" in str(mail.outbox[0].body)


def test_digest_waits_for_running_videos_at_most_15_minutes(reader: User, mp4: bytes) -> None:
    done = completed(order(reader), mp4)
    settle(done)
    running(order(reader))
    assert email_digests.send_due() == 0
    settle(done, ago=email_digests.MAX_WAIT + AGO)
    assert email_digests.send_due() == 1


def test_digest_waits_until_ended_videos_are_committed(reader: User, mp4: bytes) -> None:
    completed(order(reader), mp4)
    assert email_digests.send_due() == 0


def test_digest_leaves_out_cancelled_and_deleted_videos(reader: User, mp4: bytes) -> None:
    gone, stopped = completed(order(reader), mp4), order(reader)
    settle(gone)
    Video.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    Client().force_login(reader)
    page = Client()
    page.force_login(reader)
    page.post(f"/v/{stopped.pk}/cancel/")
    settle(stopped)
    assert email_digests.send_due() == 0


def test_no_digest_is_sent_when_user_has_not_subscribed(alice: User, mp4: bytes) -> None:
    settle(completed(order(alice), mp4))
    assert email_digests.send_due() == 0


def test_digest_names_only_the_first_prompts_when_there_are_many(reader: User) -> None:
    for n in range(7):
        settle(failed(order(reader, f"Fall {n}")), ago=AGO + timedelta(seconds=9 - n))
    email_digests.send_due()
    body = str(mail.outbox[0].body)
    assert re.findall("– (Fall .)", body) == ["Fall 0", "Fall 1", "Fall 2", "Fall 3", "Fall 4"]
    assert "and 2 more" in body


def test_digest_is_queued_by_the_next_run_when_it_failed(
    reader: User, mp4: bytes, mail_errors: dict[str, Exception]
) -> None:
    settle(completed(order(reader), mp4))
    mail_errors["*"] = ValueError("an e-mail that cannot be written")
    assert email_digests.send_due() == 0
    mail_errors.clear()
    assert email_digests.send_due() == 1


# ---- the switch ----


def test_digests_are_switched_on_and_off(page: Client, alice: User, mp4: bytes) -> None:
    old = completed(order(alice), mp4)
    settle(old)
    page.post("/settings/mails/", {"videos": "1"})
    page.post("/settings/mails/", {"videos": "1"})
    assert (email_digests.is_enabled(alice), email_digests.send_due()) == (True, 0)
    assert b"checked" in page.get("/settings/mails/").content
    page.post("/settings/mails/", {})
    assert email_digests.is_enabled(alice) is False


def test_email_settings_require_signing_in(db: None) -> None:
    assert Client().get("/settings/mails/").status_code == 302


def test_subscription_is_deleted_when_account_is_erased(reader: User) -> None:
    deletion.request_deletion(reader)
    deletion.erase_account(reader)
    assert DigestSubscription.objects.count() == 0


@pytest.mark.scaled
@pytest.mark.usefixtures("database_clock")
def test_digest_goes_by_the_clock_of_the_database(alice: User, mp4: bytes) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        email_digests.set_enabled(alice, True)
    DigestSubscription.objects.update(reported_until=F("reported_until") - timedelta(minutes=2))
    settle(completed(order(alice), mp4))
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        assert email_digests.send_due() == 1
