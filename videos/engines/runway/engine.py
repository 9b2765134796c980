"""The calls of Runway's API, each sent once."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import IO, Any

from videos.engines import downloads, json_api, poll_loop, templates
from videos.engines.base import Callback, Job, JobState, RenderRequest, Variant
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    NotFound,
    NotReady,
    OutOfCredit,
    Unsupported,
)
from videos.engines.http_answers import Answer
from videos.engines.result_streams import Part, ResultStream
from videos.engines.runway import errors, jobs
from videos.engines.runway.images import ImageInputs

API_VERSION = "2024-11-06"
# Fields whose images are objects.
LISTS_OF_IMAGES = ("promptImage", "references")


class Runway:
    """One account at Runway."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        base_url = config["base_url"].rstrip("/")
        key = {"Authorization": f"Bearer {config['api_key']}"}
        self._client = json_api.client(base_url, {**key, "X-Runway-Version": API_VERSION})
        # A client of its own, so that the key is never sent to a host of files.
        self._files = json_api.client("", {})
        self._images = ImageInputs(self._client, self._files, base_url)
        self._results = downloads.ResultStore(self._files, base_url, config.get("result_hosts", ""))
        self.poll_address = poll_loop.address_of(self._client)

    def check(self) -> None:
        if (balance := self.balance()) <= 0:
            raise OutOfCredit(f"the balance is {balance} credits")

    def balance(self) -> Decimal:
        """What is left in our account, in credits."""
        account = self._send("GET", "/organization")
        balance = account.get("creditBalance") if isinstance(account, dict) else None
        if not isinstance(balance, int):
            raise BadAnswer("the account has no balance")
        return Decimal(balance)

    def submit(self, order: RenderRequest) -> Job:
        body = self._write_body(order)
        path = "/image_to_video" if "promptImage" in body else "/text_to_video"
        answer = json_api.send(
            self._client,
            "POST",
            path,
            submitting=True,
            read_error=errors.read_submit_error,
            json=body,
        )
        return jobs.parse_submitted(answer)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        raise Unsupported("there is no list of tasks, no callback and no id of ours")

    def fetch(self, job_id: str) -> Job:
        return jobs.parse_job(self._task(job_id), job_id)

    def poll_target(self, job_id: str) -> str:
        return self.poll_address.path + _path_of(job_id)

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        return jobs.parse_job(_read(job_id, answer), job_id)

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        self._results.save(self._result_url(job_id), to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        return self._results.open(self._result_url(job_id), part)

    def _result_url(self, job_id: str) -> str:
        task = self._task(job_id)  # each answer signs new URLs
        job = jobs.parse_job(task, job_id)
        if job.failure:
            raise job.failure
        url = jobs.find_url(task)
        if job.state is not JobState.SUCCEEDED or not url:
            raise NotReady(f"the task is {job.state}")
        return url

    def delete(self, job_id: str) -> None:
        """Cancel a task that runs, or delete one that is finished: it is the same call."""
        with suppress(NotFound):
            self._send("DELETE", f"/tasks/{jobs.checked_id(job_id)}")

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        raise AuthFailed("callback: this engine sends none")

    def _write_body(self, order: RenderRequest) -> dict[str, Any]:
        if order.source_id:
            raise Unsupported("there are no remixes")
        filled = templates.fill(order, self._images.give)
        for name in LISTS_OF_IMAGES:
            if isinstance(images := filled.get(name), list):
                filled[name] = [
                    {"uri": image} if isinstance(image, str) else image for image in images
                ]
        return {"promptText": order.prompt, **filled, "model": order.model}

    def _task(self, job_id: str) -> dict[str, Any]:
        return _read(job_id, json_api.get(self._client, _path_of(job_id)))

    def _send(self, method: str, path: str, **more: Any) -> Any:
        return json_api.send(self._client, method, path, read_error=errors.read_error, **more)


def _path_of(job_id: str) -> str:
    return f"/tasks/{jobs.checked_id(job_id)}"


def _read(job_id: str, answer: Answer) -> dict[str, Any]:
    """The task in an answer."""
    is_answer = partial(jobs.is_failed, job_id=job_id)
    return jobs.checked(json_api.read(answer, read_error=errors.read_error, is_answer=is_answer))
