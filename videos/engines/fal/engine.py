"""fal behind the protocol of engines: submit, find, poll, download, cancel, read callbacks."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from config.lib import strict_json
from videos.engines import downloads, json_api, templates
from videos.engines.base import Callback, Job, JobState, RenderRequest, Variant
from videos.engines.errors import (
    AuthFailed,
    EngineError,
    InvalidRequest,
    NotFound,
    NotReady,
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.fal import errors, ids, jobs
from videos.engines.fal.history import RequestHistory
from videos.engines.fal.images import Images
from videos.engines.fal.signatures import PublishedKeys, is_signed
from videos.engines.result_streams import Part, ResultStream

log = logging.getLogger(__name__)

QUEUE_URL = "https://queue.fal.run"
REST_URL = "https://rest.fal.ai"
API_URL = "https://api.fal.ai/v1"
JWKS_URL = "https://rest.fal.ai/.well-known/jwks.json"
RESULT_HOSTS = "*.fal.media, fal.media"
# Long enough for RESULT_DEADLINE; then fal deletes a file that we could not.
KEEP_FILES = '{"expiration_duration_seconds": 604800}'
# The callback comes when the job has ended, and is what tells for sure which job was ours.
CALLBACK_WAIT = timedelta(minutes=20)
SEARCH_AGAIN_SECONDS = 20.0
# A request in the web server waits for the keys of callbacks.
KEYS_SECONDS = 5
CALLBACK_STATES = {"OK": JobState.SUCCEEDED, "ERROR": JobState.FAILED}


class Fal:
    """One account at fal."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._base_url = config.get("base_url") or QUEUE_URL
        rest_url = config.get("rest_url") or REST_URL
        self._api_url = (config.get("api_url") or API_URL).rstrip("/")
        self._client = json_api.client(
            self._base_url, {"Authorization": f"Key {config['api_key']}"}
        )
        # A client without the key, for files and public keys.
        self._files = json_api.client(self._base_url, {})
        self._results = downloads.ResultStore(
            self._files, self._base_url, config.get("result_hosts") or RESULT_HOSTS
        )
        self._images = Images(self._client, self._files, rest_url, self._results)
        self._history = RequestHistory(self._client, self._api_url)
        keys_client = json_api.client(rest_url, {}, KEYS_SECONDS)
        self._keys = PublishedKeys(keys_client, config.get("jwks_url") or JWKS_URL)

    def check(self) -> None:
        # Refused to a wrong key and to a locked account; status addresses tell neither.
        self._images.get_token()

    def submit(self, order: RenderRequest) -> Job:
        if order.source_id:
            raise Unsupported("there are no remixes")
        model = ids.check_model(order.model)
        body = templates.fill(order, self._images.give)
        answer = json_api.send(
            self._client,
            "POST",
            f"/{model}",
            submitting=True,
            read_error=errors.read_submit_error,
            params={"fal_webhook": order.callback_url} if order.callback_url else {},
            json=body,
            headers={"X-Fal-Object-Lifecycle-Preference": KEEP_FILES},
        )
        job = jobs.parse_submitted(answer, model, self._base_url)
        return Job(str(job), JobState.QUEUED, prompt=order.prompt, model=model)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The jobs that callbacks named, else those with this input in fal's list of requests.

        The list may leave out jobs that have not ended, so an empty one says nothing.
        """
        model = ids.check_model(order.model)
        found = self._existing(filter(ids.REQUEST_ID.fullmatch, order.callback_job_ids), model)
        found = found or self._existing(self._history.find(order, model, since), model)
        if found:
            return found
        if datetime.now(UTC) - since < CALLBACK_WAIT:
            raise Unavailable("no callback has come yet", retry_after=SEARCH_AGAIN_SECONDS)
        raise Unsupported("no callback came, and the list of requests has no such job")

    def fetch(self, job_id: str) -> Job:
        status = self._get_status(job_id)
        job = jobs.parse_status(job_id, status)
        if job.state is not JobState.SUCCEEDED:
            return job
        try:
            output = self._get_output(job_id, jobs.error_in_status(status))
        except errors.JobFailed as failed:
            return Job(job_id, JobState.FAILED, failure=failed.failure)
        if not jobs.find_video_url(output):
            failure = Refused("the model answered without a video", code="generation_failed")
            return Job(job_id, JobState.FAILED, failure=failure)
        return job

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        self._results.save(self._result_url(job_id), to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        return self._results.open(self._result_url(job_id), part)

    def _result_url(self, job_id: str) -> str:
        try:
            url = jobs.find_video_url(self._get_output(job_id))
        except errors.JobFailed as failed:
            raise failed.failure from failed
        if not url:
            raise NotReady("the output names no file")
        return url

    def delete(self, job_id: str) -> None:
        """Cancel the job, and delete its input and output at fal; that needs an admin key."""
        job = ids.parse(job_id)
        try:
            self._send("PUT", f"{job.path}/cancel")
        except (NotFound, InvalidRequest):
            pass  # not there any more, or ended already
        try:
            self._send("DELETE", f"{self._api_url}/models/requests/{job.request_id}/payloads")
        except NotFound:
            pass
        except AuthFailed as error:
            raise Unsupported(f"only an admin key deletes stored data: {error.detail}") from error

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        self._verify(headers, body, from_secret_url)
        try:
            notice = strict_json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("a callback that is not JSON") from error
        request_id = notice.get("request_id") if isinstance(notice, dict) else None
        if not (isinstance(request_id, str) and ids.REQUEST_ID.fullmatch(request_id)):
            raise InvalidRequest("a callback that names no job")
        state = CALLBACK_STATES.get(str(notice.get("status")))
        return Callback(request_id, f"{request_id}:{state or 'unknown'}", state)

    def _verify(self, headers: Mapping[str, str], body: bytes, from_secret_url: bool) -> None:
        """Verify a signature if there is one; without one, the secret URL must do."""
        if not is_signed(headers):
            if not from_secret_url:
                raise AuthFailed("callback: no signature")
            return
        try:
            self._keys.verify(headers, body)
        except AuthFailed:
            raise
        except EngineError as error:
            log.warning("the keys of %s's callbacks cannot be fetched: %s", self.name, error)
            if not from_secret_url:
                raise AuthFailed(f"callback: no keys to verify it: {error.detail}") from error

    def _existing(self, request_ids: Any, model: str) -> list[Job]:
        found = []
        for request_id in request_ids:
            try:
                found.append(self.fetch(str(ids.RequestId(request_id, ids.app_of(model)))))
            except NotFound:
                continue
        return found

    def _get_status(self, job_id: str) -> Any:
        path = f"{ids.parse(job_id).path}/status"
        # Also with an HTTP error, a status is one.
        return self._send("GET", path, is_answer=jobs.is_status)

    def _get_output(self, job_id: str, status_error: str = "") -> Any:
        return self._send("GET", ids.parse(job_id).path, errors.reader_of_results(status_error))

    def _send(
        self, method: str, url: str, read: json_api.ReadError = errors.read_error, **more: Any
    ) -> Any:
        return json_api.send(self._client, method, url, read_error=read, **more)
