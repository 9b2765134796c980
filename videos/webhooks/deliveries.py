"""Deliver webhooks: one POST to each client when a video has ended, retried for a day.

    PENDING ──2xx──► DELIVERED        PENDING ──410, or retried for a day──► FAILED
       ▲                              PENDING ──private address──► BLOCKED
       └──── redeliver ────┘         from every state: DELIVERED when acknowledged (`pull`)

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
from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from config.lib import clock, rate_limits
from config.lib.api.rendering import iso
from config.lib.connections import release_connection
from config.lib.metrics import counting
from config.lib.queues import wakeups
from config.lib.rate_limits import Rate
from videos import feed, representations
from videos.models import (
    DeliveryAttempt,
    Video,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from videos.webhooks import endpoints, http_client, signing

log = logging.getLogger(__name__)

State = WebhookDelivery.State

# Seconds after the start of a round at which a delivery is attempted.
ATTEMPT_SECONDS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
REDELIVERED_AT_ONCE = 100
NOT_SENT = "could not be sent"
GONE = 410
BUSY = (429, 503)


class NotRedeliverable(Exception):
    """The webhook is still being delivered; nothing was changed."""


class TooOften(Exception):
    """The user sent too many test webhooks; nothing was sent. `wait` is in seconds."""

    wait = 60


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

    @property
    def accepted(self) -> bool:
        return self.code is not None and 200 <= self.code < 300


def enqueue_deliveries(video: Video) -> None:
    """Queue the webhooks of a video that has ended, in the caller's transaction; each once."""
    if video.is_active:
        return
    now = clock.now()
    targets: list[WebhookEndpoint | None] = [*endpoints.wanting(video)]
    if video.webhook_url:
        targets.append(None)
    if not targets:
        return
    rows = [_new_delivery(video, endpoint, now) for endpoint in targets]
    if video.rescued_at:  # its failure was reported before
        known = WebhookDelivery.objects.filter(video=video)
        wanted = Q(endpoint__in=[row.endpoint_id for row in rows if row.endpoint_id])
        _start_round(known.filter(wanted | Q(endpoint=None)))
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    wakeups.announce(WebhookDelivery)


def _new_delivery(video: Video, endpoint: WebhookEndpoint | None, now: datetime) -> WebhookDelivery:
    url = endpoint.url if endpoint else video.webhook_url
    return WebhookDelivery(
        user_id=video.user_id,
        video=video,
        endpoint=endpoint,
        url=url,
        host=http_client.host_of(url),
        created_at=now,
        round_started_at=now,
        next_try_at=now if url else None,
    )


def redeliver(delivery: WebhookDelivery) -> None:
    """Start a new round of attempts. Raises NotRedeliverable while one is running."""
    rows = WebhookDelivery.objects.filter(pk=delivery.pk)
    if not redeliver_all(rows):
        paused = delivery.endpoint and not delivery.endpoint.enabled
        raise NotRedeliverable(
            _("The endpoint is disabled. Enable it first.")
            if paused
            else _("This webhook is still being delivered.")
        )


def redeliver_all(rows: QuerySet[WebhookDelivery]) -> int:
    """Start a new round for these rows, and return for how many.

    Of more than REDELIVERED_AT_ONCE the oldest are taken. Those that are still being delivered and
    those of disabled endpoints stay as they are.
    """
    may = rows.exclude(state=State.PENDING).exclude(endpoint__enabled=False)
    chosen = may.order_by("created_at", "pk").values_list("pk", flat=True)[:REDELIVERED_AT_ONCE]
    rows = WebhookDelivery.objects.filter(pk__in=list(chosen))
    for endpoint in WebhookEndpoint.objects.filter(pk__in=rows.values("endpoint")):
        # It may have another address than when the webhook failed.
        host = http_client.host_of(endpoint.url)
        rows.filter(endpoint=endpoint).update(url=endpoint.url, host=host)
    return _start_round(rows)


def _start_round(rows: QuerySet[WebhookDelivery]) -> int:
    now = clock.now()
    count = rows.update(
        state=State.PENDING,
        tries=0,
        round_started_at=now,
        next_try_at=Case(When(url="", then=None), default=Value(now, DateTimeField())),
        lease=None,
        delivered_at=None,
        acknowledged_at=None,
    )
    wakeups.announce(WebhookDelivery)
    return count


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


def send_test_to(endpoint: WebhookEndpoint) -> DeliveryResult:
    """Send a test webhook to an endpoint. Raises TooOften, or UnusableUrl if it has no URL."""
    if not endpoint.url:
        raise endpoints.UnusableUrl(_("This endpoint has no address."))
    return send_test(endpoint.user, endpoint.url)


def message_id_of(delivery: WebhookDelivery) -> str:
    """The `webhook-id` of a delivery, the same at each attempt."""
    # Receivers ignore an id that they know, and they may know that of the failure.
    return f"msg_{delivery.pk.hex}" + ("_rescued" if delivery.video.rescued_at else "")


def request_of(delivery: WebhookDelivery, secret: WebhookSecret | None = None) -> Request:
    """The signed request of a delivery, whose video, endpoint and user are loaded."""
    message_id = message_id_of(delivery)
    video, endpoint = delivery.video, delivery.endpoint
    form = Video.WebhookFormat(endpoint.format if endpoint else video.webhook_format)
    body = json.dumps(representations.webhook_body(video, message_id, form)).encode()
    secret = secret or signing.secret_of(delivery.user)
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
    state, due = State.PENDING, _next_attempt_at(delivery, result, now)
    if result.accepted:
        state, due = State.DELIVERED, None
    elif result.blocked:
        state, due = State.BLOCKED, None
    elif result.code == GONE or due is None:
        state, due = State.FAILED, None
    # What its client acknowledged meanwhile stays delivered; what is not pushed any more stays so.
    delivered_at = Value(now if result.accepted else None, DateTimeField())
    # The rows of an endpoint are changed under this lock, so that nobody waits for another's.
    held = feed.lock(delivery.user_id) if delivery.endpoint_id else transaction.atomic()
    with held:
        rows = WebhookDelivery.objects.filter(pk=delivery.pk, lease=delivery.lease)
        if not rows.update(
            state=Case(When(state=State.PENDING, then=Value(state)), default=F("state")),
            tries=F("tries") + 1,
            next_try_at=Case(
                # PostgreSQL takes the type of the column: a CASE of NULLs would be a text.
                When(next_try_at=None, then=F("next_try_at")),
                default=Value(due, DateTimeField()),
            ),
            lease=None,
            delivered_at=Case(
                When(state=State.PENDING, then=delivered_at), default=F("delivered_at")
            ),
        ):
            return
        counting.webhook(state)
        DeliveryAttempt.objects.create(
            delivery=delivery,
            at=now,
            took_ms=result.took_ms,
            code=result.code,
            error=result.error,
        )
        if delivery.endpoint_id:
            endpoints.record_attempt(delivery.endpoint_id, accepted=result.accepted, now=now)


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
