"""One line per event on standard error, with the id of the request it belongs to."""

import json
import logging
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """Format a record as a JSON object on one line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if trace_id := getattr(record, "trace_id", ""):
            fields["trace_id"] = trace_id
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class RefusalFilter(logging.Filter):
    """Leave out answers that are no fault of the server, or whose cause has its own line.

    501 is what we do not have; 502 and 503 without an exception are what others do not give us.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", 0)
        return status != 501 and not (status in {502, 503} and not record.exc_info)


class BadRequestFilter(logging.Filter):
    """Make one line without a traceback of what Django refuses, such as an unknown host."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info, record.exc_text = None, None
            if record.levelno > logging.WARNING:
                record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def configuration(level: str, form: str = "line") -> dict[str, Any]:
    line = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request": {"()": "config.http.request_id.RequestIdFilter"},
            "paths": {"()": "config.http.secret_paths.SecretPathFilter"},
            "bad_requests": {"()": "config.environment.logging.BadRequestFilter"},
            "refusals": {"()": "config.environment.logging.RefusalFilter"},
        },
        "formatters": {
            "line": {"format": line},
            "json": {"()": "config.environment.logging.JsonFormatter"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["request", "paths", "bad_requests"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Our own access log replaces those of Django and Channels.
            "django.server": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            # A refused request, such as a wrong password, is ordinary; the access log has it.
            "django.request": {"level": "ERROR", "filters": ["refusals"]},
        },
    }
