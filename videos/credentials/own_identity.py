"""The key and the certificate that an installation without any makes for itself, once.

Viewers call what they sign untrusted: nobody but this installation vouches for them. They lie in
DATA_DIR/credentials, readable by the owner of the process only.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

FILE_NAME = "identity.pem"
# Signatures have no time stamp of a third party, so they count for as long as the certificate does.
VALID_FOR = timedelta(days=3650)
# A clock of a viewer may be behind ours.
EARLIER = timedelta(days=1)


def path() -> Path:
    """Where the key and the certificates lie, in one file."""
    return Path(settings.DATA_DIR) / "credentials" / FILE_NAME


def exists() -> bool:
    return path().exists()


def read_or_create() -> str:
    """Return the private key, the certificate and that of its issuer, in PEM.

    Of several processes that start at once, the first one's key is kept.
    """
    file = path()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f"{FILE_NAME}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(_new_identity())
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        draft.unlink()
    return file.read_text()


def _new_identity() -> str:
    """A new key with a certificate, and the certificate of an issuer whose key is thrown away.

    C2PA refuses certificates that signed themselves.
    """
    issuer_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer_name, name = _name("content credentials, made here"), _name("content credentials")
    issuer = (
        _builder(issuer_name, issuer_name, issuer_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        _builder(name, issuer_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(purpose, critical=False)
        .add_extension(of_issuer, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    parts = [private, *(each.public_bytes(Encoding.PEM) for each in (certificate, issuer))]
    return b"".join(parts).decode()


def _name(purpose: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, settings.SITE_NAME[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{settings.SITE_NAME[:30]} {purpose}"),
        ]
    )


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
