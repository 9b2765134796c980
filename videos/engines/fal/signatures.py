"""Verify the signatures of fal's callbacks with the public keys that fal publishes (JWKS).

Signed are three headers and the body's SHA-256 in hex, joined by newlines, with Ed25519.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from videos.engines import json_api, status_words
from videos.engines.errors import AuthFailed, BadAnswer, Unavailable

HEADERS = (
    "X-Fal-Webhook-Request-Id",
    "X-Fal-Webhook-User-Id",
    "X-Fal-Webhook-Timestamp",
)
SIGNATURE = "X-Fal-Webhook-Signature"
TOLERANCE = timedelta(minutes=5)
MAX_KEYS = 20
KEEP_SECONDS = 24 * 3600
# Keys that no signature fits are fetched again, but not more often: anybody can send a callback.
FETCH_AGAIN_SECONDS = 60


def is_signed(headers: Mapping[str, str]) -> bool:
    return bool(headers.get(SIGNATURE))


class PublishedKeys:
    """The keys at one address, fetched when a callback needs them and kept for at most a day."""

    def __init__(self, client: httpx2.Client, url: str) -> None:
        self._client, self._url = client, url
        self._keys: list[Ed25519PublicKey] = []
        self._fetched_at = self._asked_at = -float("inf")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise AuthFailed for a forged or stale callback, EngineError if there are no keys."""
        sent_at = status_words.parse_timestamp(headers.get("X-Fal-Webhook-Timestamp"))
        if sent_at is None or abs(datetime.now(UTC) - sent_at) > TOLERANCE:
            raise AuthFailed("callback: a stale signature")
        try:
            signature = bytes.fromhex(headers.get(SIGNATURE, ""))
        except ValueError as error:
            raise AuthFailed("callback: an unreadable signature") from error
        parts = [*(headers.get(name, "") for name in HEADERS), hashlib.sha256(body).hexdigest()]
        message = "\n".join(parts).encode(errors="replace")
        if not self._fits(signature, message):
            raise AuthFailed("callback: a wrong signature")

    def _fits(self, signature: bytes, message: bytes) -> bool:
        now = time.monotonic()
        if now - self._fetched_at < KEEP_SECONDS:
            if any(_fits_key(key, signature, message) for key in self._keys):
                return True
            if now - self._asked_at < FETCH_AGAIN_SECONDS:
                return False
        elif now - self._asked_at < FETCH_AGAIN_SECONDS:
            raise Unavailable("the keys of signed callbacks could not be fetched a moment ago")
        self._asked_at = now
        self._keys = parse_keys(json_api.send(self._client, "GET", self._url))
        self._fetched_at = now
        return any(_fits_key(key, signature, message) for key in self._keys)


def parse_keys(answer: Any) -> list[Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS. Raises BadAnswer when it has none."""
    listed = answer.get("keys") if isinstance(answer, dict) else None
    entries = listed[:MAX_KEYS] if isinstance(listed, list) else []
    found = [key for entry in entries if (key := _parse_key(entry))]
    if not found:
        raise BadAnswer("no Ed25519 keys")
    return found


def _parse_key(entry: Any) -> Ed25519PublicKey | None:
    text = entry.get("x") if isinstance(entry, dict) and entry.get("kty") == "OKP" else None
    if not isinstance(text, str):
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(f"{text}=="))
    except ValueError:
        return None


def _fits_key(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
