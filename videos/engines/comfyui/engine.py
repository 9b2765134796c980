"""The calls of ComfyUI's HTTP API, each sent once.

Uploaded images and saved videos stay on the server's disk: it has no call to delete files.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import IO, Any
from urllib.parse import quote, urlencode

from videos.engines import downloads, json_api
from videos.engines.base import Callback, Image, Job, JobState, RenderRequest, Variant
from videos.engines.comfyui import graphs, installed, jobs, order_values, progress
from videos.engines.comfyui.errors import read_refusal
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    InvalidRequest,
    NotFound,
    NotReady,
    Unsupported,
)
from videos.engines.result_streams import Part, ResultStream

# How long a poll of a running job listens for the end of a step.
LISTEN_SECONDS = 3.0
UPLOAD_FOLDER = "firstlight"
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class ComfyUI:
    """One server; `models` of its settings are the workflows that `check` looks at."""

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self.name = name
        self._base_url = config["base_url"].rstrip("/")
        self._folder = config.get("workflows", "")
        self._models = config.get("models", "").replace(",", " ").split()
        key = config.get("api_key", "")
        self._key_headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = json_api.client(self._base_url, self._key_headers)
        self._listen_seconds = LISTEN_SECONDS
        # Results are at the server itself, behind the same key, and nowhere else.
        self._results = downloads.ResultStore(self._client, self._base_url, "")

    def check(self) -> None:
        """Ask what is installed. Raises InvalidRequest that names what the workflows lack."""
        stats = self._get("/system_stats")
        if not isinstance(stats, dict) or "system" not in stats:
            raise BadAnswer(f"not a ComfyUI server: {str(stats)[:300]}")
        described: dict[str, Mapping[str, Any]] = {}

        def describe(kind: str) -> Mapping[str, Any]:
            if kind not in described:
                described[kind] = self._describe_node(kind)
            return described[kind]

        problems = {
            f"workflow {name}: {sentence}": None
            for name in self._models
            for sentence in installed.find_missing(graphs.load(name, self._folder), describe)
        }
        if problems:
            raise InvalidRequest("; ".join(problems))

    def submit(self, order: RenderRequest) -> Job:
        if order.source_id:
            raise Unsupported("there are no remixes")
        job_id = jobs.id_for(order.token)
        graph = graphs.load(order.model, self._folder)
        values = order_values.values_of(order)
        order_values.check_fits(order, graphs.names_in(graph), values)
        for name, image in order_values.images_of(order).items():
            values[name] = self._upload(f"{job_id}-{name}", image)
        answer = json_api.send(
            self._client,
            "POST",
            "/prompt",
            submitting=True,
            read_error=read_refusal,
            json={
                "prompt": graphs.fill(graph, values),
                "prompt_id": job_id,
                # Reports of the job go to a client of its own, and to no open browser.
                "client_id": job_id,
            },
        )
        return Job(_accepted_id(answer), JobState.QUEUED, prompt=order.prompt)

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The job of this order: its id is known before it is submitted."""
        job = self._look_up(jobs.id_for(order.token), self._get("/queue"))
        return [job] if job else []

    def fetch(self, job_id: str) -> Job:
        """Poll a job; one that runs is listened to for a moment, for its percentage."""
        job_id, queue = _checked(job_id), self._get("/queue")
        job = self._look_up(job_id, queue)
        if job is None:
            raise NotFound("neither in the queue nor in the history: the server has restarted")
        if job.state is not JobState.RUNNING:
            return job
        graph = jobs.running_graph(queue, job_id)
        seconds = self._listen_seconds
        percent = progress.listen(self._base_url, self._key_headers, job_id, graph, seconds)
        return replace(job, progress=percent)

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise Unsupported("there are no thumbnails or spritesheets")
        self._results.save(self._result_url(job_id), to)

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        return self._results.open(self._result_url(job_id), part)

    def _result_url(self, job_id: str) -> str:
        record = self._record(_checked(job_id))
        if record is None:
            raise NotFound("the history has no such job")
        file = jobs.find_video(record)
        if file is None:
            raise NotReady("the history names no video")
        return f"{self._base_url}/view?{urlencode(file)}"

    def delete(self, job_id: str) -> None:
        """Stop a job and delete its record. Raises NotReady while it is being stopped."""
        if not jobs.ID.fullmatch(job_id):
            return
        for _ in range(3):  # a waiting job may start meanwhile
            entries = jobs.read_queue(self._get("/queue"), job_id)
            if not entries:
                break
            if entries[0].state is JobState.RUNNING:
                # Without the id it would stop whatever runs.
                self._post("/interrupt", {"prompt_id": job_id})
            if waiting := [job_id for job in entries if job.state is JobState.QUEUED]:
                self._post("/queue", {"delete": waiting})
        else:
            raise NotReady("the job is being stopped")
        self._post("/history", {"delete": [job_id]})

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        raise AuthFailed("ComfyUI sends no callbacks")

    def _look_up(self, job_id: str, queue: Any) -> Job | None:
        # The queue was asked before: a job that ends between the two requests is in the history.
        if entries := jobs.read_queue(queue, job_id):
            return entries[0]
        record = self._record(job_id)
        return jobs.read_record(record, job_id) if record else None

    def _record(self, job_id: str) -> Mapping[str, Any] | None:
        found = self._get(f"/history/{job_id}", lambda body: jobs.is_record(body, job_id))
        return jobs.read_history(found, job_id)

    def _describe_node(self, kind: str) -> Mapping[str, Any]:
        found = self._get(f"/object_info/{quote(kind, safe='')}")
        described = found.get(kind, {}) if isinstance(found, dict) else None
        if not isinstance(described, dict):
            raise BadAnswer(f"not the description of a node: {str(found)[:300]}")
        return described

    def _upload(self, name: str, image: Image) -> str:
        """Upload an image and return the name by which nodes load it; this creates no job."""
        suffix = SUFFIXES.get(image.content_type, "png")
        with image.open() as file:
            answer = json_api.send(
                self._client,
                "POST",
                "/upload/image",
                data={"type": "input", "subfolder": UPLOAD_FOLDER, "overwrite": "true"},
                files={"image": (f"{name}.{suffix}", file.read(), image.content_type)},
            )
        match answer:
            case {"name": str(stored), "subfolder": str(folder)} if stored:
                return f"{folder}/{stored}" if folder else stored
        raise BadAnswer(f"the upload was answered without a name: {str(answer)[:300]}")

    def _get(self, path: str, is_answer: json_api.IsAnswer = lambda body: False) -> Any:
        return json_api.send(self._client, "GET", path, is_answer=is_answer)

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        json_api.send(self._client, "POST", path, json=body)


def _accepted_id(answer: Any) -> str:
    """The id under which a job was accepted; old servers choose their own."""
    job_id = answer.get("prompt_id") if isinstance(answer, dict) else None
    if not isinstance(job_id, str) or not jobs.ID.fullmatch(job_id):
        raise BadAnswer(f"accepted without a usable id: {str(answer)[:300]}", maybe_accepted=True)
    return job_id


def _checked(job_id: str) -> str:
    if not jobs.ID.fullmatch(job_id):
        raise NotFound("not a job id of this engine")
    return job_id
