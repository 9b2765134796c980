"""The credits that a user spent and got back on each of some days.

The entries of an account are numbered without gaps, so the numbers on which a day begins are found
by halving. Each day is read by itself then: to group all entries of three months by their days took
three times as long.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection

from billing.models import Entry
from config.lib.charts import start_of_day

Type = Entry.Type

# The times of entries may differ from the order of their numbers by less than it takes to write so
# many: around a midnight their times decide.
MARGIN = 100

# The time is compared in the sums only, so that the numbers decide which entries are read. Then
# halve the numbers of the entries for each midnight, until the last one before it is left.
DAYS_SQL = """
WITH RECURSIVE midnights(n, moment) AS (VALUES {midnights}),
search(n, moment, low, high) AS (
    SELECT n, moment, CAST(0 AS bigint), last_sequence
    FROM midnights CROSS JOIN billing_account WHERE user_id = %s
    UNION ALL
    SELECT
        n, moment,
        CASE WHEN middle.created_at < moment THEN middle.sequence ELSE low END,
        CASE WHEN middle.created_at < moment THEN high ELSE (low + high + 1) / 2 - 1 END
    FROM search LEFT JOIN billing_entry AS middle
        ON middle.account_id = %s AND middle.sequence = (low + high + 1) / 2
    WHERE low < high
),
days AS (
    SELECT
        morning.n, morning.moment AS since, evening.moment AS until,
        morning.low - {margin} AS before, evening.low + {margin} AS last
    FROM search AS morning JOIN search AS evening ON evening.n = morning.n + 1
    WHERE morning.low = morning.high AND evening.low = evening.high
)
SELECT n, {sums} FROM days ORDER BY n
"""
SUM_SQL = """(
    SELECT SUM(amount) FILTER (WHERE created_at >= since AND created_at < until)
    FROM billing_entry
    WHERE account_id = %s AND type = %s AND sequence > before AND sequence <= last {about}
)"""


def spent_and_returned(
    user: AbstractBaseUser, days: list[date], reference_type: str = ""
) -> tuple[Counter[date], Counter[date]]:
    """Return the credits, above 0, spent and returned on consecutive days of the current time zone.

    With a reference type these are the credits of such entries only. One query.
    """
    midnights = [start_of_day(day) for day in (*days, days[-1] + timedelta(days=1))]
    time, owner = Entry._meta.get_field("created_at"), Entry._meta.get_field("account")
    account = owner.get_db_prep_value(user.pk, connection)
    about, reference = ("AND reference_type = %s", [reference_type]) if reference_type else ("", [])
    sums = ", ".join([SUM_SQL.format(about=about)] * 2)
    values = ", ".join(["(%s, %s)"] * len(midnights))
    parameters: list[Any] = [
        value
        for n, moment in enumerate(midnights)
        for value in (n, time.get_db_prep_value(moment, connection))
    ]
    parameters += [account, account, account, Type.SPENT, *reference]
    parameters += [account, Type.REFUNDED, *reference]
    with connection.cursor() as cursor:
        cursor.execute(DAYS_SQL.format(midnights=values, margin=MARGIN, sums=sums), parameters)
        rows = cursor.fetchall()
    spent = Counter({days[n]: abs(int(sum)) for n, sum, _returned in rows if sum})
    returned = Counter({days[n]: abs(int(sum)) for n, _spent, sum in rows if sum})
    return spent, returned
