"""Send due webhooks on threads: a receiver that answers slowly keeps its own thread busy only."""

import logging
import threading
from datetime import datetime
from functools import partial

from django.conf import settings

from config.lib.queues.leased_worker import LeasedWorker
from videos.models import WebhookDelivery
from videos.webhooks import claim, deliveries
from videos.webhooks.deliveries import DeliveryResult

log = logging.getLogger(__name__)


class Sender(LeasedWorker[WebhookDelivery, DeliveryResult]):
    """Claims due deliveries for its free threads, sends them and records the results.

    Leases are renewed for as long as an answer, or that of a name server, may take.
    """

    table = WebhookDelivery
    idle_seconds = 0.5

    def _claim(self) -> None:
        for delivery in claim.claim_due(self._threads - len(self._rows)):
            try:
                request = deliveries.request_of(delivery)
            except Exception:  # one delivery must not stop the others
                log.exception("webhook %s could not be written", delivery.pk)
                result = DeliveryResult(0, error=deliveries.NOT_SENT)
                deliveries.record_result(delivery, result)
            else:
                self._start(delivery, partial(deliveries.send, request))

    def _next_due(self) -> datetime | None:
        return claim.next_due()

    def _record(self, done: list[tuple[WebhookDelivery, DeliveryResult]]) -> None:
        for delivery, result in done:
            deliveries.record_result(delivery, result)

    def _renew_leases(self, rows: list[WebhookDelivery]) -> None:
        claim.renew_leases(rows)


def run(stop: threading.Event) -> None:
    """Send due webhooks until `stop` is set; then await answers for SHUTDOWN_SECONDS at most."""
    Sender(settings.WEBHOOK_THREADS).run(stop)
