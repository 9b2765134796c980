"""Wrong answers on purpose: error statuses, and web pages in an API's place."""

from django.http import HttpResponse

from videos.sandbox.http.errors import ApiError

PAGE = "<!doctype html><title>Just a moment...</title><h1>Checking your browser</h1>"
CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("invalid_request_error", "billing_hard_limit_reached"),
    429: ("requests", "rate_limit_exceeded"),
}


def error_with_status(status: int, retry_after: str | None = None) -> ApiError:
    """Return the error the API sends with a status."""
    type_, code = CODES.get(status, ("invalid_request_error", None))
    if status >= 500:
        type_ = "server_error"
    return ApiError(
        status,
        f"The sandbox answers {status}, as the prompt asked.",
        code=code,
        type=type_,
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def web_page() -> HttpResponse:
    """Return a 200 with HTML, as a proxy may answer in an API's place."""
    return HttpResponse(PAGE)
