"""Browsers are notified by their push services when a video has ended."""

from datetime import timedelta
from urllib.parse import urlsplit

import jwt
import pytest
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from config.ops import checks
from tests.conftest import create_user
from tests.videos.conftest import completed, failed, order, running
from tests.videos.push.browser import CURVE, PushBrowser, decode
from tests.videos.receiver import Receiver
from videos.account import deletion
from videos.jobs import cancellation
from videos.models import PushMessage, PushSubscription
from videos.push import keys, messages, sender

pytestmark = pytest.mark.django_db

URL = "/settings/push/"


@pytest.fixture(autouse=True)
def key(settings: LazySettings) -> str:
    settings.VAPID_PRIVATE_KEY = keys.new_private_key()
    settings.VAPID_CONTACT = "ops@example.com"
    return keys.public_key()


@pytest.fixture
def browser(page: Client, receiver: Receiver) -> PushBrowser:
    """The browser in which Alice is signed in, with notifications switched on."""
    made = PushBrowser(receiver.url)
    assert page.post(URL, made.form).status_code == 204
    return made


def send_due() -> None:
    PushMessage.objects.update(next_try_at=timezone.now())
    working = sender.Sender(2)
    while working.turn():
        pass
    working.finish(0)


def sent(receiver: Receiver, browser: PushBrowser) -> list[dict[str, str]]:
    return [browser.read(body) for _, body in receiver.requests]


