"""The calls of the Interactions API, each sent once."""

import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from urllib.parse import urlsplit

from videos.engines import downloads, json_api, result_streams
from videos.engines.base import Callback, Job, JobState, RenderRequest, Variant
from videos.engines.errors import Gone, NotFound, NotReady, Refused, Unavailable, Unsupported
from videos.engines.gemini import errors, jobs, orders
from videos.engines.gemini.callbacks import CallbackVerifier
from videos.engines.gemini.large_json import LargeJSON
from videos.engines.result_streams import Part, ResultStream

# The revision of the API that this adapter reads, which the vendor's SDK sends too.
API_REVISION = "2026-05-20"
FILE_NAME = re.compile(r"/files/([a-z0-9-]{1,64})(?:[:/?]|$)")
# There is no list of jobs, so an unanswered submit waits this long for a callback.
CALLBACK_WAIT = timedelta(minutes=15)
SEARCH_AGAIN_SECONDS = 15.0


class Gemini:
    """One account at the Gemini API."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._base_url = config["base_url"].rstrip("/")
        key = {"x-goog-api-key": config["api_key"]}
        self._client = json_api.client(self._base_url, {**key, "Api-Revision": API_REVISION})
        self._callbacks = CallbackVerifier(
            config.get("webhook_secret", ""),
            config.get("jwks_url", ""),
            config.get("jwt_audience", ""),
        )
        # A client of its own, so that the key is sent to the engine's own host only.
        self._results = downloads.ResultStore(
            json_api.client("", {}),
            self._base_url,
            config.get("result_hosts", ""),
            key_headers=key,
        )

    def check(self) -> None:
        self._send("GET", "/models", params={"pageSize": "1"})

    def submit(self, order: RenderRequest) -> Job:
        answer = json_api.send(
            self._client,
            "POST",
            "/interactions",
            submitting=True,
            read_error=errors.read_submit_error,
            json=orders.write_body(order),
        )
        return jobs.parse_submitted(answer)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The interactions that callbacks named and that do not name another video."""
        if not orders.can_call_back(order):
            raise Unsupported("there is no list of interactions, and no callback was asked for")
        found = []
        for job_id in order.callback_job_ids:
            with suppress(NotFound):
                record = self._interaction(job_id)
                if jobs.may_belong_to(record, order.token):
                    found.append(jobs.parse_job(record, job_id))
        if found:
            return found
        if datetime.now(UTC) - since < CALLBACK_WAIT:
            raise Unavailable("no callback has come yet", retry_after=SEARCH_AGAIN_SECONDS)
        raise Unsupported("there is no list of interactions, and no callback came")

    def fetch(self, job_id: str) -> Job:
        return jobs.parse_job(self._interaction(job_id), job_id)

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        if uri := self._find_result(job_id, to):
            self._results.save(uri, to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the stream closes it
        try:
            uri = self._find_result(job_id, file)
            if not uri:
                return result_streams.of_file(file, part)
        except BaseException:
            file.close()
            raise
        file.close()
        return self._results.open(uri, part)

    def _find_result(self, job_id: str, to: IO[bytes]) -> str:
        """Return the URL of a finished video, or write it to `to` and return "" if it is inside."""
        with tempfile.TemporaryFile() as long_texts:
            reader = LargeJSON(long_texts)
            record = self._interaction(job_id, reader)
            job = jobs.parse_job(record, job_id)
            if job.failure:
                raise job.failure
            video = jobs.find_video(record)
            if job.state is not JobState.SUCCEEDED or not video:
                raise NotReady(f"the interaction is {job.state}")
            if data := video.get("data"):
                downloads.write_chunks(reader.decode_base64(str(data)), to)
                return ""
            return self._file_url(str(video["uri"]))

    def delete(self, job_id: str) -> None:
        with suppress(NotFound):
            path = f"/interactions/{jobs.checked_id(job_id)}"
            with suppress(Refused):  # it is not running any more
                self._send("POST", f"{path}/cancel")
            self._send("DELETE", path)

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        return self._callbacks.read(headers, body, from_secret_url=from_secret_url)

    def _interaction(self, job_id: str, reader: LargeJSON | None = None) -> dict[str, Any]:
        """The interaction of a job; one that is finished may contain its video."""
        path = f"/interactions/{jobs.checked_id(job_id)}"
        answer = self._send(
            "GET",
            path,
            read_body=(reader or LargeJSON()).read,
            is_answer=lambda body: jobs.is_failed(body, job_id),
        )
        return jobs.checked(answer)

    def _file_url(self, uri: str) -> str:
        """The URL of the file of a URI. Raises NotReady while the engine is processing it."""
        named = FILE_NAME.search(uri)
        if named and urlsplit(uri).netloc == urlsplit(self._base_url).netloc:
            self._check_is_ready(named[1])
            return f"{self._base_url}/files/{named[1]}:download?alt=media"
        return uri

    def _check_is_ready(self, file: str) -> None:
        try:
            found = self._send("GET", f"/files/{file}")
        except NotFound as error:
            raise Gone(error.detail) from error
        state = str(found.get("state") or "") if isinstance(found, dict) else ""
        if state == "FAILED":
            raise Refused("the file could not be processed", code="generation_failed")
        if state == "PROCESSING":
            raise NotReady("the file is being processed")

    def _send(self, method: str, path: str, **more: Any) -> Any:
        return json_api.send(self._client, method, path, read_error=errors.read_error, **more)
