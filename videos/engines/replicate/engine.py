"""Replicate behind the protocol of engines: submit, find, poll, download, cancel, callbacks."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any

import httpx2
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

from config.lib import strict_json
from videos.engines import downloads, json_api, poll_loop, templates
from videos.engines.base import Callback, Image, Job, JobState, RenderRequest, Variant
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    Unsupported,
)
from videos.engines.http_answers import Answer
from videos.engines.replicate import errors, predictions
from videos.engines.replicate.history import PredictionHistory
from videos.engines.result_streams import Part, ResultStream

API_URL = "https://api.replicate.com/v1"
RESULT_HOSTS = "replicate.delivery, *.replicate.delivery"
MODEL = re.compile(r"[A-Za-z0-9][\w.-]{0,99}/[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
UPLOAD_SECONDS = 120


class Replicate:
    """One account at Replicate."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        base_url = config.get("base_url") or API_URL
        self._secret = config.get("webhook_secret") or ""
        self._client = json_api.client(base_url, {"Authorization": f"Bearer {config['api_key']}"})
        # Files are public; the key is never sent to their hosts.
        self._files = json_api.client(base_url, {})
        self._results = downloads.ResultStore(
            self._files, base_url, config.get("result_hosts") or RESULT_HOSTS
        )
        self._history = PredictionHistory(self._client, base_url)
        self.poll_address = poll_loop.address_of(self._client)

    def check(self) -> None:
        self._send("GET", "/account")

    def submit(self, order: RenderRequest) -> Job:
        if order.source_id:
            raise Unsupported("there are no remixes")
        if not MODEL.fullmatch(order.model):
            raise InvalidRequest(f"{order.model[:100]!r} is not the name of a model")
        body: dict[str, Any] = {"input": templates.fill(order, self._upload)}
        if order.callback_url:
            body |= {"webhook": order.callback_url, "webhook_events_filter": ["completed"]}
        answer = json_api.send(
            self._client,
            "POST",
            f"/models/{order.model}/predictions",
            submitting=True,
            read_error=errors.read_submit_error,
            json=body,
        )
        return predictions.parse(answer, maybe_accepted=True)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The predictions that callbacks named, else those in the list with this input."""
        found = []
        for job_id in filter(predictions.ID.fullmatch, order.callback_job_ids):
            try:
                found.append(self.fetch(job_id))
            except NotFound:
                continue
        return found or self._history.find(order, since)

    def fetch(self, job_id: str) -> Job:
        return predictions.parse(self._get(job_id))

    def poll_target(self, job_id: str) -> str:
        return self.poll_address.path + _path_of(job_id)

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        return predictions.parse(_read(job_id, answer))

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        self._results.save(self._result_url(job_id), to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        return self._results.open(self._result_url(job_id), part)

    def _result_url(self, job_id: str) -> str:
        prediction = self._get(job_id)
        job = predictions.parse(prediction)
        if job.failure:
            raise job.failure
        if prediction.get("data_removed"):
            raise Gone("Replicate removes files one hour after the prediction")
        if job.state is not JobState.SUCCEEDED:
            raise NotReady(f"the prediction is {job.state}")
        return predictions.find_url(prediction)

    def delete(self, job_id: str) -> None:
        """Cancel the prediction; Replicate itself removes the data of one that has ended."""
        _check_id(job_id)
        try:
            self._send("POST", f"/predictions/{job_id}/cancel")
        except (NotFound, InvalidRequest):
            pass  # not there any more, or ended already

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        if self._secret:
            self._verify(headers, body)
        elif not from_secret_url:
            raise AuthFailed("no webhook secret is configured")
        try:
            prediction = predictions.as_prediction(strict_json.loads(body))
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("a callback that is not JSON") from error
        if prediction is None:
            raise InvalidRequest("a callback that names no prediction")
        state = predictions.STATES.get(str(prediction.get("status")))
        return Callback(prediction["id"], f"{prediction['id']}:{state or 'unknown'}", state)

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        try:
            Webhook(self._secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as error:
            raise AuthFailed(f"callback: {error}") from error

    def _upload(self, image: Image) -> str:
        """Upload an image and return its URL.

        A data URI would be repeated by the list and by callbacks, and make them too large.
        """
        with image.open() as file:
            content = file.read()
        answer = self._send(
            "POST",
            "/files",
            files={"content": (image.name, content, image.content_type)},
            timeout=httpx2.Timeout(UPLOAD_SECONDS, connect=5),
        )
        urls = answer.get("urls") if isinstance(answer, dict) else None
        url = urls.get("get") if isinstance(urls, dict) else None
        if not isinstance(url, str) or not url.startswith("http"):
            raise BadAnswer("an upload without a URL")
        return url

    def _get(self, job_id: str) -> Any:
        return _read(job_id, json_api.get(self._client, _path_of(job_id)))

    def _send(self, method: str, url: str, **content: Any) -> Any:
        return json_api.send(self._client, method, url, read_error=errors.read_error, **content)


def _path_of(job_id: str) -> str:
    _check_id(job_id)
    return f"/predictions/{job_id}"


def _read(job_id: str, answer: Answer) -> dict[str, Any]:
    """The prediction in an answer."""
    found = json_api.read(
        answer,
        read_error=errors.read_error,
        is_answer=lambda body: predictions.is_failed(body, job_id),
    )
    if isinstance(found, dict) and found.get("id") == job_id:
        return found
    raise BadAnswer(f"not the prediction that was asked for: {str(found)[:300]}")


def _check_id(job_id: str) -> None:
    if not predictions.ID.fullmatch(job_id):
        raise NotFound("not a prediction id")
