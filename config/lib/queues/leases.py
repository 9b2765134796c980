"""Lease due rows of a table that is a queue, for videos, webhook deliveries and e-mails.

A leased row carries the token of its worker and the time at which the lease ends. The worker's
later writes filter by the token, so a worker that lost its lease writes nothing.
"""

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet


def lease_rows(due: QuerySet[Any], limit: int, token: UUID, **fields: object) -> QuerySet[Any]:
    """Lease up to `limit` of the `due` rows to `token`, set `fields` on them and return them.

    Must be called in a transaction. Skips rows another worker has locked where the database can.
    The rows are found by their keys: the token has no index.
    """
    skip = connection.features.has_select_for_update_skip_locked
    locked = due.select_for_update(skip_locked=skip, of=("self",)).values_list("pk", flat=True)
    leased: QuerySet[Any] = due.model._default_manager.filter(pk__in=list(locked[:limit]))
    leased.update(lease=token, **fields)
    return leased
