"""`python -m benchmarks.growth`: fill a temporary database, on SQLite or by DATABASE_URL."""

import argparse
import os

from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.growth import report  # noqa: E402

assert environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=500_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--share", type=int, nargs=2, default=(5_000, 300_000))
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    # The file of SQLite lies in a temporary folder already.
    if connection.vendor == "postgresql":
        connection.creation.create_test_db(verbosity=0, serialize=False)
    else:
        call_command("migrate", verbosity=0)
    try:
        report.run(asked.videos, asked.users, tuple(asked.share), asked.rounds)
    finally:
        if connection.vendor == "postgresql":
            connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main()
