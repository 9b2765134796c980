"""What happens by itself: sessions expire, wallets give money back, delayed payments end."""

import logging
import sqlite3
import time

from billing.sandbox import checkout, database, disputes, refunds
from billing.sandbox.database import Books
from billing.sandbox.store import STORE

AT_ONCE = 50

log = logging.getLogger(__name__)


def turn() -> int:
    """Take every step whose time has come and return how many; cheap when there is none."""
    if not STORE.path().exists():
        return 0
    with STORE.reading() as connection:
        due = connection.execute(
            "SELECT * FROM timer WHERE due_at <= ? ORDER BY due_at, id LIMIT ?",
            (time.time(), AT_ONCE),
        ).fetchall()
    return sum(_take(row) for row in due)


def _take(row: sqlite3.Row) -> bool:
    """Take one step and remove its timer in the same transaction, so that it happens once."""
    try:
        with database.writing() as desk:
            gone = desk.connection.execute("DELETE FROM timer WHERE id = ?", (row["id"],))
            if gone.rowcount != 1:
                return False
            _step(desk, row["step"], row["thing"])
    except Exception:  # one broken row must not stop the clock
        log.exception("sandbox step %s of %s failed", row["step"], row["thing"])
        with STORE.writing() as connection:
            connection.execute("DELETE FROM timer WHERE id = ?", (row["id"],))
        return False
    return True


def _step(desk: Books, step: str, thing_id: str) -> None:
    match step:
        case "session.expire":
            if desk.get("checkout.session", thing_id)["status"] == "open":
                checkout.expire(desk, thing_id)
        case "payment.succeed" | "payment.fail":
            checkout.settle(desk, thing_id, good=step == "payment.succeed")
        case "refund.succeed":
            refunds.succeed(desk, thing_id)
        case "refund.fail":
            refunds.fail(desk, thing_id)
        case "dispute.open" | "inquiry.open":
            disputes.open_(desk, thing_id, inquiry=step == "inquiry.open")
