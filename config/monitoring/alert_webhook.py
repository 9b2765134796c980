"""Post alerts to ALERT_WEBHOOK_URL, with the protection that webhooks of users have.

An alert is posted when it opens and when it is over, each until it is accepted, with pauses. A
process that dies after the answer posts again with the same `webhook-id`.
"""

import json
import logging
from datetime import timedelta
from typing import Any

from django.conf import settings

from config.lib import clock
from config.lib.alert_kinds import Advice
from config.lib.alerts import notices
from config.lib.connections import release_connection
from config.lib.models import Alert
from videos.webhooks import http_client

log = logging.getLogger(__name__)

# Pauses between attempts; the last one repeats.
PAUSES = (60, 120, 300, 900)
GIVEN_UP_AFTER = 50


def send_due() -> None:
    """Post the alerts that are due, each by one process at a time."""
    if not settings.ALERT_WEBHOOK_URL:
        return
    for row in Alert.objects.filter(webhook_due_at__lte=clock.now()).order_by("webhook_due_at"):
        pause = PAUSES[min(row.webhook_attempts, len(PAUSES) - 1)]
        next_at = clock.now() + timedelta(seconds=pause)
        mine = Alert.objects.filter(pk=row.pk, webhook_due_at=row.webhook_due_at)
        if mine.update(webhook_due_at=next_at, webhook_attempts=row.webhook_attempts + 1):
            row.refresh_from_db()
            release_connection()
            if _post(row) or row.webhook_attempts >= GIVEN_UP_AFTER:
                # It may be due again by now, because it is over.
                Alert.objects.filter(pk=row.pk, webhook_due_at=next_at).update(webhook_due_at=None)


def body_of(alert: Alert) -> dict[str, Any]:
    """Return the JSON of an alert; `text` is the whole in words, as chat systems show it."""
    is_open = alert.cleared_at is None
    about = f" ({alert.subject})" if alert.subject else ""
    words = f"{settings.SITE_NAME}: {alert.get_kind_display()}{about}"
    advice = str(Advice.TEXTS[alert.kind])
    return {
        "id": str(alert.pk),
        "status": "open" if is_open else "over",
        "kind": alert.kind,
        "subject": alert.subject,
        "detail": alert.detail,
        "advice": advice,
        "since": alert.opened_at.isoformat(),
        "url": notices.page_url(),
        "text": f"{words}. {alert.detail} {advice}" if is_open else f"{words}: over.",
    }


def _post(alert: Alert) -> bool:
    """Return whether the receiver accepted it."""
    body = body_of(alert)
    message_id = f"alert_{alert.pk.hex}_{body['status']}"
    headers = {"Content-Type": "application/json", "webhook-id": message_id}
    try:
        answer = http_client.post(settings.ALERT_WEBHOOK_URL, json.dumps(body).encode(), headers)
    except (http_client.Blocked, http_client.Unreachable) as error:
        log.warning("the alert %s could not be posted: %s", alert.pk, error)
        return False
    if not 200 <= answer.code < 300:
        log.warning("the alert %s was answered with %s", alert.pk, answer.code)
    return 200 <= answer.code < 300
