"""Faults for the next API calls: what a network and a busy provider do to a client.

| Kind | What the client sees | What happened |
|---|---|---|
| `drop_before` | the connection closes unanswered | nothing |
| `drop_after` | the connection closes unanswered | the request was carried out |
| `cut` | an answer that breaks off | the request was carried out |
| `400` | 400 invalid_request_error | nothing |
| `401` | 401 invalid_request_error, as for a wrong key | nothing |
| `409` | 409 idempotency_key_in_use | nothing |
| `429` | 429 rate_limit | nothing |
| `500` | 500 api_error | nothing; a retry is carried out |
| `500_after` | 500 api_error, also for every retry | the request was carried out |
"""

from billing.sandbox.database import Books
from billing.sandbox.request_parsing import Refused
from billing.sandbox.store import STORE

KINDS = ("drop_before", "drop_after", "cut", "400", "401", "409", "429", "500", "500_after")
ROUTES = (
    *("sessions", "sessions.list", "session", "session.expire"),
    *("refunds", "refunds.list", "refund", "refund.update"),
    *("payment_intent", "charge", "dispute", "event", "events.list"),
)


def next(route: str, kind: str, times: int = 1) -> None:
    """Let the next `times` calls of a route fail; faults of one route strike in their order."""
    if kind not in KINDS or route not in ROUTES:
        raise ValueError(f"expected one of {ROUTES} and of {KINDS}, not {route!r}, {kind!r}")
    with STORE.writing() as connection:
        connection.executemany(
            "INSERT INTO fault (route, kind) VALUES (?, ?)", [(route, kind)] * times
        )


def strike(books: Books, route: str) -> str | None:
    """Take the oldest fault of a route out of the queue."""
    row = books.connection.execute(
        "DELETE FROM fault WHERE sequence = (SELECT MIN(sequence) FROM fault WHERE route = ?)"
        " RETURNING kind",
        (route,),
    ).fetchone()
    return row["kind"] if row else None


def pending(books: Books) -> list[tuple[str, str]]:
    rows = books.connection.execute("SELECT route, kind FROM fault ORDER BY sequence")
    return [(row["route"], row["kind"]) for row in rows]


def refusal(kind: str) -> Refused | None:
    """Return the error of a kind that is one."""
    if kind == "400":
        return Refused(400, "The request was refused.")
    if kind == "401":
        return Refused(401, "Invalid API Key provided.")
    if kind == "409":
        return Refused(
            409,
            "There is currently another in-progress request using this Idempotency Key.",
            code="idempotency_key_in_use",
            type="idempotency_error",
        )
    if kind == "429":
        return Refused(429, "Request rate limit exceeded.", code="rate_limit")
    if kind.startswith("500"):
        return Refused(500, "An unknown error occurred.", type="api_error")
    return None
