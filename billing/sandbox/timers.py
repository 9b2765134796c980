"""Timers: sessions expire, wallet refunds succeed, delayed payments end, disputes open."""

import logging
import sqlite3
import time

from billing.sandbox import checkout, database, disputes, refunds
from billing.sandbox.database import Database
from billing.sandbox.store import STORE

BATCH_SIZE = 50

log = logging.getLogger(__name__)


def run_due() -> int:
    """Take every step that is due and return how many succeeded; cheap when none is."""
    if not STORE.path().exists():
        return 0
    with STORE.reading() as connection:
        due = connection.execute(
            "SELECT * FROM timer WHERE due_at <= ? ORDER BY due_at, id LIMIT ?",
            (time.time(), BATCH_SIZE),
        ).fetchall()
    return sum(_run(row) for row in due)


def _run(row: sqlite3.Row) -> bool:
    """Take one step and delete its timer in the same transaction, so that it happens once."""
    try:
        with database.writing() as db:
            deleted = db.connection.execute("DELETE FROM timer WHERE id = ?", (row["id"],))
            if deleted.rowcount != 1:
                return False
            _step(db, row["step"], row["object_id"])
    except Exception:  # one failing row must not stop the others
        log.exception(
            "the sandbox Stripe could not take step %s of %s", row["step"], row["object_id"]
        )
        with STORE.writing() as connection:
            connection.execute("DELETE FROM timer WHERE id = ?", (row["id"],))
        return False
    return True


def _step(db: Database, step: str, object_id: str) -> None:
    match step:
        case "session.expire":
            if db.get("checkout.session", object_id)["status"] == "open":
                checkout.expire(db, object_id)
        case "payment.succeed" | "payment.fail":
            checkout.finish_delayed_payment(db, object_id, succeeded=step == "payment.succeed")
        case "refund.succeed":
            refunds.succeed(db, object_id)
        case "refund.fail":
            refunds.fail(db, object_id)
        case "dispute.open" | "inquiry.open":
            disputes.open_dispute(db, object_id, inquiry=step == "inquiry.open")
