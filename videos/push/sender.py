"""Send due push messages on threads, as `videos.webhooks.sender` sends webhooks."""

import json
import logging
import threading
from dataclasses import asdict
from datetime import datetime
from functools import partial

from django.conf import settings
from webpush import WebPush, WebPushSubscription

from config.lib.queues.leased_worker import LeasedWorker
from videos.models import PushMessage
from videos.push import content, keys, messages
from videos.push.messages import Notification, Result
from videos.webhooks import http_client

log = logging.getLogger(__name__)

# One browser may have had several videos.
MESSAGES_PER_THREAD = 20
GONE, BUSY = (404, 410), (408, 429)
TOPIC_CHARS = 32
# A browser that is off may get a message for so many seconds; later the news is old.
LIFETIME = 4 * 3600


class Sender(LeasedWorker[Notification, Result]):
    """Claims due messages for its free threads, sends them and records the results."""

    table = PushMessage
    idle_seconds = 0.5

    def _claim(self) -> None:
        free = self._threads - len(self._rows)
        for notification in messages.claim_due(free * MESSAGES_PER_THREAD):
            shown = content.compose(notification)
            self._start(notification, partial(send, notification, shown))

    def _next_due(self) -> datetime | None:
        return messages.next_due()

    def _record(self, done: list[tuple[Notification, Result]]) -> None:
        for notification, result in done:
            messages.record_result(notification, result)

    def _renew_leases(self, rows: list[Notification]) -> None:
        messages.renew_leases(rows)


def send(notification: Notification, shown: content.NotificationText) -> Result:
    """Encrypt a notification and post it to the push service; never raises, uses no database."""
    browser = notification.subscription
    try:
        to = WebPushSubscription.model_validate(
            {"endpoint": browser.endpoint, "keys": {"auth": browser.auth, "p256dh": browser.p256dh}}
        )
        message = _encryption().get(json.dumps(asdict(shown)), to)
        headers: dict[str, str] = {
            **{name: str(value) for name, value in message.headers.items()},
            "content-type": "application/octet-stream",
            # A newer one about the same replaces an older one that still waits.
            "topic": shown.tag.replace("-", "")[:TOPIC_CHARS],
            "urgency": "normal",
        }
        code = http_client.post(browser.endpoint, message.encrypted, headers).code
    except http_client.Blocked:
        return Result.GONE
    except http_client.Unreachable:
        return Result.BUSY
    except Exception:  # a bug must not stop the other notifications
        log.exception("push message %s could not be sent", notification.lease)
        return Result.REFUSED
    return _result(code)


def _encryption() -> WebPush:
    """Return what encrypts messages and signs them with our key."""
    private, public = keys.pems()
    return WebPush(private, public, subscriber=settings.VAPID_CONTACT, ttl=LIFETIME)


def _result(code: int) -> Result:
    if 200 <= code < 300:
        return Result.SENT
    if code in GONE:
        return Result.GONE
    if code in BUSY or code >= 500:
        return Result.BUSY
    log.warning("a push service refused a message with %s", code)
    return Result.REFUSED


def run(stop: threading.Event) -> None:
    """Send due push messages until `stop` is set; then await answers for SHUTDOWN_SECONDS."""
    Sender(settings.PUSH_THREADS).run(stop)
