"""A process that crashes at a kill point: `POINT [--pass N] -- serve|celery|uvicorn ...`."""

import argparse
import sys
from collections.abc import Sequence

import django
from django.core.management import execute_from_command_line


def run(words: Sequence[str]) -> None:
    """Run a management command, or one of Celery or uvicorn, in this process."""
    if words[0] == "celery":
        from celery.bin.celery import main

        sys.argv = list(words)
        main()
    elif words[0] == "uvicorn":
        from uvicorn.main import main as serve

        serve(words[1:])
    else:
        execute_from_command_line(["manage.py", *words])


def main() -> None:
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("point")
    parser.add_argument("--pass", type=int, default=1, dest="passes")
    asked = parser.parse_args(sys.argv[1:split])
    django.setup()
    from tests.faults import kill_points

    kill_points.arm(asked.point, asked.passes)
    run(sys.argv[split + 1 :])


if __name__ == "__main__":
    main()
