"""Faults of API calls: the next call of a route gets the fault that was queued for it.

| Kind | What the client sees | What happened |
|---|---|---|
| `drop_before` | the connection closes unanswered | nothing |
| `drop_after` | the connection closes unanswered | the request was carried out |
| `cut` | a truncated answer | the request was carried out |
| `400` | 400 invalid_request_error | nothing |
| `401` | 401 invalid_request_error, as for a wrong key | nothing |
| `409` | 409 idempotency_key_in_use | nothing |
| `429` | 429 rate_limit | nothing |
| `500` | 500 api_error | nothing; a retry is carried out |
| `500_after` | 500 api_error, also for every retry | the request was carried out |
"""

from billing.sandbox.database import Database
from billing.sandbox.errors import ApiError
from billing.sandbox.store import STORE

KINDS = ("drop_before", "drop_after", "cut", "400", "401", "409", "429", "500", "500_after")
ROUTES = (
    *("sessions", "sessions.list", "session", "session.expire"),
    *("refunds", "refunds.list", "refund", "refund.update"),
    *("payment_intent", "charge", "dispute", "event", "events.list"),
)


def enqueue(route: str, kind: str, times: int = 1) -> None:
    """Queue a fault for the next `times` calls of a route. Raises ValueError for unknown names."""
    if kind not in KINDS or route not in ROUTES:
        raise ValueError(f"expected one of {ROUTES} and of {KINDS}, not {route!r}, {kind!r}")
    with STORE.writing() as connection:
        connection.executemany(
            "INSERT INTO fault (route, kind) VALUES (?, ?)", [(route, kind)] * times
        )


def take(db: Database, route: str) -> str | None:
    """Remove and return the oldest fault queued for a route."""
    row = db.connection.execute(
        "DELETE FROM fault WHERE sequence = (SELECT MIN(sequence) FROM fault WHERE route = ?)"
        " RETURNING kind",
        (route,),
    ).fetchone()
    return row["kind"] if row else None


def pending(db: Database) -> list[tuple[str, str]]:
    rows = db.connection.execute("SELECT route, kind FROM fault ORDER BY sequence")
    return [(row["route"], row["kind"]) for row in rows]


def error_of(kind: str) -> ApiError | None:
    """Return the error a fault answers with, None for a broken connection."""
    if kind == "400":
        return ApiError(400, "The request was refused.")
    if kind == "401":
        return ApiError(401, "Invalid API Key provided.")
    if kind == "409":
        return ApiError(
            409,
            "There is currently another in-progress request using this Idempotency Key.",
            code="idempotency_key_in_use",
            type="idempotency_error",
        )
    if kind == "429":
        return ApiError(429, "Request rate limit exceeded.", code="rate_limit")
    if kind.startswith("500"):
        return ApiError(500, "An unknown error occurred.", type="api_error")
    return None
