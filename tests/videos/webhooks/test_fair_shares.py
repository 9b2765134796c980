"""A receiver that answers slowly holds up the webhooks of its own user and of nobody else."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.videos.conftest import order
from tests.videos.receiver import Receiver
from videos.models import Video, WebhookDelivery
from videos.webhooks import claim
from videos.webhooks.sender import Sender

PER_USER, PER_HOST = 4, 8


@pytest.fixture(autouse=True)
def _shares(settings: LazySettings) -> None:
    settings.WEBHOOKS_PER_USER, settings.WEBHOOKS_PER_HOST = PER_USER, PER_HOST
    settings.WEBHOOK_TIMEOUT = 60
    settings.WELCOME_CREDITS = 10_000


@pytest.fixture
def tarpit(receiver: Receiver, settings: LazySettings) -> Iterator[Receiver]:
    """A receiver that takes requests and does not answer."""
    made = Receiver()
    made.answers.clear()
    settings.WEBHOOK_PORTS = [*settings.WEBHOOK_PORTS, made.port]
    yield made
    made.close()


def enqueue(user: User, count: int, url: str, host: str = "") -> None:
    """Make `count` webhooks of a user due, later ones than there are so far."""
    now = timezone.now()
    video = order(user)
    for _ in range(count):
        Video.objects.filter(pk=video.pk).update(webhook_url=url)
        WebhookDelivery.objects.create(
            user=user, video=video, url=url, host=host or url, created_at=now,
            round_started_at=now, next_try_at=now,
        )  # fmt: skip
        video = order(user)


def owners(claimed: list[WebhookDelivery]) -> Counter[str]:
    return Counter(delivery.user.username for delivery in claimed)


@pytest.mark.django_db
def test_webhook_arrives_when_another_user_has_many_slow_receivers(
    alice: User, bob: User, receiver: Receiver, tarpit: Receiver
) -> None:
    enqueue(alice, 24, tarpit.url)
    enqueue(bob, 1, receiver.url)
    sender = Sender(PER_USER + 1)
    while len(tarpit.requests) < PER_USER or WebhookDelivery.objects.get(user=bob).tries == 0:
        assert sender.turn()
    assert (len(receiver.requests), len(tarpit.requests)) == (1, PER_USER)
    tarpit.answers.set()
    while sender.turn():
        pass
    sender.finish(0)
    assert (len(receiver.requests), len(tarpit.requests)) == (1, 24)
    assert set(WebhookDelivery.objects.values_list("state", "tries")) == {("delivered", 1)}


@pytest.mark.django_db
def test_later_webhooks_are_sent_when_an_earlier_one_is_not_answered(
    alice: User, receiver: Receiver, tarpit: Receiver
) -> None:
    enqueue(alice, 1, tarpit.url)
    sender = Sender(2)
    assert sender.turn()
    enqueue(alice, 3, receiver.url)
    while WebhookDelivery.objects.filter(state="delivered").count() < 3:
        assert sender.turn()
    tarpit.answers.set()
    while sender.turn():
        pass
    sender.finish(0)
    assert len(tarpit.requests) == 1


@pytest.mark.django_db
def test_users_take_turns_when_more_webhooks_are_due_than_can_be_sent(
    alice: User, bob: User
) -> None:
    enqueue(alice, 3, "http://a.example/")
    enqueue(bob, 3, "http://b.example/")
    assert owners(claim.claim_due(2)) == {"alice": 1, "bob": 1}
    assert owners(claim.claim_due(1)) == {"alice": 1}
    assert owners(claim.claim_due(1)) == {"bob": 1}
    assert owners(claim.claim_due(9)) == {"alice": 1, "bob": 1}


@pytest.mark.django_db
def test_oldest_webhook_of_a_user_is_sent_first(alice: User) -> None:
    enqueue(alice, 3, "http://a.example/")
    oldest, *_ = WebhookDelivery.objects.order_by("-pk")
    WebhookDelivery.objects.filter(pk=oldest.pk).update(next_try_at=timezone.now() - timedelta(1))
    assert [delivery.pk for delivery in claim.claim_due(1)] == [oldest.pk]


@pytest.mark.django_db
def test_host_gets_its_share_when_many_users_call_it(alice: User) -> None:
    users = [alice, *(create_user(f"user{n}") for n in range(3))]
    for user in users:
        enqueue(user, PER_USER, "http://one.example/", host="one.example")
        enqueue(user, 1, f"http://{user.username}.example/")
    first, second = claim.claim_due(100), claim.claim_due(100)
    hosts = Counter(delivery.host for delivery in first + second)
    assert hosts.pop("one.example") == PER_HOST
    assert hosts == {f"http://{user.username}.example/": 1 for user in users}


@pytest.mark.django_db
def test_share_is_free_again_when_the_lease_has_ended(alice: User) -> None:
    enqueue(alice, PER_USER + 1, "http://a.example/")
    assert len(claim.claim_due(100)) == PER_USER
    assert claim.claim_due(100) == []
    WebhookDelivery.objects.exclude(lease=None).update(next_try_at=timezone.now())
    assert len(claim.claim_due(100)) == PER_USER


@pytest.mark.django_db(transaction=True)
def test_each_webhook_is_claimed_once_and_shares_hold_when_workers_claim_at_the_same_moment(
    alice: User, bob: User
) -> None:
    for user in (alice, bob):
        enqueue(user, 6, f"http://{user.username}.example/")
    claims = run_concurrently([partial(claim.claim_due, 3)] * 6)
    claimed = [delivery for found in claims for delivery in found]
    assert len({delivery.pk for delivery in claimed}) == len(claimed)
    assert owners(claimed) == {"alice": PER_USER, "bob": PER_USER}


@pytest.mark.django_db
def test_lease_is_renewed_while_an_answer_is_awaited(
    alice: User, settings: LazySettings, tarpit: Receiver
) -> None:
    settings.LEASE = timedelta(seconds=0.6)
    enqueue(alice, 1, tarpit.url)
    sender = Sender(1)
    assert sender.turn()
    first = WebhookDelivery.objects.get()
    while WebhookDelivery.objects.get().next_try_at == first.next_try_at:
        assert sender.turn()
    renewed = WebhookDelivery.objects.get()
    assert (renewed.lease, renewed.tries, len(tarpit.requests)) == (first.lease, 0, 1)
    tarpit.answers.set()
    while sender.turn():
        pass
    sender.finish(0)
