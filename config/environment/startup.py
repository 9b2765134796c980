"""Refusals to start: one sentence on standard error instead of a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """End the process with exit code 1 and the message of an ImproperlyConfigured.

    `--traceback` on the command line shows where it was raised.
    """
    try:
        yield
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(str(error))