def test_browser_is_notified_when_a_video_is_ready(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    video = completed(order(alice, "A paper boat"), mp4)
    send_due()
    assert sent(receiver, browser) == [
        {
            "title": "Your video is ready",
            "body": "A paper boat",
            "url": f"/v/{video.pk}/",
            "tag": str(video.pk),
            "lang": "en",
        }
    ]
    assert PushMessage.objects.count() == 0


def test_notification_says_what_was_returned_when_a_video_failed(
    alice: User, browser: PushBrowser, receiver: Receiver
) -> None:
    failed(order(alice))
    send_due()
    (said,) = sent(receiver, browser)
    assert said["title"] == "Your video failed. 20 credits were returned."


def test_videos_that_end_together_are_one_notification(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    for prompt in ("One", "Two"):
        completed(order(alice, prompt), mp4)
    failed(order(alice, "Three"))
    send_due()
    assert sent(receiver, browser) == [
        {
            "title": "Firstlight",
            "body": "2 videos are ready. 1 video failed.",
            "url": "/library/",
            "tag": "library",
            "lang": "en",
        }
    ]


def test_notification_speaks_the_language_of_the_user(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    User.objects.filter(pk=alice.pk).update(language="ja")
    completed(order(alice), mp4)
    send_due()
    (said,) = sent(receiver, browser)
    assert (said["lang"], said["title"]) == ("ja", "動画ができました")


def test_message_is_signed_for_the_push_service(
    alice: User, browser: PushBrowser, receiver: Receiver, key: str, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    send_due()
    ((headers, _),) = receiver.requests
    scheme, _, rest = headers["authorization"].partition(" ")
    signed, _, named = rest.partition(", ")
    assert (scheme, named) == ("vapid", f"k={key}")
    point = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(key))
    host = urlsplit(receiver.url).hostname
    claims = jwt.decode(signed[2:], point, ["ES256"], audience=f"http://{host}")
    assert claims["sub"] == "mailto:ops@example.com"
    names = ("content-encoding", "ttl", "topic", "urgency")
    found = {name: headers[name] for name in names}
    expected = {"content-encoding": "aes128gcm", "ttl": "14400", "urgency": "normal"}
    assert found == {**expected, "topic": video.pk.hex}


def test_nothing_is_queued_when_the_user_cancels(alice: User, browser: PushBrowser) -> None:
    video = running(order(alice))
    cancellation.cancel(video)
    assert PushMessage.objects.count() == 0


def test_nothing_is_queued_when_the_operator_has_set_no_key(
    alice: User, browser: PushBrowser, settings: LazySettings, mp4: bytes
) -> None:
    settings.VAPID_PRIVATE_KEY = ""
    completed(order(alice), mp4)
    assert PushMessage.objects.count() == 0


def test_browser_is_not_notified_when_its_user_has_signed_out(
    alice: User, page: Client, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    page.logout()
    completed(order(alice), mp4)
    send_due()
    assert (receiver.requests, PushSubscription.objects.count()) == ([], 0)


def test_browser_is_not_notified_when_its_session_was_ended(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    completed(order(alice), mp4)
    UserSession.objects.get(user=alice).end()
    send_due()
    assert (receiver.requests, PushMessage.objects.count()) == ([], 0)


def test_browser_is_not_notified_when_the_account_is_erased(
    alice: User, browser: PushBrowser
) -> None:
    deletion.erase_account(alice)
    assert PushSubscription.objects.count() == 0


def test_browser_belongs_to_whoever_subscribed_last(
    browser: PushBrowser, alice: User, receiver: Receiver, mp4: bytes
) -> None:
    bob = create_user("bob")
    other = Client()
    other.force_login(bob)
    assert other.post(URL, browser.form).status_code == 204
    completed(order(alice), mp4)
    send_due()
    assert (receiver.requests, PushSubscription.objects.get().user_id) == ([], bob.pk)


@pytest.mark.parametrize("code", [404, 410])
def test_subscription_ends_when_the_push_service_does_not_know_it(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes, code: int
) -> None:
    receiver.code = code
    completed(order(alice), mp4)
    send_due()
    assert (len(receiver.requests), PushSubscription.objects.count()) == (1, 0)


def test_message_is_sent_again_later_when_the_push_service_is_busy(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    receiver.code = 503
    completed(order(alice), mp4)
    began = timezone.now()
    send_due()
    waiting = PushMessage.objects.get()
    assert (waiting.tries, waiting.lease) == (1, None)
    assert timedelta(seconds=29) < waiting.next_try_at - began < timedelta(seconds=60)
    receiver.code = 201
    send_due()
    assert (len(receiver.requests), PushMessage.objects.count()) == (2, 0)


def test_message_is_dropped_when_the_push_service_was_busy_for_long(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    receiver.code = 429
    completed(order(alice), mp4)
    for _ in range(len(messages.PAUSES) + 1):
        send_due()
    attempts = len(messages.PAUSES) + 1
    assert (len(receiver.requests), PushMessage.objects.count()) == (attempts, 0)
    assert PushSubscription.objects.count() == 1


def test_message_is_dropped_when_the_push_service_refuses_it(
    alice: User, browser: PushBrowser, receiver: Receiver, mp4: bytes
) -> None:
    receiver.code = 400
    completed(order(alice), mp4)
    send_due()
    assert (PushMessage.objects.count(), PushSubscription.objects.count()) == (0, 1)


def test_result_of_a_lost_lease_changes_nothing(
    alice: User, browser: PushBrowser, mp4: bytes
) -> None:
    completed(order(alice), mp4)
    PushMessage.objects.update(next_try_at=timezone.now())
    (mine,) = messages.claim_due(5)
    PushMessage.objects.update(next_try_at=timezone.now())
    (other,) = messages.claim_due(5)
    messages.record_result(mine, messages.Result.SENT)
    assert PushMessage.objects.get().lease == other.lease
    messages.record_result(other, messages.Result.SENT)
    assert PushMessage.objects.count() == 0


def test_browser_subscribes_once_when_it_asks_again(page: Client, browser: PushBrowser) -> None:
    assert page.post(URL, browser.form).status_code == 204
    assert PushSubscription.objects.count() == 1


def test_oldest_browsers_make_room(page: Client, receiver: Receiver) -> None:
    for n in range(22):
        page.post(URL, PushBrowser(f"{receiver.url}&n={n}").form)
    kept = PushSubscription.objects.order_by("created_at").values_list("endpoint", flat=True)
    assert list(kept) == [f"{receiver.url}&n={n}" for n in range(2, 22)]


def test_browser_is_forgotten_when_notifications_are_switched_off(
    page: Client, browser: PushBrowser
) -> None:
    form = {"endpoint": browser.form["endpoint"], "off": "1"}
    assert page.post(URL, form).status_code == 204
    assert PushSubscription.objects.count() == 0


def test_browser_of_another_user_stays_when_a_stranger_switches_it_off(
    browser: PushBrowser,
) -> None:
    stranger = Client()
    stranger.force_login(create_user("bob"))
    form = {"endpoint": browser.form["endpoint"], "off": "1"}
    assert stranger.post(URL, form).status_code == 204
    assert PushSubscription.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": ""},
        {"endpoint": "ftp://push.example.com/1"},
        {"endpoint": "https://push.example.com/" + "x" * 2048},
        {"p256dh": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "!" * 40_000 + "AAAA"},
        {"auth": "!" * 40_000 + "A" * 22},
        {"p256dh": "é"},
        {"auth": "AAAA"},
        {"auth": "%%%"},
    ],
)
def test_subscription_is_422_when_it_cannot_be_used(
    page: Client, receiver: Receiver, change: dict[str, str]
) -> None:
    answer = page.post(URL, {**PushBrowser(receiver.url).form, **change})
    assert (answer.status_code, PushSubscription.objects.count()) == (422, 0)


def test_subscription_is_429_when_a_browser_asks_too_often(
    page: Client, receiver: Receiver, settings: LazySettings
) -> None:
    settings.RATE_OTHER = (1, 60)
    form = PushBrowser(receiver.url).form
    assert [page.post(URL, form).status_code for _ in range(2)] == [204, 429]


def test_key_is_what_browsers_subscribe_with(page: Client, key: str) -> None:
    assert page.get(URL).json() == {"key": key}


def test_browser_cannot_subscribe_when_the_operator_has_set_no_key(
    page: Client, receiver: Receiver, settings: LazySettings
) -> None:
    settings.VAPID_PRIVATE_KEY = ""
    assert page.get(URL).json() == {"key": ""}
    assert page.post(URL, PushBrowser(receiver.url).form).status_code == 404


def test_push_needs_a_sign_in(receiver: Receiver) -> None:
    answer = Client().post(URL, PushBrowser(receiver.url).form)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={URL}")


def test_command_prints_a_key_that_can_be_read(
    settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("vapid_key")
    name, _, value = capsys.readouterr().out.strip().partition("=")
    settings.VAPID_PRIVATE_KEY = value
    assert (name, len(keys.public_key())) == ("VAPID_PRIVATE_KEY", 87)


@pytest.mark.parametrize("value", ["short", "é" * 43, "A" * 43])
def test_site_does_not_start_when_the_key_cannot_be_read(
    settings: LazySettings, value: str
) -> None:
    settings.VAPID_PRIVATE_KEY = value
    found = [error.msg for error in checks.check_settings(None) if error.id == "firstlight.unsafe"]
    assert [text.startswith("VAPID_PRIVATE_KEY cannot be read") for text in found] == [True]
