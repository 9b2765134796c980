"""The calls of the Videos API, each sent once."""

import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import IO, Any
from urllib.parse import quote

import openai
from standardwebhooks import Webhook, WebhookVerificationError

from videos.engines import downloads, json_api, status_words, templates
from videos.engines.base import Callback, Job, RenderRequest, Variant
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    Unavailable,
    Unsupported,
)
from videos.engines.http_answers import Answer
from videos.engines.openai.errors import error_of, translate_errors
from videos.engines.openai.files import files_in, read_file
from videos.engines.openai.jobs import find_url, is_failed_job, parse_job
from videos.engines.poll_loop import PollAddress
from videos.engines.result_streams import Part, ResultStream

log = logging.getLogger(__name__)

# The SDK warns that OpenAI's own service ended; other servers still implement the API.
warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)

LIST_LIMIT, LIST_PAGES = 100, 5
# Servers round sizes to what their model takes, and lengths to whole frames.
SIZE_TOLERANCE_PIXELS, SECONDS_TOLERANCE = 64, 1.0
TIMEOUT = openai.Timeout(30, connect=5)


class OpenAIVideos:
    """One server with the Videos API.

    `models` of its settings maps our model names to its own, `variants` says that it makes
    thumbnails and spritesheets, and `result_hosts` are the hosts it may name for its files.
    """

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._client = openai.OpenAI(
            base_url=config["base_url"],
            api_key=config["api_key"],
            max_retries=0,
            timeout=TIMEOUT,
            # A redirect could lead the file's request, or the key, to any host.
            http_client=openai.DefaultHttpxClient(
                follow_redirects=False, verify=json_api.trusted_authorities()
            ),
        )
        self._webhook_secret = config["webhook_secret"]
        self._models = dict(
            pair.split("=", 1) for pair in config["models"].replace(" ", "").split(",") if pair
        )
        self._has_variants = bool(config.get("variants"))
        self._base_url = config["base_url"].rstrip("/")
        # A client of its own, so that the API key is never sent to a result host.
        files, hosts = json_api.client("", {}), config.get("result_hosts", "")
        self._results = downloads.ResultStore(files, self._base_url, hosts)
        key = {"Authorization": f"Bearer {config['api_key']}"}
        self._contents = downloads.ResultStore(files, self._base_url, hosts, key)
        # Polls go past the SDK, which takes ten times as long for one.
        self.poll_address = PollAddress(self._base_url, _headers_of(self._client))
        self._polls = json_api.client(self._base_url, self.poll_address.headers)

    def check(self) -> None:
        with translate_errors():
            try:
                known = {model.id for model in self._client.models.list()}
            except openai.NotFoundError:  # a server without a list of models
                self._client.videos.list(limit=1)
                return
            except AttributeError as error:  # the SDK got a web page instead of a list
                raise BadAnswer(json_api.NOT_AN_API) from error
        if known and (missing := sorted(set(self._models.values()) - known)):
            names = {"missing": ", ".join(missing), "known": ", ".join(sorted(known)[:20])}
            raise InvalidRequest("it has no model {missing}; it has {known}".format(**names))

    def submit(self, order: RenderRequest) -> Job:
        headers = {"Idempotency-Key": order.token}
        with translate_errors(submitting=True):
            if order.source_id:
                answer = self._client.videos.remix(
                    order.source_id, prompt=order.prompt, extra_headers=headers
                )
            else:
                answer = self._create(order, headers)
            return parse_job(answer, maybe_accepted=True)

    def _create(self, order: RenderRequest, headers: dict[str, str]) -> openai.types.Video:
        """Send the documented fields, those of the catalog, and the images as files of the form."""
        # The first frame is a documented field; whatever else was chosen needs one of the catalog.
        added = templates.fill(replace(order, first_image=None), read_file)
        files = [(name, file) for name, value in added.items() for file in files_in(value)]
        if order.first_image:
            files.insert(0, ("input_reference", read_file(order.first_image)))
        fields = {
            "prompt": order.prompt,
            "model": self._models.get(order.model, order.model),
            "size": order.size,
            "seconds": str(order.seconds),
            **{name: value for name, value in added.items() if not files_in(value)},
        }
        return self._client.post(
            "/videos",
            cast_to=openai.types.Video,
            body=fields,
            files=files,
            options={"headers": {**headers, "Content-Type": "multipart/form-data"}},
        )

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        try:
            with translate_errors():
                page = self._client.videos.list(limit=LIST_LIMIT, order="desc")
                listed = list(_readable(islice(page, LIST_LIMIT * LIST_PAGES)))
        except (InvalidRequest, NotFound) as error:
            raise Unsupported(error.detail) from error
        except AttributeError as error:  # the SDK got a web page instead of a list
            raise BadAnswer("not a list") from error
        recent = list(takewhile(lambda job: not _is_older(job, since), listed))
        jobs = [job for job in recent if job]
        found = [job for job in jobs if self._matches(job, order)]
        if found:
            return found
        if len(recent) == LIST_LIMIT * LIST_PAGES:
            raise Unavailable("too many jobs to search")
        if len(jobs) < len(recent):  # one that cannot be read may be ours
            raise BadAnswer("the list has entries that are no videos")
        if not all(job.prompt for job in jobs):
            raise Unsupported("the list does not contain prompts")
        return []

    def _matches(self, job: Job, order: RenderRequest) -> bool:
        """Whether a listed job may be this order; some engines list only the prompt."""
        if job.prompt != order.prompt:
            return False
        if job.model not in {"", self._models.get(order.model, order.model)}:
            return False
        if order.source_id:
            return True
        return _is_near_size(job.size, order.size) and _is_near_length(job.seconds, order.seconds)

    def fetch(self, job_id: str) -> Job:
        target = self.poll_target(job_id).removeprefix(self.poll_address.path)
        return self.read_poll(job_id, json_api.get(self._polls, target))

    def poll_target(self, job_id: str) -> str:
        if not job_id.strip("."):
            raise NotFound("an id that is no part of a URL")
        return f"{self.poll_address.path}/videos/{quote(job_id, safe='')}"

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        body = _json_of(answer)
        if answer.status >= 300:
            # Some servers answer for a failed job with an HTTP error that has the job as body.
            if not is_failed_job(body):
                raise error_of(answer.status, body, answer.headers, answer.text)
            return parse_job(body, job_id)
        after = status_words.parse_pause(answer.headers, "openai-poll-after-ms", 1000)
        return parse_job(body, job_id, poll_after=after)

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO and not self._has_variants:
            raise Unsupported("the server makes no thumbnails")
        try:
            url = self._save_content(job_id, variant, to)
        except (NotReady, NotFound, Unsupported):
            url = self._result_url(job_id) if variant is Variant.VIDEO else ""
            if not url:
                raise
        if url:
            self._results.save(url, to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        if not job_id.strip("."):
            raise NotFound("an id that is no part of a URL")
        try:
            url = f"{self._base_url}/videos/{quote(job_id, safe='')}/content"
            return self._contents.open(url, part)
        except (NotReady, Gone, Unsupported):
            # Some servers name a URL in place of the file, or in the job itself.
            with tempfile.TemporaryFile() as unused, suppress(NotReady, NotFound, Unsupported):
                if url := self._save_content(job_id, Variant.VIDEO, unused):
                    return self._results.open(url, part)
            if not (url := self._result_url(job_id)):
                raise
            return self._results.open(url, part)

    def _save_content(self, job_id: str, variant: Variant, to: IO[bytes]) -> str:
        """Write the file to `to`; return its URL if the server names one instead, else ""."""
        # Servers read `variant` in ways of their own, and the video is what they send without it.
        asked = {} if variant is Variant.VIDEO else {"variant": variant.value}
        contents = self._client.videos.with_streaming_response
        with translate_errors(downloading=True):
            try:
                with contents.download_content(job_id, extra_query=asked) as answer:
                    if "json" not in answer.headers.get("content-type", ""):
                        downloads.write_chunks(answer.iter_bytes(downloads.CHUNK_BYTES), to)
                        return ""
                    url = find_url(answer.json())
            except openai.APIStatusError as error:
                if not error.response.has_redirect_location:
                    raise
                return str(error.response.url.join(error.response.headers["location"]))
        if not url:
            raise NotReady("the content is JSON without a URL")
        return url

    def _result_url(self, job_id: str) -> str:
        """The URL that the job itself names for its file; "" when it names none."""
        with translate_errors(downloading=True):
            answer = self._client.videos.with_raw_response.retrieve(job_id)
            return find_url(answer.http_response.json())

    def delete(self, job_id: str) -> None:
        with translate_errors():
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


def _headers_of(client: openai.OpenAI) -> dict[str, str]:
    """What the SDK says about the caller, such as its key, organization and project."""
    kept = {"Accept", "Authorization", "OpenAI-Organization", "OpenAI-Project", "User-Agent"}
    found = {**client.default_headers, **client.auth_headers}
    return {name: value for name, value in found.items() if name in kept and isinstance(value, str)}


def _readable(items: Iterator[Any]) -> Iterator[Job | None]:
    """The jobs of a list; None for an entry that cannot be read, which must not spoil the list."""
    for item in items:
        try:
            yield parse_job(item)
        except EngineError:
            yield None


def _is_older(job: Job | None, since: datetime) -> bool:
    return job is not None and job.created_at is not None and job.created_at < since


def _is_near_size(listed: str, asked: str) -> bool:
    """Whether a listed size may be the one asked for, which the server has rounded."""
    try:
        pairs = zip(_sides(listed), _sides(asked), strict=True)
    except ValueError:
        return not listed
    return all(abs(one - other) <= SIZE_TOLERANCE_PIXELS for one, other in pairs)


def _sides(size: str) -> list[int]:
    return [int(side) for side in size.lower().split("x")]


def _is_near_length(listed: str, asked: int) -> bool:
    try:
        return abs(float(listed) - asked) <= SECONDS_TOLERANCE
    except ValueError:
        return not listed


def _json_of(answer: Answer) -> object:
    """The value of a JSON body; its text if it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.text
