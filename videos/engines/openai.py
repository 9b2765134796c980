"""OpenAI's Videos API, at any base URL that implements it.

Accepts its variants: missing and extra keys, other status words, other error bodies.
The SDK's retries are off, because each would be another paid job.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice, takewhile
from typing import IO, Any

import httpx2
import openai
from standardwebhooks import Webhook, WebhookVerificationError

from videos.engines import downloads, status_words
from videos.engines.base import Callback, Job, JobState, RenderRequest, Variant
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

log = logging.getLogger(__name__)

# The SDK warns that OpenAI's own service ended; other servers still implement the API.
warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)

QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached"}
LIST_LIMIT, LIST_PAGES = 100, 5
LONGEST_ID = 512


def connect(name: str, config: Mapping[str, str]) -> "OpenAIVideos":
    pairs = (pair.split("=", 1) for pair in config["models"].replace(" ", "").split(",") if pair)
    return OpenAIVideos(
        name,
        openai.OpenAI(
            base_url=config["base_url"],
            api_key=config["api_key"],
            max_retries=0,
            timeout=openai.Timeout(30, connect=5),
        ),
        config["webhook_secret"],
        dict(pairs),
    )


class OpenAIVideos:
    """One server with the Videos API; `models` maps our model names to its own."""

    def __init__(
        self, name: str, client: openai.OpenAI, webhook_secret: str, models: Mapping[str, str]
    ) -> None:
        self.name = name
        self._client = client
        self._webhook_secret = webhook_secret
        self._models = models

    def submit(self, order: RenderRequest) -> Job:
        headers = {"Idempotency-Key": order.token}
        with _translate_errors(submitting=True):
            if order.source_id:
                answer = self._client.videos.remix(
                    order.source_id, prompt=order.prompt, extra_headers=headers
                )
            elif order.image:
                with order.image.open() as image:
                    file = (order.image.name, image.read(), order.image.content_type)
                answer = self._client.videos.create(
                    **self._fields(order), input_reference=file, extra_headers=headers
                )
            else:
                answer = self._client.videos.create(**self._fields(order), extra_headers=headers)
            return _parse_job(answer, maybe_accepted=True)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        try:
            with _translate_errors():
                page = self._client.videos.list(limit=LIST_LIMIT, order="desc")
                listed = [_parse_job(item) for item in islice(page, LIST_LIMIT * LIST_PAGES)]
        except (InvalidRequest, NotFound) as error:
            raise Unsupported(error.detail) from error
        except AttributeError as error:  # the SDK got a web page instead of a list
            raise BadAnswer("not a list") from error
        recent = list(takewhile(lambda job: not job.created_at or job.created_at >= since, listed))
        found = [job for job in recent if self._matches(job, order)]
        if not found and len(recent) == LIST_LIMIT * LIST_PAGES:
            raise Unavailable("too many jobs to search")
        if not found and not all(job.prompt for job in recent):
            raise Unsupported("the list does not contain prompts")
        return found

    def _matches(self, job: Job, order: RenderRequest) -> bool:
        """Whether a listed job may be this order; some engines list only the prompt."""
        asked = {"model": self._models.get(order.model, order.model)}
        if not order.source_id:
            asked |= {"size": order.size, "seconds": str(order.seconds)}
        same = all(getattr(job, name) in {"", value} for name, value in asked.items())
        return same and job.prompt == order.prompt

    def fetch(self, job_id: str) -> Job:
        with _translate_errors():
            answer = self._client.videos.with_raw_response.retrieve(job_id)
            after = status_words.parse_pause(answer.headers, "openai-poll-after-ms", 1000)
            return _parse_job(answer.parse(), job_id, poll_after=after)

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        with (
            _translate_errors(downloading=True),
            self._client.videos.with_streaming_response.download_content(
                job_id, variant=variant.value
            ) as answer,
        ):
            downloads.write_chunks(answer.iter_bytes(downloads.CHUNK_BYTES), to)

    def delete(self, job_id: str) -> None:
        with _translate_errors():
            try:
                self._client.videos.delete(job_id)
            except openai.NotFoundError:
                return
            except openai.APIStatusError as error:
                if error.status_code in {405, 501}:
                    raise Unsupported(str(error)) from error
                raise

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        if not self._webhook_secret:
            raise AuthFailed("no webhook secret is configured")
        try:
            event = Webhook(self._webhook_secret).verify(body, dict(headers))
            return Callback(str(event["data"]["id"]), headers.get("webhook-id", ""))
        except (WebhookVerificationError, ValueError, KeyError, TypeError) as error:
            raise AuthFailed(f"webhook: {error}") from error

    def _fields(self, order: RenderRequest) -> dict[str, Any]:
        return {
            "prompt": order.prompt,
            "model": self._models.get(order.model, order.model),
            "size": order.size,
            "seconds": str(order.seconds),
        }


@contextmanager
def _translate_errors(*, submitting: bool = False, downloading: bool = False) -> Iterator[None]:
    """Translate the SDK's exceptions to EngineError."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _error_from_status(error, submitting, downloading) from error
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


