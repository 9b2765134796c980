"""`python -m benchmarks.scaled --orders 10000`: the scaled mode with kills and restarts, counted.

Two web processes, three workers and two beats run on a PostgreSQL server behind PgBouncer
(transaction pooling, which must be installed) and on a Redis, all of their own. While orders are
placed, processes and services are killed and started again. Exits with 1 when anything was lost,
doubled or not returned. docs/scaling.md has the figures of a run.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.scaled import limits
from tests import environment

assert environment
os.environ.update(limits.SETTINGS, LOG_LEVEL="CRITICAL")
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
POOL_SIZE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, help="a file for the counts as JSON")
    asked = parser.parse_args()
    with ExitStack() as stack:
        outcome = _measure(stack, asked)
    print(json.dumps(outcome, indent=2))
    if asked.into:
        asked.into.write_text(json.dumps(outcome))
    sys.exit(any(outcome["faults"].values()))


def _measure(stack: ExitStack, asked: argparse.Namespace) -> "dict[str, dict[str, object]]":
    from tests.backing import OwnPostgres  # noqa: PLC0415 - these need the settings

    # It has to keep what it has confirmed, as any server in use does.
    postgres = OwnPostgres(durable=True)
    stack.callback(postgres.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstlight-scaled-")))
    os.environ.update(DATABASE_URL=postgres.url, DATA_DIR=str(folder))
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    from benchmarks.scaled import run  # noqa: PLC0415
    from benchmarks.scaled.pgbouncer import OwnPgBouncer  # noqa: PLC0415
    from benchmarks.scaled.processes import Processes  # noqa: PLC0415
    from tests.faults.checks import create_table_of_jobs  # noqa: PLC0415
    from tests.faults.processes import OwnRedis  # noqa: PLC0415

    pgbouncer, redis = OwnPgBouncer(postgres.url, POOL_SIZE), OwnRedis()
    stack.callback(redis.kill)
    stack.callback(pgbouncer.close)
    keys = {"SECRET_KEY": settings.SECRET_KEY, "JWT_SECRET_KEY": settings.JWT_SECRET}
    urls = {"DATABASE_URL": pgbouncer.url, "REDIS_URL": redis.url}
    processes = Processes(folder, {**os.environ, **keys, **urls, "LOG_LEVEL": "WARNING"})
    stack.callback(processes.close)
    call_command("migrate", verbosity=0)  # directly at the server, as docs/scaling.md says
    create_table_of_jobs()
    processes.start_all()
    services = run.Services(folder, postgres, pgbouncer, redis, processes)
    try:
        outcome = run.measure(services, number=asked.orders, pause=asked.pause, seed=asked.seed)
    except BaseException:
        print(processes.log.read_text()[-6000:], file=sys.stderr)
        raise
    return {"faults": dict(outcome.faults), "figures": outcome.figures}


if __name__ == "__main__":
    main()
