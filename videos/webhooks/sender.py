"""Send due webhooks on threads: a receiver that answers slowly keeps its own thread busy only."""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings
from django.db import close_old_connections

from videos.models import WebhookDelivery
from videos.webhooks import claim, deliveries
from videos.webhooks.deliveries import DeliveryResult

log = logging.getLogger(__name__)

# How long a turn waits for answers before it looks for due deliveries again.
TURN_SECONDS = 0.2
IDLE_SECONDS = 0.5


class Sender:
    """Claims due deliveries for its free threads, sends them and records the results.

    Only the calling thread uses the database: SQLite has one writer, and a thread that waits for
    the network should hold no connection.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "webhook")
        self._under_way: dict[Future[DeliveryResult], WebhookDelivery] = {}
        self._renewed = time.monotonic()

    def turn(self) -> bool:
        """Start what is due and record what was answered. False when nothing is under way."""
        for delivery in claim.claim_due(self._threads - len(self._under_way)):
            self._start(delivery)
        return self.drain()

    def drain(self) -> bool:
        """Record what was answered, waiting up to TURN_SECONDS. False when nothing is under way."""
        if not self._under_way:
            return False
        self._renew()
        for sent in wait(self._under_way, TURN_SECONDS, FIRST_COMPLETED).done:
            deliveries.record_result(self._under_way[sent], sent.result())
            del self._under_way[sent]
        return True

    def finish(self, seconds: float) -> None:
        """Record what is answered within `seconds`; the rest is due again when its lease ends."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and self.drain():
                pass
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, delivery: WebhookDelivery) -> None:
        try:
            request = deliveries.request_of(delivery)
        except Exception:  # one delivery must not stop the others
            log.exception("webhook %s could not be written", delivery.pk)
            result = DeliveryResult(0, error=deliveries.NOT_SENT)
            deliveries.record_result(delivery, result)
        else:
            self._under_way[self._pool.submit(deliveries.send, request)] = delivery

    def _renew(self) -> None:
        """Keep the leases for as long as an answer, or that of a name server, may take."""
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            claim.renew_leases(list(self._under_way.values()))


def run(stop: threading.Event) -> None:
    """Send due webhooks until `stop` is set; then await answers for SHUTDOWN_SECONDS at most."""
    sender = Sender(settings.WEBHOOK_THREADS)
    while not stop.is_set():
        try:
            close_old_connections()
            busy = sender.turn()
        except Exception:  # a database outage must not end the deliveries
            log.exception("webhooks could not be sent")
            busy = False
        if not busy:
            stop.wait(IDLE_SECONDS)
    try:
        sender.finish(settings.SHUTDOWN_SECONDS)
    except Exception:
        log.exception("answers to webhooks were not recorded")
    close_old_connections()
