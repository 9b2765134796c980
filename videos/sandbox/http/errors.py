"""Errors of the sandbox engine's APIs."""


class ApiError(Exception):
    """A request that is answered with `status`; `error` is the body in the words of OpenAI."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error = {"message": message, "type": type, "param": param, "code": code}
