"""Idempotency keys: a request sent twice under one key is done once, and answered twice.

The key and the fingerprint of its request are columns of the row the request makes, written in the
same transaction, so no crash can come between them. They are honoured for HONOURED, per user.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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
