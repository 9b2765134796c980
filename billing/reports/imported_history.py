"""The credit history that a user brought along from another installation: lines, never credits."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from billing.models import Entry, ImportedEntry
from config.lib import texts

MOST = 2**62
AT_ONCE = 500


def entries_of(user: AbstractBaseUser) -> QuerySet[ImportedEntry]:
    """Return the lines of a user, the newest first."""
    return ImportedEntry.objects.filter(user_id=user.pk).order_by("-created_at", "-pk")


def store(user: AbstractBaseUser, rows: Iterable[dict[str, Any]]) -> None:
    """Store the rows of a `credits.json`, each once; what is no entry is left out."""
    found = filter(None, (_read(user, row) for row in rows))
    ImportedEntry.objects.bulk_create(found, batch_size=AT_ONCE, ignore_conflicts=True)


def _read(user: AbstractBaseUser, row: dict[str, Any]) -> ImportedEntry | None:
    try:
        old_id, at = UUID(row["id"]), parse_datetime(row["created_at"])
        numbers = int(row["amount"]), int(row["balance_after"])
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    kind, described = row.get("type"), row.get("description") or ""
    if at is None or kind not in Entry.Type.values or max(map(abs, numbers)) > MOST:
        return None
    return ImportedEntry(
        user_id=user.pk,
        old_id=old_id,
        type=kind,
        amount=numbers[0],
        balance_after=numbers[1],
        description=texts.storable(str(described))[:200],
        created_at=at if at.tzinfo else at.replace(tzinfo=UTC),
    )


def is_there(user: AbstractBaseUser) -> bool:
    """Whether the user has brought any line along."""
    return ImportedEntry.objects.filter(user_id=user.pk).exists()


def rows_of(user: AbstractBaseUser) -> Iterable[tuple[datetime, str, int, int, str]]:
    """Return the columns of the lines, the newest first."""
    names = ("created_at", "type", "amount", "balance_after", "description")
    return entries_of(user).values_list(*names).iterator(AT_ONCE)
