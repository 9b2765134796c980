"""Idempotency keys: a request sent twice under one key is done once, and answered twice.

The key and the fingerprint of its request are columns of the row the request makes, written in the
same transaction, so no crash can come between them. They are honoured for HONOURED, per user; the
row's table has a unique constraint on both. A row that keeps them has the fields `idempotency_key`,
`idempotency_print` and `created_at`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)

HEADER = "Idempotency-Key"
# Stands on every answer that was given before.
REPLAYED = {"Idempotent-Replayed": "true"}
HONOURED = timedelta(hours=24)
MAX_LENGTH = 255


class BadIdempotencyKey(Exception):
    """The header is there and is not 1 to 255 printable ASCII characters."""


class IdempotencyMismatch(Exception):
    """The key was used for another request; nothing was done."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


def read_key(headers: Mapping[str, str]) -> str:
    """The request's key; empty when it has none. Raises BadIdempotencyKey."""
    if HEADER not in headers:
        return ""
    key = headers[HEADER].strip(" \t")
    if not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey(f"{HEADER} must be 1 to {MAX_LENGTH} printable ASCII characters.")
    return key


def fingerprint(data: Any) -> str:
    """The same 64 characters for the same data, however it was spelt or ordered."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Once:
    """A request's key and the fingerprint of what it asks; without a key every request is new."""

    key: str = ""
    print: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """For the row that is made."""
        return {"idempotency_key": self.key, "idempotency_print": self.print if self.key else ""}


def make_once(rows: models.QuerySet[Row], once: Once, make: Callable[[], Row]) -> tuple[Row, bool]:
    """The row `make` makes, or the one among `rows` its key made before: (row, was it there).

    `make` runs in a transaction and writes `once.columns`; of many at once, one is kept.
    Raises IdempotencyMismatch, or what `make` raises; then nothing is written.
    """
    try:
        with transaction.atomic():
            known = _known(rows, once)
            return (known, True) if known else (make(), False)
    except IntegrityError:
        # Somebody else was as fast; their row can be seen now.
        known = _known(rows, once)
        if known is None:
            raise
        return known, True


def _known(rows: models.QuerySet[Row], once: Once) -> Row | None:
    """The row a key made; a key that is honoured no longer is set free."""
    if not once.key:
        return None
    mine = rows.filter(idempotency_key=once.key)
    mine.filter(created_at__lte=timezone.now() - HONOURED).update(idempotency_key="")
    row = mine.first()
    if row is not None and vars(row)["idempotency_print"] != once.print:
        raise IdempotencyMismatch
    return row
