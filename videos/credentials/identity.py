"""Who signs content credentials: a certificate, and a key or a service that signs for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.conf import settings

from videos.credentials import own_identity, signing_service

CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class NoIdentity(Exception):
    """The certificate or the key cannot be used; the text says why."""


@dataclass(frozen=True)
class Identity:
    """A certificate chain in PEM, its own certificate first; `key` is "" where a service signs."""

    chain: str
    key: str
    algorithm: str
    name: str
    serial: str
    is_own: bool
    service: Callable[[bytes], bytes] | None = None

    @property
    def anchor(self) -> str:
        """The last certificate of the chain, by which a reader recognises what it signed."""
        last = x509.load_pem_x509_certificates(self.chain.encode())[-1]
        return last.public_bytes(Encoding.PEM).decode()


def current() -> Identity:
    """The identity that the settings name, or our own, which is made now if there is none.

    Raises NoIdentity.
    """
    return _read(
        settings.C2PA_CERTIFICATE, settings.C2PA_PRIVATE_KEY, settings.C2PA_SIGNING_URL,
        str(own_identity.path()),
    )  # fmt: skip


# `own_path` only tells folders apart: another one has another key.
@lru_cache(maxsize=4)
def _read(certificate: str, key: str, url: str, own_path: str) -> Identity:
    try:
        if not certificate:
            if key or url:
                raise NoIdentity("C2PA_CERTIFICATE is missing")
            pem = own_identity.read_or_create()
            key, chain = _split(pem)
        else:
            chain = _text_of(certificate)
            key = _text_of(key) if key else ""
            if not key and not url:
                raise NoIdentity("C2PA_PRIVATE_KEY or C2PA_SIGNING_URL is missing")
        first = x509.load_pem_x509_certificates(chain.encode())[0]
        algorithm = _algorithm_of(first)
    except (OSError, ValueError) as error:
        raise NoIdentity(f"the certificate or the key cannot be read: {error}") from error
    names = first.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Identity(
        chain=chain,
        key=key,
        algorithm=algorithm,
        name=str(names[0].value) if names else first.subject.rfc4514_string(),
        serial=str(first.serial_number),
        is_own=not certificate,
        service=None if key else lambda data: signing_service.sign(data, algorithm),
    )


def _split(pem: str) -> tuple[str, str]:
    """The key and the certificates of our own file."""
    mark = "-----BEGIN CERTIFICATE-----"
    key, found, chain = pem.partition(mark)
    return key, found + chain


def _text_of(value: str) -> str:
    """The PEM text itself, or that of the file it names."""
    return value.replace("\\n", "\n") if "-----BEGIN" in value else Path(value).read_text()


def _algorithm_of(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        return "ps256"
    raise NoIdentity("the certificate's key has a kind that C2PA does not know")