def _never_connected(error: openai.APIConnectionError) -> bool:
    cause = type(error.__cause__).__name__
    return cause in {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"}


def _error_from_status(
    error: openai.APIStatusError, submitting: bool, downloading: bool
) -> EngineError:
    status = error.status_code
    code, message = _error_code_and_message(error.body)
    detail = f"HTTP {status}: {message or error.message}"
    if status_words.is_blocked(f"{code} {message}"):
        return Blocked(detail, code=Blocked.code)
    if status == 429 and code not in QUOTA_CODES:
        return RateLimited(
            detail, retry_after=status_words.parse_retry_after(error.response.headers)
        )
    if downloading and status in {400, 404, 409, 422, 425, 502}:
        return NotReady(detail)
    kinds: dict[int, type[Refused]] = {
        401: AuthFailed, 402: OutOfCredit, 403: AuthFailed, 404: NotFound, 405: Unsupported,
        410: Gone, 429: OutOfCredit, 501: Unsupported,
    }  # fmt: skip
    if status in kinds:
        return kinds[status](detail)
    if status >= 500 or status in {408, 409}:
        return Unavailable(detail, maybe_accepted=submitting)
    return InvalidRequest(detail)


def _error_code_and_message(body: object) -> tuple[str, str]:
    """The code and message of an error body in any known form."""
    if not isinstance(body, Mapping):
        return "", str(body or "")[:500]
    inner = body.get("error", body)
    if not isinstance(inner, Mapping):
        return "", str(inner)[:500]
    message = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
    return str(inner.get("code") or ""), str(message)[:500]


def _parse_job(
    answer: object,
    job_id: str = "",
    *,
    poll_after: float | None = None,
    maybe_accepted: bool = False,
) -> Job:
    """A job from a Video object; `job_id`, where given, has priority over the object's own id."""
    found = answer.to_dict(warnings=False) if isinstance(answer, openai.BaseModel) else None
    if not isinstance(found, dict) or not (job_id or found.get("id")):
        raise BadAnswer(f"not a video: {str(answer)[:300]}", maybe_accepted=maybe_accepted)
    known_as = job_id or str(found["id"])
    if len(known_as) > LONGEST_ID or not known_as.isprintable():
        raise BadAnswer("an id that cannot be kept", maybe_accepted=maybe_accepted)
    state = _parse_state(found)
    return Job(
        id=known_as,
        state=state,
        progress=status_words.parse_progress(found.get("progress")),
        failure=_parse_failure(found) if state is JobState.FAILED else None,
        prompt=str(found.get("prompt") or ""),
        model=str(found.get("model") or ""),
        size=str(found.get("size") or ""),
        seconds=str(found.get("seconds") or ""),
        created_at=status_words.parse_timestamp(found.get("created_at")),
        poll_after=poll_after,
    )


def _parse_state(found: Mapping[str, object]) -> JobState:
    word = str(found.get("status") or "").lower()
    if word not in status_words.STATE_OF:
        log.warning("an engine answered the unknown status %r", word[:40])
    return status_words.STATE_OF.get(word, JobState.RUNNING)


def _parse_failure(found: Mapping[str, object]) -> Refused:
    code, message = _error_code_and_message({"error": found.get("error") or {}})
    if not code and str(found.get("status")).lower() in {"cancelled", "canceled", "expired"}:
        code = f"upstream_{found['status']}"
    if status_words.is_blocked(f"{code} {message}"):
        return Blocked(message, code=Blocked.code)
    return Refused(message or "the job failed", code=code or "generation_failed")
