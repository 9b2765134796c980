"""Counts of each user's library, kept by triggers on the table of videos.

The triggers act once per row, and only when a change moves a video from one count to another.
PostgreSQL runs them before the row is written: there a row sees the earlier ones of its statement,
as on SQLite, so that the second retry of a video is known to be the second.

Whoever changes a count holds the user's feed already, because all such changes are numbered in it;
so the row of the counts is never waited for in another order.

A later migration that makes SQLite copy the table of videos, or that of the counts (most changes of
a column do), removes the triggers there; it must run `stop` before and `start` after that.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

VIDEOS, COUNTS = "videos_video", "videos_librarycounts"
RETRIED = f"EXISTS (SELECT 1 FROM {VIDEOS} r WHERE r.retry_of_id = {{row}}.id)"
# The condition under which a video that is not deleted belongs to a count.
CONDITIONS = {
    "active": "{row}.status IN"
    " ('queued', 'submitting', 'submit_unknown', 'running', 'downloading')",
    "succeeded": "{row}.status = 'succeeded'",
    "failed": "{row}.status = 'failed'",
    "cancelled": "{row}.status = 'cancelled'",
    "timeout": "{row}.status = 'timeout'",
    "attention": f"{{row}}.status IN ('failed', 'timeout') AND NOT {RETRIED}",
    "favourites": "{row}.favourited_at IS NOT NULL",
}
GROUP = "CASE WHEN {row}.deleted_at IS NOT NULL THEN '' WHEN " + CONDITIONS["active"]
GROUP += " THEN 'active' ELSE {row}.status END"
FAVOURITE = "{row}.deleted_at IS NULL AND " + CONDITIONS["favourites"]
MOVED = " OR ".join(
    f"({part.format(row='OLD')}) <> ({part.format(row='NEW')})" for part in (GROUP, FAVOURITE)
)


def share(name: str, row: str) -> str:
    """Return what a row adds to a count, as SQL: 1 or 0."""
    condition = CONDITIONS[name].format(row=row)
    return f"CASE WHEN {row}.deleted_at IS NULL THEN CASE WHEN {condition} THEN 1 ELSE 0 END ELSE 0 END"


def changed(changes: dict[str, str], row: str) -> str:
    assignments = ", ".join(f"{name} = {name} + ({change})" for name, change in changes.items())
    return f"UPDATE {COUNTS} SET {assignments} WHERE user_id = {row}.user_id"


def retried(change: str, row: str) -> str:
    """Return the statement for the video that this row retries, if no other row does."""
    return (
        f"UPDATE {COUNTS} SET attention = attention {change} WHERE user_id = ("
        f"SELECT v.user_id FROM {VIDEOS} v WHERE v.id = {row}.retry_of_id AND v.deleted_at IS NULL"
        " AND v.status IN ('failed', 'timeout') AND NOT EXISTS ("
        f"SELECT 1 FROM {VIDEOS} r WHERE r.retry_of_id = v.id AND r.id <> {row}.id))"
    )


NAMES = ", ".join(CONDITIONS)
INSERTED = (
    f"INSERT INTO {COUNTS} (user_id, {NAMES}) VALUES"
    f" (NEW.user_id, {', '.join(share(name, 'NEW') for name in CONDITIONS)})"
    " ON CONFLICT (user_id) DO UPDATE SET "
    + ", ".join(f"{name} = {COUNTS}.{name} + excluded.{name}" for name in CONDITIONS)
)
UPDATED = changed({n: f"{share(n, 'NEW')} - {share(n, 'OLD')}" for n in CONDITIONS}, "NEW")
DELETED = changed({name: f"-({share(name, 'OLD')})" for name in CONDITIONS}, "OLD")
TRIGGERS = {
    "insert": ("INSERT", (INSERTED, retried("- 1", "NEW"))),
    "update": (
        f"UPDATE OF status, deleted_at, favourited_at ON {VIDEOS} FOR EACH ROW WHEN ({MOVED})",
        (UPDATED,),
    ),
    "delete": ("DELETE", (DELETED, retried("+ 1", "OLD"))),
}
FILL = (
    f"INSERT INTO {COUNTS} (user_id, {NAMES}) SELECT v.user_id, "
    + ", ".join(f"SUM({share(name, 'v')})" for name in CONDITIONS)
    + f" FROM {VIDEOS} v GROUP BY v.user_id"
)


def start(apps: Any, schema_editor: Any) -> None:
    """Count every library, and keep the counts from now on."""
    postgres = schema_editor.connection.vendor == "postgresql"
    for name, (event, statements) in TRIGGERS.items():
        when = event if " ON " in event else f"{event} ON {VIDEOS} FOR EACH ROW"
        body = "; ".join(statements) + ";"
        trigger = f"{VIDEOS}_counted_{name}"
        if postgres:
            row = "OLD" if name == "delete" else "NEW"
            schema_editor.execute(
                f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {body} RETURN {row}; END $$"
            )
            schema_editor.execute(
                f"CREATE TRIGGER {trigger} BEFORE {when} EXECUTE FUNCTION {trigger}()"
            )
        else:
            schema_editor.execute(f"CREATE TRIGGER {trigger} AFTER {when} BEGIN {body} END")
    # PostgreSQL lets nobody write videos between these statements: a new trigger locks the table.
    schema_editor.execute(f"DELETE FROM {COUNTS}")
    schema_editor.execute(FILL)


def stop(apps: Any, schema_editor: Any) -> None:
    postgres = schema_editor.connection.vendor == "postgresql"
    for name in TRIGGERS:
        trigger = f"{VIDEOS}_counted_{name}"
        schema_editor.execute(f"DROP TRIGGER {trigger}" + (f" ON {VIDEOS}" if postgres else ""))
        if postgres:
            schema_editor.execute(f"DROP FUNCTION {trigger}()")


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0018_key_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LibraryCounts",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                *((name, models.BigIntegerField(default=0)) for name in CONDITIONS),
            ],
        ),
        migrations.RunPython(start, stop),
    ]
