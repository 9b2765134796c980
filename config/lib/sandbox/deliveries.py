"""Webhook deliveries of the sandboxes: claim a row of the table `delivery`, POST, back off."""

import http.client
import logging
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from config.lib.sandbox.store import Store

log = logging.getLogger(__name__)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


# No proxies and no redirects: an event goes to the configured address or nowhere.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def claim(store: Store, row: sqlite3.Row, lease_seconds: float) -> bool:
    """Claim one attempt of a delivery for `lease_seconds`; False when another process has it.

    `row` holds the delivery's `rowid` and `due_at`.
    """
    with store.writing() as connection:
        claimed = connection.execute(
            "UPDATE delivery SET due_at = ?, attempts = attempts + 1"
            " WHERE rowid = ? AND due_at = ?",
            (time.time() + lease_seconds, row["rowid"], row["due_at"]),
        )
    return claimed.rowcount == 1


def next_attempt_at(
    earlier_attempts: int, back_off_seconds: Sequence[float], pace: float = 1
) -> float | None:
    """Return when a refused delivery is due again, in unix seconds; None after the last attempt."""
    if earlier_attempts >= len(back_off_seconds):
        return None
    return time.time() + back_off_seconds[earlier_attempts] * pace


def is_accepted(answer: str) -> bool:
    """Tell whether an answer of `post` is a 2xx status."""
    return answer.startswith("2")


def post(url: str, headers: dict[str, str], body: bytes, timeout_seconds: float) -> str:
    """POST one event; return the status of the answer, or the name of the error without one."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return "ValueError"
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked above
    try:
        with _opener.open(request, timeout=timeout_seconds) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        log.info("the receiver of a sandbox event answered %s", error.code)
        return str(error.code)
    except (OSError, http.client.HTTPException) as error:
        log.info("a sandbox event was not delivered: %s", error)
        return type(error).__name__
