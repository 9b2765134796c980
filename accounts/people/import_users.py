"""Import of users from the `users.json` of system A, with their bcrypt hashes.

A user is imported once; a user who exists is not changed.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.people import signup

# A higher cost would let one user's sign-ins slow down everybody.
HASH = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
BCRYPT_BYTES = 72


class TruncatingBcryptHasher(BCryptPasswordHasher):
    """Check passwords as system A did, which read their first 72 bytes only."""

    def encode(self, password: str, salt: Any) -> str:
        shortened = password.encode()[:BCRYPT_BYTES]
        hashed = bcrypt.hashpw(shortened, salt)
        return f"{self.algorithm}${hashed.decode('ascii')}"


class UnreadableUsersFile(Exception):
    """The file is not a list of users; nobody was imported."""


@dataclass
class ImportReport:
    """The users who were imported, those who existed, and the entries that were refused."""

    opened: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def import_users(path: Path) -> ImportReport:
    """Open an account for every entry without one. Raises Unreadable. Safe to repeat."""
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableUsersFile(f"{path}: {error}") from error
    if not isinstance(entries, list):
        raise UnreadableUsersFile(f"{path}: expected a list of users")
    report = ImportReport()
    for number, entry in enumerate(entries, 1):
        try:
            name, address, password = _read(entry)
        except ValueError as error:
            report.refused.append(f"entry {number}: {error}")
            continue
        opened = _open_account(name, address, password)
        (report.opened if opened else report.kept).append(name)
    return report


def _read(entry: object) -> tuple[str, str, str]:
    """Name, address and hash of an entry. Raises ValueError."""
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    name, password = entry.get("username"), entry.get("password")
    if not isinstance(name, str) or len(name) > 150 or not signup.USERNAME.fullmatch(name):
        raise ValueError("no usable username")
    if not isinstance(password, str) or not HASH.fullmatch(password):
        raise ValueError(f"the password of {name} is not a bcrypt hash")
    address = entry.get("email") or (name if "@" in name else "")
    try:
        if address:
            validate_email(address)
    except ValidationError as error:
        raise ValueError(f"the address of {name} is none") from error
    if not signup.is_username_allowed(name, address):
        raise ValueError(f"{name} is an address, but not that of this user")
    return name, address, password


def _open_account(name: str, address: str, password: str) -> bool:
    if User.objects.filter(username__iexact=name).exists():
        return False
    try:
        with transaction.atomic():
            # The operator vouches for the address, without which some installations let nobody in.
            user = signup.open_account(name, address, None, by_operator=True, is_verified=True)
            User.objects.filter(pk=user.pk).update(password=f"bcrypt${password}")
    except IntegrityError:  # another process was faster, or a user has this address
        return False
    return True
