"""Deliver webhooks: one POST to the client when a video has ended, retried for a day.

    PENDING ──2xx──► DELIVERED        PENDING ──410, or retried for a day──► FAILED
       ▲                              PENDING ──private address──► BLOCKED
       └──── redeliver ────┘

The table is the queue, as for videos: a row is written in the transaction that ends the video, a
worker claims due rows (`claim`), posts without holding a database transaction (`sender`), and
records the result fenced by its lease. When a worker dies its rows become due again, so a client
may receive a webhook twice, with the same `webhook-id`.
"""

import json
import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.lib import clock, rate_limits
from config.lib.api.rendering import iso
from config.lib.connections import release_connection
from config.lib.rate_limits import Rate
from videos import representations
from videos.models import DeliveryAttempt, Video, WebhookDelivery
from videos.webhooks import http_client, signing

log = logging.getLogger(__name__)

State = WebhookDelivery.State

# Seconds after the start of a round at which a delivery is attempted.
ATTEMPT_SECONDS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
NOT_SENT = "could not be sent"
GONE = 410
BUSY = (429, 503)


class NotRedeliverable(Exception):
    """The webhook is still being delivered; nothing was changed."""


class TooOften(Exception):
    """The user sent too many test webhooks; nothing was sent."""


class Request(NamedTuple):
    """A signed webhook, ready to be sent."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class DeliveryResult:
    """The result of one attempt; `code` is None when no answer came."""

    took_ms: int
    code: int | None = None
    error: str = ""
    retry_after: float | None = None
    blocked: bool = False


def enqueue_delivery(video: Video) -> None:
    """Queue the webhook of a video that has ended, in the caller's transaction."""
    if not video.webhook_url or video.is_active:
        return
    now = clock.now()
    delivery, is_new = WebhookDelivery.objects.get_or_create(
        video=video,
        defaults={
            "user_id": video.user_id,
            "url": video.webhook_url,
            "host": http_client.host_of(video.webhook_url),
            "created_at": now,
            "round_started_at": now,
            "next_try_at": now,
        },
    )
    if video.rescued_at and not is_new:  # its failure was reported before
        _start_round(WebhookDelivery.objects.filter(pk=delivery.pk))


def redeliver(delivery: WebhookDelivery) -> None:
    """Start a new round of attempts. Raises NotRedeliverable while one is running."""
    rows = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=State.PENDING)
    if not _start_round(rows):
        raise NotRedeliverable(_("This webhook is still being delivered."))


def _start_round(rows: QuerySet[WebhookDelivery]) -> int:
    now = clock.now()
    return rows.update(
        state=State.PENDING,
        tries=0,
        round_started_at=now,
        next_try_at=now,
        lease=None,
        delivered_at=None,
    )


def send_test(user: AbstractBaseUser, url: str) -> DeliveryResult:
    """Send a signed test webhook to a URL and return the result, without storing it.

    Raises TooOften.
    """
    rate = Rate(*settings.RATE_GENERATE)
    if rate.limit and not rate_limits.hit(f"webhook-test:{user.pk}", rate).allowed:
        raise TooOften(_("You sent too many test webhooks. Try again in a minute."))
    body = json.dumps({"type": "test", "sent_at": iso(timezone.now())}).encode()
    headers = signing.signed_headers(f"msg_{uuid4().hex}", body, signing.secret_of(user))
    release_connection()
    return send(Request(url, body, headers))


def request_of(delivery: WebhookDelivery) -> Request:
    """The signed request of a claimed delivery."""
    # Receivers ignore an id that they know, and they may know that of the failure.
    message_id = f"msg_{delivery.pk.hex}" + ("_rescued" if delivery.video.rescued_at else "")
    body = json.dumps(representations.webhook_body(delivery.video, message_id)).encode()
    secret = signing.secret_of(delivery.user)
    return Request(delivery.url, body, signing.signed_headers(message_id, body, secret))


def send(request: Request) -> DeliveryResult:
    """Send one request and return the result; never raises and uses no database."""
    started = time.monotonic()
    answer, blocked, error = None, False, ""
    try:
        answer = http_client.post(*request)
    except http_client.Blocked as reason:
        blocked, error = True, str(reason)
    except http_client.Unreachable as failure:
        error = str(failure)
    except Exception:  # a bug must not stop the other deliveries
        log.exception("a webhook could not be sent")
        error = NOT_SENT
    took = int((time.monotonic() - started) * 1000)
    if answer is None:
        return DeliveryResult(took, error=error, blocked=blocked)
    return DeliveryResult(took, answer.code, retry_after=answer.retry_after)


def record_result(delivery: WebhookDelivery, result: DeliveryResult) -> None:
    """Record an attempt and when to try again; nothing for a lost lease."""
    now = clock.now()
    accepted = result.code is not None and 200 <= result.code < 300
    state, due = State.PENDING, _next_attempt_at(delivery, result, now)
    if accepted:
        state, due = State.DELIVERED, None
    elif result.blocked:
        state, due = State.BLOCKED, None
    elif result.code == GONE or due is None:
        state, due = State.FAILED, None
    with transaction.atomic():
        rows = WebhookDelivery.objects.filter(pk=delivery.pk, lease=delivery.lease)
        if rows.update(
            state=state,
            tries=F("tries") + 1,
            next_try_at=due,
            lease=None,
            delivered_at=now if accepted else None,
        ):
            DeliveryAttempt.objects.create(
                delivery=delivery,
                at=now,
                took_ms=result.took_ms,
                code=result.code,
                error=result.error,
            )


def _next_attempt_at(
    delivery: WebhookDelivery, result: DeliveryResult, now: datetime
) -> datetime | None:
    """When the next attempt is due; None when the round is over."""
    if delivery.tries + 1 >= len(ATTEMPT_SECONDS):
        return None
    jitter = random.uniform(1.0, 1.1)  # noqa: S311 - spreads load
    pause = ATTEMPT_SECONDS[delivery.tries + 1] * jitter
    due = max(
        delivery.round_started_at + timedelta(seconds=pause),
        now + timedelta(seconds=ATTEMPT_SECONDS[1]),
    )
    if result.code in BUSY and result.retry_after:
        due = max(due, now + timedelta(seconds=min(result.retry_after, ATTEMPT_SECONDS[-1])))
    return due
