"""The key pair (VAPID, RFC 8292) by which push services recognise this site."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.conf import settings

CURVE = ec.SECP256R1()
KEY_BYTES = 32


def is_enabled() -> bool:
    """Return whether the operator has set a key."""
    return bool(settings.VAPID_PRIVATE_KEY)


def new_private_key() -> str:
    """Return a new private key: 32 bytes in base64url, as other tools for VAPID print it."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return _encode(number.to_bytes(KEY_BYTES, "big"))


def public_key() -> str:
    """Return the public key as browsers take it: the point in base64url.

    Raises ValueError when the operator's key is none.
    """
    public = _private_key(settings.VAPID_PRIVATE_KEY).public_key()
    return _encode(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def pems() -> tuple[bytes, bytes]:
    """Return the private and the public key in PEM."""
    private = _private_key(settings.VAPID_PRIVATE_KEY)
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def _private_key(text: str) -> ec.EllipticCurvePrivateKey:
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != KEY_BYTES:
        raise ValueError("expected 32 bytes in base64url, as `manage.py vapid_key` prints them")
    return ec.derive_private_key(int.from_bytes(raw, "big"), CURVE)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
