"""Paths without the parts that open something for whoever has them, for log lines.

Such a part is the token of a share link, or the key of a password reset.
"""

import logging

from django.http import HttpRequest
from django.urls import Resolver404, resolve

# The names that such parts have in config/urls.py and in allauth's URLs.
SECRET_PARTS = {"token", "key", "uidb36"}


def without_secrets(request: HttpRequest) -> str:
    """Return the path of a request with `[hidden]` in place of its secret parts."""
    path: str = request.path
    for name, value in _parts_of(request).items():
        if name in SECRET_PARTS:
            path = path.replace(str(value), "[hidden]")
    return path


def _parts_of(request: HttpRequest) -> dict[str, object]:
    """Return the parts of the path, also when the request was refused before it was resolved."""
    try:
        found = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return {}
    return found.kwargs


class SecretPathFilter(logging.Filter):
    """Hide the secret parts in records that name the path of their request, such as Django's."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            hidden = without_secrets(request)
            record.args = tuple(
                arg.replace(request.path, hidden) if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True
