"""Idempotency keys: keep the response of a request for 48 hours and return it for the same key.

Source: docs.stripe.com/api/idempotent_requests.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from billing.sandbox.database import Database
from billing.sandbox.errors import ApiError

KEY_LENGTH = 255
KEPT_SECONDS = 48 * 3600


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response of a request; `request_id` is that of the request that was executed."""

    status: int
    body: str
    request_id: str
    replayed: bool = False


def check(key: str | None) -> None:
    """Raise ApiError 400 when a key is too long."""
    if key is not None and len(key) > KEY_LENGTH:
        raise ApiError(
            400,
            f"Idempotency keys can be at most {KEY_LENGTH} characters.",
            type="idempotency_error",
        )


def fingerprint(method: str, path: str, parameters: dict[str, Any]) -> str:
    text = json.dumps([method, path, parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def find_response(db: Database, digest: str) -> StoredResponse | None:
    """Return the stored response of the request's key.

    Raises ApiError 400 when the key was used with other parameters.
    """
    row = db.connection.execute(
        "SELECT * FROM idempotent_response WHERE key = ? AND created_at > ?",
        (db.idempotency_key, time.time() - KEPT_SECONDS),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != digest:
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{db.idempotency_key}' if you meant "
            "to execute a different request.",
            type="idempotency_error",
        )
    return StoredResponse(row["status"], row["body"], row["request_id"], replayed=True)


def store_response(db: Database, digest: str, response: StoredResponse) -> None:
    """Store a response under the request's key, if it has one."""
    if db.idempotency_key is None:
        return
    now = time.time()
    db.connection.execute(
        "DELETE FROM idempotent_response WHERE created_at <= ?", (now - KEPT_SECONDS,)
    )
    db.connection.execute(
        "INSERT INTO idempotent_response (key, fingerprint, request_id, status, body, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (db.idempotency_key, digest, response.request_id, response.status, response.body, now),
    )
