"""Verify callbacks of the Gemini API.

A webhook that is registered for the project signs with a shared secret (Standard Webhooks); one
that an order names signs with a key that Google publishes. That signature proves the sender but not
for whom the callback is, so it counts only at the secret URL of an order.
"""

import hashlib
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2
import jwt
from standardwebhooks import Webhook, WebhookVerificationError

from videos.engines import json_api
from videos.engines.base import Callback, JobState
from videos.engines.errors import AuthFailed, EngineError, InvalidRequest
from videos.engines.gemini.jobs import ID

TOLERANCE = timedelta(minutes=5)
# How long keys are used, and how soon they are asked for again because one is missing.
KEYS_SECONDS, MISSING_KEY_SECONDS = 3600, 60
STATES = {
    "interaction.completed": JobState.SUCCEEDED,
    "video.generated": JobState.SUCCEEDED,
    "interaction.failed": JobState.FAILED,
    "interaction.cancelled": JobState.FAILED,
}


class CallbackVerifier:
    """Verifies with a `secret` in base64, with the keys at `jwks_url`, or by the URL alone.

    Raises ValueError for a secret that is not base64.
    """

    def __init__(self, secret: str, jwks_url: str, audience: str) -> None:
        self._webhook = Webhook(secret) if secret else None
        self._keys = PublicKeys(jwks_url) if jwks_url else None
        self._audience = audience

    def read(self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool) -> Callback:
        """Verify a callback and read it. Raises AuthFailed or InvalidRequest."""
        given = {name.lower(): value for name, value in headers.items()}
        signature = given.get("webhook-signature", "")
        claims: dict[str, Any] = {}
        if self._webhook and "," in signature:
            _verify_with_secret(self._webhook, body, given)
        elif not from_secret_url:
            raise AuthFailed("callback: not signed with the webhook secret")
        elif self._keys:
            claims = self._verify_with_key(self._keys, signature)
        return _read_event(json_api.parse_object(body), claims)

    def _verify_with_key(self, keys: "PublicKeys", signature: str) -> dict[str, Any]:
        try:
            key = keys.find(str(jwt.get_unverified_header(signature).get("kid")))
            claims = jwt.decode(
                signature,
                key,
                algorithms=["RS256"],
                audience=self._audience or None,
                leeway=TOLERANCE,
                options={"verify_aud": bool(self._audience), "require": ["iat"]},
            )
        except jwt.PyJWTError as error:
            raise AuthFailed(f"callback: {error}") from error
        if time.time() - float(claims["iat"]) > TOLERANCE.total_seconds():
            raise AuthFailed("callback: signed too long ago")
        return claims


class PublicKeys:
    """The public keys at a URL, kept for an hour."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = json_api.client("", {}, 5)
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._asked_at = float("-inf")

    def find(self, key_id: str) -> jwt.PyJWK:
        """The key of this id. Raises AuthFailed if there is none, or none can be asked for now."""
        age = time.monotonic() - self._asked_at
        if age > (KEYS_SECONDS if key_id in self._keys else MISSING_KEY_SECONDS):
            self._asked_at = time.monotonic()
            self._keys = {key.key_id: key for key in self._fetch()}
        if key_id not in self._keys:
            raise AuthFailed("callback: signed with an unknown key")
        return self._keys[key_id]

    def _fetch(self) -> list[jwt.PyJWK]:
        try:
            found = json_api.send(self._client, "GET", self._url)
            return jwt.PyJWKSet.from_dict(found if isinstance(found, dict) else {}).keys
        except (EngineError, jwt.PyJWTError, httpx2.InvalidURL) as error:
            raise AuthFailed(f"callback: the public keys cannot be read: {error}") from error


def _verify_with_secret(webhook: Webhook, body: bytes, headers: dict[str, str]) -> None:
    try:
        webhook.verify(body, headers)
    except (WebhookVerificationError, ValueError, TypeError) as error:
        raise AuthFailed(f"callback: {error}") from error


def _read_event(event: dict[str, Any], claims: Mapping[str, Any]) -> Callback:
    job_id, signed_id = _job_id(event), _job_id(claims)
    if signed_id and job_id != signed_id:
        raise AuthFailed("callback: the signature is of another interaction")
    if not ID.fullmatch(job_id):
        raise InvalidRequest("a callback that names no interaction")
    kind = str(event.get("type"))
    # Ids may be longer than the name of an event.
    name = hashlib.sha256(f"{kind}:{job_id}".encode(errors="replace")).hexdigest()
    return Callback(job_id, name, STATES.get(kind))


def _job_id(event: Mapping[str, Any]) -> str:
    data = event.get("data")
    found = data.get("id") if isinstance(data, dict) else None
    return found.removeprefix("interactions/") if isinstance(found, str) else ""
