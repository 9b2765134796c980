"""The entries of an account by their numbers, which have no gaps: how many, and since when."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from billing.ledger import credits
from billing.models import Account, Entry

# Halve the numbers of an account's entries until one is left: the last one before the moment.
# Entries are numbered in the order in which they are written, from which their times may differ by
# less than it takes to write 100.
LAST_BEFORE = """
WITH RECURSIVE search(low, high) AS (
    SELECT CAST(0 AS bigint), last_sequence FROM billing_account WHERE user_id = %s
    UNION ALL
    SELECT
        CASE WHEN middle.created_at < %s THEN middle.sequence ELSE low END,
        CASE WHEN middle.created_at < %s THEN high ELSE (low + high + 1) / 2 - 1 END
    FROM search LEFT JOIN billing_entry AS middle
        ON middle.account_id = %s AND middle.sequence = (low + high + 1) / 2
    WHERE low < high
)
SELECT low - 100 FROM search WHERE low = high
"""


def entries_since(user: AbstractBaseUser, moment: datetime, *types: str) -> QuerySet[Entry]:
    """Return a user's entries since a moment, of these types if any."""
    owner = Entry._meta.get_field("account").get_db_prep_value(user.pk, connection)
    since = Entry._meta.get_field("created_at").get_db_prep_value(moment, connection)
    before = RawSQL(f"({LAST_BEFORE})", [owner, since, since, owner])  # noqa: S611 - no input in it
    entries = credits.history(user, *types)
    return entries.filter(sequence__gt=before, created_at__gte=moment)


def number_of_entries(user: AbstractBaseUser) -> int:
    """Return how many entries a user has: the number of the last one."""
    account = Account.objects.filter(pk=user.pk).values_list("last_sequence", flat=True)
    return account.first() or 0
