"""API objects, the events about them and timers, stored as the JSON the API shows.

An event is a snapshot, written in the transaction of the change it reports, so that neither
exists without the other.
"""

import json
import random
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from billing.sandbox.store import STORE
from config.lib.sandbox.pace import pace_factor

API_VERSION = "2026-10-28.endive"
LATE_SECONDS = 30.0
SHUFFLE_SECONDS = 3.0

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def pace() -> float:
    """Return the factor every delay is multiplied with."""
    return pace_factor(settings.SANDBOX_SPEED)


@dataclass(slots=True)
class Database:
    """The store inside one read or one write transaction; the latter may belong to a request."""

    connection: sqlite3.Connection
    request_id: str | None = None
    idempotency_key: str | None = None

    def add(self, body: Json, *, parent: str | None = None, kind: str | None = None) -> Json:
        self.connection.execute(
            "INSERT INTO object (id, kind, parent, body) VALUES (?, ?, ?, ?)",
            (body["id"], kind or body["object"], parent, json.dumps(body)),
        )
        return body

    def save(self, body: Json) -> Json:
        self.connection.execute(
            "UPDATE object SET body = ? WHERE id = ?", (json.dumps(body), body["id"])
        )
        return body

    def find(self, kind: str, object_id: str) -> Json | None:
        row = self.connection.execute(
            "SELECT body FROM object WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def find_any(self, object_id: str) -> Json | None:
        row = self.connection.execute(
            "SELECT body FROM object WHERE id = ?", (object_id,)
        ).fetchone()
        return json.loads(row["body"]) if row else None

    def get(self, kind: str, object_id: str) -> Json:
        """Return an object that must exist."""
        body = self.find(kind, object_id)
        assert body is not None, object_id
        return body

    def children(self, kind: str, parent: str) -> list[Json]:
        """Return the objects of a kind that belong to `parent`, oldest first."""
        rows = self.connection.execute(
            "SELECT body FROM object WHERE parent = ? AND kind = ? ORDER BY sequence",
            (parent, kind),
        )
        return [json.loads(row["body"]) for row in rows]

    def set_parent(self, object_id: str, parent: str) -> None:
        self.connection.execute("UPDATE object SET parent = ? WHERE id = ?", (parent, object_id))

    def position(self, kind: str, object_id: str) -> int | None:
        row = self.connection.execute(
            "SELECT sequence FROM object WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return row["sequence"] if row else None

    def newest(self, kind: str, *, below: int = 2**62) -> Iterator[Json]:
        rows = self.connection.execute(
            "SELECT body FROM object WHERE kind = ? AND sequence < ? ORDER BY sequence DESC",
            (kind, below),
        )
        return (json.loads(row["body"]) for row in rows)

    def oldest(self, kind: str, *, above: int = 0) -> Iterator[Json]:
        rows = self.connection.execute(
            "SELECT body FROM object WHERE kind = ? AND sequence > ? ORDER BY sequence",
            (kind, above),
        )
        return (json.loads(row["body"]) for row in rows)

    def triggers(self, object_id: str | None) -> set[str]:
        """Return the trigger words of one payment and the switches that are on."""
        row = self.connection.execute(
            "SELECT triggers FROM object WHERE id = ?", (object_id,)
        ).fetchone()
        return set(row["triggers"].split() if row else ()) | self.switches()

    def set_triggers(self, object_id: str, triggers: set[str]) -> None:
        self.connection.execute(
            "UPDATE object SET triggers = ? WHERE id = ?", (" ".join(sorted(triggers)), object_id)
        )

    def switches(self) -> set[str]:
        return {row["name"] for row in self.connection.execute("SELECT name FROM switch")}

    def schedule(self, step: str, object_id: str, at: float) -> None:
        self.connection.execute(
            "INSERT INTO timer (due_at, step, object_id) VALUES (?, ?, ?)", (at, step, object_id)
        )

    def record_event(self, type_: str, body: Json, previous: Json | None = None) -> None:
        """Store an event with a snapshot of `body` and schedule its delivery."""
        data: Json = {"object": body}
        if previous is not None:
            data["previous_attributes"] = previous
        by_request = self.request_id is not None
        event_id = new_id("evt")
        event = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "data": data,
            "livemode": False,
            "pending_webhooks": 1 if settings.SANDBOX_STRIPE_WEBHOOK_URL else 0,
            "request": {
                "id": self.request_id,
                "idempotency_key": self.idempotency_key if by_request else None,
            },
            "type": type_,
        }
        payment = body["id"] if body["object"] == "payment_intent" else body.get("payment_intent")
        self.add(event, parent=payment)
        self._schedule_delivery(event_id, self.triggers(payment))

    def _schedule_delivery(self, event_id: str, triggers: set[str]) -> None:
        if not settings.SANDBOX_STRIPE_WEBHOOK_URL or "silent" in triggers:
            return
        wait = LATE_SECONDS if "late" in triggers else 0.0
        if "shuffled" in triggers:
            wait += random.uniform(0, SHUFFLE_SECONDS)  # noqa: S311 - not a secret
        self.connection.execute(
            "INSERT INTO delivery (event, copies, due_at) VALUES (?, ?, ?)",
            (event_id, 2 if "twice" in triggers else 1, time.time() + wait * pace()),
        )


@contextmanager
def reading() -> Iterator[Database]:
    with STORE.reading() as connection:
        yield Database(connection)


@contextmanager
def writing(request_id: str | None = None, key: str | None = None) -> Iterator[Database]:
    with STORE.writing() as connection:
        yield Database(connection, request_id, key)
