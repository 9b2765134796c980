"""The ended videos of each user and day added up, kept by triggers on the table of videos.

A video is added when it ends and taken away when it is deleted for good; both happen to few rows, a
poll changes none. Whoever ends a video holds its owner's feed, as for the counts of migration 0019.

As for those triggers: a later migration that makes SQLite copy the table of videos, or that of the
usage, must run `stop` before and `start` after that.
"""

import uuid
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

VIDEOS, USAGE = "videos_video", "videos_dailyusage"
ENDED = "{row}.status IN ('succeeded', 'failed', 'cancelled', 'timeout')"
DECIDING = (
    "user_id", "created_at", "completed_at", "model", "operation", "api_key_id", "status",
    "seconds", "credits",
)  # fmt: skip
KEY = ("user_id", "day", "model", "operation", "api_key", "status")
SUMS = ("videos", "seconds", "credits", "waited")
SQLITE = {
    "day": "date({row}.created_at)",
    "api_key": f"COALESCE({{row}}.api_key_id, '{'0' * 32}')",
    "waited": "COALESCE(1000 * CAST(ROUND(86400000.0 * "
    "(julianday({row}.completed_at) - julianday({row}.created_at))) AS integer), 0)",
}
POSTGRESQL = {
    "day": "({row}.created_at AT TIME ZONE 'UTC')::date",
    "api_key": f"COALESCE({{row}}.api_key_id, '{uuid.UUID(int=0)}')",
    "waited": "COALESCE((1000000 * EXTRACT(EPOCH FROM {row}.completed_at - {row}.created_at))"
    "::bigint, 0)",
}


def value(vendor: str, column: str, row: str) -> str:
    """Return what a row of videos has for a column of the usage, as SQL."""
    own = SQLITE if vendor == "sqlite" else POSTGRESQL
    plain = "1" if column == "videos" else f"{{row}}.{column}"
    return own.get(column, plain).format(row=row)


def added(vendor: str) -> str:
    columns = ", ".join((*KEY, *SUMS))
    values = ", ".join(value(vendor, column, "NEW") for column in (*KEY, *SUMS))
    sums = ", ".join(f"{column} = {USAGE}.{column} + excluded.{column}" for column in SUMS)
    return (
        f"INSERT INTO {USAGE} ({columns}) SELECT {values} WHERE {ENDED.format(row='NEW')}"
        f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {sums}"
    )


def taken_away(vendor: str) -> str:
    sums = ", ".join(f"{column} = {column} - {value(vendor, column, 'OLD')}" for column in SUMS)
    same = " AND ".join(f"{column} = {value(vendor, column, 'OLD')}" for column in KEY)
    return f"UPDATE {USAGE} SET {sums} WHERE {same} AND {ENDED.format(row='OLD')}"


def triggers(vendor: str) -> dict[str, tuple[str, str]]:
    """Return for each trigger its event with its condition, and its statements."""
    differs = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
    old, new = (", ".join(f"{row}.{column}" for column in DECIDING) for row in ("OLD", "NEW"))
    is_any = f"({ENDED.format(row='OLD')} OR {ENDED.format(row='NEW')})"
    changed = f"({old}) {differs} ({new}) AND {is_any}"
    row = f"ON {VIDEOS} FOR EACH ROW WHEN"
    plus, minus = added(vendor), taken_away(vendor)
    return {
        "insert": (f"INSERT {row} ({ENDED.format(row='NEW')})", f"{plus};"),
        "update": (f"UPDATE OF {', '.join(DECIDING)} {row} ({changed})", f"{minus}; {plus};"),
        "delete": (f"DELETE {row} ({ENDED.format(row='OLD')})", f"{minus};"),
    }


def fill(vendor: str) -> str:
    key = ", ".join(value(vendor, column, "v") for column in KEY)
    sums = ", ".join(f"SUM({value(vendor, column, 'v')})" for column in SUMS)
    numbers = ", ".join(str(n) for n in range(1, len(KEY) + 1))
    return (
        f"INSERT INTO {USAGE} ({', '.join((*KEY, *SUMS))}) SELECT {key}, {sums}"
        f" FROM {VIDEOS} v WHERE {ENDED.format(row='v')} GROUP BY {numbers}"
    )


def start(apps: Any, schema_editor: Any) -> None:
    """Add up all ended videos, and keep the sums from now on."""
    vendor = schema_editor.connection.vendor
    for name, (event, body) in triggers(vendor).items():
        trigger = f"{VIDEOS}_usage_{name}"
        if vendor == "sqlite":
            schema_editor.execute(f"CREATE TRIGGER {trigger} AFTER {event} BEGIN {body} END")
            continue
        schema_editor.execute(
            f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {trigger} AFTER {event} EXECUTE FUNCTION {trigger}()"
        )
    # PostgreSQL lets nobody write videos between these statements: a new trigger locks the table.
    schema_editor.execute(f"DELETE FROM {USAGE}")
    schema_editor.execute(fill(vendor))


def stop(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    for name in triggers(vendor):
        trigger = f"{VIDEOS}_usage_{name}"
        on = "" if vendor == "sqlite" else f" ON {VIDEOS}"
        schema_editor.execute(f"DROP TRIGGER {trigger}{on}")
        if on:
            schema_editor.execute(f"DROP FUNCTION {trigger}()")


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0021_prompt_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("model", models.CharField(max_length=64)),
                ("operation", models.CharField(max_length=16)),
                ("api_key", models.UUIDField(default=uuid.UUID(int=0))),
                ("status", models.CharField(max_length=16)),
                *((name, models.BigIntegerField(default=0)) for name in SUMS),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "day", "model", "operation", "api_key", "status"),
                        name="daily_usage_once",
                    )
                ],
            },
        ),
        migrations.RunPython(start, stop),
    ]
