"""What can go wrong at an engine; `retryable` says whether the same call may work later.

EngineError
├── Unavailable            no answer, or 5xx; `maybe_accepted` when a submit was not answered
├── RateLimited            certainly not accepted; retry after `retry_after` seconds
├── NotReady               the file is not there yet
├── BadAnswer              an answer that cannot be understood
└── Refused                final
    ├── InvalidRequest     the engine does not accept this order
    ├── Blocked            the engine's moderation rejected it
    ├── OutOfCredit        the operator's account at the engine is empty
    ├── AuthFailed         the operator's key is wrong, or a callback is forged
    ├── NotFound           no such job
    ├── Gone               the file has expired
    ├── Unplayable         the file is a video that cannot be converted to an MP4
    ├── UnclearOutcome     the job has ended, but not as any server is known to say it
    └── Unsupported        this engine cannot do that
"""


class EngineError(Exception):
    """A failed call; `code` is ours or the engine's, `detail` the engine's text, for staff only."""

    retryable = False
    code = "upstream_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        maybe_accepted: bool = False,
    ) -> None:
        self.code = storable(code or self.code)[:64]
        self.detail = storable(detail)[:2000]
        self.retry_after = retry_after
        self.maybe_accepted = maybe_accepted
        super().__init__(f"{self.code}: {self.detail}")


def storable(text: str) -> str:
    """A text without what databases refuse: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


class Unavailable(EngineError):
    retryable = True
    code = "upstream_unavailable"


class RateLimited(EngineError):
    retryable = True
    code = "upstream_busy"


class NotReady(EngineError):
    retryable = True
    code = "not_ready"


class BadAnswer(EngineError):
    retryable = True
    code = "bad_answer"


class Refused(EngineError):
    code = "refused"


class InvalidRequest(Refused):
    code = "invalid_request"


class Blocked(Refused):
    code = "moderation_blocked"


class OutOfCredit(Refused):
    code = "upstream_out_of_credit"


class AuthFailed(Refused):
    code = "upstream_auth"


class NotFound(Refused):
    code = "upstream_lost_job"


class Gone(Refused):
    code = "result_expired"


class Unplayable(Refused):
    code = "result_unplayable"


class UnclearOutcome(Refused):
    code = "unclear_outcome"


class Unsupported(Refused):
    code = "unsupported"
