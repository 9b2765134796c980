"""The calls of kie.ai's job API, and what its records and callbacks say."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

from videos.engines import downloads, json_api, poll_loop, status_words
from videos.engines.base import Callback, Job, JobState, RenderRequest, Variant
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    InvalidRequest,
    NotFound,
    NotReady,
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.http_answers import Answer
from videos.engines.kie import envelopes
from videos.engines.result_streams import Part, ResultStream

# The API's firewall rejects requests without a User-Agent.
USER_AGENT = "Mozilla/5.0 (compatible; Firstlight)"
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
TOLERANCE = timedelta(minutes=5)
# There is no list of jobs, so an unanswered submit waits this long for a callback.
CALLBACK_WAIT = timedelta(minutes=7)
SEARCH_AGAIN_SECONDS = 15.0
STANDARD_PIXELS = 1280
# An id that no job has.
NO_JOB = "firstlight-check"
RECORD_PATH = "/api/v1/jobs/recordInfo"


class Kie:
    """One account at kie.ai; `models` and `input` of its settings map our orders to its fields."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._key = config["api_key"]
        self._secret = config["callback_secret"]
        self._models = dict(
            pair.split("=", 1) for pair in re.split(r"[,\s]+", config["models"]) if pair
        )
        self._fields = json_api.parse_object(config["input"])
        self._lengths = sorted(int(length) for length in re.findall(r"\d+", config["seconds"]))
        self._upload_url = config["upload_url"]
        agent = {"User-Agent": USER_AGENT}
        self._client = json_api.client(
            config["base_url"], {**agent, "Authorization": f"Bearer {self._key}"}
        )
        # A separate client, so that the API key is never sent to a result host.
        self._files = json_api.client("", agent)
        self._results = downloads.ResultStore(
            self._files, config["base_url"], config["result_hosts"]
        )
        self.poll_address = poll_loop.address_of(self._client)

    def check(self) -> None:
        with suppress(NotFound):  # the answer to a right key
            self._record(NO_JOB)

    def balance(self) -> Decimal:
        """What is left in our account, in credits."""
        request = self._client.build_request("GET", "/api/v1/chat/credit")
        return envelopes.send_for_number(self._client, request)

    def submit(self, order: RenderRequest) -> Job:
        body: dict[str, Any] = {
            "model": self._model_name(order),
            "input": self._input_fields(order),
        }
        if order.callback_url:
            body["callBackUrl"] = order.callback_url
        request = self._client.build_request("POST", "/api/v1/jobs/createTask", json=body)
        task_id = envelopes.send(self._client, request, submitting=True).get("taskId")
        if not isinstance(task_id, str) or not ID.fullmatch(task_id):
            raise BadAnswer("accepted without a usable taskId", maybe_accepted=True)
        return Job(task_id, JobState.QUEUED, prompt=order.prompt)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The jobs that callbacks named and whose records belong to this order."""
        if not order.callback_url:
            raise Unsupported("there is no list of jobs, and no callback was asked for")
        found = []
        for job_id in filter(ID.fullmatch, order.callback_job_ids):
            try:
                record = self._record(job_id)
            except NotFound:
                continue
            if self._belongs_to(record, order):
                found.append(_parse_job(job_id, record))
        if found:
            return found
        if datetime.now(UTC) - since < CALLBACK_WAIT:
            raise Unavailable("no callback has come yet", retry_after=SEARCH_AGAIN_SECONDS)
        raise Unsupported("there is no list of jobs, and no callback came")

    def fetch(self, job_id: str) -> Job:
        return _parse_job(job_id, self._record(job_id))

    def poll_target(self, job_id: str) -> str:
        return f"{self.poll_address.path}{RECORD_PATH}?taskId={_checked(job_id)}"

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        return _parse_job(job_id, envelopes.read(answer))

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        self._results.save(self._result_url(job_id), to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        return self._results.open(self._result_url(job_id), part)

    def _result_url(self, job_id: str) -> str:
        record = self._record(job_id)
        if _parse_state(record) is not JobState.SUCCEEDED:
            raise NotReady(f"the job is {str(record.get('state'))[:40]}")
        made = json_api.parse_object(record.get("resultJson")).get("resultUrls")
        urls = [url for url in made if isinstance(url, str)] if isinstance(made, list) else []
        if not urls:
            raise NotReady("the record names no file")
        return urls[0]

    def delete(self, job_id: str) -> None:
        raise Unsupported("jobs cannot be deleted")

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        if not (self._secret or from_secret_url):
            raise AuthFailed("no callback secret is configured")
        notice = json_api.parse_object(body)
        data = notice.get("data")
        data = data if isinstance(data, dict) else {}
        task_id = data.get("taskId") or data.get("task_id") or notice.get("taskId")
        if not isinstance(task_id, str) or not ID.fullmatch(task_id):
            raise InvalidRequest("a callback that names no task")
        if self._secret:
            self._verify(headers, task_id)
        word = str(data.get("state")).lower()
        state = status_words.STATE_OF.get(word)
        return Callback(task_id, f"{task_id}:{state or 'unknown'}", state)

    def _verify(self, headers: Mapping[str, str], task_id: str) -> None:
        """Verify the signature over task id and time; the body is not signed. Raises AuthFailed."""
        sent_at = headers.get("X-Webhook-Timestamp", "")
        try:
            given = base64.b64decode(headers.get("X-Webhook-Signature", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise AuthFailed("callback: an unreadable signature") from error
        signed = f"{task_id}.{sent_at}".encode(errors="replace")
        if not hmac.compare_digest(given, hmac.digest(self._secret.encode(), signed, "sha256")):
            raise AuthFailed("callback: a wrong signature")
        at = status_words.parse_timestamp(sent_at)
        if at is None or abs(datetime.now(UTC) - at) > TOLERANCE:
            raise AuthFailed("callback: a stale signature")

    def _record(self, job_id: str) -> dict[str, Any]:
        request = self._client.build_request(
            "GET", RECORD_PATH, params={"taskId": _checked(job_id)}
        )
        return envelopes.send(self._client, request)

    def _model_name(self, order: RenderRequest) -> str:
        """The model's name at the engine; configured as "text:image" where the two differ."""
        if order.source_id:
            raise Unsupported("there are no remixes")
        text, _, image = self._models.get(order.model, "").partition(":")
        name = (image or text) if order.first_image else text
        if not name:
            raise Unsupported(f"{order.model} is not among the configured models")
        return name

    def _input_fields(self, order: RenderRequest) -> dict[str, Any]:
        """The configured fields with their {placeholders} filled, without empty ones."""
        width, height = map(int, order.size.split("x"))
        seconds = next((n for n in self._lengths if n >= order.seconds), None)
        if seconds is None:
            raise InvalidRequest(
                f"{order.seconds} seconds are too long for this engine", code="too_long"
            )
        known: dict[str, Any] = {
            "{aspect}": "portrait" if height > width else "landscape",
            "{size}": order.size,
            "{resolution}": "high" if max(width, height) > STANDARD_PIXELS else "standard",
            "{seconds}": str(seconds),
            "{seconds_number}": seconds,
            "{images}": [self._upload(order)] if order.first_image else None,
        }
        fields: dict[str, Any] = {}
        for group in ("*", order.model):
            extra = self._fields.get(group)
            fields |= extra if isinstance(extra, dict) else {}
        filled = {
            name: known.get(value, value) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        given = {name: value for name, value in filled.items() if value is not None}
        return {**given, "prompt": order.prompt}

    def _upload(self, order: RenderRequest) -> str:
        """Upload the first frame and return its URL; this does not create a job."""
        image = order.first_image
        assert image
        if not self._upload_url:
            raise Unsupported("no upload URL is configured")
        with image.open() as file:
            request = self._files.build_request(
                "POST",
                self._upload_url,
                headers={"Authorization": f"Bearer {self._key}"},
                data={"uploadPath": "firstlight", "fileName": f"{order.token}.png"},
                files={"file": (image.name, file.read(), image.content_type)},
            )
        url = envelopes.send(self._files, request).get("downloadUrl")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise BadAnswer("the upload returned no URL")
        return url

    def _belongs_to(self, record: Mapping[str, Any], order: RenderRequest) -> bool:
        """Whether a record belongs to this order, by the callback URL it repeats."""
        asked = json_api.parse_object(record.get("param"))
        return hmac.compare_digest(
            str(asked.get("callBackUrl") or "").encode(errors="replace"),
            order.callback_url.encode(),
        )


def _checked(job_id: str) -> str:
    """The id, if it may be one of this engine. Raises NotFound."""
    if not ID.fullmatch(job_id):
        raise NotFound("not a job id of this engine")
    return job_id


def _parse_job(job_id: str, record: Mapping[str, Any]) -> Job:
    state = _parse_state(record)
    return Job(
        id=job_id,
        state=state,
        progress=status_words.parse_progress(record.get("progress")),
        failure=_parse_failure(record) if state is JobState.FAILED else None,
        model=str(record.get("model") or ""),
        created_at=status_words.parse_timestamp(record.get("createTime"), 1000),
    )


def _parse_state(record: Mapping[str, Any]) -> JobState:
    """The state of a task. Raises UnclearOutcome for an unknown end."""
    ended = record.get("failMsg") or record.get("resultJson") or record.get("completeTime")
    return status_words.read_state(record.get("state"), {}, has_ended=ended)


def _parse_failure(record: Mapping[str, Any]) -> Refused:
    code, message = str(record.get("failCode") or ""), str(record.get("failMsg") or "")
    if status_words.is_blocked(f"{code} {message}"):
        return Blocked(message or code)
    known = code if CODE.fullmatch(code) else "generation_failed"
    return Refused(message or "the job failed", code=known)
