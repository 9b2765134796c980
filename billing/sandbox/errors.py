"""Errors of Stripe's API. Source: docs.stripe.com/api/errors."""

from typing import Any


class ApiError(Exception):
    """A request that is answered with `status` and the body `error`.

    `executed` says that the request was valid but the objects' state forbids it; only such an
    error is stored as the response of its idempotency key.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.executed = status, executed
        self.error: dict[str, Any] = {"message": message, "type": type}
        if code:
            self.error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes#{code}"}
        if param:
            self.error["param"] = param


def no_such_object(kind: str, object_id: str, param: str = "id") -> ApiError:
    """Return the error of an unknown id: 404 for one in the URL, 400 for one in a parameter."""
    return ApiError(
        404 if param == "id" else 400,
        f"No such {kind}: '{object_id[:100]}'",
        code="resource_missing",
        param=param,
    )
