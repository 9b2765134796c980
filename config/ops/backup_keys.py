"""The key that encrypts backups: a pair of age, by BACKUP_KEY or BACKUP_KEY_FILE.

With the public half (`age1…`) a server can make backups and not read them; the secret half
(`AGE-SECRET-KEY-1…`) does both. The format is that of https://age-encryption.org, so the program
`age` reads every file without us.

Whoever knows the public half can encrypt, so a seal over the manifest proves that a backup was made
by somebody who knows it: no file tells it, but keep it to yourself too.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import pyrage
from django.conf import settings

from config.ops.reading import Readable

SUFFIX = ".age"


class BackupError(Exception):
    """Why a backup cannot be made or restored; nothing was changed."""


@dataclass(frozen=True)
class BackupKey:
    """A pair, or only its public half."""

    recipient: pyrage.x25519.Recipient
    identity: pyrage.x25519.Identity | None

    @property
    def fingerprint(self) -> str:
        """What manifests name the key by; it does not tell the key."""
        return hashlib.sha256(f"firstlight backup:{self.recipient}".encode()).hexdigest()[:16]

    def seal(self, about: dict[str, Any]) -> str:
        """Return the seal of a manifest, which nobody can make who does not know the key."""
        words = json.dumps({**about, "seal": None}, sort_keys=True).encode()
        return hmac.new(str(self.recipient).encode(), words, hashlib.sha256).hexdigest()

    def encrypt(self, file: Readable, target: Path) -> None:
        """Write what is read of a file, encrypted, piece by piece."""
        with target.open("wb") as out:
            pyrage.encrypt_io(cast(BufferedIOBase, file), out, [self.recipient])

    def decrypt(self, source: Path, target: Path) -> None:
        """Write a file decrypted; a file that is not whole is left nowhere. Raises BackupError."""
        if self.identity is None:
            raise BackupError("the secret key (AGE-SECRET-KEY-1…) is needed to decrypt a backup")
        try:
            with source.open("rb") as file, target.open("wb") as out:
                pyrage.decrypt_io(file, out, [self.identity])
        except (pyrage.DecryptError, OSError) as error:
            target.unlink(missing_ok=True)
            if "No matching keys" in str(error):
                raise BackupError(f"{source.name} is encrypted with another key") from error
            if isinstance(error, OSError) and error.errno is not None:
                raise  # such as a full disk
            raise BackupError(f"{source.name} was altered or cut short: {error}") from error


def of_settings() -> BackupKey | None:
    """Return the configured key; None without one. Raises BackupError for one that is no key."""
    words = settings.BACKUP_KEY
    if settings.BACKUP_KEY_FILE:
        try:
            lines = Path(settings.BACKUP_KEY_FILE).read_text().split("\n")
        except OSError as error:
            raise BackupError(f"BACKUP_KEY_FILE cannot be read: {error}") from error
        words = " ".join(line for line in lines if not line.startswith("#")).strip()
        if not words:
            raise BackupError("there is no key in BACKUP_KEY_FILE")
    return parse(words) if words else None


def parse(words: str) -> BackupKey:
    """Read a key. Raises BackupError, which does not show it."""
    try:
        if words.startswith("age1"):
            return BackupKey(pyrage.x25519.Recipient.from_str(words), None)
        identity = pyrage.x25519.Identity.from_str(words)
    except (pyrage.IdentityError, pyrage.RecipientError) as error:
        raise BackupError(
            "BACKUP_KEY is no key of age: age1… or AGE-SECRET-KEY-1… is expected"
        ) from error
    return BackupKey(identity.to_public(), identity)


def generate() -> BackupKey:
    """Return a new pair."""
    identity = pyrage.x25519.Identity.generate()
    return BackupKey(identity.to_public(), identity)
