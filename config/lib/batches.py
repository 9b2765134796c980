"""Deleting many rows in batches, so that no transaction, lock or list of ids is large."""

from typing import Any

from django.db.models import QuerySet

from config.lib import draining

BATCH = 1000


def delete(rows: "QuerySet[Any]", batch: int = BATCH) -> int:
    """Delete rows with what refers to them; return how many rows of this table went.

    Each batch is a transaction of its own. A process that is told to stop leaves the rest for the
    next time.
    """
    last, deleted = None, 0
    while not draining.stopping.is_set():
        # After the last one, so that rows that stay are passed once, not again for each batch.
        rest = rows if last is None else rows.filter(pk__gt=last)
        ids = list(rest.order_by("pk").values_list("pk", flat=True)[:batch])
        if not ids:
            break
        # Again with the conditions: a row may have changed since.
        rows.filter(pk__in=ids).delete()
        last, deleted = ids[-1], deleted + len(ids)
    return deleted
