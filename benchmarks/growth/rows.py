"""Many videos and users, written by a few statements: rows as years of use would leave them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Field, Model
from django.utils import timezone

from accounts.models import User
from billing.models import Account, Entry
from videos.catalog.reading import catalog
from videos.models import Feed, Video

# The videos are spread over so many seconds.
SPAN = 360 * 86_400
NOUNS = ("paper boat", "red kite", "old tram", "glass city", "snow fox", "night market")
PLACES = ("in a storm", "at sunrise", "over the harbour", "on a quiet lake", "through the fog")
# What one prompt in this many also contains.
RARE_WORD, RARE = "quartz", 50_000
CREDITS = 10
KEPT_BY_TRIGGERS = ("0019_library_counts", "0021_prompt_index", "0022_daily_usage")
_names = count()


def fill(videos: int, users: int, shares: tuple[int, ...]) -> list[User]:
    """Write users and videos; return those users who have the numbers of videos in `shares`.

    The other users share the rest. Every video of a returned user is an entry of the ledger too.
    """
    with transaction.atomic(), _without_triggers():
        owners = _create_users(users)
        named = owners[: len(shares)]
        for user, videos_of_user in zip(named, shares, strict=True):
            _add_videos(videos_of_user, user)
            _add_entries(videos_of_user, user)
        _add_videos(videos - sum(shares), None)
    _refresh_statistics()
    return named


class _Editor:
    """Runs the statements of a migration."""

    connection = connection

    def execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def _without_triggers() -> Iterator[None]:
    """Write rows without triggers, and at the end what the triggers would have kept.

    PostgreSQL does not check foreign keys either, as when it restores a backup.
    """
    kept = [import_module(f"videos.migrations.{name}") for name in KEPT_BY_TRIGGERS]
    for migration in kept:
        migration.stop(None, _Editor())
    if connection.vendor == "postgresql":
        _Editor().execute("SET LOCAL session_replication_role = replica")
    yield
    for migration in kept:
        migration.start(None, _Editor())


def _refresh_statistics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "SELECT 1")


def _create_users(number: int) -> list[User]:
    now = timezone.now()
    users = [
        User(username=f"user-{n:06}", email=f"user-{n:06}@example.com", date_joined=now)
        for n in range(number)
    ]
    User.objects.bulk_create(users, batch_size=500)
    Account.objects.bulk_create((Account(user=user) for user in users), batch_size=500)
    Feed.objects.bulk_create((Feed(user=user) for user in users), batch_size=500)
    return users


def _add_videos(number: int, owner: User | None) -> None:
    """Write videos of one user, or of all users but the first few in turn, the newest last."""
    now = timezone.now()
    models = list(catalog().models)[:4]
    text = "'A ' || " + _one_of(NOUNS) + " || ' ' || " + _one_of(PLACES, 7)
    text += f" || ', take ' || n || CASE WHEN n % {RARE} = 7 THEN ' of {RARE_WORD}' ELSE '' END"
    state = (
        "CASE WHEN n % 5000 = 17 THEN 'running' WHEN n % 50 = 1 THEN 'timeout'"
        " WHEN n % 25 = 2 THEN 'failed' WHEN n % 25 = 3 THEN 'cancelled' ELSE 'succeeded' END"
    )
    expressions = {
        "id": _new_id(),
        "user_id": _literal(Video, "user", owner.pk) if owner else _user_in_turn(),
        "prompt": text,
        "search_text": f"lower({text})",
        "model": _one_of(models, 3),
        "status": state,
        "favourited_at": f"CASE WHEN n % 100 = 5 THEN {_moment(now)} END",
        "deleted_at": f"CASE WHEN n % 20 = 9 AND ({state}) <> 'running' THEN {_moment(now)} END",
        "created_at": _spread(number, now, 0),
        "submitted_at": _spread(number, now, 1),
        "started_at": _spread(number, now, 2),
        "completed_at": f"CASE WHEN ({state}) <> 'running' THEN {_spread(number, now, 40)} END",
        "sequence": "n",
    }
    video = Video(
        operation=Video.Operation.TEXT, size="1280x720", seconds=8, credits=CREDITS,
        engine="sandbox", file="videos/growth.mp4", file_bytes=1, deadline_at=now, updated_at=now,
    )  # fmt: skip
    _insert(video, number, expressions)


def _add_entries(number: int, user: User) -> None:
    """Write the entries of the spends for these videos, and the account as they leave it."""
    before = CREDITS * number
    expressions = {
        "id": _new_id(),
        "sequence": "n",
        "balance_before": f"{before} - {CREDITS} * (n - 1)",
        "balance_after": f"{before} - {CREDITS} * n",
        "key": f"'growth:{next(_names)}:' || n",
        "reference_id": _new_id() if connection.vendor == "sqlite" else f"{_new_id()}::text",
        "created_at": _spread(number, timezone.now(), 0),
    }
    entry = Entry(
        account_id=user.pk, type=Entry.Type.SPENT, amount=-CREDITS, description="A paper boat",
        reference_type=Entry.VIDEO_REFERENCE,
    )  # fmt: skip
    _insert(entry, number, expressions)
    Account.objects.filter(pk=user.pk).update(
        last_sequence=number, total_earned=before, total_spent=before
    )


def _insert(row: Model, number: int, expressions: Mapping[str, str]) -> None:
    """Insert `number` rows like this one; `n` in the expressions counts them from 1."""
    fields: list[Field[Any, Any]] = list(row._meta.concrete_fields)
    columns, values = [], []
    for field in fields:
        column = str(field.column)
        columns.append(f'"{column}"')
        given = expressions.get(column)
        values.append(given or _literal(type(row), field.name, getattr(row, field.attname)))
    series = (
        f"generate_series(1, {number}) AS numbers(n)"
        if connection.vendor == "postgresql"
        else f"(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < {number}) SELECT n FROM numbers)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{row._meta.db_table}" ({", ".join(columns)})'
            f" SELECT {', '.join(values)} FROM {series}"
        )


def _literal(model: type[Model], name: str, value: Any) -> str:
    """Return a value of a field as SQL."""
    if value is None:
        return "NULL"
    field = model._meta.get_field(name)
    stored = field.get_db_prep_save(value, connection)  # type: ignore[union-attr]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            return str(cursor.mogrify("%s", [stored]))
    return str(stored) if isinstance(stored, int) else "'" + str(stored).replace("'", "''") + "'"


def _new_id() -> str:
    return (
        "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    )


def _user_in_turn() -> str:
    """Return the id of the user with the number n, counted round and round."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE growth_owner (place integer PRIMARY KEY, id text NOT NULL)")
        cursor.execute(
            "INSERT INTO growth_owner SELECT row_number() OVER (ORDER BY username) - 1, id"
            " FROM accounts_user"
        )
    users = User.objects.count()
    cast = "::uuid" if connection.vendor == "postgresql" else ""
    return f"(SELECT id FROM growth_owner WHERE place = 2 + n % {users - 2}){cast}"


def _moment(moment: Any) -> str:
    return _literal(Video, "created_at", moment)


def _spread(number: int, now: Any, seconds: int) -> str:
    """Return a moment for the row n: the last row is made now, the first one SPAN before."""
    step = SPAN / number
    ago = f"({number} - n) * {step:.6f}"
    if connection.vendor == "postgresql":
        start = _moment(now - timedelta(minutes=1) + timedelta(seconds=seconds))
        return f"{start}::timestamptz - make_interval(secs => {ago})"
    start = (now - timedelta(minutes=1) + timedelta(seconds=seconds)).timestamp()
    return f"strftime('%Y-%m-%d %H:%M:%f000', {start:.3f} - {ago}, 'unixepoch')"


def _one_of(words: Any, divisor: int = 1) -> str:
    """Return one of the words by the row's number."""
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(words))
    return f"CASE (n / {divisor}) % {len(words)} {cases} END"


def add_staff() -> User:
    """Create one superuser."""
    return User.objects.create_superuser(f"staff-{uuid4()}", f"{uuid4()}@example.com")
