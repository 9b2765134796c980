"""Account-wide endpoints: who gets webhooks about all videos of a user, and for how long.

An endpoint that has accepted nothing for DISABLED_AFTER, at DISABLED_AFTER_FAILURES attempts or
more, is disabled, and its owner gets an e-mail. What it was to get waits: it can be pulled, and is
sent when the endpoint is enabled again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from config.lib import clock, mail
from config.lib.queues import wakeups
from videos import feed
from videos.models import Video, WebhookDelivery, WebhookEndpoint
from videos.webhooks import http_client

Event = WebhookEndpoint.Event

MAX_ENDPOINTS = 10
DISABLED_AFTER = timedelta(days=3)
DISABLED_AFTER_FAILURES = 20


class TooManyEndpoints(Exception):
    """The user has MAX_ENDPOINTS endpoints; none was added."""


class EndpointGone(Exception):
    """The endpoint was deleted meanwhile; nothing was changed."""


class UnusableUrl(Exception):
    """Webhooks must not go to this URL, or another endpoint has it; nothing was changed."""


def event_of(video: Video) -> Event:
    """Return the name of the event of a video that has ended."""
    return Event.COMPLETED if video.status == Video.Status.SUCCEEDED else Event.FAILED


def wanting(video: Video) -> Iterator[WebhookEndpoint]:
    """Yield the enabled endpoints that want the event of this video.

    The `webhook_url` of its order gets it anyway, so an endpoint with the same URL does not.
    """
    event = event_of(video)
    for endpoint in WebhookEndpoint.objects.filter(user_id=video.user_id, enabled=True):
        is_served = bool(endpoint.url) and endpoint.url == video.webhook_url
        if event in endpoint.events and not is_served:
            yield endpoint


def create(user: AbstractBaseUser, **fields: Any) -> WebhookEndpoint:
    """Add an endpoint. Raises TooManyEndpoints or UnusableUrl."""
    with feed.lock(user.pk):
        if WebhookEndpoint.objects.filter(user_id=user.pk).count() >= MAX_ENDPOINTS:
            raise TooManyEndpoints(
                _("You have %(n)d endpoints. Delete one first.") % {"n": MAX_ENDPOINTS}
            )
        endpoint = WebhookEndpoint(user_id=user.pk, created_at=clock.now(), **fields)
        _check_url(endpoint)
        endpoint.save(force_insert=True)
    return endpoint


def change(endpoint: WebhookEndpoint, **fields: Any) -> WebhookEndpoint:
    """Change an endpoint; what waits for it follows. Raises UnusableUrl or EndpointGone.

    Whoever enables it, or gives it another URL, gets what waits at once.
    """
    with feed.lock(endpoint.user_id):
        found = WebhookEndpoint.objects.filter(pk=endpoint.pk).first()
        if found is None:
            raise EndpointGone
        endpoint = found
        was_pushed, old_url = endpoint.enabled, endpoint.url
        for name, value in fields.items():
            setattr(endpoint, name, value)
        _check_url(endpoint)
        if endpoint.enabled and (not was_pushed or endpoint.url != old_url):
            endpoint.failing_since, endpoint.failures, endpoint.disabled_at = None, 0, None
        endpoint.save()
        if (endpoint.enabled, endpoint.url) != (was_pushed, old_url):
            _reschedule(endpoint)
    return endpoint


def delete(endpoint: WebhookEndpoint) -> None:
    """Delete an endpoint with its deliveries, also those that wait. Safe to repeat."""
    # A video that ends must not queue one for it meanwhile, nor may an attempt be recorded.
    with feed.lock(endpoint.user_id):
        WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def record_attempt(endpoint_id: UUID, *, accepted: bool, now: datetime) -> None:
    """Count an attempt in the caller's transaction, and disable an endpoint that keeps failing."""
    row = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if accepted:
        row.exclude(failures=0).update(failing_since=None, failures=0)
        return
    row.filter(failing_since=None).update(failing_since=now)
    row.update(failures=F("failures") + 1)
    long_failing = row.filter(
        enabled=True,
        failing_since__lte=now - DISABLED_AFTER,
        failures__gte=DISABLED_AFTER_FAILURES,
    )
    is_newly_disabled = bool(long_failing.update(enabled=False, disabled_at=now))
    endpoint = row.select_related("user").first()
    if endpoint and not endpoint.enabled:
        _reschedule(endpoint)
        if is_newly_disabled:
            mail.send("webhook_disabled", endpoint.user, partial(_compose, endpoint))


def _check_url(endpoint: WebhookEndpoint) -> None:
    if not endpoint.url:
        return
    if not http_client.is_usable(endpoint.url):
        raise UnusableUrl(_("Webhooks cannot go to this address."))
    others = WebhookEndpoint.objects.filter(user_id=endpoint.user_id, url=endpoint.url)
    if others.exclude(pk=endpoint.pk).exists():
        raise UnusableUrl(_("Another endpoint has this address."))


def _reschedule(endpoint: WebhookEndpoint) -> None:
    """Have what waits for an endpoint sent now, or not pushed while it cannot be."""
    now = clock.now()
    is_pushed = endpoint.enabled and bool(endpoint.url)
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.PENDING)
    fields: dict[str, Any] = {"url": endpoint.url, "host": http_client.host_of(endpoint.url)}
    if is_pushed:
        fields |= {"tries": 0, "round_started_at": now}
    waiting.update(next_try_at=now if is_pushed else None, lease=None, **fields)
    wakeups.announce(WebhookDelivery)


def _compose(endpoint: WebhookEndpoint) -> mail.EmailContent:
    return mail.EmailContent(
        _("We no longer send webhooks to %(url)s") % {"url": endpoint.url},
        (
            _(
                "Your endpoint %(url)s has accepted no webhook for %(days)d days, so we have"
                " switched it off."
            )
            % {"url": endpoint.url, "days": DISABLED_AFTER.days},
            _(
                "Nothing is lost: enable the endpoint when your server works again, and what it"
                " missed is sent."
            ),
        ),
        _("Look at your endpoints"),
        settings.BASE_URL + reverse("webhooks"),
    )
