"""The address of a Sentry server, as it shows it to its users."""

import re
from urllib.parse import urlsplit


def read_dsn(text: str) -> str:
    """Return the address if it has the form of one. Raises ValueError."""
    parts = urlsplit(text)
    is_whole = parts.scheme in {"http", "https"} and parts.username and parts.hostname
    if not is_whole or not re.search(r"/\d+$", parts.path):
        raise ValueError("expected https://<key>@<host>/<number of the project>")
    return text


def read_share(text: str) -> float:
    """Return a share from 0 to 1. Raises ValueError."""
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError("expected a number from 0 to 1")
    return share
