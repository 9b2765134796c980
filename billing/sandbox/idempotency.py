"""Idempotency keys: the first answer of a key is every later answer, for two days.

Source: docs.stripe.com/api/idempotent_requests.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from billing.sandbox.database import Books
from billing.sandbox.request_parsing import Refused

KEY_LENGTH = 255
KEPT_SECONDS = 48 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered; `request_id` is that of the request that was carried out."""

    status: int
    body: str
    request_id: str
    replayed: bool = False


def check(key: str | None) -> None:
    if key is not None and len(key) > KEY_LENGTH:
        raise Refused(
            400,
            f"Idempotency keys can be at most {KEY_LENGTH} characters.",
            type="idempotency_error",
        )


def fingerprint(method: str, path: str, parameters: dict[str, Any]) -> str:
    words = json.dumps([method, path, parameters], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()


def recall(books: Books, mark: str) -> Answer | None:
    """Return the kept answer of the request's key.

    Raises Refused when the key stood for other parameters.
    """
    row = books.connection.execute(
        "SELECT * FROM answer WHERE key = ? AND at > ?",
        (books.idempotency_key, time.time() - KEPT_SECONDS),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != mark:
        raise Refused(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{books.idempotency_key}' if you meant "
            "to execute a different request.",
            type="idempotency_error",
        )
    return Answer(row["status"], row["body"], row["request"], replayed=True)


def keep(books: Books, mark: str, answer: Answer) -> None:
    """Keep an answer under the request's key, if it has one."""
    if books.idempotency_key is None:
        return
    now = time.time()
    books.connection.execute("DELETE FROM answer WHERE at <= ?", (now - KEPT_SECONDS,))
    books.connection.execute(
        "INSERT INTO answer (key, fingerprint, request, status, body, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (books.idempotency_key, mark, answer.request_id, answer.status, answer.body, now),
    )
