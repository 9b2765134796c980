"""`python -m benchmarks.partitions --rows 1000000 4000000`: what partitions by month would change.

On a PostgreSQL server of its own that writes to disk, with a table like that of the timelines: a
year of rows, once plain and once as twelve partitions. Measures the two things that partitions
change: how long it takes until the oldest month is gone, and what it costs to read one video's
rows, which do not say in which month they are.
"""

import argparse
import time
from typing import Any

import psycopg

from tests.backing import OwnPostgres

BATCH = 1000
READS = 300
COLUMNS = "id bigint, video_id uuid, at timestamptz, status text, note text"
FILL = """
INSERT INTO {table} SELECT n, md5((n / 5)::text)::uuid,
    '2025-01-01'::timestamptz + n * interval '365 days' / {rows}, 'succeeded', ''
FROM generate_series(1, {rows} - 1) AS numbers(n)
"""
BATCH_OF_OLDEST = """
DELETE FROM plain WHERE id IN (
    SELECT id FROM plain WHERE at < '2025-02-01' AND id > %s ORDER BY id LIMIT %s
) RETURNING id
"""


def measure(connection: "psycopg.Connection[Any]", rows: int) -> None:
    """Print a line of the table of docs/scaling.md."""
    _create(connection, rows)
    plain, parts = (_read(connection, table) for table in ("plain", "parts"))
    began = time.monotonic()
    deleted = _delete_oldest(connection)
    connection.execute("VACUUM plain")
    batches = time.monotonic() - began
    began = time.monotonic()
    connection.execute("DROP TABLE parts_1")
    drop = time.monotonic() - began
    print(
        f"| {rows:,} | {deleted:,} | {batches:.1f} s | {drop * 1000:.0f} ms "
        f"| {plain * 1000:.2f} ms | {parts * 1000:.2f} ms |",
        flush=True,
    )


def _create(connection: "psycopg.Connection[Any]", rows: int) -> None:
    run = connection.execute
    run("DROP TABLE IF EXISTS plain, parts")
    run(f"CREATE TABLE plain ({COLUMNS}, PRIMARY KEY (id))".encode())
    run(f"CREATE TABLE parts ({COLUMNS}, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)".encode())
    for month in range(1, 13):
        first, last = f"2025-{month:02}-01", f"2025-{month + 1:02}-01"
        last = last if month < 12 else "2026-01-01"
        run(
            f"CREATE TABLE parts_{month} PARTITION OF parts"
            f" FOR VALUES FROM ('{first}') TO ('{last}')".encode()
        )
    for table in ("plain", "parts"):
        run(FILL.format(table=table, rows=rows).encode())
        run(f"CREATE INDEX {table}_video ON {table} (video_id)".encode())
    run("VACUUM ANALYZE")


def _read(connection: "psycopg.Connection[Any]", table: str) -> float:
    """Return the seconds of the quickest of many reads of one video's rows."""
    seconds = []
    for number in range(READS):
        began = time.monotonic()
        sql = f"SELECT * FROM {table} WHERE video_id = md5(%s)::uuid ORDER BY id"
        connection.execute(sql.encode(), [str(number)]).fetchall()
        seconds.append(time.monotonic() - began)
    return min(seconds)


def _delete_oldest(connection: "psycopg.Connection[Any]") -> int:
    """Delete as `config.lib.batches` does; return how many rows went."""
    last, deleted = 0, 0
    while found := connection.execute(BATCH_OF_OLDEST, [last, BATCH]).fetchall():
        last, deleted = max(row[0] for row in found), deleted + len(found)
    return deleted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 4_000_000, 16_000_000])
    asked = parser.parse_args()
    server = OwnPostgres(durable=True)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for rows in asked.rows:
                measure(connection, rows)
    finally:
        server.close()


if __name__ == "__main__":
    main()
