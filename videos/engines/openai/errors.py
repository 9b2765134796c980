"""The SDK's errors as ours, from the error bodies of all servers with the Videos API."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
import openai

from videos.engines import status_words
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)

QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached"}
REFUSALS: dict[int, type[Refused]] = {
    401: AuthFailed, 402: OutOfCredit, 403: AuthFailed, 404: NotFound, 405: Unsupported,
    410: Gone, 429: OutOfCredit, 501: Unsupported,
}  # fmt: skip


@contextmanager
def translate_errors(*, submitting: bool = False, downloading: bool = False) -> Iterator[None]:
    """Translate the SDK's exceptions to EngineError."""
    try:
        yield
    except openai.APIStatusError as error:
        raise error_of(
            error.status_code,
            error.body,
            error.response.headers,
            error.message,
            submitting=submitting,
            downloading=downloading,
        ) from error
    except openai.APIConnectionError as error:
        # Only without a connection it is certain that nothing was sent.
        sent = submitting and not _never_connected(error)
        raise Unavailable(str(error.__cause__ or error), maybe_accepted=sent) from error
    except openai.OpenAIError as error:
        raise BadAnswer(str(error), maybe_accepted=submitting) from error
    except httpx2.HTTPError as error:  # while the body was being read
        raise Unavailable(str(error), maybe_accepted=submitting) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadAnswer(str(error), maybe_accepted=submitting) from error


def read_code_and_message(body: object) -> tuple[str, str]:
    """The code and message of an error body in any known form."""
    if not isinstance(body, Mapping):
        return "", str(body or "")[:500]
    inner = body.get("error", body)
    if not isinstance(inner, Mapping):
        return "", str(inner)[:500]
    message = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
    return str(inner.get("code") or ""), str(message)[:500]


def _never_connected(error: openai.APIConnectionError) -> bool:
    cause = type(error.__cause__).__name__
    return cause in {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"}


def error_of(
    status: int,
    body: object,
    headers: Mapping[str, str],
    text: str,
    *,
    submitting: bool = False,
    downloading: bool = False,
) -> EngineError:
    """The error that an HTTP status other than 2xx means; `text` is shown if the body says nothing.

    `body` is the value of the JSON body, or its text.
    """
    code, message = read_code_and_message(body)
    detail, words = f"HTTP {status}: {message or text}", f"{code} {message}".lower()
    if status_words.is_blocked(words):
        return Blocked(detail, code=Blocked.code)
    if status == 429 and code not in QUOTA_CODES:
        return RateLimited(detail, retry_after=status_words.parse_retry_after(headers))
    if downloading and status in {400, 404, 409, 422, 425, 502}:
        return NotReady(detail)
    if (status >= 500 and status != 501) or status in {408, 409}:
        unsure = submitting and not status_words.found_no_server(words)
        return Unavailable(detail, maybe_accepted=unsure)
    return _kind_of_refusal(status, words)(detail)


def _kind_of_refusal(status: int, words: str) -> type[EngineError]:
    if status == 403 and status_words.is_out_of_money(words):
        return OutOfCredit
    if status < 400:  # a redirect, which is not followed
        return BadAnswer
    return REFUSALS.get(status, InvalidRequest)
