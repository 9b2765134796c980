"""Webhooks to clients: told once a video has ended, until the other side says it has heard.

    PENDING ──2xx──► DELIVERED        PENDING ──410, or a day of tries──► FAILED
       ▲                              PENDING ──an address inside──► BLOCKED
       └──── redeliver ────┘

The table is the queue, as for videos: a row is written in the transaction that ends the video, a
worker claims due rows, posts with no database in hand, and settles fenced by its lease. A dead
worker's rows come due again, so the other side may hear twice: `webhook-id` stays the same.
Signed as Standard Webhooks say.
"""

import base64
import json
import logging
import random
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from standardwebhooks import Webhook

from config.lib import rate_limits
from config.lib.rate_limits import Rate
from videos import representations
from videos.models import DeliveryAttempt, Video, WebhookDelivery, WebhookSecret
from videos.webhooks import http_client

log = logging.getLogger(__name__)

State = WebhookDelivery.State

# Seconds after a round's beginning at which it is tried.
TRIES = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LEASE = timedelta(seconds=60)
FORMER_LIFETIME = timedelta(days=1)
THREADS = 8
GONE = 410
BUSY = (429, 503)


class NotRedeliverable(Exception):
    """It is still being delivered; nothing was changed."""


class TooOften(Exception):
    """So many tests were sent that another has to wait; nothing was sent."""


@dataclass(frozen=True)
class Said:
    """What one try came to; no code when there was no answer."""

    took_ms: int
    code: int | None = None
    error: str = ""
    retry_after: float | None = None
    blocked: bool = False


# ---- what rooms ask for ----


def announce(video: Video) -> None:
    """Have a video's end told to the address its order named; within the caller's transaction."""
    if not video.webhook_url or video.is_active:
        return
    now = timezone.now()
    WebhookDelivery.objects.get_or_create(
        video=video,
        defaults={
            "user_id": video.user_id,
            "url": video.webhook_url,
            "created_at": now,
            "round_started_at": now,
            "next_try_at": now,
        },
    )


def redeliver(delivery: WebhookDelivery) -> None:
    """Begin another round of tries. Raises NotRedeliverable while one is under way."""
    now = timezone.now()
    begun = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=State.PENDING)
    if not begun.update(
        state=State.PENDING,
        tries=0,
        round_started_at=now,
        next_try_at=now,
        lease=None,
        delivered_at=None,
    ):
        raise NotRedeliverable(_("It is still being delivered."))


def secret_of(user: AbstractBaseUser) -> WebhookSecret:
    """What signs this user's webhooks; made when it is first asked for."""
    return WebhookSecret.objects.get_or_create(user_id=user.pk, defaults={"secret": _new_secret()})[
        0
    ]


def change_secret(user: AbstractBaseUser) -> WebhookSecret:
    """Sign with a new secret from now on, and for a day with the former one too."""
    secret_of(user)
    WebhookSecret.objects.filter(user_id=user.pk).update(
        former=F("secret"), former_until=timezone.now() + FORMER_LIFETIME, secret=_new_secret()
    )
    return WebhookSecret.objects.get(user_id=user.pk)


def try_out(user: AbstractBaseUser, url: str) -> Said:
    """Post a signed test message to an address and say what came of it; nothing is kept of it.

    Raises TooOften.
    """
    rate = Rate(*settings.RATE_GENERATE)
    if rate.limit and not rate_limits.hit(f"webhook-test:{user.pk}", rate).allowed:
        raise TooOften(_("That was often. Wait a minute before you send another."))
    body = json.dumps({"type": "test", "sent_at": representations.iso(timezone.now())}).encode()
    return _post((url, body, _headers(f"msg_{uuid4().hex}", body, secret_of(user))))


# ---- what workers do ----


def deliver_due(limit: int = 64) -> int:
    """Try what is due, several at a time; how many that were."""
    claimed = _claim(limit)
    if not claimed:
        return 0
    users = {delivery.user_id: secret_of(delivery.user) for delivery in claimed}
    letters = [_letter(delivery, users[delivery.user_id]) for delivery in claimed]
    with ThreadPoolExecutor(THREADS, "webhook") as pool:
        for delivery, said in zip(claimed, pool.map(_post, letters), strict=True):
            _settle(delivery, said)
    return len(claimed)


def _claim(limit: int) -> list[WebhookDelivery]:
    now = timezone.now()
    # Who is locked out, or left, is told nothing; until the account is taken back.
    due = WebhookDelivery.objects.filter(next_try_at__lte=now, user__is_active=True)
    due = due.order_by("next_try_at")
    if not due.exists():
        return []
    token = uuid4()
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=skip, of=("self",)).values_list("pk", flat=True)
        mine = WebhookDelivery.objects.filter(pk__in=list(locked[:limit]))
        mine.update(lease=token, next_try_at=now + LEASE)
    return list(WebhookDelivery.objects.filter(lease=token).select_related("video", "user"))


def _letter(delivery: WebhookDelivery, secret: WebhookSecret) -> tuple[str, bytes, dict[str, str]]:
    body = json.dumps(representations.callback_body(delivery.video)).encode()
    return delivery.url, body, _headers(f"msg_{delivery.pk.hex}", body, secret)


def _headers(message_id: str, body: bytes, secret: WebhookSecret) -> dict[str, str]:
    now = timezone.now()
    keys = [secret.secret]
    if secret.former_until and secret.former_until > now:
        keys.append(secret.former)
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Firstlight/{settings.VERSION}",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(key).sign(message_id, now, body.decode()) for key in keys
        ),
    }


def _post(letter: tuple[str, bytes, dict[str, str]]) -> Said:
    started = time.monotonic()
    answer, blocked, error = None, False, ""
    try:
        answer = http_client.post(*letter)
    except http_client.Blocked as refusal:
        blocked, error = True, str(refusal)
    except http_client.Unreachable as failure:
        error = str(failure)
    except Exception:  # a bug must not hold up everybody else's
        log.exception("a webhook could not be posted")
        error = "could not be sent"
    took = int((time.monotonic() - started) * 1000)
    if answer is None:
        return Said(took, error=error, blocked=blocked)
    return Said(took, answer.code, retry_after=answer.retry_after)


def _settle(delivery: WebhookDelivery, said: Said) -> None:
    now = timezone.now()
    heard = said.code is not None and 200 <= said.code < 300
    state, due = State.PENDING, _next(delivery, said, now)
    if heard:
        state, due = State.DELIVERED, None
    elif said.blocked:
        state, due = State.BLOCKED, None
    elif said.code == GONE or due is None:
        state, due = State.FAILED, None
    with transaction.atomic():
        mine = WebhookDelivery.objects.filter(pk=delivery.pk, lease=delivery.lease)
        if mine.update(
            state=state,
            tries=F("tries") + 1,
            next_try_at=due,
            lease=None,
            delivered_at=now if heard else None,
        ):
            DeliveryAttempt.objects.create(
                delivery=delivery, at=now, took_ms=said.took_ms, code=said.code, error=said.error
            )


def _next(delivery: WebhookDelivery, said: Said, now: datetime) -> datetime | None:
    """When it is tried again; None when the round is over."""
    if delivery.tries + 1 >= len(TRIES):
        return None
    pause = TRIES[delivery.tries + 1] * random.uniform(1.0, 1.1)  # noqa: S311 - spreads load
    due = max(
        delivery.round_started_at + timedelta(seconds=pause), now + timedelta(seconds=TRIES[1])
    )
    if said.code in BUSY and said.retry_after:
        due = max(due, now + timedelta(seconds=min(said.retry_after, TRIES[-1])))
    return due


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
