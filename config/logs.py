"""One line per event on standard error, with the id of the request it belongs to."""

from typing import Any


def configuration(level: str) -> dict[str, Any]:
    line = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "config.request_ids.Naming"}},
        "formatters": {"line": {"format": line}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # The access log of the embedded server says the same with less.
            "django.server": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }
