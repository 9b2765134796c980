"""A port of its own for the metrics of a Celery worker or beat, which have no web server."""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

from config.monitoring import access

log = logging.getLogger(__name__)

PATH = "/metrics"


def start() -> ThreadingHTTPServer | None:
    """Answer GET /metrics at BIND and METRICS_PORT from now on; None while that is off.

    Raises OSError for a port that is taken.
    """
    if not (settings.METRICS and settings.METRICS_PORT):
        return None
    server = ThreadingHTTPServer((settings.BIND, settings.METRICS_PORT), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        # No proxy belongs in front of this port: what names one needs the token.
        is_forwarded = "X-Forwarded-For" in self.headers
        address = "" if is_forwarded else self.client_address[0]
        authorization = self.headers.get("Authorization", "")
        allowed = access.is_allowed(authorization, address, is_forwarded=is_forwarded)
        if self.path != PATH or not allowed:
            self.send_error(404)
            return
        # What the database knows is on the page of the web processes.
        from config.lib.metrics import counters  # noqa: PLC0415 - imported only where it is on
        from config.monitoring import figures  # noqa: PLC0415

        text = counters.of_process().text(figures.of_process())
        self.send_response(200)
        self.send_header("Content-Type", counters.CONTENT_TYPE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the access log is that of the site."""
