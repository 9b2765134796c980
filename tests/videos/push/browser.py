"""A browser's half of a push subscription: it decrypts what it is sent (RFC 8291)."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
SALT, KEY = 16, 65


class PushBrowser:
    """Keys as `PushManager.subscribe` makes them, and what was sent to them."""

    def __init__(self, endpoint: str) -> None:
        self._private, self._secret = ec.generate_private_key(CURVE), os.urandom(16)
        self.form = {
            "endpoint": endpoint,
            "p256dh": encode(_point(self._private.public_key())),
            "auth": encode(self._secret),
        }

    def read(self, body: bytes) -> dict[str, Any]:
        """Return the content of a message."""
        salt, size = body[:SALT], body[SALT + 4]
        assert size == KEY
        sender = body[SALT + 5 : SALT + 5 + KEY]
        shared = self._private.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender)
        )
        info = b"WebPush: info\0" + _point(self._private.public_key()) + sender
        secret = _derive(self._secret, info, 32, shared)
        key = _derive(salt, b"Content-Encoding: aes128gcm\0", 16, secret)
        nonce = _derive(salt, b"Content-Encoding: nonce\0", 12, secret)
        text = AESGCM(key).decrypt(nonce, body[SALT + 5 + KEY :], None)
        found: dict[str, Any] = json.loads(text.rstrip(b"\x02"))
        return found


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derive(salt: bytes, info: bytes, length: int, secret: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
