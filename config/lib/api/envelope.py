"""The errors of /v1, in the words of OpenAI: `{"error": {message, type, param, code}}`.

Everything that answers under /v1 uses it, also what refuses a request before Django sees it.
"""

import re
from typing import Any

PREFIX = re.compile(r"/+v1(?:/|\Z)", re.IGNORECASE)
# The `type` and the `code` of each status; other statuses have the type of 400 and no code.
KINDS: dict[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "insufficient_permissions"),
    405: ("invalid_request_error", "method_not_supported"),
    408: ("invalid_request_error", "request_timeout"),
    413: ("invalid_request_error", "request_too_large"),
    415: ("invalid_request_error", "unsupported_content_type"),
    416: ("invalid_request_error", "range_not_satisfiable"),
    501: ("server_error", "not_implemented"),
    429: ("requests", "rate_limit_exceeded"),
}
# Statuses after which SDKs send the request again by themselves, which is refused again.
NOT_RETRYABLE = (409, 501)


def applies_to(path: str) -> bool:
    """Return whether errors at this path are in the envelope; also at /V1 and //v1."""
    return bool(PREFIX.match(path))


def body(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    type: str | None = None,
) -> dict[str, Any]:
    """Return the body of an error; the type and the code follow from the status if not given."""
    default = ("server_error", None) if status >= 500 else ("invalid_request_error", None)
    usual_type, usual_code = KINDS.get(status, default)
    return {
        "error": {
            "message": message,
            "type": type or usual_type,
            "param": param,
            "code": code or usual_code,
        }
    }


def unknown_url(method: str, path: str) -> dict[str, Any]:
    """Return the body of the 404 for an address that does not exist."""
    return body(404, f"Invalid URL ({method} {path})", code="unknown_url")
