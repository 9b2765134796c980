"""Answers that are wrong on purpose: error statuses and web pages."""

from django.http import HttpResponse

from videos.sandbox.request_parsing import Refused

PAGE = "<!doctype html><title>Just a moment...</title><h1>Checking your browser</h1>"
CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("invalid_request_error", "billing_hard_limit_reached"),
    429: ("requests", "rate_limit_exceeded"),
}


def refusal(status: int, retry_after: str | None = None) -> Refused:
    """Return the error the API would send with a status."""
    type_, code = CODES.get(status, ("invalid_request_error", None))
    if status >= 500:
        type_ = "server_error"
    return Refused(
        status,
        f"The sandbox answers {status}, as the prompt asked.",
        code=code,
        type=type_,
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def web_page() -> HttpResponse:
    """Return the 200 with HTML that a proxy puts in an API's place."""
    return HttpResponse(PAGE)
